//! Line charts as inline SVG: the frame with its axes, the lines, and a legend that does without colour too.

use super::Curve;
use super::scale::{Scale, drawable, extent};
use super::text::{escape, number};

/// The drawing's size and the margins that axes and their labels take, in SVG units (pixels where a card is that wide).
pub(super) const WIDTH: f64 = 380.0;
pub(super) const HEIGHT: f64 = 262.0;
pub(super) const LEFT: f64 = 54.0;
pub(super) const RIGHT: f64 = 12.0;
pub(super) const TOP: f64 = 12.0;
pub(super) const BOTTOM: f64 = 44.0;

/// The horizontal positions between which data are drawn.
pub(super) const ACROSS: (f64, f64) = (LEFT, WIDTH - RIGHT);
/// The vertical positions between which data are drawn, from the axis upwards.
pub(super) const UPWARDS: (f64, f64) = (HEIGHT - BOTTOM, TOP);

/// How many means of neighbouring points stand for a long, noisy line.
const MEANS: usize = 100;

/// Curves of rates: both axes begin at 0.
pub(super) struct Rates<'a> {
    pub(super) title: &'a str,
    pub(super) x: &'a str,
    pub(super) y: &'a str,
    /// Where the horizontal axis ends; the vertical one ends at 1.
    pub(super) limit: f64,
    /// Draws the diagonal of a score that knows nothing.
    pub(super) chance: bool,
    pub(super) curves: &'a [Curve],
}

impl Rates<'_> {
    /// The chart with its legend; empty without a point to draw.
    pub(super) fn render(&self) -> String {
        let drawn = |curve: &Curve| clip(&finite(&curve.points), self.limit);
        let lines: Vec<_> = self
            .curves
            .iter()
            .map(|curve| (curve, drawn(curve)))
            .filter(|line| !line.1.is_empty())
            .collect();
        if lines.is_empty() {
            return String::new();
        }
        let (x, y) = (
            Scale::linear((0.0, self.limit), ACROSS),
            Scale::linear((0.0, 1.0), UPWARDS),
        );
        let mut drawing = frame((x, self.x), (y, self.y));
        if self.chance {
            let end = self.limit.min(1.0);
            drawing += &line("chance", &[(0.0, 0.0), (end, end)], x, y);
        }
        let (mut legend, mut areas) = (String::new(), String::new());
        for (index, (curve, points)) in lines.iter().enumerate() {
            let class = format!("line c{}", index % 6);
            drawing += &line(&class, points, x, y);
            let area = curve.area.map(number).unwrap_or_default();
            legend += &entry(&class, &format!("{} <b>{area}</b>", escape(&curve.name)));
            areas += &format!(" {}: {area}.", curve.name);
        }
        if self.chance {
            legend += &entry("chance", "chance");
        }
        let description = format!("{} over {}.{areas}", self.y, self.x);
        card(
            self.title,
            &svg(self.title, &description, &drawing),
            &format!("<ul class=\"legend\">{legend}</ul>"),
        )
    }
}

/// A curve on axes of its own, as a training loss wants it; empty without a point to draw.
pub(super) fn series(curve: &Curve, over: &str) -> String {
    let points = finite(&curve.points);
    let (Some(across), Some(upwards), Some(last)) = (
        extent(points.iter().map(|p| p.0)),
        extent(points.iter().map(|p| p.1)),
        points.last(),
    ) else {
        return String::new();
    };
    let (x, y) = (
        Scale::linear(across, ACROSS),
        Scale::suited(upwards, UPWARDS),
    );
    let label = if y.is_log() { "logarithmic" } else { "" };
    let mut drawing = frame((x, over), (y, label));
    let long = points.len() > 4 * MEANS;
    drawing += &line(
        if long { "line c0 faint" } else { "line c0" },
        &points,
        x,
        y,
    );
    if long {
        drawing += &line("line c0", &means(&points), x, y);
    }
    let summary = format!(
        "From {} to {}, last {}.",
        number(upwards.0),
        number(upwards.1),
        number(last.1)
    );
    let means = if long {
        ", thick: means of neighbouring values"
    } else {
        ""
    };
    let legend = format!(
        "<p class=\"note\">last value <b>{}</b>{means}</p>",
        number(last.1)
    );
    card(&curve.name, &svg(&curve.name, &summary, &drawing), &legend)
}

