//! From a weight to its points, and from the points' gradients back to the weight's.
//!
//! Points of weights are `[phase spread over][point][panel of 2N outputs][term][output in panel]`.

use super::plan::Plan;
use super::points::store;
use super::scheme::{Kernel, KernelGradient, MAX, Scheme, both, load};
use super::turn;
use crate::lanes::{Lanes, UNBENT};
use crate::memory::{Aligned, Shared};
use crate::path::{self, Path, Task};
use rayon::prelude::*;

/// The most taps of a kernel, in whole vectors.
const TAPS: usize = 64;

/// How the points of weights lie.
#[derive(Clone, Copy)]
pub(super) struct Layout {
    lanes: usize,
    pub(super) panels: usize,
    /// Terms: the depth in whole blocks, times phases within.
    pub(super) terms: usize,
    blocks: usize,
}

impl Layout {
    pub(super) fn new(plan: &Plan, lanes: usize) -> Self {
        let blocks = plan.depth.div_ceil(lanes);
        Self {
            lanes,
            panels: plan.outputs.div_ceil(2 * lanes),
            terms: blocks * lanes * plan.within * plan.within,
            blocks,
        }
    }

    /// Floats of a panel.
    pub(super) fn panel(&self) -> usize {
        self.terms * 2 * self.lanes
    }

    /// Floats of all.
    pub(super) fn len<S: Scheme>(&self, plan: &Plan) -> usize {
        let points = plan.spread * plan.spread * S::POINTS * S::POINTS;
        points * self.panels * self.panel()
    }
}

/// The points of a weight.
pub(super) fn points<S: Scheme>(path: Path, plan: &Plan, weight: &[f32]) -> Aligned {
    let (lanes, _) = path::tile(path);
    let layout = Layout::new(plan, lanes);
    let len = layout.len::<S>(plan);
    let fill = |to: Shared| {
        (0..layout.panels * layout.blocks)
            .into_par_iter()
            .for_each(|task| {
                let (panel, block) = (task / layout.blocks, task % layout.blocks);
                let task = Points::<S> {
                    part: Part {
                        plan,
                        layout,
                        panel,
                        block,
                    },
                    weight,
                    to,
                    scheme: std::marker::PhantomData,
                };
                path::run(path, task);
            });
    };
    let whole = plan.depth.is_multiple_of(lanes) && plan.outputs.is_multiple_of(2 * lanes);
    if whole {
        // Every channel of every block and panel exists, so everything is written.
        return Aligned::filled(len, fill);
    }
    let mut points = Aligned::zeros(len);
    fill(Shared::new(points.as_mut_slice()));
    points
}

/// The gradient to the weight from that of its points. Phases are all within: this is of a forward plan.
pub(super) fn gradient<S: Scheme>(path: Path, plan: &Plan, points: &[f32]) -> Vec<f32> {
    let (lanes, _) = path::tile(path);
    let layout = Layout::new(plan, lanes);
    let mut dw = vec![0.0; plan.outputs * plan.depth * plan.kernel * plan.kernel];
    let shared = Shared::new(&mut dw);
    (0..layout.panels * layout.blocks)
        .into_par_iter()
        .for_each(|task| {
            let (panel, block) = (task / layout.blocks, task % layout.blocks);
            let task = Gradient::<S> {
                part: Part {
                    plan,
                    layout,
                    panel,
                    block,
                },
                points,
                to: shared,
                scheme: std::marker::PhantomData,
            };
            path::run(path, task);
        });
    dw
}

/// A panel of outputs times a block of the depth.
struct Part<'a> {
    plan: &'a Plan,
    layout: Layout,
    panel: usize,
    block: usize,
}

impl Part<'_> {
    /// The kernels of one channel of the block, for half a panel of outputs; `None` where there are none.
    #[inline(always)]
    fn kernels(&self, index: usize) -> Option<Kernels> {
        let lanes = self.layout.lanes;
        let (half, channel) = (index / lanes, index % lanes);
        let output = (2 * self.panel + half) * lanes;
        let depth = self.block * lanes + channel;
        (output < self.plan.outputs && depth < self.plan.depth).then(|| Kernels {
            half,
            channel,
            at: output * self.plan.weight_strides[0] + depth * self.plan.weight_strides[1],
            count: lanes.min(self.plan.outputs - output),
        })
    }

    /// Where point 0 of a phase's term is.
    #[inline(always)]
    fn place<L: Lanes, S: Scheme>(&self, phase: usize, kernels: &Kernels) -> usize {
        let within = self.plan.within * self.plan.within;
        let (spread, within_phase) = if self.plan.spread > 1 {
            (phase, 0)
        } else {
            (0, phase)
        };
        let term = (self.block * within + within_phase) * L::N + kernels.channel;
        let point = spread * S::POINTS * S::POINTS;
        let panel = point * self.layout.panels + self.panel;
        panel * self.layout.panel() + (2 * term + kernels.half) * L::N
    }
}

