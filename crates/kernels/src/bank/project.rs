//! Fewer dimensions that nearly keep distances: very sparse random projection (Li, Hastie & Church, "Very sparse random projections",
//! KDD 2006), with their density 1/√width, scaled as scikit-learn's `SparseRandomProjection` scales it.

/// A random matrix of entries −v, 0 and +v, where an entry is not 0 with probability 1/√width, and v = √(√width / to), so that lengths
/// are kept on average.
#[derive(Clone, Debug, PartialEq)]
pub struct SparseProjection {
    width: usize,
    value: f32,
    /// The columns of the entries +v of output 0, of its entries −v, of the entries +v of output 1, and so on.
    columns: Vec<u32>,
    /// Where each of these lists ends.
    ends: Vec<usize>,
}

impl SparseProjection {
    /// From `width` to `to` values. `random` gives 64 random bits at a time, one time per entry, row by row: the same bits, the same
    /// projection.
    ///
    /// # Panics
    /// If `width` or `to` is 0.
    pub fn new(width: usize, to: usize, mut random: impl FnMut() -> u64) -> Self {
        assert!(
            width > 0 && to > 0,
            "a projection of something to something"
        );
        let root = (width as f64).sqrt();
        // The lowest bit is the sign, and the others a number below 2⁶³.
        let bound = ((1_u64 << 63) as f64 / root) as u64;
        let mut columns = Vec::new();
        let mut negative = Vec::new();
        let mut ends = Vec::with_capacity(2 * to);
        for _ in 0..to {
            for column in 0..width as u32 {
                let bits = random();
                if bits >> 1 < bound {
                    match bits & 1 {
                        0 => columns.push(column),
                        _ => negative.push(column),
                    }
                }
            }
            ends.push(columns.len());
            columns.append(&mut negative);
            ends.push(columns.len());
        }
        Self {
            width,
            value: (root / to as f64).sqrt() as f32,
            columns,
            ends,
        }
    }

    /// Values that it takes.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Values that it gives.
    pub fn to(&self) -> usize {
        self.ends.len() / 2
    }

    /// Projects a row.
    ///
    /// # Panics
    /// If `row` or `into` are not of the lengths that it takes and gives.
    pub fn apply(&self, row: &[f32], into: &mut [f32]) {
        assert_eq!(row.len(), self.width, "width of the row");
        assert_eq!(into.len(), self.to(), "width of the projected row");
        let mut start = 0;
        let mut sum_to = |end: usize| {
            let columns = &self.columns[start..end];
            start = end;
            columns
                .iter()
                .map(|&column| row[column as usize])
                .sum::<f32>()
        };
        for (into, ends) in into.iter_mut().zip(self.ends.as_chunks::<2>().0) {
            let [positive, negative] = ends.map(&mut sum_to);
            *into = self.value * (positive - negative);
        }
    }
}
