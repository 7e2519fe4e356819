//! The fast algorithms in one dimension (Winograd, 1980; Lavin and Gray, CVPR 2016): how many products a short correlation
//! needs, and the sums before and after them.
//!
//! `F(m, r)` gives m outputs of a kernel with r taps from m + r − 1 inputs with m + r − 1 products, where the plain sum takes m·r. In
//! two dimensions both counts are squared. Only small schemes, whose sums are of ±1 and ½: they lose next to no digits.

use crate::lanes::Lanes;

/// Up to four vectors: points, inputs, outputs or taps of one line of a tile.
pub(super) type Line<L> = [L; MAX];

/// The most points of a scheme.
pub(super) const MAX: usize = 4;

/// A scheme `F(OUT, TAPS)`. Each function takes and gives the first so many vectors of a line.
///
/// # Safety
/// Of all functions: the processor has the instruction set of `L`.
pub(super) trait Scheme: Copy + Send + Sync + 'static {
    /// Products, and inputs of a tile.
    const POINTS: usize;
    /// Outputs of a tile.
    const OUT: usize;
    /// Taps of the kernel.
    const TAPS: usize;

    /// Bᵀ: inputs to points.
    unsafe fn input<L: Lanes>(d: Line<L>) -> Line<L>;
    /// G: taps to points.
    unsafe fn kernel<L: Lanes>(g: Line<L>) -> Line<L>;
    /// Aᵀ: products to outputs.
    unsafe fn output<L: Lanes>(m: Line<L>) -> Line<L>;
    /// A: outputs' gradients to points.
    unsafe fn output_gradient<L: Lanes>(y: Line<L>) -> Line<L>;
    /// Gᵀ: points to taps' gradients.
    unsafe fn kernel_gradient<L: Lanes>(s: Line<L>) -> Line<L>;
}

/// F(1, 1): the plain product, for kernels that no other scheme fits.
#[derive(Clone, Copy)]
pub(super) struct OneOfOne;

/// F(2, 2): three products instead of four. No factor but ±1.
#[derive(Clone, Copy)]
pub(super) struct TwoOfTwo;

/// F(3, 2): four products instead of six.
#[derive(Clone, Copy)]
pub(super) struct ThreeOfTwo;

/// F(2, 3): four products instead of six.
#[derive(Clone, Copy)]
pub(super) struct TwoOfThree;

impl Scheme for OneOfOne {
    const POINTS: usize = 1;
    const OUT: usize = 1;
    const TAPS: usize = 1;

    #[inline(always)]
    unsafe fn input<L: Lanes>(d: Line<L>) -> Line<L> {
        d
    }

    #[inline(always)]
    unsafe fn kernel<L: Lanes>(g: Line<L>) -> Line<L> {
        g
    }

    #[inline(always)]
    unsafe fn output<L: Lanes>(m: Line<L>) -> Line<L> {
        m
    }

    #[inline(always)]
    unsafe fn output_gradient<L: Lanes>(y: Line<L>) -> Line<L> {
        y
    }

    #[inline(always)]
    unsafe fn kernel_gradient<L: Lanes>(s: Line<L>) -> Line<L> {
        s
    }
}

// SAFETY of the bodies below: they only use vector arithmetic, under the trait's promise.
impl Scheme for TwoOfTwo {
    const POINTS: usize = 3;
    const OUT: usize = 2;
    const TAPS: usize = 2;

    #[inline(always)]
    unsafe fn input<L: Lanes>([a, b, c, zero]: Line<L>) -> Line<L> {
        // SAFETY: see above.
        unsafe { [a.sub(b), b, c.sub(b), zero] }
    }

    #[inline(always)]
    unsafe fn kernel<L: Lanes>([a, b, zero, _]: Line<L>) -> Line<L> {
        // SAFETY: see above.
        unsafe { [a, a.add(b), b, zero] }
    }

    #[inline(always)]
    unsafe fn output<L: Lanes>([a, b, c, zero]: Line<L>) -> Line<L> {
        // SAFETY: see above.
        unsafe { [a.add(b), b.add(c), zero, zero] }
    }

    #[inline(always)]
    unsafe fn output_gradient<L: Lanes>([a, b, zero, _]: Line<L>) -> Line<L> {
        // SAFETY: see above.
        unsafe { [a, a.add(b), b, zero] }
    }

    #[inline(always)]
    unsafe fn kernel_gradient<L: Lanes>([a, b, c, zero]: Line<L>) -> Line<L> {
        // SAFETY: see above.
        unsafe { [a.add(b), b.add(c), zero, zero] }
    }
}

/// Bᵀ of both schemes with four points: 0, 1, −1, ∞.
///
/// # Safety
/// As [`Scheme`].
#[inline(always)]
unsafe fn four_points<L: Lanes>([a, b, c, d]: Line<L>) -> Line<L> {
    // SAFETY: see above.
    unsafe { [a.sub(c), b.add(c), c.sub(b), b.sub(d)] }
}

impl Scheme for ThreeOfTwo {
    const POINTS: usize = 4;
    const OUT: usize = 3;
    const TAPS: usize = 2;

    #[inline(always)]
    unsafe fn input<L: Lanes>(d: Line<L>) -> Line<L> {
        // SAFETY: see above.
        unsafe { four_points(d) }
    }

