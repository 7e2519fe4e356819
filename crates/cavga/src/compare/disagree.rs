//! Where two runs part: verdicts of which one alone is right, and images that they rank otherwise.
//!
//! Raw scores of two methods lie on two scales. What they share is the order of the images: the *rank* of an image is the share of
//! the other test images that score below it, a tie counting half.

use cavga_metrics::mcnemar;
use serde::Serialize;

use super::{align::Images, read::Evaluated};

/// Images that are named for each pair of runs.
const MOST: usize = 10;

/// How often two runs' verdicts are right; "unsure" never is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Verdicts {
    /// Images on which both are right.
    pub both_right: u64,
    /// Images on which the first run alone is right.
    pub first_alone: u64,
    /// Images on which the other run alone is right.
    pub other_alone: u64,
    /// Images on which neither is right.
    pub both_wrong: u64,
    /// How probable it is that they share so unevenly, or more so, the images on which one alone is right, if each were as likely to be the
    /// one: McNemar's exact test. It takes images to be independent, so there is none where they come in groups.
    pub mcnemar_p: Option<f64>,
}

/// What one run says of an image.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Side {
    /// The score, on the run's own scale.
    pub score: f32,
    /// The share of the other test images that score below it.
    pub rank: f64,
    /// The verdict.
    pub verdict: &'static str,
}

/// An image on which two runs disagree.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Disagreement {
    /// Its id.
    pub id: String,
    /// Whether it is anomalous in truth.
    pub anomalous: bool,
    /// The kind of defect, or `good`.
    pub kind: String,
    /// What the first run says.
    pub first: Side,
    /// What the other run says.
    pub other: Side,
    /// The place of the image among [`Images`].
    #[serde(skip)]
    pub(super) place: usize,
}

impl Disagreement {
    /// How much higher the other run ranks it.
    pub fn difference(&self) -> f64 {
        self.other.rank - self.first.rank
    }
}

/// Compares the verdicts of two runs with the truth.
pub(super) fn verdicts(images: &Images, first: &Evaluated, other: &Evaluated) -> Verdicts {
    let right = |run| images.of(run, |row| row.is_right());
    let mut counts = [[0_u64; 2]; 2];
    for (first, other) in right(first).into_iter().zip(right(other)) {
        counts[usize::from(first)][usize::from(other)] += 1;
    }
    let [[both_wrong, other_alone], [first_alone, both_right]] = counts;
    Verdicts {
        both_right,
        first_alone,
        other_alone,
        both_wrong,
        mcnemar_p: images
            .are_independent()
            .then(|| mcnemar(first_alone, other_alone)),
    }
}

/// The images that two runs rank most differently, the most first; of equals, in the order of their ids.
pub(super) fn images(images: &Images, first: &Evaluated, other: &Evaluated) -> Vec<Disagreement> {
    let [firsts, others] = [first, other].map(|run| {
        let scores = images.of(run, |row| row.score);
        let verdicts = images.of(run, |row| row.verdict.as_str());
        let sides = scores.iter().zip(ranks(&scores)).zip(verdicts);
        let sides = sides.map(|((&score, rank), verdict)| Side {
            score,
            rank,
            verdict,
        });
        sides.collect::<Vec<_>>()
    });
    let pairs = images
        .all
        .iter()
        .enumerate()
        .zip(firsts.into_iter().zip(others));
    let mut all: Vec<_> = pairs
        .map(|((place, image), (first, other))| Disagreement {
            id: image.id.clone(),
            anomalous: image.anomalous,
            kind: image.kind.clone(),
            first,
            other,
            place,
        })
        .collect();
    all.retain(|image| image.difference() != 0.0);
    all.sort_by(|a, b| b.difference().abs().total_cmp(&a.difference().abs()));
    all.truncate(MOST);
    all
}

/// The share of the others that score below each, a tie counting half; of a single one, 0.
fn ranks(scores: &[f32]) -> Vec<f64> {
    let mut order: Vec<_> = scores.iter().copied().enumerate().collect();
    order.sort_by(|a, b| a.1.total_cmp(&b.1));
    let mut ranks = vec![0.0; scores.len()];
    let others = scores.len().saturating_sub(1).max(1) as f64;
    let mut below = 0;
    // Zeros of both signs are equal, and neighbours in that order.
    for group in order.chunk_by(|a, b| a.1 == b.1) {
        let rank = (below as f64 + (group.len() - 1) as f64 / 2.0) / others;
        for (place, _) in group {
            if let Some(own) = ranks.get_mut(*place) {
                *own = rank;
            }
        }
        below += group.len();
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rank_is_the_share_below_with_half_of_the_ties() {
        assert_eq!(ranks(&[3.0, -1.0, 8.0]), [0.5, 0.0, 1.0]);
        assert_eq!(ranks(&[0.0, -0.0, 8.0]), [0.25, 0.25, 1.0]);
        assert_eq!(ranks(&[2.0; 4]), [0.5; 4]);
        assert_eq!(ranks(&[2.0]), [0.0]);
        assert!(ranks(&[]).is_empty());
    }
}
