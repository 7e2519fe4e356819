//! From values to positions on paper, and the round numbers at which an axis gets its ticks.

/// Below it a range counts as empty: so far from the smallest numbers that no division overflows.
const TINY: f64 = 1e-200;

/// One axis: a range of values laid onto a range of positions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
    log: bool,
}

impl Scale {
    /// `low` to `high`, both drawable, onto `from` to `to`. A range too narrow to have ticks of its own is widened, so that
    /// it lies in the middle.
    pub(super) fn linear((low, high): (f64, f64), (from, to): (f64, f64)) -> Self {
        let wide = high - low > 1e-9 * low.abs().max(high.abs()) && high - low > TINY;
        let (low, high) = if wide { (low, high) } else { widened(low) };
        Self {
            low,
            high,
            from,
            to,
            log: false,
        }
    }

    /// As [`Scale::linear`], but logarithmic where all values are positive and span more than a factor of 30.
    pub(super) fn suited((low, high): (f64, f64), places: (f64, f64)) -> Self {
        let log = low > TINY && high / low > 30.0;
        Self {
            log,
            ..Self::linear((low, high), places)
        }
    }

    pub(super) fn is_log(self) -> bool {
        self.log
    }

    /// The position of a drawable value, never outside the axis.
    pub(super) fn at(self, value: f64) -> f64 {
        let place = |value: f64| {
            if self.log {
                value.max(self.low).log10()
            } else {
                value
            }
        };
        let share = (place(value) - place(self.low)) / (place(self.high) - place(self.low));
        self.from + share.clamp(0.0, 1.0) * (self.to - self.from)
    }

    /// Round values within the range with their labels, about `wanted` of them.
    pub(super) fn ticks(self, wanted: usize) -> Vec<(f64, String)> {
        if self.log {
            return self.log_ticks(wanted);
        }
        let step = round_step((self.high - self.low) / wanted.max(1) as f64);
        let first = (self.low / step - 1e-9).ceil();
        (0..=2 * wanted)
            .map(|index| (first + index as f64) * step)
            .take_while(|&value| value <= self.high + step * 1e-9)
            .map(|value| (value, label(value, step)))
            .collect()
    }

    fn log_ticks(self, wanted: usize) -> Vec<(f64, String)> {
        let decades = self.low.log10().floor() as i32..=self.high.log10().ceil() as i32;
        let within = |factors: &[f64]| -> Vec<f64> {
            let all = decades
                .clone()
                .flat_map(|power| factors.iter().map(move |f| f * 10f64.powi(power)));
            all.filter(|&value| value >= self.low && value <= self.high)
                .collect()
        };
        let mut values = within(&[1.0, 2.0, 5.0]);
        if values.len() > wanted + 2 {
            values = within(&[1.0]);
        }
        let stride = values.len().div_ceil(wanted + 2).max(1);
        values
            .into_iter()
            .step_by(stride)
            .map(|value| (value, label(value, value)))
            .collect()
    }
}

/// Whether a chart can place a value: finite, and not so large that differences overflow.
pub(super) fn drawable(value: f64) -> bool {
    value.abs() < 1e100
}

/// The smallest and largest drawable value.
pub(super) fn extent(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    values
        .filter(|&value| drawable(value))
        .fold(None, |range, value| match range {
            None => Some((value, value)),
            Some((low, high)) => Some((value.min(low), value.max(high))),
        })
}

fn widened(value: f64) -> (f64, f64) {
    let margin = if value.abs() < TINY {
        0.5
    } else {
        value.abs() / 2.0
    };
    (value - margin, value + margin)
}

/// 1, 2 or 5 times a power of ten, not below `least`.
fn round_step(least: f64) -> f64 {
    let power = 10f64.powf(least.log10().floor());
    [1.0, 2.0, 5.0]
        .into_iter()
        .map(|factor| factor * power)
        .find(|&step| step >= least)
        .unwrap_or(10.0 * power)
}

/// A tick's text, with the decimals that steps of `step` need.
fn label(value: f64, step: f64) -> String {
    if value.abs() < step / 2.0 {
        return "0".to_owned();
    }
    let decimals = -(step.log10() + 1e-9).floor();
    let text = if value.abs() >= 1e5 || decimals > 5.0 {
        format!("{value:.1e}").replace(".0e", "e")
    } else {
        format!("{value:.0$}", decimals.max(0.0) as usize)
    };
    text.replace('-', "\u{2212}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(scale: Scale) -> Vec<String> {
        scale.ticks(5).into_iter().map(|tick| tick.1).collect()
    }

    #[test]
    fn ticks_are_round_and_inside() {
        assert_eq!(
            labels(Scale::linear((0.0, 1.0), (0.0, 1.0))),
            ["0", "0.2", "0.4", "0.6", "0.8", "1.0"]
        );
        assert_eq!(
            labels(Scale::linear((0.0, 0.3), (0.0, 1.0))),
            ["0", "0.1", "0.2", "0.3"]
        );
        assert_eq!(
            labels(Scale::linear((-3.0, 4e6), (0.0, 1.0))),
            ["0", "1e6", "2e6", "3e6", "4e6"]
        );
        assert_eq!(
            labels(Scale::suited((0.02, 30.0), (0.0, 1.0))),
            ["0.1", "1", "10"]
        );
    }

    #[test]
    fn an_empty_range_lies_in_the_middle() {
        for value in [0.0, 7.0, -7.0, 1e-30, 1e99] {
            let scale = Scale::suited((value, value), (10.0, 20.0));
            assert!((scale.at(value) - 15.0).abs() < 1e-6, "{value}");
            assert!(!scale.ticks(4).is_empty(), "{value}");
        }
    }

    #[test]
    fn extreme_ranges_have_finite_places() {
        let extremes = [
            -1e99,
            -1.0,
            0.0,
            5e-324,
            1e-150,
            1.0,
            1.0 + f64::EPSILON,
            1e99,
        ];
        for low in extremes {
            for high in extremes.into_iter().filter(|&high| high >= low) {
                let scale = Scale::suited((low, high), (10.0, 20.0));
                assert!(
                    scale.at(low).is_finite() && scale.at(high) >= scale.at(low),
                    "{low} {high}"
                );
                assert!(
                    scale
                        .ticks(5)
                        .iter()
                        .all(|tick| scale.at(tick.0).is_finite()),
                    "{low} {high}"
                );
                assert!((1..=11).contains(&scale.ticks(5).len()), "{low} {high}");
            }
        }
    }

    #[test]
    fn values_that_cannot_be_placed_are_left_out() {
        let values = [f64::NAN, 2.0, f64::INFINITY, -1.0, f64::MAX];
        assert_eq!(extent(values.into_iter()), Some((-1.0, 2.0)));
        assert_eq!(extent([f64::NAN].into_iter()), None);
    }
}
