//! What holds for the pixel figures of any maps, and slow oracles that follow the definitions word
//! by word.

use super::tests::{Owned, evaluate};
use crate::{Defect, PixelEvaluation, PixelMap};
use proptest::prelude::*;

/// Maps of different sizes with few distinct scores, so that ties are many; with both kinds of
/// pixels.
fn maps() -> impl Strategy<Value = Vec<Owned>> {
    let one = (1_usize..7, 1_usize..7).prop_flat_map(|(height, width)| {
        let scores = prop::collection::vec(
            (-4_i8..4).prop_map(|score| f32::from(score) / 4.0),
            height * width,
        );
        let mask = prop::collection::vec(prop::bool::weighted(0.4), height * width);
        (scores, mask).prop_map(move |(scores, mask)| Owned {
            scores,
            mask,
            height,
            width,
        })
    });
    prop::collection::vec(one, 1..5).prop_filter("both kinds of pixels", |maps| {
        let pixels = || maps.iter().flat_map(|map| &map.mask);
        pixels().any(|&positive| positive) && pixels().any(|&positive| !positive)
    })
}

/// Every region as scores: regions merge until no two touch, straight from the definition of
/// connectedness.
fn region_scores(map: &Owned) -> Vec<Vec<f32>> {
    let mut regions: Vec<Vec<usize>> = Vec::new();
    let place = |pixel: usize| (pixel / map.width, pixel % map.width);
    let touch = |left: usize, right: usize| {
        let (left, right) = (place(left), place(right));
        left.0.abs_diff(right.0) <= 1 && left.1.abs_diff(right.1) <= 1
    };
    for pixel in (0..map.mask.len()).filter(|&pixel| map.mask[pixel]) {
        let (near, far): (Vec<_>, Vec<_>) = regions
            .into_iter()
            .partition(|region| region.iter().any(|&other| touch(pixel, other)));
        regions = far;
        regions.push(near.concat().into_iter().chain([pixel]).collect());
    }
    regions
        .iter()
        .map(|region| region.iter().map(|&pixel| map.scores[pixel]).collect())
        .collect()
}

/// AUPRO from the definition: all thresholds, all pixels, every time.
fn slow_aupro(maps: &[Owned], limit: f64) -> f64 {
    let regions: Vec<Vec<f32>> = maps.iter().flat_map(region_scores).collect();
    let pixels = || {
        maps.iter()
            .flat_map(|map| map.scores.iter().copied().zip(map.mask.iter().copied()))
    };
    let normal: Vec<f32> = pixels()
        .filter(|&(_, positive)| !positive)
        .map(|(score, _)| score)
        .collect();
    let share = |scores: &[f32], threshold| {
        scores.iter().filter(|&&score| score >= threshold).count() as f64 / scores.len() as f64
    };
    let mut thresholds: Vec<f32> = pixels()
        .map(|(score, _)| score)
        .chain([f32::INFINITY])
        .collect();
    thresholds.sort_by(|left, right| right.total_cmp(left));
    let point = |&threshold: &f32| {
        let overlap: f64 = regions.iter().map(|region| share(region, threshold)).sum();
        (share(&normal, threshold), overlap / regions.len() as f64)
    };
    let curve: Vec<(f64, f64)> = thresholds.iter().map(point).collect();
    let part = |pair: &[(f64, f64)]| {
        let ((left, low), (right, high)) = (pair[0], pair[1]);
        if left >= limit || right == left {
            return 0.0;
        }
        let end = right.min(limit);
        let height = low + (high - low) * (end - left) / (right - left);
        (end - left) * (low + height) / 2.0
    };
    curve.windows(2).map(part).sum::<f64>() / limit
}

/// MVTec 3D-AD's program, line by line: `numpy.linspace` over the sorted normal scores, strictly above each.
fn slow_100_ranks(maps: &[Owned], limit: f64) -> f64 {
    let regions: Vec<Vec<f32>> = maps.iter().flat_map(region_scores).collect();
    let pixels = maps.iter().flat_map(|map| map.scores.iter().zip(&map.mask));
    let mut normal: Vec<f32> = pixels
        .filter(|(_, positive)| !**positive)
        .map(|(score, _)| *score)
        .collect();
    normal.sort_by(f32::total_cmp);
    let last = normal.len() - 1;
    let mut curve = vec![(1.0, 1.0)];
    for step in 0..100 {
        let place = if step == 99 {
            last
        } else {
            (step as f64 * (last as f64 / 99.0)) as usize
        };
        let above = |region: &Vec<f32>| {
            region
                .iter()
                .filter(|&&score| score > normal[place])
                .count() as f64
                / region.len() as f64
        };
        let overlap = regions.iter().map(above).sum::<f64>() / regions.len() as f64;
        curve.push((1.0 - (place + 1) as f64 / normal.len() as f64, overlap));
    }
    curve.reverse();
    crate::steps::area_to(curve.into_iter(), limit)
}

/// Pooled IoU of `score >= threshold` from the definition.
fn slow_iou(maps: &[Owned], threshold: f32) -> f64 {
    let pixels = || maps.iter().flat_map(|map| map.scores.iter().zip(&map.mask));
    let intersection = pixels()
        .filter(|&(&score, &positive)| score >= threshold && positive)
        .count();
    let union = pixels()
        .filter(|&(&score, &positive)| score >= threshold || positive)
        .count();
    intersection as f64 / union as f64
}

