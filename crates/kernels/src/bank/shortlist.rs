//! The rows that may be among the nearest to one query, by scores that are not exact.

/// A row and bounds on its score. The score of a row is q·b − ½‖b‖², larger for nearer rows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate {
    pub(super) row: u32,
    /// The least and the most that it may be.
    pub(super) low: f32,
    pub(super) high: f32,
}

/// Of all candidates offered, those that may be among the `k` best.
#[derive(Debug)]
pub(super) struct Shortlist {
    k: usize,
    /// The `k` best lower bounds so far, best first.
    best: Vec<f32>,
    found: Vec<Candidate>,
    /// So many found are sifted again.
    limit: usize,
}

impl Shortlist {
    /// Of the best `k`, at least 1.
    pub(super) fn new(k: usize) -> Self {
        Self {
            k,
            best: Vec::with_capacity(k),
            found: Vec::new(),
            limit: 4 * k + 12,
        }
    }

    /// What an upper bound must reach: so many rows are known to be as good.
    pub(super) fn floor(&self) -> f32 {
        match self.best.get(self.k - 1) {
            Some(&floor) => floor,
            None => f32::NEG_INFINITY,
        }
    }

    /// Takes a candidate in, unless enough others are better.
    pub(super) fn offer(&mut self, candidate: Candidate) {
        if candidate.high < self.floor() {
            return;
        }
        let place = self.best.partition_point(|&low| low >= candidate.low);
        if place < self.k {
            self.best.truncate(self.k - 1);
            self.best.insert(place, candidate.low);
        }
        self.found.push(candidate);
        if self.found.len() == self.limit {
            self.sift();
            self.limit = self.limit.max(2 * self.found.len());
        }
    }

    /// Takes in what another list of the same query holds.
    pub(super) fn join(&mut self, other: &Self) {
        other
            .found
            .iter()
            .for_each(|&candidate| self.offer(candidate));
    }

    /// The rows that are left.
    pub(super) fn rows(&mut self) -> impl Iterator<Item = u32> {
        self.sift();
        self.found.iter().map(|candidate| candidate.row)
    }

    fn sift(&mut self) {
        let floor = self.floor();
        self.found.retain(|candidate| candidate.high >= floor);
    }
}
