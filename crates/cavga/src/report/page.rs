//! The page from top to bottom: what was found, example images, how it was measured, how it was made.

use super::text::{self, escape};
use super::{Report, chart, gallery, histogram, tables};

/// The page's whole style; it names no address.
const STYLE: &str = include_str!("style.css");

/// The report as one HTML file.
pub fn render(report: &Report) -> String {
    let warnings = cautions(&report.warnings);
    let body = [
        warnings,
        found(report),
        gallery::render(&report.galleries, report.heat.as_ref()),
        measured(report),
    ];
    shell(
        &report.title,
        &report.subtitle,
        &body.concat(),
        "Figures are measured on this run\u{2019}s test images.",
    )
}

/// What a reader must see first.
pub(super) fn cautions(warnings: &[String]) -> String {
    warnings
        .iter()
        .map(|text| text::paragraph("warning", text))
        .collect()
}

/// A whole page around the `body` of its main part.
pub(super) fn shell(title: &str, subtitle: &str, body: &str, footer: &str) -> String {
    let title = escape(title);
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n\
         <body>\n<header class=\"page\"><h1>{title}</h1>{}</header>\n<main>\n{body}</main>\n\
         <footer>Written by cavga {}. {footer}</footer>\n</body>\n</html>\n",
        text::paragraph("subtitle", subtitle),
        env!("CARGO_PKG_VERSION")
    )
}

/// What was found: the summary, the key figures, verdicts and scores.
fn found(report: &Report) -> String {
    let charts = [
        report
            .verdicts
            .as_ref()
            .map(tables::verdicts)
            .unwrap_or_default(),
        report
            .histogram
            .as_ref()
            .map(histogram::render)
            .unwrap_or_default(),
    ];
    section(
        "",
        &[
            text::paragraph("summary", &report.summary),
            tables::headline(&report.sections),
            grid(&charts.concat()),
        ],
    )
}

/// How it was measured and made: kinds of defect, all figures, curves, training, facts.
fn measured(report: &Report) -> String {
    let kinds = report
        .kinds
        .as_ref()
        .filter(|table| !table.rows.is_empty())
        .map(tables::kinds)
        .unwrap_or_default();
    let figures: String = report
        .sections
        .iter()
        .filter(|section| !section.figures.is_empty())
        .map(tables::section)
        .collect();
    let over = if report.losses_over.is_empty() {
        "step"
    } else {
        &report.losses_over
    };
    let losses: String = report
        .losses
        .iter()
        .map(|loss| chart::series(loss, over))
        .collect();
    let facts = if report.facts.is_empty() {
        String::new()
    } else {
        tables::facts(&report.facts)
    };
    [
        section("Kinds of defect", &[kinds]),
        section("Figures and their rules", &[figures]),
        section("Curves", &[grid(&curves(report))]),
        section("Training", &[grid(&losses)]),
        section("This run", &[facts]),
    ]
    .concat()
}

fn curves(report: &Report) -> String {
    let limit = if report.pro_limit > 0.0 && report.pro_limit <= 1.0 {
        report.pro_limit
    } else {
        1.0
    };
    let chart = |title, (x, y), limit, chance, curves| {
        chart::Rates {
            title,
            x,
            y,
            limit,
            chance,
            curves,
        }
        .render()
    };
    let (false_positives, true_positives) = ("false positive rate", "true positive rate");
    [
        chart(
            "Receiver operating characteristic",
            (false_positives, true_positives),
            1.0,
            true,
            &report.roc,
        ),
        chart(
            "Precision and recall",
            ("recall", "precision"),
            1.0,
            false,
            &report.precision_recall,
        ),
        chart(
            "Per-region overlap",
            (false_positives, "mean overlap of regions"),
            limit,
            false,
            &report.pro,
        ),
    ]
    .concat()
}

/// A section with its heading; nothing where it has no content.
pub(super) fn section(title: &str, parts: &[String]) -> String {
    if parts.iter().all(String::is_empty) {
        return String::new();
    }
    let heading = if title.is_empty() {
        String::new()
    } else {
        format!("<h2>{}</h2>\n", escape(title))
    };
    format!("<section>{heading}{}</section>\n", parts.concat())
}

pub(super) fn grid(charts: &str) -> String {
    if charts.is_empty() {
        String::new()
    } else {
        format!("<div class=\"charts\">{charts}</div>\n")
    }
}

#[cfg(test)]
mod tests {
    use super::super::*;
    use super::render;
    use crate::picture::Panels;

    const HOSTILE: &str = "<script>alert('x')</script>\"><img src=x onerror=y>&";

