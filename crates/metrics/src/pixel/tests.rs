//! The pixel figures by hand: the edge cases at which published evaluations differ, and one test
//! per slip to be feared.

use super::*;
use crate::{AUPRO_LIMIT, BestIou};

/// An owned map.
#[derive(Clone, Debug)]
pub(super) struct Owned {
    pub(super) scores: Vec<f32>,
    pub(super) mask: Vec<bool>,
    pub(super) height: usize,
    pub(super) width: usize,
}

/// A map by rows, `#` in the mask being anomalous.
pub(super) fn map(scores: &[&[f32]], mask: &[&str]) -> Owned {
    Owned {
        scores: scores.concat(),
        mask: mask.concat().bytes().map(|byte| byte == b'#').collect(),
        height: scores.len(),
        width: scores[0].len(),
    }
}

pub(super) fn evaluate(maps: &[Owned]) -> PixelMetrics {
    let mut evaluation = PixelEvaluation::new(0.5);
    for map in maps {
        evaluation
            .push(&PixelMap::new(&map.scores, &map.mask, map.height, map.width).unwrap())
            .unwrap();
    }
    evaluation.finish()
}

pub(super) fn assert_close(found: Result<f64>, expected: f64) {
    let found = found.unwrap();
    assert!(
        (found - expected).abs() < 1e-12,
        "{found} is not {expected}"
    );
}

#[test]
fn a_constant_map_is_chance() {
    // Edge case 1: some tools give 0 here, by breaking ties against the method.
    let metrics = evaluate(&[map(&[&[0.7; 4], &[0.7; 4]], &["#...", "...#"])]);
    assert_eq!(metrics.auroc(), Ok(0.5));
    assert_close(metrics.aupro(AUPRO_LIMIT), 0.15);
    assert_close(metrics.aupro(1.0), 0.5);
}

#[test]
fn without_a_region_each_figure_says_why() {
    // Edge case 2: never 0 and never 1.
    let metrics = evaluate(&[map(&[&[0.1, 0.9]], &[".."])]);
    assert_eq!(metrics.aupro(AUPRO_LIMIT), Err(Undefined::NoRegion));
    assert_eq!(metrics.pro_curve(10), Err(Undefined::NoRegion));
    assert_eq!(metrics.auroc(), Err(Undefined::NoPositive));
    assert_eq!(metrics.average_precision(), Err(Undefined::NoPositive));
    assert_eq!(metrics.f1_max(), Err(Undefined::NoPositive));
    assert_eq!(metrics.iou_best_threshold(), Err(Undefined::NoPositive));
    assert_eq!(metrics.iou_pooled(), Err(Undefined::NoPositive));
    assert_eq!(
        metrics.iou_mean_over_anomalous_images(),
        Err(Undefined::NoPositive)
    );
}

#[test]
fn without_a_normal_pixel_only_rates_are_undefined() {
    let metrics = evaluate(&[map(&[&[0.1, 0.9]], &["##"])]);
    assert_eq!(metrics.aupro(AUPRO_LIMIT), Err(Undefined::NoNegative));
    assert_eq!(metrics.auroc(), Err(Undefined::NoNegative));
    assert_eq!(metrics.average_precision(), Ok(1.0));
    assert_eq!(metrics.iou_pooled(), Ok(0.5));
}

#[test]
fn without_a_map_everything_is_empty() {
    let metrics = evaluate(&[]);
    assert_eq!(metrics.aupro(AUPRO_LIMIT), Err(Undefined::Empty));
    assert_eq!(metrics.auroc(), Err(Undefined::Empty));
    assert_eq!(metrics.f1_max(), Err(Undefined::Empty));
    assert_eq!(metrics.iou_pooled(), Err(Undefined::Empty));
}

#[test]
fn a_curve_threshold_includes_its_score_and_a_fixed_one_does_not() {
    // Edge case 3.
    let metrics = evaluate(&[map(&[&[0.5, 0.2]], &["#."])]);
    assert_eq!(
        metrics.iou_best_threshold(),
        Ok(BestIou {
            iou: 1.0,
            threshold: 0.5
        })
    );
    assert_eq!(metrics.iou_pooled(), Ok(0.0));
}