/// A chart in its frame: heading, drawing, legend.
pub(super) fn card(title: &str, drawing: &str, legend: &str) -> String {
    format!(
        "<figure class=\"chart\"><figcaption>{}</figcaption>{drawing}{legend}</figure>\n",
        escape(title)
    )
}

/// A drawing that says in words what it shows.
pub(super) fn svg(title: &str, description: &str, drawing: &str) -> String {
    format!(
        "<svg role=\"img\" viewBox=\"0 0 {WIDTH} {HEIGHT}\"><title>{}</title><desc>{}</desc>{drawing}</svg>",
        escape(title),
        escape(description)
    )
}

/// An entry of a legend, `html` beside a sample of the line.
pub(super) fn entry(class: &str, html: &str) -> String {
    format!(
        "<li><svg class=\"key\" viewBox=\"0 0 26 10\" aria-hidden=\"true\"><path class=\"{class}\" d=\"M1 5H25\"/></svg>\
         <span>{html}</span></li>"
    )
}

/// Axes, ticks, grid and the labels of both axes.
pub(super) fn frame((x, x_label): (Scale, &str), (y, y_label): (Scale, &str)) -> String {
    let mut out = String::new();
    for (value, label) in y.ticks(5) {
        out += &tick_row(y.at(value), &label);
    }
    for (value, label) in x.ticks(5) {
        out += &tick_column(x.at(value), &label);
    }
    out + &axis_labels(x_label, y_label)
}

/// A tick of the vertical axis with its line of the grid.
pub(super) fn tick_row(at: f64, label: &str) -> String {
    let (begin, end) = ACROSS;
    format!(
        "<path class=\"grid\" d=\"M{begin} {at:.1}H{end}\"/>\
         <text class=\"tick end\" x=\"{:.1}\" y=\"{:.1}\">{label}</text>",
        begin - 6.0,
        at + 4.0
    )
}

/// A tick of the horizontal axis.
pub(super) fn tick_column(at: f64, label: &str) -> String {
    let floor = UPWARDS.0;
    format!(
        "<path class=\"axis\" d=\"M{at:.1} {floor}v4\"/>\
         <text class=\"tick middle\" x=\"{at:.1}\" y=\"{:.1}\">{label}</text>",
        floor + 17.0
    )
}

/// The horizontal axis itself and what both axes show.
pub(super) fn axis_labels(x_label: &str, y_label: &str) -> String {
    let ((begin, end), (floor, ceiling)) = (ACROSS, UPWARDS);
    let (centre, middle) = ((begin + end) / 2.0, (floor + ceiling) / 2.0);
    format!(
        "<path class=\"axis\" d=\"M{begin} {floor}H{end}\"/>\
         <text class=\"label middle\" x=\"{centre:.1}\" y=\"{:.1}\">{}</text>\
         <text class=\"label middle\" transform=\"translate(13 {middle:.1}) rotate(-90)\">{}</text>",
        HEIGHT - 8.0,
        escape(x_label),
        escape(y_label)
    )
}

/// A line through the points; a dot where there is only one.
fn line(class: &str, points: &[(f64, f64)], x: Scale, y: Scale) -> String {
    let placed: Vec<_> = points.iter().map(|&(a, b)| (x.at(a), y.at(b))).collect();
    match thin(&placed).as_slice() {
        [] => String::new(),
        [(a, b)] => format!("<circle class=\"{class} dot\" cx=\"{a:.1}\" cy=\"{b:.1}\" r=\"2\"/>"),
        many => {
            let path: Vec<_> = many.iter().map(|(a, b)| format!("{a:.1} {b:.1}")).collect();
            format!("<path class=\"{class}\" d=\"M{}\"/>", path.join("L"))
        }
    }
}

/// Means of neighbouring points.
fn means(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let mean = |chunk: &[(f64, f64)]| {
        let sum = chunk
            .iter()
            .fold((0.0, 0.0), |sum, point| (sum.0 + point.0, sum.1 + point.1));
        (sum.0 / chunk.len() as f64, sum.1 / chunk.len() as f64)
    };
    points
        .chunks(points.len().div_ceil(MEANS).max(1))
        .map(mean)
        .collect()
}

