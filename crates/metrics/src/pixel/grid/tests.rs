//! Figures on the grid against those of images written out.

use super::super::tests::{Owned, evaluate};
use super::*;

/// Maps of noise with blocks that score higher by ever less.
fn maps(count: usize, side: usize) -> Vec<Owned> {
    let mut state = 7_u32;
    let mut random = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 24) as f32
    };
    let map = |number: usize| {
        let marked = |pixel: usize| {
            let (row, column) = (pixel / side, pixel % side);
            number % 3 != 2 && row % 16 < 3 + number % 5 && column % 24 < 6 && row > number
        };
        let mask: Vec<bool> = (0..side * side).map(marked).collect();
        let scores = mask.iter().map(|&marked| {
            let noise = random() * random();
            noise + f32::from(marked) * (0.4 - number as f32 / 100.0)
        });
        let scores = scores.collect();
        Owned {
            scores,
            mask,
            height: side,
            width: side,
        }
    };
    (0..count).map(map).collect()
}

fn resampler(maps: &[Owned]) -> PixelResampler {
    let grid = evaluate(maps).grid();
    let count = |map: &Owned| {
        let map = PixelMap::new(&map.scores, &map.mask, map.height, map.width).unwrap();
        grid.count(&map).unwrap()
    };
    let images = maps.iter().map(count).collect();
    PixelResampler::new(grid.clone(), images)
}

fn figures(pixels: &PixelMetrics) -> Vec<f64> {
    [
        pixels.auroc(),
        pixels.average_precision(),
        pixels.aupro(0.3),
        pixels.aupro(0.05),
        pixels.f1_max().map(|best| best.f1),
        pixels.iou_best_threshold().map(|best| best.iou),
        pixels.iou_pooled(),
        pixels.iou_mean_over_anomalous_images(),
    ]
    .map(Result::unwrap)
    .to_vec()
}

fn on_grid(pixels: &WeightedPixels) -> Vec<f64> {
    [
        pixels.auroc(),
        pixels.average_precision(),
        pixels.aupro(0.3),
        pixels.aupro(0.05),
        pixels.f1_max().map(|best| best.f1),
        pixels.iou_best(),
        pixels.iou_pooled(),
        pixels.iou_mean_over_anomalous_images(),
    ]
    .map(Result::unwrap)
    .to_vec()
}

#[test]
fn a_resample_on_the_grid_is_close_to_the_images_written_out_so_often() {
    let maps = maps(9, 64);
    let resampler = resampler(&maps);
    for weights in [
        [1; 9],
        [0, 2, 1, 3, 0, 1, 1, 0, 1],
        [4, 0, 0, 0, 0, 5, 0, 0, 0],
    ] {
        let pairs = maps.iter().zip(weights);
        let written: Vec<Owned> = pairs
            .flat_map(|(map, weight)| std::iter::repeat_n(map.clone(), weight as usize))
            .collect();
        let expected = figures(&evaluate(&written));
        let found = on_grid(&resampler.weighted(&weights).unwrap());
        for (found, expected) in found.iter().zip(&expected) {
            assert!(
                (found - expected).abs() < 2e-3,
                "{found} is not {expected}: {weights:?}"
            );
        }
        // At a fixed threshold nothing is counted on the grid.
        for place in [6, 7] {
            assert!((found[place] - expected[place]).abs() < 1e-12);
        }
    }
}

#[test]
fn where_scores_are_few_the_grid_is_exact() {
    let mut maps = maps(6, 48);
    for map in &mut maps {
        map.scores
            .iter_mut()
            .for_each(|score| *score = (*score * 16.0).round() / 16.0);
    }
    let resampler = resampler(&maps);
    let expected = figures(&evaluate(&maps));
    let found = on_grid(&resampler.weighted(&[1; 6]).unwrap());
    for (found, expected) in found.iter().zip(&expected) {
        assert!(
            (found - expected).abs() < 1e-12,
            "{found} is not {expected}"
        );
    }
}

#[test]
fn a_resample_without_a_defect_says_so() {
    let maps = maps(3, 48);
    let resampler = resampler(&maps);
    let none = resampler.weighted(&[0, 0, 1]).unwrap();
    assert_eq!(none.aupro(0.3), Err(Undefined::NoRegion));
    assert_eq!(none.auroc(), Err(Undefined::NoPositive));
    assert_eq!(none.iou_pooled(), Err(Undefined::NoPositive));
    let nothing = resampler.weighted(&[0; 3]).unwrap();
    assert_eq!(nothing.aupro(0.3), Err(Undefined::Empty));
    assert!(resampler.weighted(&[1]).is_err());
}
