//! scratch
use cavga_metrics::*;
use std::time::{Duration, Instant};
fn main() {
    let side: usize = std::env::args().nth(1).unwrap().parse().unwrap();
    let maps: usize = std::env::args().nth(2).unwrap().parse().unwrap();
    let mut pushed = Duration::ZERO;
    let mut evaluation = PixelEvaluation::new(0.5);
    let mut state = 1_u32;
    let start = Instant::now();
    for m in 0..maps {
        let mask: Vec<bool> = (0..side * side)
            .map(|p| m % 2 == 0 && (p / side) % 64 < 8 && p % 64 < 16 && p / side < side / 2)
            .collect();
        let scores: Vec<f32> = mask
            .iter()
            .map(|&positive| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let a = (state >> 8) as f32 / (1 << 24) as f32;
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let b = (state >> 8) as f32 / (1 << 24) as f32;
                a * b * 0.37 + f32::from(positive) * 0.2
            })
            .collect();
        let t = Instant::now();
        evaluation
            .push(&PixelMap::new(&scores, &mask, side, side).unwrap())
            .unwrap();
        pushed += t.elapsed();
    }
    println!(
        "generated+pushed {:?}, pushed {:?}",
        start.elapsed(),
        pushed
    );
    let t = Instant::now();
    let metrics = evaluation.finish();
    println!(
        "finish {:?} pos {}",
        t.elapsed(),
        metrics.anomalous_pixels()
    );
    let t = Instant::now();
    println!("auroc {:?} {:?}", metrics.auroc(), t.elapsed());
    let t = Instant::now();
    println!("ap {:?} {:?}", metrics.average_precision(), t.elapsed());
    let t = Instant::now();
    println!("aupro {:?} {:?}", metrics.aupro(0.3), t.elapsed());
    let t = Instant::now();
    println!("f1 {:?} {:?}", metrics.f1_max(), t.elapsed());
    let t = Instant::now();
    println!("ranks {:?} {:?}", metrics.aupro_100_ranks(0.3), t.elapsed());
    let t = Instant::now();
    println!("alarm {:?} {:?}", metrics.at_alarm_rate(0.05), t.elapsed());
    let t = Instant::now();
    println!(
        "pimo {:?} {:?}",
        metrics.aupimo(AUPIMO_LIMITS).map(|v| v.len()),
        t.elapsed()
    );
    let t = Instant::now();
    println!(
        "curve {:?} {:?}",
        metrics.pro_curve(500).map(|v| v.len()),
        t.elapsed()
    );
    println!(
        "{}",
        std::fs::read_to_string("/proc/self/status")
            .unwrap()
            .lines()
            .filter(|l| l.starts_with("VmHWM"))
            .collect::<String>()
    );
}