/// Some outputs' kernels for one channel of the depth.
struct Kernels {
    half: usize,
    channel: usize,
    /// Where the first begins in the weight.
    at: usize,
    count: usize,
}

struct Points<'a, S> {
    part: Part<'a>,
    weight: &'a [f32],
    to: Shared<'a>,
    scheme: std::marker::PhantomData<S>,
}

impl<S: Scheme> Task for Points<'_, S> {
    #[inline(always)]
    unsafe fn run<L: Lanes>(self) {
        let Part { plan, layout, .. } = self.part;
        let area = plan.kernel * plan.kernel;
        let stride = plan.weight_strides[0];
        let point_stride = layout.panels * layout.panel();
        let mut taps = [0.0_f32; TAPS * 16];
        for index in 0..2 * L::N {
            let Some(kernels) = self.part.kernels(index) else {
                continue;
            };
            let last = kernels.at + (kernels.count - 1) * stride + area;
            assert!(area <= TAPS && last <= self.weight.len());
            // SAFETY: the kernels are inside the weight by the assertion, and `taps` holds whole squares of
            // vectors; parts of the points are disjoint between tasks.
            unsafe {
                let from = self.weight.as_ptr().add(kernels.at);
                for tap in (0..area).step_by(L::N) {
                    let high = L::N.min(area - tap);
                    let to = taps.as_mut_ptr().add(tap * L::N);
                    turn::read::<L>(from.add(tap), stride, kernels.count, [0, high], to);
                }
                for phase in 0..plan.phases() {
                    let mut square = [[L::splat(0.0); MAX]; MAX];
                    for i in 0..S::TAPS {
                        for j in 0..S::TAPS {
                            let tap = plan.tap(phase, [i, j]);
                            square[i][j] = L::load(taps.as_ptr().add(tap * L::N));
                        }
                    }
                    both::<L, Kernel<S>>(&mut square, S::TAPS, S::POINTS);
                    let place = self.part.place::<L, S>(phase, &kernels);
                    let len = (S::POINTS * S::POINTS - 1) * point_stride + L::N;
                    store::<L, S>(&square, self.to.pointer(place, len), point_stride);
                }
            }
        }
    }
}

struct Gradient<'a, S> {
    part: Part<'a>,
    points: &'a [f32],
    to: Shared<'a>,
    scheme: std::marker::PhantomData<S>,
}

impl<S: Scheme> Task for Gradient<'_, S> {
    #[inline(always)]
    unsafe fn run<L: Lanes>(self) {
        let Part { plan, layout, .. } = self.part;
        let area = plan.kernel * plan.kernel;
        let stride = plan.weight_strides[0];
        let point_stride = layout.panels * layout.panel();
        let (mut taps, bias) = ([0.0_f32; TAPS * 16], [0.0_f32; 16]);
        for index in 0..2 * L::N {
            let Some(kernels) = self.part.kernels(index) else {
                continue;
            };
            // SAFETY: the points are as many as the layout says; each output's kernel of this depth is this task's alone.
            unsafe {
                for phase in 0..plan.phases() {
                    let from = &self.points[self.part.place::<L, S>(phase, &kernels)..];
                    assert!(from.len() >= (S::POINTS * S::POINTS - 1) * point_stride + L::N);
                    let strides = [S::POINTS * point_stride, point_stride];
                    let mut square = load::<L>(from.as_ptr(), [S::POINTS; 2], strides);
                    both::<L, KernelGradient<S>>(&mut square, S::POINTS, S::TAPS);
                    for i in 0..S::TAPS {
                        for j in 0..S::TAPS {
                            let tap = plan.tap(phase, [i, j]);
                            square[i][j].store(taps.as_mut_ptr().add(tap * L::N));
                        }
                    }
                }
                let len = (kernels.count - 1) * stride + area;
                let to = self.to.pointer(kernels.at, len);
                turn::write::<L>(
                    taps.as_ptr(),
                    area,
                    bias.as_ptr(),
                    UNBENT,
                    to,
                    stride,
                    kernels.count,
                );
            }
        }
    }
}