#[test]
fn a_mask_of_another_size_is_refused() {
    // Edge case 4: nothing is resized behind the caller's back.
    let shape = |height, width, scores, mask| Undefined::ShapeMismatch {
        height,
        width,
        scores,
        mask,
    };
    let refused = |scores: &[f32], mask: &[bool], height, width| {
        PixelMap::new(scores, mask, height, width).err()
    };
    assert_eq!(
        refused(&[0.0; 4], &[false; 2], 2, 2),
        Some(shape(2, 2, 4, 2))
    );
    assert_eq!(
        refused(&[0.0; 4], &[false; 4], 2, 3),
        Some(shape(2, 3, 4, 4))
    );
    assert_eq!(
        refused(&[], &[], usize::MAX, 2),
        Some(shape(usize::MAX, 2, 0, 0))
    );
    assert_eq!(refused(&[], &[], 0, 5), Some(Undefined::Empty));
}

#[test]
fn normal_pixels_of_anomalous_images_count_as_false_positives() {
    // Edge case 5: of 4 normal pixels, the one above the defect lies in the anomalous image. Over
    // the normal image alone its rate would be 0 and the area 1.
    let anomalous = map(&[&[0.9, 0.8]], &[".#"]);
    let normal = map(&[&[0.1, 0.1, 0.1]], &["..."]);
    let metrics = evaluate(&[anomalous, normal]);
    // Overlap is 0 up to a rate of ¼ and 1 from there.
    assert_close(metrics.aupro(AUPRO_LIMIT), (0.30 - 0.25) / 0.30);
}

#[test]
fn diagonal_pixels_are_one_region() {
    // Edge case 6: with 4 neighbours there would be 3 regions here.
    let metrics = evaluate(&[map(
        &[&[0.9, 0.0, 0.0], &[0.0, 0.1, 0.0], &[0.0, 0.0, 0.9]],
        &["#..", ".#.", "..#"],
    )]);
    assert_eq!(metrics.regions(), 1);
}

#[test]
fn regions_of_different_maps_never_merge() {
    // Edge case 6: stacked in one array, the bottom row of one map would touch the top row of the
    // next.
    let map = map(&[&[0.9, 0.1]], &["#."]);
    assert_eq!(evaluate(&[map.clone(), map]).regions(), 2);
}

#[test]
fn small_regions_weigh_as_much_as_large_ones() {
    // The single pixel is found first, the bar of 4 only after a quarter of the 4 normal pixels.
    let maps = [
        map(&[&[0.9, 0.5]], &["#."]),
        map(&[&[0.4, 0.4, 0.4, 0.4, 0.0, 0.0, 0.0]], &["####..."]),
    ];
    let metrics = evaluate(&maps);
    // Overlap is ½ up to a rate of ¼ and 1 from there.
    assert_close(metrics.aupro(0.5), (0.25 * 0.5 + 0.25) / 0.5);
    let curve = metrics.pro_curve(usize::MAX).unwrap();
    let corners: Vec<_> = curve
        .iter()
        .map(|p| (p.false_positive_rate, p.overlap, p.threshold))
        .collect();
    let expected = [
        (0.0, 0.0, f32::INFINITY),
        (0.0, 0.5, 0.9),
        (0.25, 0.5, 0.5),
        (0.25, 1.0, 0.4),
        (1.0, 1.0, 0.0),
    ];
    assert_eq!(corners, expected);
}

#[test]
fn the_area_is_interpolated_at_the_limit() {
    // One tie of half the normal pixels and the region: a ramp from (0, 0) to (½, 1), of which 0.3
    // is kept.
    let metrics = evaluate(&[map(&[&[0.9, 0.9, 0.1]], &["#.."])]);
    assert_close(metrics.aupro(0.3), 0.5 * 0.3 * 0.6 / 0.3);
}

