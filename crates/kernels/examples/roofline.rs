//! What this machine could do, and what a large matrix product of ours does: `cargo run --release -p cavga-kernels --example roofline`.
#![allow(unsafe_code)] // The peak is measured by vector instructions alone.

use cavga_kernels::{ConvShape, Path, conv, reference::Noise};
use std::hint::black_box;
use std::time::Instant;

fn main() -> Result<(), cavga_kernels::ShapeError> {
    let threads = rayon::current_num_threads();
    println!("{threads} threads, {:?} kernels", Path::current());
    if let Some(peak) = peak(threads) {
        println!("multiply-adds in registers: {peak:.0} GFLOP/s");
    }
    // As a matrix product: 512 by 512 by 32,768.
    let shape = ConvShape::new(
        [8, 512, 64, 64],
        [512, 512, 1, 1],
        conv::Geometry::default(),
    )?;
    let mut noise = Noise::new(0);
    let x = noise.floats(shape.input_len());
    let weight = noise.floats(shape.weight_len());
    let run = || drop(black_box(conv::forward(&shape, &x, &weight, None)));
    let flops = 2.0 * shape.output_len() as f64 * 512.0;
    println!(
        "1×1 convolution, 512 to 512 channels: {:.0} GFLOP/s",
        flops / median(run) / 1e9
    );
    Ok(())
}

/// Seconds of a run, the median of nine after one that does not count.
fn median(run: impl Fn()) -> f64 {
    run();
    let mut seconds: Vec<f64> = (0..9)
        .map(|_| {
            let begin = Instant::now();
            run();
            begin.elapsed().as_secs_f64()
        })
        .collect();
    seconds.sort_by(f64::total_cmp);
    seconds[4]
}

/// GFLOP/s of all threads together, of multiply-adds that touch no memory; `None` without AVX-512 or AVX2.
#[cfg(target_arch = "x86_64")]
fn peak(threads: usize) -> Option<f64> {
    const ROUNDS: usize = 20_000_000;
    let (lanes, work): (usize, unsafe fn(usize) -> f32) = match Path::current() {
        Path::Avx512 => (16, wide),
        Path::Avx2 => (8, narrow),
        Path::Portable => return None,
    };
    let seconds = median(|| {
        std::thread::scope(|scope| {
            for _ in 0..threads {
                // SAFETY: the path is one that this processor has.
                scope.spawn(move || black_box(unsafe { work(ROUNDS) }));
            }
        });
    });
    Some((threads * ROUNDS * CHAINS * lanes * 2) as f64 / seconds / 1e9)
}

#[cfg(not(target_arch = "x86_64"))]
fn peak(_threads: usize) -> Option<f64> {
    None
}

/// Independent sums, enough to hide an instruction's latency.
#[cfg(target_arch = "x86_64")]
const CHAINS: usize = 12;

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn wide(rounds: usize) -> f32 {
    use std::arch::x86_64::*;
    let (factor, term) = (_mm512_set1_ps(0.999), _mm512_set1_ps(1e-3));
    let mut sums = [_mm512_set1_ps(0.5); CHAINS];
    for _ in 0..rounds {
        for sum in &mut sums {
            *sum = _mm512_fmadd_ps(*sum, factor, term);
        }
    }
    sums.into_iter().map(|sum| _mm512_reduce_add_ps(sum)).sum()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn narrow(rounds: usize) -> f32 {
    use std::arch::x86_64::*;
    let (factor, term) = (_mm256_set1_ps(0.999), _mm256_set1_ps(1e-3));
    let mut sums = [_mm256_set1_ps(0.5); CHAINS];
    for _ in 0..rounds {
        for sum in &mut sums {
            *sum = _mm256_fmadd_ps(*sum, factor, term);
        }
    }
    sums.into_iter().map(|sum| _mm256_cvtss_f32(sum)).sum()
}
