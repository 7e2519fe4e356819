//! What the bank's kernels do: `cargo run --release -p cavga-kernels --example bank [FILE WIDTH]`, where the file holds rows of so many
//! little-endian floats; without one, features are made up. A tenth of the rows is picked; 1024 rows are then searched for in them.

use cavga_kernels::bank::{Farthest, Nearest, Precision, Rows};
use cavga_kernels::{Path, reference::Noise, threads};
use std::error::Error;
use std::hint::black_box;
use std::time::Instant;

const QUERIES: usize = 1024;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (width, values) = match arguments.as_slice() {
        [] => (152, made_up(30_000, 152)),
        [file, width] => {
            let bytes = std::fs::read(file)?;
            let values = bytes
                .as_chunks()
                .0
                .iter()
                .map(|&bytes| f32::from_le_bytes(bytes));
            (width.parse()?, values.collect())
        }
        _ => return Err("usage: bank [FILE WIDTH]".into()),
    };
    let (path, count) = (Path::current(), rayon::current_num_threads());
    println!(
        "{count} threads, {path:?} kernels, {} rows of {width}",
        values.len() / width
    );
    for precision in [Precision::F32, Precision::F16] {
        let mut rows = Rows::with_capacity(width, precision, values.len() / width);
        values.chunks_exact(width).for_each(|row| rows.push(row));
        measure(&rows, &values[..values.len().min(QUERIES * width)]);
    }
    Ok(())
}

fn measure(rows: &Rows, queries: &[f32]) {
    let begin = Instant::now();
    let picked = threads::together(|| {
        let mut farthest = Farthest::new(rows);
        farthest.pick(0);
        while farthest.picked().len() < rows.len() / 10
            && let Some((row, _)) = farthest.farthest()
        {
            farthest.pick(row);
        }
        farthest.picked().to_vec()
    });
    let ms = begin.elapsed().as_secs_f64() * 1e3;
    let (kept, count) = (rows.precision(), picked.len());
    println!("{kept:?}: {count} picks, {:.3} ms each", ms / count as f64);
    let nearest = Nearest::new(rows.select(&picked));
    for k in [1, 9] {
        let mut seconds: Vec<f64> = (0..9)
            .map(|_| {
                let begin = Instant::now();
                black_box(nearest.search(queries, k));
                begin.elapsed().as_secs_f64()
            })
            .collect();
        seconds.sort_by(f64::total_cmp);
        let flops = 2.0 * (queries.len() * nearest.len()) as f64;
        let (ms, rate) = (seconds[4] * 1e3, flops / seconds[4] / 1e9);
        println!("{kept:?}: {k} nearest of {count}: {ms:.1} ms, {rate:.0} GFLOP/s");
    }
}

/// Features as networks give them: near a surface of few dimensions, some far from most.
fn made_up(len: usize, width: usize) -> Vec<f32> {
    const DIMENSIONS: usize = 12;
    let mut noise = Noise::new(1);
    let axes = noise.floats(DIMENSIONS * width);
    let mut values = Vec::with_capacity(len * width);
    for _ in 0..len {
        let place = noise.floats(DIMENSIONS);
        let size = 1.0 / (0.2 + noise.floats(1)[0].abs());
        let jitter = noise.floats(width);
        values.extend(jitter.iter().enumerate().map(|(column, jitter)| {
            let along = place.iter().zip(axes[column..].iter().step_by(width));
            size * along.map(|(place, axis)| place * axis).sum::<f32>() + 0.1 * jitter
        }));
    }
    values
}
