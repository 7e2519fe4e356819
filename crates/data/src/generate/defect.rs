//! What goes wrong: five kinds of defect laid over a normal picture, with a mask measured from the change itself.

use super::canvas::{Canvas, Rgb, blend, level, shade};
use super::noise::{layered, step};
use super::texture::{GEAR_RADIUS, behind, unit};
use super::{Defect, GenerateConfig, Texture};
use crate::mask::Mask;
use crate::stream::{Purpose, Stream};

/// A pixel counts as changed from this many of 255 levels in one of its channels; smaller changes are taken back.
pub const VISIBLE: u8 = 4;

/// How a defect changes one pixel: from (x, y) in units from its centre and the old colour to the new.
type Change = Box<dyn Fn(f64, f64, Rgb) -> Rgb>;

/// Damages a picture. The mask is exactly where the result differs from `clean`.
pub(super) fn paint(
    config: &GenerateConfig,
    clean: &Canvas,
    defect: Defect,
    index: u64,
) -> (Canvas, Mask) {
    // What may turn out invisible (a dark stain on a dark ground) is drawn again elsewhere.
    for attempt in 0..16 {
        let mut stream = Stream::new(
            config.seed,
            Purpose::Defect,
            index,
            defect as u64 + 16 * attempt,
        );
        let centre = place(config, defect, &mut stream);
        let change = change(config, clean, defect, centre, &mut stream);
        let (canvas, mask) = apply(config, clean, centre, &change);
        if mask.area() * 1500 >= clean.height * clean.width {
            return (canvas, mask);
        }
    }
    // Never seen, but a promise is a promise: a quarter of the picture inverted is visible on anything.
    let invert: Change = Box::new(|x, y, old| {
        if x.abs().max(y.abs()) > 0.25 {
            old
        } else {
            old.map(|value| {
                if value < 0.5 {
                    value + 0.5
                } else {
                    value - 0.5
                }
            })
        }
    });
    apply(
        config,
        clean,
        [clean.width as f64 / 2.0, clean.height as f64 / 2.0],
        &invert,
    )
}

/// The centre of the defect in pixels: on the part where there is one, and clear of the image's border.
fn place(config: &GenerateConfig, defect: Defect, stream: &mut Stream) -> [f64; 2] {
    let [height, width] = config.size.map(|side| side as f64);
    if config.texture != Texture::Gear {
        return [
            width * stream.between(0.2, 0.8),
            height * stream.between(0.2, 0.8),
        ];
    }
    // A missing part of a gear is a tooth or what lies beside it.
    let [low, high] = if defect == Defect::MissingPart {
        [GEAR_RADIUS[0], GEAR_RADIUS[1]]
    } else {
        [0.12, 0.30]
    };
    let radius = stream.between(low, high);
    loop {
        let (x, y) = (stream.between(-1.0, 1.0), stream.between(-1.0, 1.0));
        let length = (x * x + y * y).sqrt();
        if (0.1..=1.0).contains(&length) {
            let scale = radius * unit(config) / length;
            return [width / 2.0 + x * scale, height / 2.0 + y * scale];
        }
    }
}

/// Applies a change to every pixel, takes invisible changes back, and marks the others.
fn apply(
    config: &GenerateConfig,
    clean: &Canvas,
    centre: [f64; 2],
    change: &Change,
) -> (Canvas, Mask) {
    let mut canvas = clean.clone();
    let mut pixels = Vec::with_capacity(clean.height * clean.width);
    for row in 0..clean.height {
        for column in 0..clean.width {
            let x = (column as f64 + 0.5 - centre[0]) / unit(config);
            let y = (row as f64 + 0.5 - centre[1]) / unit(config);
            let new = change(x, y, clean.at(row, column)).map(level);
            let start = (row * clean.width + column) * 3;
            let old = &mut canvas.rgb[start..start + 3];
            let visible = old
                .iter()
                .zip(new)
                .any(|(old, new)| old.abs_diff(new) >= VISIBLE);
            if visible {
                old.copy_from_slice(&new);
            }
            pixels.push(visible);
        }
    }
    (
        canvas,
        Mask {
            height: clean.height,
            width: clean.width,
            pixels,
        },
    )
}

fn change(
    config: &GenerateConfig,
    clean: &Canvas,
    defect: Defect,
    centre: [f64; 2],
    stream: &mut Stream,
) -> Change {
    let pixel = 1.0 / unit(config);
    let row = (centre[1] as usize).min(clean.height - 1);
    let column = (centre[0] as usize).min(clean.width - 1);
    let under = clean.at(row, column);
    let dark_under = under.iter().sum::<f64>() < 1.2;
    match defect {
        Defect::Scratch => scratch(pixel, dark_under, stream),
        Defect::Blob => blob(pixel, dark_under, stream),
        Defect::MissingPart => missing_part(pixel, behind(config.texture), stream),
        Defect::Stain => stain(dark_under, stream),
        Defect::Misprint => misprint(pixel, stream),
    }
}

