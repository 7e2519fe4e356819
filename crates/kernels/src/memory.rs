//! Memory for kernels: buffers aligned to cache lines, a reused one per thread, and one output shared by threads.

use std::cell::RefCell;
use std::marker::PhantomData;

/// One cache line.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
struct Line([f32; 16]);

/// Floats that begin at a cache line, so that packed vectors never straddle two.
#[derive(Debug, Default)]
pub(crate) struct Aligned {
    lines: Vec<Line>,
    len: usize,
}

impl Aligned {
    const EMPTY: Self = Self {
        lines: Vec::new(),
        len: 0,
    };

    /// `len` zeros.
    pub(crate) fn zeros(len: usize) -> Self {
        Self {
            lines: vec![Line([0.0; 16]); len.div_ceil(16)],
            len,
        }
    }

    /// `len` floats that `fill` writes, all of them; `len` is of whole lines. See [`uninitialized`].
    pub(crate) fn filled(len: usize, fill: impl FnOnce(Shared)) -> Self {
        assert!(len.is_multiple_of(16), "whole lines");
        let mut lines = Vec::<Line>::with_capacity(len / 16);
        fill(Shared {
            start: lines.as_mut_ptr().cast(),
            len,
            borrow: PhantomData,
        });
        // SAFETY: the capacity is there, and `fill` has written every line.
        unsafe { lines.set_len(len / 16) };
        Self { lines, len }
    }

    /// The floats.
    pub(crate) fn as_slice(&self) -> &[f32] {
        // SAFETY: `Line` is 16 floats without padding, and `len` never exceeds what the lines hold.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.len) }
    }

    /// The floats, writable.
    pub(crate) fn as_mut_slice(&mut self) -> &mut [f32] {
        // SAFETY: as in `as_slice`, borrowed exclusively.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.len) }
    }

    /// Makes it hold `len` floats, in the memory that it has if that is enough; what they are is unspecified, but initialised.
    pub(crate) fn resize(&mut self, len: usize) {
        if self.capacity() < len {
            *self = Self::zeros(len);
        }
        self.len = len;
    }

    /// Floats that it could hold.
    pub(crate) fn capacity(&self) -> usize {
        self.lines.len() * 16
    }
}

/// Lends this thread's scratch buffer for a task, of `len` floats, contents unspecified. Kept between calls, because
/// allocators hand big buffers back to the system, and getting them again costs a page fault for every 4 KiB.
pub(crate) fn with_scratch<R>(len: usize, work: impl FnOnce(&mut [f32]) -> R) -> R {
    thread_local! {
        static SCRATCH: RefCell<Aligned> = const { RefCell::new(Aligned::EMPTY) };
    }
    SCRATCH.with(|scratch| lend(scratch, len, work))
}

/// As [`with_scratch`], but for what a call shares between its tasks, which may run on the same thread.
pub(crate) fn with_shared_scratch<R>(len: usize, work: impl FnOnce(&mut [f32]) -> R) -> R {
    thread_local! {
        static SCRATCH: RefCell<Aligned> = const { RefCell::new(Aligned::EMPTY) };
    }
    SCRATCH.with(|scratch| lend(scratch, len, work))
}

fn lend<R>(scratch: &RefCell<Aligned>, len: usize, work: impl FnOnce(&mut [f32]) -> R) -> R {
    match scratch.try_borrow_mut() {
        Ok(mut buffer) => {
            buffer.resize(len);
            work(buffer.as_mut_slice())
        }
        // A kernel inside a kernel on the same thread: gets a buffer of its own.
        Err(_) => work(Aligned::zeros(len).as_mut_slice()),
    }
}

/// A vector of `len` floats that `fill` writes, all of them; without zeros first, which cost a pass over memory.
///
/// Not `unsafe` to call only because the crate's callers are few and each says why nothing is left out.
pub(crate) fn uninitialized(len: usize, fill: impl FnOnce(Shared)) -> Vec<f32> {
    let mut values = Vec::<f32>::with_capacity(len);
    fill(Shared {
        start: values.as_mut_ptr(),
        len,
        borrow: PhantomData,
    });
    // SAFETY: the capacity is there, and `fill` has written every element.
    unsafe { values.set_len(len) };
    values
}

/// An output that several threads write, each its own part.
#[derive(Clone, Copy)]
pub(crate) struct Shared<'a> {
    start: *mut f32,
    len: usize,
    borrow: PhantomData<&'a mut [f32]>,
}

// SAFETY: it is only a place; `slice` states who may write where.
unsafe impl Send for Shared<'_> {}
// SAFETY: as above.
unsafe impl Sync for Shared<'_> {}

impl<'a> Shared<'a> {
    /// Shares a slice for as long as it is borrowed.
    pub(crate) fn new(slice: &'a mut [f32]) -> Self {
        Self {
            start: slice.as_mut_ptr(),
            len: slice.len(),
            borrow: PhantomData,
        }
    }

    /// A part of the output.
    ///
    /// # Safety
    /// While the returned slice lives, no other thread or slice covers any of its elements.
    #[inline(always)]
    #[allow(clippy::mut_from_ref)]
    pub(crate) unsafe fn slice(&self, from: usize, len: usize) -> &'a mut [f32] {
        assert!(
            from <= self.len && len <= self.len - from,
            "a part must lie inside the output"
        );
        // SAFETY: inside the output by the assertion, disjoint from others by the caller's promise. In `uninitialized` and `filled` the
        // floats were never written yet: any bits are a float, and callers only write them.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(from), len) }
    }

    /// Where a part begins, for threads whose parts interleave.
    ///
    /// # Safety
    /// Through it the caller writes, of the `len` floats from there, only those that no other thread writes.
    #[inline(always)]
    pub(crate) unsafe fn pointer(&self, from: usize, len: usize) -> *mut f32 {
        assert!(
            from <= self.len && len <= self.len - from,
            "a part must lie inside the output"
        );
        // SAFETY: inside the output by the assertion.
        unsafe { self.start.add(from) }
    }
}
