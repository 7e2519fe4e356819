//! Polygons, as annotators draw them, into pixels.

use serde::{Deserialize, Serialize};

/// A closed polygon in pixel coordinates, `[x, y]` each: x to the right, y down, (0, 0) the upper left corner of the first
/// pixel, whose centre is (½, ½).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Polygon {
    /// Its corners; the last is joined to the first.
    pub corners: Vec<[f64; 2]>,
}

impl Polygon {
    /// The box with this upper left corner, width and height, as COCO's `bbox`.
    pub fn rectangle([x, y, width, height]: [f64; 4]) -> Self {
        let (right, low) = (x + width, y + height);
        Self {
            corners: vec![[x, y], [right, y], [right, low], [x, low]],
        }
    }

    /// Whether it has at least three corners, all of finite numbers.
    pub fn is_sound(&self) -> bool {
        self.corners.len() >= 3 && self.corners.iter().flatten().all(|value| value.is_finite())
    }

    /// Marks the pixels of an image `[height, width]` whose centres lie inside (even-odd rule). What lies beyond the image
    /// is cut off.
    pub fn fill(&self, [height, width]: [usize; 2], pixels: &mut [bool]) {
        if width == 0 || !self.is_sound() {
            return;
        }
        let mut crossings = Vec::new();
        // Rows above and below it are not looked at: a run-length mask is thousands of low rectangles.
        let ys = || self.corners.iter().map(|&[_, y]| y);
        let top = ys().fold(f64::INFINITY, f64::min).floor() as usize;
        let low = (ys().fold(0.0, f64::max).ceil() as usize).min(height);
        let lines = pixels.chunks_exact_mut(width).take(low);
        for (row, line) in lines.enumerate().skip(top) {
            let y = row as f64 + 0.5;
            crossings.clear();
            let next = self.corners.iter().cycle().skip(1);
            for (&[x0, y0], &[x1, y1]) in self.corners.iter().zip(next) {
                // Half open: a corner on the line counts once.
                if (y0 <= y) != (y1 <= y) {
                    crossings.push(x0 + (y - y0) / (y1 - y0) * (x1 - x0));
                }
            }
            crossings.sort_by(f64::total_cmp);
            for pair in crossings.chunks_exact(2) {
                // Pixels with left ≤ centre < right; a float becomes the nearest usize, 0 below it.
                let [left, right] =
                    [pair[0], pair[1]].map(|x| ((x - 0.5).ceil() as usize).min(width));
                if let Some(inside) = line.get_mut(left..right) {
                    inside.fill(true);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(corners: &[[f64; 2]], size: [usize; 2]) -> Vec<usize> {
        let mut pixels = vec![false; size[0] * size[1]];
        let polygon = Polygon {
            corners: corners.to_vec(),
        };
        polygon.fill(size, &mut pixels);
        (0..pixels.len()).filter(|&i| pixels[i]).collect()
    }

    #[test]
    fn pixels_whose_centres_lie_inside_are_marked() {
        let square = Polygon::rectangle([1.0, 1.0, 2.0, 1.0]).corners;
        assert_eq!(filled(&square, [3, 4]), [5, 6]);
        assert_eq!(
            filled(&[[0.0, 0.0], [3.0, 0.0], [0.0, 3.0]], [3, 3]),
            [0, 1, 3]
        );
        // Beyond the image on every side.
        assert_eq!(
            filled(
                &Polygon::rectangle([-9.0, -9.0, 99.0, 99.0]).corners,
                [2, 2]
            ),
            [0, 1, 2, 3]
        );
        // A bow tie: its two wings, not what the crossing encloses twice.
        let bow = [[0.0, 0.0], [4.0, 4.0], [4.0, 0.0], [0.0, 4.0]];
        assert_eq!(filled(&bow, [4, 4]), [3, 4, 6, 7, 8, 10, 11, 15]);
    }

    #[test]
    fn what_is_no_polygon_marks_nothing() {
        assert!(filled(&[[0.0, 0.0], [9.0, 9.0]], [4, 4]).is_empty());
        assert!(filled(&[[0.0, 0.0], [f64::NAN, 9.0], [9.0, 0.0]], [4, 4]).is_empty());
        assert!(filled(&[[5.0, 5.0], [9.0, 5.0], [5.0, 9.0]], [4, 4]).is_empty());
    }
}
