//! Histograms: of scores, and of any value over some classes.
//!
//! The score histogram: normal images above the line, anomalous ones below it, on one axis with the threshold.
//!
//! Back to back instead of on top of one another, so that no bar hides another one, in print and to the colour-blind
//! alike. Heights are shares of each class: a test set with few normal images stays readable.

use super::chart::{ACROSS, TOP, UPWARDS, axis_labels, card, entry, svg, tick_column, tick_row};
use super::scale::{Scale, drawable, extent};
use super::text::{escape, number};
use super::{Histogram, Spread};

const BINS: usize = 28;

/// The histogram as a chart; empty without a score.
pub(super) fn render(histogram: &Histogram) -> String {
    let scores = |of: &[f32]| {
        of.iter()
            .map(|&score| f64::from(score))
            .filter(|&s| drawable(s))
            .collect::<Vec<_>>()
    };
    let (normal, anomalous) = (scores(&histogram.normal), scores(&histogram.anomalous));
    let threshold = histogram.threshold.filter(|&threshold| drawable(threshold));
    let Some(range) = extent(normal.iter().chain(&anomalous).copied()) else {
        return String::new();
    };
    let shown = extent([range.0, range.1].into_iter().chain(threshold)).unwrap_or(range);
    let x = Scale::linear(shown, ACROSS);
    let (above, below) = (counts(&normal, x), counts(&anomalous, x));
    let highest = above
        .iter()
        .map(|&n| share(n, normal.len()))
        .chain(below.iter().map(|&n| share(n, anomalous.len())));
    let top = highest.fold(0.0, f64::max);
    let middle = f64::midpoint(UPWARDS.0, UPWARDS.1 + 14.0);
    let (up, down) = (
        Scale::linear((0.0, top), (middle, UPWARDS.1 + 14.0)),
        Scale::linear((0.0, top), (middle, UPWARDS.0)),
    );
    let mut drawing = axes(x, up, down, &histogram.unit);
    drawing += &bars("fill0", "normal", &above, normal.len(), up);
    drawing += &bars("fill1", "anomalous", &below, anomalous.len(), down);
    drawing += &format!(
        "<path class=\"axis\" d=\"M{} {middle:.1}H{}\"/>",
        ACROSS.0, ACROSS.1
    );
    drawing += &threshold
        .map(|threshold| threshold_line(threshold, x))
        .unwrap_or_default();
    let title = "Scores of the test images";
    let description = format!(
        "{} normal images above the line, {} anomalous ones below it; scores from {} to {}.",
        normal.len(),
        anomalous.len(),
        number(range.0),
        number(range.1)
    );
    let legend = format!(
        "<ul class=\"legend\">{}{}</ul>",
        entry(
            "swatch fill0",
            &format!("normal, above <b>{}</b>", normal.len())
        ),
        entry(
            "swatch fill1",
            &format!("anomalous, below <b>{}</b>", anomalous.len())
        )
    );
    card(title, &svg(title, &description, &drawing), &legend)
}

/// A histogram of each class in a row of its own, one below the other on one axis; empty without a value.
pub(super) fn rows(spread: &Spread) -> String {
    let classes: Vec<(&str, Vec<f64>)> = spread
        .classes
        .iter()
        .map(|(name, values)| {
            let drawn = values.iter().copied().filter(|&value| drawable(value));
            (name.as_str(), drawn.collect())
        })
        .filter(|(_, values): &(_, Vec<f64>)| !values.is_empty())
        .collect();
    let Some(range) = extent(classes.iter().flat_map(|class| &class.1).copied()) else {
        return String::new();
    };
    let x = if spread.log {
        Scale::suited(range, ACROSS)
    } else {
        Scale::linear(range, ACROSS)
    };
    let mut drawing = axis_labels(&spread.unit, "% of each class");
    for (value, label) in x.ticks(5) {
        drawing += &tick_column(x.at(value), &label);
    }
    let (mut legend, mut description) = (String::new(), String::new());
    let height = (UPWARDS.0 - UPWARDS.1) / classes.len() as f64;
    for (row, (name, values)) in classes.iter().enumerate() {
        let counts = counts(values, x);
        let top = counts.iter().map(|&n| share(n, values.len()));
        let floor = UPWARDS.1 + height * (row + 1) as f64;
        let y = Scale::linear(
            (0.0, top.fold(0.0, f64::max)),
            (floor, floor - height + 10.0),
        );
        for (value, label) in y.ticks(2) {
            drawing += &tick_row(y.at(value), &label);
        }
        let (class, name) = (format!("fill{}", row % 6), escape(name));
        drawing += &bars(&class, &name, &counts, values.len(), y);
        let entry_text = format!("{name} <b>{}</b>", values.len());
        legend += &entry(&format!("swatch {class}"), &entry_text);
        if let Some((low, high)) = extent(values.iter().copied()) {
            let (low, high) = (number(low), number(high));
            description += &format!(
                "{} values of {}: {low} to {high}. ",
                values.len(),
                classes[row].0
            );
        }
    }
    card(
        &spread.title,
        &svg(&spread.title, description.trim_end(), &drawing),
        &format!("<ul class=\"legend\">{legend}</ul>"),
    )
}

