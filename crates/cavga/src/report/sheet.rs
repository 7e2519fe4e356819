//! The page of a dataset, or of several runs: tables, histograms over classes, and contact sheets, in sections that the caller orders.

use super::heat::{self, Heat};
use super::histogram;
use super::page::{cautions, grid, section, shell};
use super::text::{data_address, escape, paragraph};

/// All that such a page shows; parts without content are left out.
#[derive(Clone, Debug, Default)]
pub struct Sheet {
    /// The page's heading.
    pub title: String,
    /// One line below it.
    pub subtitle: String,
    /// A plain-language paragraph for a reader who stops here.
    pub summary: String,
    /// What a reader must see first.
    pub warnings: Vec<String>,
    /// The rest, from top to bottom.
    pub sections: Vec<SheetSection>,
    /// What stands below all; may be empty.
    pub footer: String,
}

/// A section under one heading.
#[derive(Clone, Debug, Default)]
pub struct SheetSection {
    /// The heading.
    pub title: String,
    /// What it shows and by which rule; may be empty.
    pub note: String,
    /// Its content.
    pub parts: Vec<Part>,
}

/// A part of a section.
#[derive(Clone, Debug)]
pub enum Part {
    /// A table.
    Table(Table),
    /// A table of numbers, darker where they are higher.
    Heat(Heat),
    /// Histograms beside each other.
    Spreads(Vec<Spread>),
    /// Small pictures.
    Contacts(Contacts),
    /// Lines of text.
    List(Vec<String>),
}

/// A table; the first column is the heading of its row.
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// The columns' headings.
    pub columns: Vec<String>,
    /// As many cells as there are columns.
    pub rows: Vec<Vec<String>>,
}

/// How a value is spread over the images of some classes.
#[derive(Clone, Debug, Default)]
pub struct Spread {
    /// The heading.
    pub title: String,
    /// What the horizontal axis shows.
    pub unit: String,
    /// Draws the horizontal axis logarithmic where all values are positive and span more than a factor of 30.
    pub log: bool,
    /// Name and values of each class; values that are not finite are left out.
    pub classes: Vec<(String, Vec<f64>)>,
}

/// Small pictures under one heading.
#[derive(Clone, Debug, Default)]
pub struct Contacts {
    /// The heading: "train: 60 of 3629".
    pub title: String,
    /// A line below it; may be empty.
    pub note: String,
    /// The pictures.
    pub thumbs: Vec<Thumb>,
}

/// A small picture with what is known of it.
#[derive(Clone, Debug, Default)]
pub struct Thumb {
    /// The sample's id.
    pub id: String,
    /// What is to be said of it; may be empty.
    pub note: String,
    /// What it is known to be.
    pub tone: Tone,
    /// The bytes of a PNG or JPEG file; without them the picture is said to be unreadable.
    pub picture: Option<Vec<u8>>,
}

/// The colour of a picture's edge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tone {
    /// A normal image.
    #[default]
    Normal,
    /// An anomalous one.
    Anomalous,
}

/// The page as one HTML file.
pub fn render_sheet(sheet: &Sheet) -> String {
    let sections: String = sheet.sections.iter().map(section_of).collect();
    let body = [
        cautions(&sheet.warnings),
        section("", &[paragraph("summary", &sheet.summary)]),
        sections,
    ];
    shell(
        &sheet.title,
        &sheet.subtitle,
        &body.concat(),
        &escape(&sheet.footer),
    )
}

fn section_of(of: &SheetSection) -> String {
    let parts: String = of.parts.iter().map(part).collect();
    if parts.is_empty() {
        return parts;
    }
    section(&of.title, &[paragraph("note", &of.note), parts])
}

fn part(part: &Part) -> String {
    match part {
        Part::Table(table) => table_of(table),
        Part::Heat(heat) => heat::render(heat),
        Part::Spreads(spreads) => {
            let charts: String = spreads.iter().map(histogram::rows).collect();
            grid(&charts)
        }
        Part::Contacts(contacts) if contacts.thumbs.is_empty() => String::new(),
        Part::Contacts(contacts) => contacts_of(contacts),
        Part::List(lines) if lines.is_empty() => String::new(),
        Part::List(lines) => {
            let items = lines
                .iter()
                .map(|text| format!("<li>{}</li>", escape(text)));
            format!("<ul class=\"list\">{}</ul>\n", items.collect::<String>())
        }
    }
}