    #[inline(always)]
    unsafe fn kernel<L: Lanes>([a, b, ..]: Line<L>) -> Line<L> {
        // SAFETY: see above.
        unsafe {
            let half = L::splat(0.5);
            [a, a.add(b).mul(half), a.sub(b).mul(half), b]
        }
    }

    #[inline(always)]
    unsafe fn output<L: Lanes>([a, b, c, d]: Line<L>) -> Line<L> {
        // SAFETY: see above.
        unsafe {
            let sum = b.add(c);
            [a.add(sum), b.sub(c), sum.sub(d), d]
        }
    }

    #[inline(always)]
    unsafe fn output_gradient<L: Lanes>([a, b, c, _]: Line<L>) -> Line<L> {
        // SAFETY: see above.
        unsafe {
            let sum = a.add(c);
            [a, sum.add(b), sum.sub(b), L::splat(0.0).sub(c)]
        }
    }

    #[inline(always)]
    unsafe fn kernel_gradient<L: Lanes>([a, b, c, d]: Line<L>) -> Line<L> {
        // SAFETY: see above.
        unsafe {
            let half = L::splat(0.5);
            [b.add(c).mul_add(half, a), b.sub(c).mul_add(half, d), a, a]
        }
    }
}

impl Scheme for TwoOfThree {
    const POINTS: usize = 4;
    const OUT: usize = 2;
    const TAPS: usize = 3;

    #[inline(always)]
    unsafe fn input<L: Lanes>(d: Line<L>) -> Line<L> {
        // SAFETY: see above.
        unsafe { four_points(d) }
    }

    #[inline(always)]
    unsafe fn kernel<L: Lanes>([a, b, c, _]: Line<L>) -> Line<L> {
        // SAFETY: see above.
        unsafe {
            let (half, outer) = (L::splat(0.5), a.add(c));
            [a, outer.add(b).mul(half), outer.sub(b).mul(half), c]
        }
    }

    #[inline(always)]
    unsafe fn output<L: Lanes>([a, b, c, d]: Line<L>) -> Line<L> {
        // SAFETY: see above.
        unsafe { [a.add(b).add(c), b.sub(c).sub(d), d, d] }
    }

    #[inline(always)]
    unsafe fn output_gradient<L: Lanes>([a, b, zero, _]: Line<L>) -> Line<L> {
        // SAFETY: see above.
        unsafe { [a, a.add(b), a.sub(b), zero.sub(b)] }
    }

    #[inline(always)]
    unsafe fn kernel_gradient<L: Lanes>([a, b, c, d]: Line<L>) -> Line<L> {
        // SAFETY: see above.
        unsafe {
            let half = L::splat(0.5);
            let (sum, difference) = (b.add(c), b.sub(c));
            [
                sum.mul_add(half, a),
                difference.mul(half),
                sum.mul_add(half, d),
                a,
            ]
        }
    }
}

/// One of a scheme's functions, named as a type: a function pointer would not be compiled for the caller's instruction set.
pub(super) trait Map {
    /// Applies it.
    ///
    /// # Safety
    /// As [`Scheme`].
    unsafe fn line<L: Lanes>(line: Line<L>) -> Line<L>;
}

macro_rules! map {
    ($name:ident, $function:ident) => {
        #[doc = concat!("[`Scheme::", stringify!($function), "`]")]
        pub(super) struct $name<S>(std::marker::PhantomData<S>);

        impl<S: Scheme> Map for $name<S> {
            #[inline(always)]
            unsafe fn line<L: Lanes>(line: Line<L>) -> Line<L> {
                // SAFETY: the caller's promise.
                unsafe { S::$function(line) }
            }
        }
    };
}

map!(Input, input);
map!(Kernel, kernel);
map!(Output, output);
map!(OutputGradient, output_gradient);
map!(KernelGradient, kernel_gradient);

/// Applies a function of lines to the first `columns` columns of a square, then to its first `rows` rows.
///
/// # Safety
/// As [`Scheme`].
#[inline(always)]
pub(super) unsafe fn both<L: Lanes, M: Map>(
    square: &mut [Line<L>; MAX],
    columns: usize,
    rows: usize,
) {
    // SAFETY: the caller's promise.
    unsafe {
        for column in 0..columns {
            let mut line = [L::splat(0.0); MAX];
            for row in 0..MAX {
                line[row] = square[row][column];
            }
            let line = M::line(line);
            for row in 0..MAX {
                square[row][column] = line[row];
            }
        }
        for row in 0..rows {
            square[row] = M::line(square[row]);
        }
    }
}

/// Reads the first rows and columns of a square, each so many floats from the next; the rest is zeros.
///
/// # Safety
/// All those vectors are readable; the processor has the instruction set of `L`.
#[inline(always)]
pub(super) unsafe fn load<L: Lanes>(
    from: *const f32,
    [rows, columns]: [usize; 2],
    [row_stride, column_stride]: [usize; 2],
) -> [Line<L>; MAX] {
    // SAFETY: the caller's promise.
    unsafe {
        let mut square = [[L::splat(0.0); MAX]; MAX];
        for row in 0..rows {
            for column in 0..columns {
                square[row][column] = L::load(from.add(row * row_stride + column * column_stride));
            }
        }
        square
    }
}
