//! What normal images show: four families, each with what varies from one good image to the next (light, place, grain)
//! and what never does.
//!
//! Lengths are in units of the shorter side, so that an image looks the same at any size; only threads and grains never
//! get narrower than a few pixels.

use super::canvas::{Canvas, Rgb, blend, shade};
use super::noise::{at_point, cells, layered, smooth, step, turns, wave};
use super::{GenerateConfig, Texture};
use crate::stream::{Purpose, Stream};

/// Radius of the disc of [`Texture::Gear`] between its teeth, and with them.
pub(super) const GEAR_RADIUS: [f64; 2] = [0.34, 0.40];

/// What varies from image to image.
struct Look {
    seed: u64,
    /// Shift of the pattern.
    shift: [f64; 2],
    /// Overall brightness, and how it falls off across the image.
    light: f64,
    slope: [f64; 2],
}

/// The normal image of a number.
pub(super) fn paint(config: &GenerateConfig, index: u64) -> Canvas {
    let mut stream = Stream::new(config.seed, Purpose::Picture, index, 0);
    let look = Look {
        seed: stream.bits(),
        shift: [stream.unit(), stream.unit()],
        light: stream.between(0.96, 1.04),
        slope: [stream.between(-0.05, 0.05), stream.between(-0.05, 0.05)],
    };
    let unit = unit(config);
    let [height, width] = config.size;
    let (middle_x, middle_y) = (width as f64 / 2.0 / unit, height as f64 / 2.0 / unit);
    Canvas::paint(config.size, |px, py| {
        let (x, y) = (px / unit, py / unit);
        let colour = match config.texture {
            Texture::Woven => woven(&look, x, y, (6.0 / unit).max(0.045)),
            Texture::Wood => wood(&look, x, y),
            Texture::Leather => leather(&look, x, y, (5.0 / unit).max(0.035)),
            Texture::Gear => gear(&look, x - middle_x, y - middle_y),
        };
        let light = look.light + look.slope[0] * (x - middle_x) + look.slope[1] * (y - middle_y);
        // A camera's noise, one grain for each point of a pixel.
        let grain = at_point(look.seed ^ 0xC0FFEE, (px * 4.0) as i64, (py * 4.0) as i64) - 0.5;
        shade(colour, light).map(|value| value + 0.03 * grain)
    })
}

/// Pixels in a unit of length.
pub(super) fn unit(config: &GenerateConfig) -> f64 {
    config.size[0].min(config.size[1]) as f64
}

/// What is seen where a piece is missing.
pub(super) fn behind(texture: Texture) -> Rgb {
    match texture {
        Texture::Woven => [0.08, 0.07, 0.07],
        Texture::Wood => [0.13, 0.09, 0.06],
        Texture::Leather => [0.78, 0.70, 0.58],
        Texture::Gear => GROUND,
    }
}

const GROUND: Rgb = [0.10, 0.12, 0.15];

/// Threads of width `pitch`, over and under each other in turn.
fn woven(look: &Look, x: f64, y: f64, pitch: f64) -> Rgb {
    let bend = 0.35 * (layered(look.seed, x * 5.0, y * 5.0, 2) - 0.5);
    let u = x / pitch + look.shift[0] * 7.0 + bend;
    let v = y / pitch + look.shift[1] * 7.0 + bend;
    let (i, j) = (u.floor() as i64, v.floor() as i64);
    let upright_on_top = (i + j).rem_euclid(2) == 0;
    let (across, along, thread, colour) = if upright_on_top {
        (u, v, at_point(look.seed ^ 11, i, 0), [0.80, 0.74, 0.62])
    } else {
        (v, u, at_point(look.seed ^ 12, 0, j), [0.52, 0.56, 0.62])
    };
    // Round threads: light in the middle of their width, darker where they dive under the next.
    let round = 0.45 + 0.55 * wave(across).sqrt();
    let dive = 0.72 + 0.28 * wave(along);
    let fibre = 0.94 + 0.12 * smooth(look.seed ^ 13, across * 5.0, along * 1.2);
    shade(colour, round * dive * fibre * (0.93 + 0.14 * thread))
}

