//! What a report says in tables: key figures, verdicts, figures with their rules, kinds of defect, facts of the run.

use super::text::{escape, number, paragraph, percent};
use super::{KindTable, Section, Value, Verdicts};

/// The key numbers on top of the page.
pub(super) fn headline(sections: &[Section]) -> String {
    let mut tiles = String::new();
    for figure in sections.iter().flat_map(|section| &section.figures) {
        let Some(label) = &figure.headline else {
            continue;
        };
        let value = match finite(&figure.value) {
            Ok(value) => format!("<dd>{}{}</dd>", number(value), between(figure.interval)),
            Err(reason) => format!(
                "<dd class=\"undefined\">undefined <small>{}</small></dd>",
                escape(&reason)
            ),
        };
        tiles += &format!("<div><dt>{}</dt>{value}</div>", escape(label));
    }
    if tiles.is_empty() {
        String::new()
    } else {
        format!("<dl class=\"headline\">{tiles}</dl>\n")
    }
}

/// The ends of an interval, in small.
fn between(interval: Option<[f64; 2]>) -> String {
    let ends = interval.filter(|ends| ends.iter().all(|end| end.is_finite()));
    ends.map_or_else(String::new, |[low, high]| {
        format!(" <small>{} to {}</small>", number(low), number(high))
    })
}

/// How many images got which verdict, in a sentence and a table.
pub(super) fn verdicts(verdicts: &Verdicts) -> String {
    let (normal, anomalous) = (
        verdicts.normal.iter().sum::<usize>(),
        verdicts.anomalous.iter().sum::<usize>(),
    );
    let unsure = verdicts.normal[1] + verdicts.anomalous[1] > 0;
    let middle = if unsure {
        "<th scope=\"col\" class=\"number\">unsure</th>"
    } else {
        ""
    };
    format!(
        "<figure class=\"chart\"><figcaption>Verdicts</figcaption>{}\
         <table><thead><tr><th scope=\"col\">in truth</th><th scope=\"col\" class=\"number\">called normal</th>{middle}\
         <th scope=\"col\" class=\"number\">called anomalous</th></tr></thead><tbody>{}{}</tbody></table>{}</figure>\n",
        sentence(verdicts, normal, anomalous),
        verdict_row("normal", verdicts.normal, unsure),
        verdict_row("anomalous", verdicts.anomalous, unsure),
        paragraph("rule", &verdicts.rule)
    )
}

/// A class's verdicts as numbers, and below them as a bar divided alike.
fn verdict_row(name: &str, counts: [usize; 3], unsure: bool) -> String {
    let of = counts.iter().sum();
    let cells: String = counts
        .iter()
        .enumerate()
        .filter(|&(index, _)| index != 1 || unsure)
        .map(|(_, &count)| {
            format!(
                "<td class=\"number\">{count} <small>{}</small></td>",
                percent(count, of)
            )
        })
        .collect();
    let columns = if unsure { 4 } else { 3 };
    let parts: String = counts
        .iter()
        .map(|count| format!("<i style=\"flex-grow:{count}\"></i>"))
        .collect();
    format!(
        "<tr><th scope=\"row\">{name} <small>{of}</small></th>{cells}</tr>\
         <tr class=\"stack\" aria-hidden=\"true\"><td colspan=\"{columns}\"><div>{parts}</div></td></tr>"
    )
}

fn sentence(verdicts: &Verdicts, normal: usize, anomalous: usize) -> String {
    let found = verdicts.anomalous[2];
    let alarms = verdicts.normal[2];
    let plural = if alarms == 1 { "alarm" } else { "alarms" };
    let text = match (normal, anomalous) {
        (0, 0) => String::new(),
        (0, _) => format!(
            "{found} of {anomalous} anomalous images found; no normal image to raise a false alarm."
        ),
        (_, 0) => format!(
            "{alarms} false {plural} on {normal} normal images; no anomalous image to find."
        ),
        _ => format!(
            "{found} of {anomalous} anomalous images found; {alarms} false {plural} on {normal} normal images."
        ),
    };
    paragraph("lead", &text)
}

/// Figures with their rules; what a paper reported stands in a column of its own.
pub(super) fn section(section: &Section) -> String {
    let reported = section
        .figures
        .iter()
        .any(|figure| figure.reported.is_some());
    let mut rows = String::new();
    for figure in &section.figures {
        let (value, reason) = match finite(&figure.value) {
            Ok(value) => (
                format!(
                    "<td class=\"number\">{}{}</td>",
                    number(value),
                    between(figure.interval)
                ),
                String::new(),
            ),
            Err(reason) => (
                "<td class=\"number undefined\">undefined</td>".to_owned(),
                format!(
                    "<small class=\"reason\">Undefined: {}</small>",
                    escape(&reason)
                ),
            ),
        };
        let beside = match (&figure.reported, reported) {
            (Some(text), _) => format!("<td class=\"number reported\">{}</td>", escape(text)),
            (None, true) => "<td class=\"number reported\">\u{2013}</td>".to_owned(),
            (None, false) => String::new(),
        };
        rows += &format!(
            "<tr><th scope=\"row\">{}<small>{}</small>{reason}</th>{value}{beside}</tr>",
            escape(&figure.name),
            escape(&figure.rule)
        );
    }
    let beside = if reported {
        "<th scope=\"col\" class=\"number\">reported by the paper</th>"
    } else {
        ""
    };
    format!(
        "<div class=\"group\"><h3>{}</h3>{}<table class=\"figures\"><thead><tr><th scope=\"col\">figure</th>\
         <th scope=\"col\" class=\"number\">measured here</th>{beside}</tr></thead><tbody>{rows}</tbody></table></div>\n",
        escape(&section.title),
        paragraph("note", &section.note)
    )
}

