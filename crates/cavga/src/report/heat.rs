//! A table of numbers as a heat map: darker is higher, each cell with a small note and a link.

use super::text::escape;

/// A heat map; the first column is the heading of its row.
#[derive(Clone, Debug, Default)]
pub struct Heat {
    /// The headings of the columns behind the first.
    pub columns: Vec<String>,
    /// Heading and cells of each row.
    pub rows: Vec<(String, Vec<HeatCell>)>,
}

/// A cell.
#[derive(Clone, Debug, Default)]
pub struct HeatCell {
    /// The number, or in a word why there is none.
    pub text: String,
    /// What stands small beside it; may be empty.
    pub note: String,
    /// How dark it is, in [0, 1]; not at all without a number.
    pub shade: Option<f64>,
    /// An address relative to the page.
    pub link: Option<String>,
}

pub(super) fn render(heat: &Heat) -> String {
    if heat.rows.is_empty() || heat.columns.is_empty() {
        return String::new();
    }
    let heads = heat.columns.iter();
    let heads =
        heads.map(|text| format!("<th scope=\"col\" class=\"number\">{}</th>", escape(text)));
    let rows = heat.rows.iter().map(|(title, cells)| {
        let cells: String = cells.iter().map(cell).collect();
        format!(
            "<tr><th scope=\"row\"><bdi>{}</bdi></th>{cells}</tr>",
            escape(title)
        )
    });
    format!(
        "<div class=\"scroll\"><table class=\"shades\"><thead><tr><td></td>{}</tr></thead><tbody>{}</tbody></table></div>\n",
        heads.collect::<String>(),
        rows.collect::<String>()
    )
}

fn cell(cell: &HeatCell) -> String {
    let text = escape(&cell.text);
    let text = match &cell.link {
        Some(link) => format!("<a href=\"{}\">{text}</a>", escape(link)),
        None => text,
    };
    let note = match &*cell.note {
        "" => String::new(),
        note => format!(" <small>{}</small>", escape(note)),
    };
    let class = match cell.shade.filter(|shade| shade.is_finite()) {
        // The palest still differs from a cell without a number.
        Some(shade) => format!(
            "number\" style=\"--shade:{:.0}%",
            6.0 + 44.0 * shade.clamp(0.0, 1.0)
        ),
        None => "number undefined".to_owned(),
    };
    format!("<td class=\"{class}\">{text}{note}</td>")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_becomes_markup_and_cells_without_a_number_have_no_shade() {
        let text = || "<img src=x onerror='y'>&\"".to_owned();
        let cell = |shade| HeatCell {
            text: text(),
            note: text(),
            shade,
            link: Some(text()),
        };
        let page = render(&Heat {
            columns: vec![text(), text(), text()],
            rows: vec![(
                text(),
                vec![cell(None), cell(Some(1.0)), cell(Some(f64::NAN))],
            )],
        });
        assert!(
            !page.contains("<img") && !page.contains("onerror='"),
            "{page}"
        );
        assert_eq!(page.matches("--shade:").count(), 1);
        assert!(page.contains("--shade:50%"), "{page}");
        assert_eq!(render(&Heat::default()), "");
    }
}
