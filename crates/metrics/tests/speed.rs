//! How long an evaluation of 42 maps takes, as many as MVTec AD's toothbrush has, at 1024x1024. Not
//! run by default: a time is not right or wrong.
//!
//! `cargo test --release -p cavga-metrics --test speed -- --ignored --nocapture`

use cavga_metrics::{AUPRO_LIMIT, PixelEvaluation, PixelMap};
use std::time::Instant;

#[test]
#[ignore = "prints times, checks nothing"]
fn forty_two_maps_of_a_megapixel() {
    const SIDE: usize = 1024;
    let mut state = 1_u32;
    let mut random = || {
        // A linear congruential generator (Numerical Recipes), of which the upper bits are good
        // enough here.
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 24) as f32
    };
    let maps: Vec<(Vec<f32>, Vec<bool>)> = (0..42)
        .map(|_| {
            let mask: Vec<bool> = (0..SIDE * SIDE)
                .map(|pixel| (pixel / SIDE) % 64 < 8 && pixel % 64 < 16)
                .collect();
            (
                mask.iter()
                    .map(|&positive| random() + f32::from(positive) * 0.2)
                    .collect(),
                mask,
            )
        })
        .collect();
    let started = Instant::now();
    let mut evaluation = PixelEvaluation::new(0.5);
    for (scores, mask) in &maps {
        let map = PixelMap::new(scores, mask, SIDE, SIDE).unwrap();
        evaluation.push(&map).unwrap();
    }
    println!("pushed  {:.2?}", started.elapsed());
    let metrics = evaluation.finish();
    println!("sorted  {:.2?}", started.elapsed());
    println!("auroc   {:?} {:.2?}", metrics.auroc(), started.elapsed());
    println!(
        "ap      {:?} {:.2?}",
        metrics.average_precision(),
        started.elapsed()
    );
    println!(
        "aupro   {:?} {:.2?}",
        metrics.aupro(AUPRO_LIMIT),
        started.elapsed()
    );
    println!(
        "iou     {:?} {:.2?}",
        metrics.iou_best_threshold(),
        started.elapsed()
    );
    println!("f1      {:?} {:.2?}", metrics.f1_max(), started.elapsed());
    println!(
        "curve   {:?} {:.2?}",
        metrics.pro_curve(500).map(|curve| curve.len()),
        started.elapsed()
    );
}