/// Rings of a log, cut lengthwise: long, wavering stripes, with fine pores along them.
fn wood(look: &Look, x: f64, y: f64) -> Rgb {
    let (sx, sy) = (x + 9.0 * look.shift[0], y + 9.0 * look.shift[1]);
    let waver = 0.22 * layered(look.seed, sx * 1.1, sy * 2.6, 3);
    let ring = (sy + waver) * 9.0;
    let within = ring - ring.floor();
    // Slow growth darkens towards the end of a year, then spring begins at once.
    let late = step((within - 0.35) / 0.55) * (1.0 - step((within - 0.93) / 0.07));
    let year = 0.25 * (at_point(look.seed ^ 21, ring.floor() as i64, 0) - 0.5);
    let colour = blend(
        [0.80, 0.60, 0.38],
        [0.52, 0.33, 0.17],
        (0.85 * late + year).clamp(0.0, 1.0),
    );
    let pores = smooth(look.seed ^ 22, sx * 12.0, sy * 170.0);
    shade(colour, 0.92 + 0.13 * pores)
}

/// Grains of size `grain` between creases.
fn leather(look: &Look, x: f64, y: f64, grain: f64) -> Rgb {
    let warp = 0.5 * layered(look.seed, x / grain * 0.3, y / grain * 0.3, 2);
    let (nearest, second) = cells(look.seed ^ 31, x / grain + warp, y / grain - warp);
    let crease = 1.0 - step((second - nearest) / 0.28);
    let dome = 1.0 - 0.30 * nearest;
    let tone = 0.88 + 0.24 * layered(look.seed ^ 32, x * 4.0, y * 4.0, 3);
    shade(
        blend([0.55, 0.33, 0.20], [0.25, 0.13, 0.08], 0.85 * crease),
        dome * tone,
    )
}

/// A disc with twelve teeth, a bore, a raised ring and six bolt holes; (x, y) from its centre.
fn gear(look: &Look, x: f64, y: f64) -> Rgb {
    // No jig holds a part exactly.
    let (x, y) = (
        x + 0.008 * (look.shift[0] - 0.5),
        y + 0.008 * (look.shift[1] - 0.5),
    );
    let ground = shade(
        GROUND,
        0.85 + 0.3 * layered(look.seed ^ 41, x * 14.0, y * 14.0, 3),
    );
    let radius = (x * x + y * y).sqrt();
    let angle = turns(x, y);
    let tooth = step((wave(angle * 12.0) - 0.32) / 0.36);
    let edge = GEAR_RADIUS[0] + (GEAR_RADIUS[1] - GEAR_RADIUS[0]) * tooth;
    let hole = bolt_hole(radius, angle);
    let soft = 0.004;
    let solid =
        step((edge - radius) / soft) * step((radius - 0.075) / soft) * step((hole - 0.028) / soft);
    if solid <= 0.0 {
        return ground;
    }
    // Turned on a lathe: fine rings, a raised step, and two bright sectors where the lamp is mirrored.
    let rings = 0.95 + 0.10 * smooth(look.seed ^ 42, radius * 160.0, 0.5);
    let gleam = 0.90 + 0.22 * wave(angle * 2.0 + 0.1);
    let raised = if (0.11..0.16).contains(&radius) {
        1.10
    } else {
        1.0
    };
    let rim = 1.0 - 0.22 * step((radius - edge + 0.016) / 0.016);
    blend(
        ground,
        shade([0.62, 0.64, 0.66], rings * gleam * raised * rim),
        solid,
    )
}

/// Distance to the nearest of six bolt holes' centres, on a circle about the bore.
fn bolt_hole(radius: f64, angle: f64) -> f64 {
    const CIRCLE: f64 = 0.235;
    let sixth = angle * 6.0;
    let off = (sixth - sixth.floor() - 0.5) / 6.0;
    // For the small angles within a hole an arc is as good as its chord.
    let along = off * std::f64::consts::TAU * (radius * CIRCLE).sqrt();
    let outward = radius - CIRCLE;
    (along * along + outward * outward).sqrt()
}