#[test]
fn clamped_scores_tie() {
    // Edge case 7: clamping at 1 turns a perfect map into a ramp.
    let raw = map(&[&[1.5, 1.2, 0.0]], &["#.."]);
    let mut clamped = raw.clone();
    clamped
        .scores
        .iter_mut()
        .for_each(|score| *score = score.min(1.0));
    assert_close(evaluate(&[raw]).aupro(AUPRO_LIMIT), 1.0);
    assert_close(evaluate(&[clamped]).aupro(AUPRO_LIMIT), 0.3);
}

#[test]
fn pooled_and_mean_iou_are_different_figures() {
    // Edge case 8: the large image rules the pooled figure.
    let maps = [
        map(&[&[0.9]], &["#"]),
        map(&[&[0.1, 0.1, 0.1, 0.9]], &["####"]),
    ];
    let metrics = evaluate(&maps);
    assert_eq!(metrics.iou_pooled(), Ok(2.0 / 5.0));
    assert_eq!(
        metrics.iou_mean_over_anomalous_images(),
        Ok((1.0 + 0.25) / 2.0)
    );
}

#[test]
fn a_score_that_is_not_finite_is_refused_with_its_place() {
    // Edge case 9: the caller knows the map's file, so each map is checked on its own.
    for bad in [f32::NAN, f32::INFINITY] {
        let refused = PixelMap::new(&[0.0, 0.0, bad], &[false; 3], 1, 3).err();
        assert_eq!(refused, Some(Undefined::NotFinite { index: 2 }));
    }
}

#[test]
fn areas_over_more_pixels_than_f32_can_count_stay_exact() {
    // Edge case 10: an f32 counter stops at 2^24. A third of the normal pixels lies above the
    // region.
    let pixels = 3 * (1 << 23);
    let mut scores = vec![0.0; pixels];
    let mut mask = vec![false; pixels];
    let above = pixels / 3;
    scores[..above].fill(0.9);
    scores[above] = 0.5;
    mask[above] = true;
    let metrics = evaluate(&[Owned {
        scores,
        mask,
        height: 3,
        width: 1 << 23,
    }]);
    let normal = (pixels - 1) as f64;
    assert_close(metrics.auroc(), 1.0 - above as f64 / normal);
    assert_close(metrics.aupro(0.5), (0.5 - above as f64 / normal) / 0.5);
}

#[test]
fn a_limit_outside_its_range_is_refused() {
    let metrics = evaluate(&[map(&[&[0.9, 0.1]], &["#."])]);
    for limit in [0.0, -0.1, 1.1, f64::INFINITY] {
        assert_eq!(
            metrics.aupro(limit),
            Err(Undefined::LimitOutOfRange { limit })
        );
    }
    assert!(matches!(
        metrics.aupro(f64::NAN),
        Err(Undefined::LimitOutOfRange { .. })
    ));
}

#[test]
fn a_wrong_fixed_threshold_hides_nothing_else() {
    let mut evaluation = PixelEvaluation::new(f32::NAN);
    evaluation
        .push(&PixelMap::new(&[0.9, 0.1], &[true, false], 1, 2).unwrap())
        .unwrap();
    let metrics = evaluation.finish();
    assert_eq!(metrics.iou_pooled(), Err(Undefined::ThresholdNotANumber));
    assert_eq!(metrics.auroc(), Ok(1.0));
}