proptest! {
    #[test]
    fn aupro_equals_its_definition(maps in maps(), limit in 0.01_f64..=1.0) {
        let found = evaluate(&maps).aupro(limit).unwrap();
        let expected = slow_aupro(&maps, limit);
        prop_assert!((found - expected).abs() < 1e-12, "{} {}", found, expected);
    }

    #[test]
    fn a_hundred_ranks_give_what_the_program_gives(maps in maps(), limit in 0.01_f64..=1.0) {
        let found = evaluate(&maps).aupro_100_ranks(limit).unwrap();
        let expected = slow_100_ranks(&maps, limit);
        prop_assert!((found - expected).abs() < 1e-12, "{} {}", found, expected);
    }

    #[test]
    fn two_evaluations_merged_are_one(maps in maps(), at in 0_usize..5) {
        let at = at.min(maps.len());
        let push = |maps: &[Owned]| {
            let mut evaluation = PixelEvaluation::new(0.25);
            for map in maps {
                let defects = [Defect { mask: &map.mask, saturation: 3 }];
                let map = PixelMap::new(&map.scores, &map.mask, map.height, map.width).unwrap();
                evaluation.push(&map.with_defects(&defects).unwrap()).unwrap();
            }
            evaluation
        };
        let whole = push(&maps).finish();
        let mut parts = push(&maps[..at]);
        parts.merge(push(&maps[at..])).unwrap();
        let parts = parts.finish();
        prop_assert_eq!(parts.aupro(0.3), whole.aupro(0.3));
        prop_assert_eq!(parts.auspro(0.3), whole.auspro(0.3));
        prop_assert_eq!(parts.aupimo((0.1, 1.0)), whole.aupimo((0.1, 1.0)));
        prop_assert_eq!(parts.auroc(), whole.auroc());
        prop_assert_eq!(parts.average_precision(), whole.average_precision());
        prop_assert_eq!(parts.iou_pooled(), whole.iou_pooled());
        prop_assert_eq!(parts.pro_at_fixed(), whole.pro_at_fixed());
        prop_assert_eq!(parts.pro_curve(100), whole.pro_curve(100));
    }

    #[test]
    fn best_iou_is_reached_and_never_exceeded(maps in maps()) {
        let best = evaluate(&maps).iou_best_threshold().unwrap();
        prop_assert_eq!(best.iou, slow_iou(&maps, best.threshold));
        for step in -5_i8..5 {
            prop_assert!(slow_iou(&maps, f32::from(step) / 4.0) <= best.iou);
        }
        let metrics = evaluate(&maps);
        prop_assert!(metrics.iou_pooled().unwrap() <= best.iou);
        prop_assert_eq!(metrics.f1_max().unwrap().threshold, best.threshold);
    }

    #[test]
    fn pro_rises_within_the_unit_square(maps in maps()) {
        let curve = evaluate(&maps).pro_curve(usize::MAX).unwrap();
        for pair in curve.windows(2) {
            prop_assert!(pair[0].false_positive_rate <= pair[1].false_positive_rate);
            prop_assert!(pair[0].overlap <= pair[1].overlap && pair[0].threshold > pair[1].threshold);
        }
        prop_assert_eq!(curve.first().map(|p| (p.false_positive_rate, p.overlap)), Some((0.0, 0.0)));
        prop_assert_eq!(curve.last().map(|p| (p.false_positive_rate, p.overlap)), Some((1.0, 1.0)));
    }

    #[test]
    fn aupro_of_a_perfect_map_is_1(maps in maps(), limit in 0.01_f64..=1.0) {
        let mut maps = maps;
        for map in &mut maps {
            for (score, &positive) in map.scores.iter_mut().zip(&map.mask) {
                // All anomalous pixels above all normal ones, each kind still with ties.
                *score += if positive { 10.0 } else { 0.0 };
            }
        }
        let found = evaluate(&maps).aupro(limit).unwrap();
        prop_assert!((found - 1.0).abs() < 1e-12 && found <= 1.0);
    }

    #[test]
    fn the_order_of_maps_does_not_matter(maps in maps()) {
        let turned: Vec<Owned> = maps.iter().rev().cloned().collect();
        let (metrics, other) = (evaluate(&maps), evaluate(&turned));
        prop_assert!((metrics.aupro(0.3).unwrap() - other.aupro(0.3).unwrap()).abs() < 1e-12);
        prop_assert_eq!(metrics.auroc(), other.auroc());
        prop_assert_eq!(metrics.iou_best_threshold(), other.iou_best_threshold());
        prop_assert_eq!(metrics.iou_pooled(), other.iou_pooled());
    }

    #[test]
    fn pixels_are_rated_as_any_other_items(maps in maps()) {
        let metrics = evaluate(&maps);
        let scores: Vec<f32> = maps.iter().flat_map(|map| map.scores.clone()).collect();
        let positive: Vec<bool> = maps.iter().flat_map(|map| map.mask.clone()).collect();
        prop_assert_eq!(metrics.auroc(), crate::auroc(&scores, &positive));
        prop_assert_eq!(metrics.average_precision(), crate::average_precision(&scores, &positive));
        prop_assert_eq!(metrics.f1_max(), crate::f1_max(&scores, &positive));
        prop_assert_eq!(metrics.roc_curve(usize::MAX), crate::roc_curve(&scores, &positive));
        prop_assert_eq!(metrics.precision_recall_curve(usize::MAX), crate::precision_recall_curve(&scores, &positive));
        for limit in [0.01, 0.3, 1.0] {
            prop_assert_eq!(metrics.at_alarm_rate(limit), crate::at_alarm_rate(&scores, &positive, limit));
            let (found, expected) = (metrics.auroc_to(limit).unwrap(), crate::auroc_to(&scores, &positive, limit).unwrap());
            prop_assert!((found - expected).abs() < 1e-12);
        }
    }
}