/// One row for each kind of defect; why a figure is undefined stands below the table.
pub(super) fn kinds(table: &KindTable) -> String {
    let mut reasons: Vec<String> = Vec::new();
    let mut rows = String::new();
    for row in &table.rows {
        let mut cells = String::new();
        for value in row.values.iter().take(table.columns.len()) {
            cells += &kind_cell(value, &mut reasons);
        }
        rows += &format!(
            "<tr><th scope=\"row\"><bdi>{}</bdi></th><td class=\"number\">{}</td>{cells}</tr>",
            escape(&row.kind),
            row.images
        );
    }
    let head: String = table
        .columns
        .iter()
        .map(|name| format!("<th scope=\"col\" class=\"number\">{}</th>", escape(name)))
        .collect();
    let notes: String = reasons
        .iter()
        .map(|reason| format!("<li>{}</li>", escape(reason)))
        .collect();
    let notes = if notes.is_empty() {
        notes
    } else {
        format!("<ol class=\"rule\">{notes}</ol>")
    };
    format!(
        "{}<div class=\"scroll\"><table class=\"kinds\"><thead><tr><th scope=\"col\">kind</th>\
         <th scope=\"col\" class=\"number\">images</th>{head}</tr></thead><tbody>{rows}</tbody></table></div>{notes}\n",
        paragraph("note", &table.note)
    )
}

/// A number with a bar where it is a share, or the number of the footnote that says why there is none.
fn kind_cell(value: &Value, reasons: &mut Vec<String>) -> String {
    match finite(value) {
        Ok(value) if (0.0..=1.0).contains(&value) => format!(
            "<td class=\"number\">{}<span class=\"bar\"><i style=\"width:{:.0}%\"></i></span></td>",
            number(value),
            value * 100.0
        ),
        Ok(value) => format!("<td class=\"number\">{}</td>", number(value)),
        Err(reason) => {
            let place = reasons
                .iter()
                .position(|known| *known == reason)
                .unwrap_or_else(|| {
                    reasons.push(reason);
                    reasons.len() - 1
                });
            format!(
                "<td class=\"number undefined\">undefined<sup>{}</sup></td>",
                place + 1
            )
        }
    }
}

/// Names and values.
pub(super) fn facts(facts: &[(String, String)]) -> String {
    let rows: String = facts
        .iter()
        .map(|(name, value)| {
            format!(
                "<div><dt>{}</dt><dd>{}</dd></div>",
                escape(name),
                escape(value)
            )
        })
        .collect();
    format!("<dl class=\"facts\">{rows}</dl>\n")
}

/// A value that is not a finite number is undefined too.
fn finite(value: &Value) -> Result<f64, String> {
    match value {
        Ok(value) if value.is_finite() => Ok(*value),
        Ok(_) => Err("the result is not a finite number".to_owned()),
        Err(reason) => Err(reason.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Figure, KindRow};
    use super::*;

    fn figure(value: Value, reported: Option<&str>) -> Figure {
        Figure {
            name: "AUROC".into(),
            value,
            interval: None,
            rule: "a rule".into(),
            reported: reported.map(str::to_owned),
            headline: Some("Told apart".into()),
        }
    }

    fn of(figures: Vec<Figure>) -> Section {
        Section {
            title: "Image level".into(),
            note: String::new(),
            figures,
        }
    }

    #[test]
    fn undefined_is_shown_with_its_reason_and_never_as_a_number() {
        for value in [
            Err("no anomalous image".to_owned()),
            Ok(f64::NAN),
            Ok(f64::INFINITY),
        ] {
            let reason = finite(&value).unwrap_err();
            let one = of(vec![figure(value.clone(), None)]);
            let table = KindTable {
                columns: vec!["AUROC".into()],
                rows: vec![KindRow {
                    kind: "hole".into(),
                    images: 3,
                    values: vec![value.clone(), value],
                }],
                note: String::new(),
            };
            for html in [section(&one), headline(&[one]), kinds(&table)] {
                assert!(
                    html.contains("undefined") && html.contains(&reason),
                    "{html}"
                );
                assert!(
                    !html.contains(">0") && !html.contains("NaN") && !html.contains("inf"),
                    "{html}"
                );
            }
        }
    }

    #[test]
    fn reported_figures_have_a_column_of_their_own_only_where_there_are_any() {
        let with = section(&of(vec![
            figure(Ok(0.9), Some(".97")),
            figure(Ok(0.8), None),
        ]));
        assert!(
            with.contains("reported by the paper")
                && with.contains("<td class=\"number reported\">.97</td>")
        );
        assert!(with.contains("<td class=\"number\">0.900</td>"));
        assert!(!section(&of(vec![figure(Ok(0.9), None)])).contains("reported"));
    }

    #[test]
    fn verdicts_are_said_in_words() {
        let html = verdicts(&Verdicts {
            normal: [11, 0, 1],
            anomalous: [2, 0, 28],
            rule: String::new(),
        });
        assert!(
            html.contains("28 of 30 anomalous images found; 1 false alarm on 12 normal images.")
        );
        assert!(!html.contains("unsure"));
        let html = verdicts(&Verdicts {
            normal: [0; 3],
            anomalous: [2, 1, 28],
            rule: String::new(),
        });
        assert!(
            html.contains("no normal image") && html.contains("unsure") && !html.contains("NaN")
        );
    }
}
