//! Text that is safe in a page: escaping, numbers as a reader wants them, bytes as `data:` addresses.

/// `text` with everything that HTML could take for markup replaced, control characters included.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\r' | '\t' => out.push(' '),
            control if control.is_control() => out.push('\u{fffd}'),
            other => out.push(other),
        }
    }
    out
}

/// `text` escaped, as a paragraph of a class; nothing where there is no text.
pub(super) fn paragraph(class: &str, text: &str) -> String {
    if text.is_empty() {
        String::new()
    } else {
        format!("<p class=\"{class}\">{}</p>\n", escape(text))
    }
}

/// A number with the digits that a reader can use: three decimals from 0.1 to 10, as many significant digits elsewhere
/// (four above 10).
pub(super) fn number(value: f64) -> String {
    let size = value.abs();
    let text = if !value.is_finite() {
        "undefined".to_owned()
    } else if (10.0..1e6).contains(&size) && size.fract() == 0.0 {
        format!("{value:.0}")
    } else if size >= 1e6 || (size > 0.0 && size < 1e-4) {
        format!("{value:.2e}")
    } else {
        let power = if size == 0.0 {
            0.0
        } else {
            size.log10().floor()
        };
        let decimals = if power < -1.0 {
            2.0 - power
        } else {
            (3.0 - power).clamp(0.0, 3.0)
        };
        format!("{value:.0$}", decimals as usize)
    };
    text.replace('-', "\u{2212}")
}

/// `part` of `whole` as a whole percentage; empty where the whole is nothing.
pub(super) fn percent(part: usize, whole: usize) -> String {
    if whole == 0 {
        String::new()
    } else {
        format!("{:.0}\u{a0}%", 100.0 * part as f64 / whole as f64)
    }
}

/// A PNG or JPEG file's bytes as an address that an `img` can show.
pub(super) fn data_address(picture: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let format = if picture.starts_with(&[0xFF, 0xD8]) {
        "jpeg"
    } else {
        "png"
    };
    let mut out = String::with_capacity(24 + picture.len().div_ceil(3) * 4);
    out += &format!("data:image/{format};base64,");
    for chunk in picture.chunks(3) {
        let bits = chunk
            .iter()
            .fold(0u32, |bits, &byte| bits << 8 | u32::from(byte))
            << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let digit = (bits >> (18 - 6 * place) & 63) as usize;
            out.push(if place <= chunk.len() {
                char::from(DIGITS[digit])
            } else {
                '='
            });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_and_control_characters_are_escaped() {
        assert_eq!(
            escape("<a href='x' b=\"y\">&\u{0}\n"),
            "&lt;a href=&#39;x&#39; b=&quot;y&quot;&gt;&amp;\u{fffd} "
        );
    }

    #[test]
    fn numbers_have_the_digits_a_reader_can_use() {
        for (value, shown) in [
            (0.0, "0.000"),
            (0.94249, "0.942"),
            (1.0, "1.000"),
            (12.0, "12"),
            (12.345, "12.35"),
            (1234.56, "1235"),
            (-0.5, "\u{2212}0.500"),
            (0.068_94, "0.0689"),
            (0.000_412, "0.000412"),
            (0.000_012, "1.20e\u{2212}5"),
            (3.2e9, "3.20e9"),
        ] {
            assert_eq!(number(value), shown);
        }
        assert_eq!(number(f64::NAN), "undefined");
        assert_eq!(
            (percent(1, 3), percent(0, 0)),
            ("33\u{a0}%".to_owned(), String::new())
        );
    }

    #[test]
    fn bytes_become_base64() {
        let address = |bytes: &[u8]| data_address(bytes).replace("data:image/png;base64,", "");
        assert_eq!(
            [
                address(b""),
                address(b"f"),
                address(b"fo"),
                address(b"foo"),
                address(b"foob")
            ],
            ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg=="]
        );
        assert_eq!(address(&[255, 254, 253]), "//79");
        assert_eq!(data_address(&[255, 216]), "data:image/jpeg;base64,/9g=");
    }
}