#[test]
fn curves_are_thinned_and_keep_their_ends() {
    let scores: Vec<f32> = (0..1000)
        .map(|pixel| (pixel * 7919 % 1000) as f32)
        .collect();
    let mask = (0..1000).map(|pixel| pixel % 5 == 0).collect();
    let metrics = evaluate(&[Owned {
        scores,
        mask,
        height: 10,
        width: 100,
    }]);
    let roc = metrics.roc_curve(50).unwrap();
    assert!(roc.len() <= 50 && roc.len() > 25);
    assert_eq!(
        (roc[0].false_positive_rate, roc[0].true_positive_rate),
        (0.0, 0.0)
    );
    assert_eq!(
        roc.last()
            .map(|p| (p.false_positive_rate, p.true_positive_rate)),
        Some((1.0, 1.0))
    );
    let pro = metrics.pro_curve(50).unwrap();
    assert!(pro.len() <= 50);
    assert_eq!(
        pro.last().map(|p| (p.false_positive_rate, p.overlap)),
        Some((1.0, 1.0))
    );
    assert!(metrics.precision_recall_curve(50).unwrap().len() <= 50);
    // Nothing called anomalous is a point too, so 1000 scores make 1001 points.
    assert!(metrics.roc_curve(1000).unwrap().len() <= 1000);
    assert!(metrics.pro_curve(1000).unwrap().len() <= 1000);
    assert_eq!(metrics.roc_curve(1001).unwrap().len(), 1001);
    assert_eq!(metrics.precision_recall_curve(1000).unwrap().len(), 1000);
}

#[test]
fn anomalous_pixels_take_ten_bytes_at_most_while_maps_are_pushed() {
    let (scores, mask) = (vec![0.5; 1000], vec![true; 1000]);
    let mut evaluation = PixelEvaluation::new(0.5);
    for pushed in 1..100 {
        evaluation
            .push(&PixelMap::new(&scores, &mask, 10, 100).unwrap())
            .unwrap();
        assert!(evaluation.anomalous.capacity() * size_of::<u64>() <= 10 * (pushed * 1000));
    }
}

/// What is left out counts nowhere: the figures are those of the rest alone, whatever scores lie there.
#[test]
fn pixels_left_out_count_nowhere() {
    let scores = [0.9, 0.2, 0.8, 0.1, 0.4, 0.7];
    let mask = [true, false, true, false, false, true];
    let ignore = [false, false, true, false, true, false];
    let evaluate = |scores: &[f32], mask: &[bool], ignore: Option<&[bool]>| {
        let mut evaluation = PixelEvaluation::new(0.5);
        let map = PixelMap::new(scores, mask, 1, scores.len()).unwrap();
        let map = ignore
            .map_or(Ok(map), |ignore| map.ignoring(ignore))
            .unwrap();
        evaluation.push(&map).unwrap();
        evaluation
            .push(&PixelMap::new(&[0.3, 0.6], &[false, true], 1, 2).unwrap())
            .unwrap();
        evaluation.finish()
    };
    let figures = |pixels: &PixelMetrics| {
        [
            pixels.auroc(),
            pixels.average_precision(),
            pixels.aupro(0.3),
            pixels.iou_pooled(),
            pixels.iou_mean_over_anomalous_images(),
            pixels.iou_best_threshold().map(|best| best.iou),
        ]
    };
    let part = evaluate(&scores, &mask, Some(&ignore));
    let rest = evaluate(&[0.9, 0.2, 0.1, 0.7], &[true, false, false, true], None);
    assert_eq!(figures(&part), figures(&rest));
    assert_eq!((part.regions(), part.normal_pixels()), (3, 3));
    let other = evaluate(&[0.9, 0.2, -5.0, 0.1, 99.0, 0.7], &mask, Some(&ignore));
    assert_eq!(figures(&other), figures(&part));
    let nothing = evaluate(&scores, &mask, Some(&[false; 6]));
    assert_eq!(figures(&nothing), figures(&evaluate(&scores, &mask, None)));
}

#[test]
fn a_region_that_a_strip_left_out_cuts_in_two_stays_one() {
    let mut evaluation = PixelEvaluation::new(0.5);
    let map = PixelMap::new(&[0.9, 0.5, 0.9, 0.1], &[true, true, true, false], 1, 4).unwrap();
    let map = map.ignoring(&[false, true, false, false]).unwrap();
    evaluation.push(&map).unwrap();
    let pixels = evaluation.finish();
    assert_eq!((pixels.regions(), pixels.anomalous_pixels()), (1, 2));
    assert!(map.ignoring(&[true]).is_err());
}
