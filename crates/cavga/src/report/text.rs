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

/// A number with as many digits as a reader can use: three decimals up to 1, four significant digits beyond.
pub(super) fn number(value: f64) -> String {
    let size = value.abs();
    let text = if !value.is_finite() {
        "undefined".to_owned()
    } else if size >= 10.0 && size < 1e6 && size.fract() == 0.0 {
        format!("{value:.0}")
    } else if size >= 1e6 || (size > 0.0 && size < 1e-3) {
        format!("{value:.2e}")
    } else {
        let whole_digits = if size < 10.0 {
            1
        } else {
            size.log10().floor() as usize + 1
        };
        format!("{value:.0$}", 4usize.saturating_sub(whole_digits))
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

/// A PNG file's bytes as an address that an `img` can show.
pub(super) fn data_address(png: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(24 + png.len().div_ceil(3) * 4);
    out.push_str("data:image/png;base64,");
    for chunk in png.chunks(3) {
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
        let shown = [
            0.0, 0.94249, 1.0, 12.0, 12.345, -0.5, 1234.56, 0.000_012, 3.2e9,
        ]
        .map(number);
        assert_eq!(
            shown,
            [
                "0.000",
                "0.942",
                "1.000",
                "12",
                "12.35",
                "\u{2212}0.500",
                "1235",
                "1.20e\u{2212}5",
                "3.20e9"
            ]
        );
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
    }
}