/// A thin arc, light on dark and dark on light.
fn scratch(pixel: f64, dark_under: bool, stream: &mut Stream) -> Change {
    let half = stream.between(0.10, 0.22);
    let (direction, bow) = (direction(stream), stream.between(-0.35, 0.35));
    let width = stream.between(0.004, 0.008).max(0.9 * pixel);
    let colour = if dark_under {
        [0.92, 0.92, 0.90]
    } else {
        [0.12, 0.10, 0.10]
    };
    Box::new(move |x, y, old| {
        let along = x * direction[0] + y * direction[1];
        let across =
            y * direction[0] - x * direction[1] - bow * (along * along / half - half / 2.0);
        // Pressed hardest in its middle.
        let reach = width * (1.0 - 0.5 * (along / half) * (along / half));
        let inside = ((reach - across.abs()) / pixel + 0.5).clamp(0.0, 1.0);
        let ends = ((half - along.abs()) / pixel + 0.5).clamp(0.0, 1.0);
        blend(old, colour, 0.9 * inside * ends)
    })
}

/// A lump with a light and a dark side.
fn blob(pixel: f64, dark_under: bool, stream: &mut Stream) -> Change {
    let outline = Outline::new(stream, [0.035, 0.07], 0.45);
    let palette = if dark_under {
        [[0.86, 0.80, 0.35], [0.80, 0.84, 0.88], [0.85, 0.45, 0.35]]
    } else {
        [[0.15, 0.13, 0.12], [0.14, 0.22, 0.16], [0.30, 0.10, 0.08]]
    };
    let colour = palette[stream.below(palette.len())];
    Box::new(move |x, y, old| {
        let inside = (outline.depth(x, y) / pixel + 0.5).clamp(0.0, 1.0);
        let lit = 1.0 - 0.25 * (x + y) / outline.radius;
        blend(old, shade(colour, lit.clamp(0.6, 1.5)), inside)
    })
}

/// A hole with a torn edge, through which what lies behind is seen.
fn missing_part(pixel: f64, behind: Rgb, stream: &mut Stream) -> Change {
    let outline = Outline::new(stream, [0.05, 0.085], 0.35);
    Box::new(move |x, y, old| {
        let inside = (outline.depth(x, y) / pixel + 0.5).clamp(0.0, 1.0);
        // Where nothing is, nothing can be missing: the ground beside a part stays as it is.
        if old
            .iter()
            .zip(behind)
            .all(|(old, behind)| (old - behind).abs() < 0.06)
        {
            return old;
        }
        let uneven = 0.85 + 0.3 * layered(outline.seed ^ 5, x * 30.0, y * 30.0, 2);
        blend(old, shade(behind, uneven), inside)
    })
}

/// Something spilt: the pattern is still seen through it.
fn stain(dark_under: bool, stream: &mut Stream) -> Change {
    let outline = Outline::new(stream, [0.09, 0.15], 0.5);
    let strength = stream.between(0.7, 1.0);
    let tint = if dark_under {
        [1.9, 1.8, 1.5]
    } else {
        [0.62, 0.52, 0.40]
    };
    let veil = if dark_under { 0.12 } else { 0.0 };
    Box::new(move |x, y, old| {
        let soft = step(outline.depth(x, y) / (0.35 * outline.radius));
        let wet = [0, 1, 2].map(|channel| old[channel] * tint[channel] + veil);
        blend(old, wet, strength * soft)
    })
}

/// A ring with a bar across it, in coloured ink.
fn misprint(pixel: f64, stream: &mut Stream) -> Change {
    let inks = [[0.75, 0.08, 0.12], [0.05, 0.20, 0.70], [0.05, 0.50, 0.25]];
    let ink = inks[stream.below(inks.len())];
    let radius = stream.between(0.05, 0.08);
    let line = stream.between(0.010, 0.016).max(pixel);
    let direction = direction(stream);
    Box::new(move |x, y, old| {
        let ring = line - ((x * x + y * y).sqrt() - radius).abs();
        let along = x * direction[0] + y * direction[1];
        let across = y * direction[0] - x * direction[1];
        let bar = (line - across.abs()).min(1.5 * radius - along.abs());
        let inside = (ring.max(bar) / pixel + 0.5).clamp(0.0, 1.0);
        blend(old, ink, 0.85 * inside)
    })
}

/// A random direction of length 1.
fn direction(stream: &mut Stream) -> [f64; 2] {
    loop {
        let (x, y) = (stream.between(-1.0, 1.0), stream.between(-1.0, 1.0));
        let length = (x * x + y * y).sqrt();
        if (0.1..=1.0).contains(&length) {
            return [x / length, y / length];
        }
    }
}

/// The outline of something irregular about the centre.
struct Outline {
    seed: u64,
    radius: f64,
    rough: f64,
    stretch: f64,
    direction: [f64; 2],
}

impl Outline {
    /// `rough` is how far the outline strays from an ellipse, as a fraction of its radius.
    fn new(stream: &mut Stream, radius: [f64; 2], rough: f64) -> Self {
        Self {
            seed: stream.bits(),
            radius: stream.between(radius[0], radius[1]),
            rough,
            stretch: stream.between(1.0, 1.4),
            direction: direction(stream),
        }
    }

    /// How deep a point lies inside, in units of length; negative outside.
    fn depth(&self, x: f64, y: f64) -> f64 {
        let along = (x * self.direction[0] + y * self.direction[1]) / self.stretch;
        let across = (y * self.direction[0] - x * self.direction[1]) * self.stretch;
        let distance = (along * along + across * across).sqrt();
        let scale = 1.4 / self.radius;
        let wobble = layered(self.seed, x * scale, y * scale, 3) - 0.5;
        self.radius * (1.0 + 2.0 * self.rough * wobble) - distance
    }
}
