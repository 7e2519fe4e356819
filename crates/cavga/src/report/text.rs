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
            '\n' | '\t' => out.push(' '),
            control if control.is_control() => out.push('\u{fffd}'),
            other => out.push(other),
        }
    }
    out
}

/// A number with as many digits as a reader can use: four significant ones, whole numbers as such.
pub(super) fn number(value: f64) -> String {
    if !value.is_finite() {
        return "undefined".to_owned();
    }
    let size = value.abs();
    if size == 0.0 {
        "0".to_owned()
    } else if size.fract() == 0.0 && (10.0..1e15).contains(&size) {
        format!("{value:.0}")
    } else if size >= 1e6 || size < 1e-3 {
        format!("{value:.2e}").replace('-', "\u{2212}")
    } else {
        let decimals = (3 - size.log10().floor() as i32).clamp(0, 4) as usize;
        let decimals = if size <= 1.0 {
            decimals.min(3)
        } else {
            decimals
        };
        format!("{value:.decimals$}").replace('-', "\u{2212}")
    }
}