fn table_of(table: &Table) -> String {
    if table.rows.is_empty() {
        return String::new();
    }
    let cell = |index: usize, text: &str, name: &str| match (index, name) {
        (0, "th") => format!("<th scope=\"col\">{}</th>", escape(text)),
        (0, _) => format!("<th scope=\"row\"><bdi>{}</bdi></th>", escape(text)),
        (_, "th") => format!("<th scope=\"col\" class=\"number\">{}</th>", escape(text)),
        _ => format!("<td class=\"number\">{}</td>", escape(text)),
    };
    let row = |cells: &[String], name: &str| {
        let cells = cells.iter().enumerate();
        let cells: String = cells.map(|(index, text)| cell(index, text, name)).collect();
        format!("<tr>{cells}</tr>")
    };
    let rows: String = table.rows.iter().map(|cells| row(cells, "td")).collect();
    format!(
        "<div class=\"scroll\"><table><thead>{}</thead><tbody>{rows}</tbody></table></div>\n",
        row(&table.columns, "th")
    )
}

fn contacts_of(contacts: &Contacts) -> String {
    let thumbs: String = contacts.thumbs.iter().map(thumb).collect();
    format!(
        "<div class=\"group\"><h3>{}</h3>{}<div class=\"contacts\">{thumbs}</div></div>\n",
        escape(&contacts.title),
        paragraph("note", &contacts.note)
    )
}

fn thumb(thumb: &Thumb) -> String {
    let id = escape(&thumb.id);
    let class = match thumb.tone {
        Tone::Normal => "normal",
        Tone::Anomalous => "anomalous",
    };
    let picture = match &thumb.picture {
        Some(bytes) => format!(
            "<img alt=\"{id}\" title=\"{id}\" src=\"{}\">",
            data_address(bytes)
        ),
        None => "<span class=\"missing\">unreadable</span>".to_owned(),
    };
    let note = if thumb.note.is_empty() {
        String::new()
    } else {
        format!("<small>{}</small>", escape(&thumb.note))
    };
    format!(
        "<figure class=\"{class}\">{picture}<figcaption><bdi>{id}</bdi>{note}</figcaption></figure>"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_of_a_sheet_becomes_markup_and_empty_parts_are_left_out() {
        let text = || "<img src=x onerror='y'>&\"".to_owned();
        let full = SheetSection {
            title: text(),
            note: text(),
            parts: vec![
                Part::Table(Table {
                    columns: vec![text(), text()],
                    rows: vec![vec![text(), text()]],
                }),
                Part::Spreads(vec![Spread {
                    title: text(),
                    unit: text(),
                    log: true,
                    classes: vec![(text(), vec![0.1, f64::NAN])],
                }]),
                Part::Contacts(Contacts {
                    title: text(),
                    note: text(),
                    thumbs: vec![Thumb {
                        id: text(),
                        note: text(),
                        tone: Tone::Anomalous,
                        picture: None,
                    }],
                }),
                Part::List(vec![text()]),
            ],
        };
        let empty = SheetSection {
            title: "empty".into(),
            note: "empty".into(),
            parts: vec![
                Part::List(vec![]),
                Part::Spreads(vec![]),
                Part::Contacts(Contacts::default()),
            ],
        };
        let page = render_sheet(&Sheet {
            title: text(),
            subtitle: text(),
            summary: text(),
            warnings: vec![text()],
            sections: vec![full, empty],
            footer: text(),
        });
        assert!(!page.contains("<img") && !page.contains("onerror='") && !page.contains("NaN"));
        assert!(page.matches("&lt;img").count() > 15 && !page.contains("empty"));
        for element in [
            "section", "figure", "div", "table", "tr", "td", "th", "ul", "li", "bdi",
        ] {
            let opened = page.matches(&format!("<{element}>")).count()
                + page.matches(&format!("<{element} ")).count();
            let closed = page.matches(&format!("</{element}>")).count();
            assert_eq!(opened, closed, "{element}");
        }
    }
}
