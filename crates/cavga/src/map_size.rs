//! Maps brought to another size: bilinear, `align_corners = false`, no antialiasing, the rule of the field's evaluations.

use rayon::prelude::*;

/// Brings a map of `from` = `[height, width]`, row by row, to the size `to`.
///
/// Pixel centres lie at half integers; beyond the outermost centres the edge is repeated. Sizes must not be 0, and `map`
/// must have `from[0] * from[1]` values; otherwise the result is empty.
pub fn resize(map: &[f32], from: [usize; 2], to: [usize; 2]) -> Vec<f32> {
    if map.is_empty() || map.len() != from[0] * from[1] || to.contains(&0) {
        return Vec::new();
    }
    if from == to {
        return map.to_vec();
    }
    let columns = taps(from[1], to[1]);
    let rows = taps(from[0], to[0]);
    let mut resized = vec![0.0; to[0] * to[1]];
    resized
        .par_chunks_mut(to[1])
        .zip(&rows)
        .for_each(|(out, row)| {
            let above = &map[row.first * from[1]..][..from[1]];
            let below = &map[row.second * from[1]..][..from[1]];
            for (value, tap) in out.iter_mut().zip(&columns) {
                let top = tap.mix(above[tap.first], above[tap.second]);
                let bottom = tap.mix(below[tap.first], below[tap.second]);
                *value = row.mix(top, bottom);
            }
        });
    resized
}

/// Which two source pixels one target pixel is mixed from.
struct Tap {
    first: usize,
    second: usize,
    weight: f32,
}

impl Tap {
    fn mix(&self, first: f32, second: f32) -> f32 {
        // Of equals the sum below may be an ulp off, and what tied would tie no more.
        if first == second {
            return first;
        }
        (1.0 - self.weight) * first + self.weight * second
    }
}

fn taps(from: usize, to: usize) -> Vec<Tap> {
    let scale = from as f64 / to as f64;
    let tap = |index| {
        let centre = ((index as f64 + 0.5) * scale - 0.5).max(0.0);
        let first = (centre as usize).min(from - 1);
        Tap {
            first,
            second: (first + 1).min(from - 1),
            weight: (centre - first as f64) as f32,
        }
    };
    (0..to).map(tap).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constant_map_stays_constant() {
        for value in [0.1_f32, -3.7, 1e-30] {
            let map = resize(&[value; 256], [16, 16], [100, 97]);
            assert!(map.iter().all(|found| found.to_bits() == value.to_bits()));
        }
    }

    #[test]
    fn doubling_agrees_with_pytorch() {
        // torch.nn.functional.interpolate(..., scale_factor=2, mode="bilinear", align_corners=False)
        let expected = [
            0.0, 0.25, 0.75, 1.0, //
            0.5, 0.75, 1.25, 1.5, //
            1.5, 1.75, 2.25, 2.5, //
            2.0, 2.25, 2.75, 3.0,
        ];
        assert_eq!(resize(&[0.0, 1.0, 2.0, 3.0], [2, 2], [4, 4]), expected);
    }

    #[test]
    fn a_constant_stays_constant_at_any_size() {
        for to in [[1, 1], [3, 7], [16, 5]] {
            assert!(
                resize(&[0.25; 20], [4, 5], to)
                    .iter()
                    .all(|&value| value == 0.25)
            );
        }
    }

    #[test]
    fn sizes_that_do_not_fit_give_nothing() {
        assert!(resize(&[1.0], [2, 2], [4, 4]).is_empty());
        assert!(resize(&[1.0], [1, 1], [0, 4]).is_empty());
    }
}
