//! Exact figures of more pixels than memory holds: maps are made, rated and dropped one at a time.
//!
//! `cargo run --release -p cavga --example many_pixels -- 1000` rates 1,000 maps of a megapixel each, a billion pixels.

use std::{error::Error, time::Instant};

use cavga::metrics::{AUPRO_LIMIT, PixelEvaluation, PixelMap};

const SIDE: usize = 1000;

fn main() -> Result<(), Box<dyn Error>> {
    let maps = std::env::args()
        .nth(1)
        .map_or(Ok(20), |text| text.parse::<usize>())?;
    let begin = Instant::now();
    let mut evaluation = PixelEvaluation::new(0.5);
    let mut state = 1_u32;
    let mut random = || {
        // A linear congruential generator (Numerical Recipes), of which the upper bits are good enough here.
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 24) as f32
    };
    for map in 0..maps {
        let is_marked = |pixel: usize| map % 2 == 0 && pixel / SIDE % 64 < 8 && pixel % 64 < 8;
        let mask: Vec<bool> = (0..SIDE * SIDE).map(is_marked).collect();
        let score = |marked: &bool| random() * random() + 0.2 * f32::from(*marked);
        let scores: Vec<f32> = mask.iter().map(score).collect();
        evaluation.push(&PixelMap::new(&scores, &mask, SIDE, SIDE)?)?;
    }
    let pixels = evaluation.finish();
    println!(
        "pixels             {}",
        pixels.normal_pixels() + pixels.anomalous_pixels()
    );
    println!("regions            {}", pixels.regions());
    println!("AUROC              {:.6}", pixels.auroc()?);
    println!("average precision  {:.6}", pixels.average_precision()?);
    println!("AUPRO to 0.30      {:.6}", pixels.aupro(AUPRO_LIMIT)?);
    println!("seconds            {:.1}", begin.elapsed().as_secs_f64());
    Ok(())
}