/// Of the positions within one unit of width only the first, the lowest, the highest and the last: a million points
/// become a thousand, and no peak is lost.
fn thin(places: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let mut out = Vec::new();
    for column in places.chunk_by(|a, b| a.0.floor() == b.0.floor()) {
        let by_height = |&a: &usize, &b: &usize| column[a].1.total_cmp(&column[b].1);
        let lowest = (0..column.len()).min_by(by_height).unwrap_or(0);
        let highest = (0..column.len()).max_by(by_height).unwrap_or(0);
        let mut kept = [0, lowest, highest, column.len() - 1];
        kept.sort_unstable();
        out.extend(kept.map(|index| tenths(column[index])));
    }
    out.dedup();
    out
}

/// A position as it is written: to a tenth of a unit.
fn tenths((x, y): (f64, f64)) -> (f64, f64) {
    ((x * 10.0).round() / 10.0, (y * 10.0).round() / 10.0)
}

fn finite(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    points
        .iter()
        .copied()
        .filter(|&(x, y)| drawable(x) && drawable(y))
        .collect()
}

/// The part of a line up to `limit`, cut exactly there.
fn clip(points: &[(f64, f64)], limit: f64) -> Vec<(f64, f64)> {
    let mut out: Vec<(f64, f64)> = Vec::new();
    for &(x, y) in points {
        if x <= limit {
            out.push((x, y));
            continue;
        }
        if let Some(&(before, height)) = out.last() {
            out.push((
                limit,
                height + (y - height) * (limit - before) / (x - before),
            ));
        }
        break;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roc(points: Vec<(f64, f64)>) -> String {
        let curves = [Curve {
            name: "a<b".into(),
            area: Some(0.5),
            points,
        }];
        Rates {
            title: "ROC",
            x: "fpr",
            y: "tpr",
            limit: 1.0,
            chance: true,
            curves: &curves,
        }
        .render()
    }

    #[test]
    fn a_curve_without_a_point_is_no_chart() {
        assert_eq!(roc(vec![]), "");
        assert_eq!(roc(vec![(f64::NAN, 0.5)]), "");
        assert_eq!(series(&Curve::default(), "step"), "");
    }

    #[test]
    fn a_single_point_is_a_dot() {
        assert!(roc(vec![(0.5, 0.5)]).contains("<circle"));
        let loss = Curve {
            name: "loss".into(),
            area: None,
            points: vec![(3.0, 0.7)],
        };
        assert!(series(&loss, "step").contains("<circle"));
    }

    #[test]
    fn no_position_is_not_a_number() {
        let points = vec![
            (0.0, 0.0),
            (f64::NAN, 1.0),
            (0.2, f64::INFINITY),
            (0.5, 5.0),
            (f64::MAX, 1.0),
            (1.0, 1.0),
        ];
        let loss = Curve {
            name: "loss".into(),
            area: None,
            points: points.clone(),
        };
        for drawing in [roc(points), series(&loss, "step")] {
            assert!(
                !drawing.contains("NaN") && !drawing.contains("inf") && !drawing.is_empty(),
                "{drawing}"
            );
        }
    }

    #[test]
    fn a_million_points_are_thinned_and_the_peak_stays() {
        let mut points: Vec<_> = (0..1_000_000)
            .map(|i| (f64::from(i), f64::from(i % 7)))
            .collect();
        points[777_777].1 = 100.0;
        let drawing = series(
            &Curve {
                name: "loss".into(),
                area: None,
                points,
            },
            "step",
        );
        assert!(drawing.len() < 40_000, "{}", drawing.len());
        assert!(drawing.contains(&format!(" {TOP:.1}L")));
    }

    #[test]
    fn a_limit_cuts_a_curve_where_it_crosses() {
        assert_eq!(
            clip(&[(0.0, 0.0), (1.0, 1.0)], 0.3),
            [(0.0, 0.0), (0.3, 0.3)]
        );
        assert_eq!(clip(&[(0.5, 1.0)], 0.3), []);
    }
}