    /// A report that has every part, each with `text` as its text and `value` as its numbers.
    fn full(text: &str, value: f64) -> Report {
        let text = || text.to_owned();
        let curve = || {
            vec![Curve {
                name: text(),
                area: Some(value),
                points: vec![(0.0, 0.0), (value, value), (1.0, 1.0)],
            }]
        };
        let figure = Figure {
            name: text(),
            value: Ok(value),
            interval: Some([value, value]),
            rule: text(),
            reported: Some(text()),
            headline: Some(text()),
        };
        let undefined = Figure {
            value: Err(text()),
            ..figure.clone()
        };
        let picture = || Some(vec![1, 2, 3]);
        let panels = Panels {
            input: vec![1, 2, 3],
            truth: picture(),
            map: picture(),
            overlay: picture(),
        };
        let item = Item {
            id: text(),
            kind: text(),
            anomalous: true,
            score: value,
            verdict: text(),
            panels,
        };
        Report {
            title: text(),
            subtitle: text(),
            summary: text(),
            warnings: vec![text()],
            sections: vec![Section {
                title: text(),
                note: text(),
                figures: vec![figure, undefined],
            }],
            verdicts: Some(Verdicts {
                normal: [1, 1, 0],
                anomalous: [0, 1, 2],
                rule: text(),
            }),
            histogram: Some(Histogram {
                normal: vec![value as f32, 0.5],
                anomalous: vec![0.7, value as f32],
                threshold: Some(value),
                unit: text(),
            }),
            roc: curve(),
            precision_recall: curve(),
            pro: curve(),
            pro_limit: value,
            kinds: Some(KindTable {
                columns: vec![text()],
                rows: vec![KindRow {
                    kind: text(),
                    images: 1,
                    values: vec![Err(text())],
                }],
                note: text(),
            }),
            galleries: vec![Gallery {
                title: text(),
                note: text(),
                items: vec![item],
            }],
            heat: Some(HeatScale {
                low: 0.0,
                high: value as f32,
                what: text(),
            }),
            losses: curve(),
            losses_over: text(),
            facts: vec![(text(), text())],
        }
    }

    #[test]
    fn no_text_becomes_markup() {
        let page = render(&full(HOSTILE, 0.5));
        assert!(
            !page.contains("<script") && !page.contains("<img src=x") && !page.contains("('x')")
        );
        assert!(page.matches("&lt;script&gt;").count() > 30);
    }

    #[test]
    fn a_page_asks_nobody_for_anything() {
        let page = render(&full("text", 0.5));
        for address in ["http", "//", "url(", "@import", "<script", "<link"] {
            assert!(!page.contains(address), "{address}");
        }
        let sources = page.matches("src=").count();
        assert!(sources == 4 && page.matches("src=\"data:image/png;base64,").count() == sources);
    }

    #[test]
    fn values_that_are_not_finite_never_reach_a_drawing() {
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX] {
            let page = render(&full("text", value));
            let drawings = page
                .split("<svg")
                .skip(1)
                .filter_map(|part| part.split("</svg>").next());
            for drawing in drawings {
                assert!(
                    !drawing.contains("NaN") && !drawing.contains("inf"),
                    "{value}: {drawing}"
                );
            }
        }
    }

    #[test]
    fn parts_without_content_are_left_out() {
        let bare = Report {
            title: "bare".into(),
            ..Report::default()
        };
        let hollow = Report {
            sections: vec![Section::default()],
            histogram: Some(Histogram::default()),
            roc: vec![Curve::default()],
            kinds: Some(KindTable::default()),
            galleries: vec![Gallery::default()],
            heat: Some(HeatScale {
                low: 0.0,
                high: 1.0,
                what: String::new(),
            }),
            losses: vec![Curve::default()],
            ..bare.clone()
        };
        for page in [render(&bare), render(&hollow)] {
            assert!(page.contains("<h1>bare</h1>") && page.ends_with("</html>\n"));
            assert!(
                !page.contains("<section") && !page.contains("<svg"),
                "{page}"
            );
        }
    }

    #[test]
    fn every_element_that_opens_closes() {
        let page = render(&full("text", 0.5));
        for element in [
            "section", "figure", "div", "table", "tr", "td", "th", "svg", "dl", "ul", "ol", "p",
            "article", "small",
        ] {
            let opened = page.matches(&format!("<{element}>")).count()
                + page.matches(&format!("<{element} ")).count();
            assert_eq!(
                opened,
                page.matches(&format!("</{element}>")).count(),
                "{element}"
            );
        }
    }

    #[test]
    fn an_image_without_mask_or_map_says_so() {
        let mut report = full("text", 0.5);
        let mut normal = report.galleries[0].items[0].clone();
        normal.anomalous = false;
        normal.panels = Panels {
            input: vec![1],
            ..Panels::default()
        };
        report.galleries[0].items.push(normal);
        let page = render(&report);
        assert!(page.contains("normal: nothing to outline") && page.contains("no map"));
        report.galleries[0].items.remove(0);
        let page = render(&report);
        assert!(!page.contains("no map") && !page.contains("class=\"heat\""));
    }
}