/// Positions rather than scores are binned: no division that a range of zero could spoil.
fn counts(scores: &[f64], x: Scale) -> [usize; BINS] {
    let mut counts = [0; BINS];
    for &score in scores {
        let place = (x.at(score) - ACROSS.0) / (ACROSS.1 - ACROSS.0) * BINS as f64;
        if let Some(count) = counts.get_mut((place as usize).min(BINS - 1)) {
            *count += 1;
        }
    }
    counts
}

fn share(count: usize, of: usize) -> f64 {
    if of == 0 {
        0.0
    } else {
        100.0 * count as f64 / of as f64
    }
}

fn axes(x: Scale, up: Scale, down: Scale, unit: &str) -> String {
    let mut out = String::new();
    for scale in [up, down] {
        for (value, label) in scale.ticks(2) {
            out += &tick_row(scale.at(value), &label);
        }
    }
    for (value, label) in x.ticks(5) {
        out += &tick_column(x.at(value), &label);
    }
    out + &axis_labels(
        if unit.is_empty() { "score" } else { unit },
        "% of each class",
    )
}

fn bars(class: &str, name: &str, counts: &[usize; BINS], of: usize, y: Scale) -> String {
    let step = (ACROSS.1 - ACROSS.0) / BINS as f64;
    let mut out = String::new();
    for (index, &count) in counts.iter().enumerate().filter(|&(_, &count)| count > 0) {
        let (base, end) = (y.at(0.0), y.at(share(count, of)));
        out += &format!(
            "<rect class=\"{class}\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\">\
             <title>{count} of {of} {name}</title></rect>",
            ACROSS.0 + step * index as f64 + 0.5,
            base.min(end),
            step - 1.0,
            (base - end).abs()
        );
    }
    out
}

/// The label stands on the side where there is room.
fn threshold_line(threshold: f64, x: Scale) -> String {
    let at = x.at(threshold);
    let (class, beside) = if at > f64::midpoint(ACROSS.0, ACROSS.1) {
        ("end", at - 5.0)
    } else {
        ("", at + 5.0)
    };
    format!(
        "<path class=\"threshold\" d=\"M{at:.1} {TOP}V{}\"/>\
         <text class=\"tick strong {class}\" x=\"{beside:.1}\" y=\"{:.1}\">threshold {}</text>",
        UPWARDS.0,
        TOP + 8.0,
        number(threshold)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn histogram(normal: &[f32], anomalous: &[f32], threshold: Option<f64>) -> String {
        render(&Histogram {
            normal: normal.to_vec(),
            anomalous: anomalous.to_vec(),
            threshold,
            unit: String::new(),
        })
    }

    #[test]
    fn every_class_has_a_row_and_names_are_escaped() {
        let spread = |classes: &[(&str, &[f64])]| {
            let classes = classes.iter();
            rows(&Spread {
                title: "Brightness".into(),
                unit: "mean grey".into(),
                log: false,
                classes: classes.map(|c| (c.0.to_owned(), c.1.to_vec())).collect(),
            })
        };
        let drawing = spread(&[("a<b", &[0.1, 0.1]), ("none", &[]), ("c", &[f64::NAN, 0.9])]);
        assert!(drawing.contains("2 of 2 a&lt;b") && drawing.contains("1 of 1 c"));
        assert!(!drawing.contains("NaN") && !drawing.contains("none"));
        assert_eq!(drawing.matches("<rect").count(), 2);
        assert_eq!(spread(&[("none", &[])]), "");
    }

    #[test]
    fn without_a_score_there_is_no_histogram() {
        assert_eq!(histogram(&[], &[f32::NAN], Some(0.5)), "");
    }

    #[test]
    fn identical_scores_are_one_bar_for_each_class() {
        let drawing = histogram(&[0.25; 5], &[0.25; 9], None);
        assert_eq!(drawing.matches("<rect").count(), 2);
        assert!(drawing.contains("5 of 5 normal") && drawing.contains("9 of 9 anomalous"));
        assert!(!drawing.contains("NaN") && !drawing.contains("inf"));
    }

    #[test]
    fn scores_that_are_not_finite_are_left_out() {
        let drawing = histogram(&[0.1, f32::NAN, f32::INFINITY], &[0.9], Some(f64::NAN));
        assert!(
            !drawing.contains("NaN") && !drawing.contains("inf") && !drawing.contains("threshold")
        );
        assert!(drawing.contains("1 of 1 normal"));
    }

    #[test]
    fn a_threshold_beyond_all_scores_is_inside_the_drawing() {
        let drawing = histogram(&[0.1, 0.2], &[], Some(5.0));
        assert!(
            drawing.contains("threshold 5.000")
                && drawing.contains(&format!("M{:.1} {TOP}V", ACROSS.1))
        );
    }
}
