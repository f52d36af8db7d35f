//! The sample shot of `pickup demo`, drawn by code: a pan past hills, houses and a meadow, each at its own speed; a
//! turning sign with letters and its soft shadow; a fence of thin wires in front; a title that stands still.
//!
//! Colours are linear light until a pixel is done. Textures lose what would be finer than the pixels showing them, so
//! that nothing shimmers that would not in a camera.

mod letters;

use self::letters::stroke_distance;
use pickup_clips::{ClipError, Picture, Transfer};

/// Frames of the shot, from 1.
pub(super) const FRAMES: i64 = 13;

/// The size at which distances below are pixels.
const WIDTH: f32 = 640.0;
const HEIGHT: f32 = 360.0;

/// Where the meadow ends, in infinity.
const HORIZON: f32 = 196.0;

/// Where a pixel is sampled: no two points in a row or column, so that edges of any slope come out smooth.
const POINTS: [(f32, f32); 4] = [(0.125, 0.625), (0.375, 0.125), (0.625, 0.875), (0.875, 0.375)];

type Rgb = [f32; 3];

/// The shot at a moment, in frames from 1, 16:9, `width` pixels wide.
pub(super) fn frame(at: f64, width: usize) -> Result<Picture, ClipError> {
    let height = width * 9 / 16;
    let scale = WIDTH / width as f32;
    let scene = Scene::at(at as f32);
    let mut samples = Vec::with_capacity(width * height * 3);
    for y in 0..height {
        for x in 0..width {
            let mut sum = [0.0; 3];
            for (dx, dy) in POINTS {
                let colour = scene.colour((x as f32 + dx) * scale, (y as f32 + dy) * scale);
                sum.iter_mut().zip(colour).for_each(|(s, c)| *s += c / POINTS.len() as f32);
            }
            samples.extend(sum.map(|v| (Transfer::LinearToSrgb.apply(v.clamp(0.0, 1.0)) * 255.0).round() as u8));
        }
    }
    Picture::from_rgb8(width, height, samples)
}

/// What moves, at one moment.
struct Scene {
    /// How far the camera has gone, in pixels of what passes fastest.
    camera: f32,
    sign: (f32, f32),
    /// Cosine and sine of the sign's angle.
    turn: (f32, f32),
    /// A bird's place, and how far its wings are up.
    bird: (f32, f32, f32),
}

const SIGN_RADIUS: f32 = 66.0;

impl Scene {
    fn at(t: f32) -> Self {
        let angle = -0.34 + 0.06 * (t - 1.0);
        let sign = (226.0 + 8.0 * (t - 1.0), 146.0 + 12.0 * (0.36 * t).sin());
        let bird = (560.0 - 5.0 * t, 62.0 + 0.9 * t, (0.7 * t).sin());
        Self { camera: 6.0 * t, sign, turn: (angle.cos(), angle.sin()), bird }
    }

    /// From front to back, as far as something is in the way.
    fn colour(&self, x: f32, y: f32) -> Rgb {
        match title(x, y) {
            Some((colour, 1.0)) => colour,
            Some((colour, cover)) => mix(self.scenery(x, y), colour, cover),
            None => self.scenery(x, y),
        }
    }

    fn scenery(&self, x: f32, y: f32) -> Rgb {
        let near = self.fence(x, y).or_else(|| self.sign(x, y)).or_else(|| self.bird(x, y));
        let middle = || self.meadow(x, y).or_else(|| self.houses(x, y)).or_else(|| self.hills(x, y));
        near.or_else(middle).unwrap_or_else(|| self.sky(x, y))
    }

    fn sky(&self, x: f32, y: f32) -> Rgb {
        let k = (y / HORIZON).clamp(0.0, 1.0);
        let clear = mix([0.12, 0.28, 0.60], [0.70, 0.68, 0.60], k * k);
        let clouds = fbm((x + 0.05 * self.camera) / 150.0, y / 60.0, 4, 11);
        mix(clear, [0.88, 0.86, 0.84], smooth(0.52, 0.78, clouds) * 0.8)
    }

    fn hills(&self, x: f32, y: f32) -> Option<Rgb> {
        let far = x + 0.12 * self.camera;
        let ridge = 150.0 + 20.0 * (far * 0.0105).sin() + 9.0 * (far * 0.031 + 1.0).sin() + 3.0 * (far * 0.083).sin();
        if y < ridge {
            return None;
        }
        let woods = fbm(far / 16.0, y / 9.0, 3, 23);
        Some(mix([0.10, 0.17, 0.20], [0.23, 0.31, 0.27], woods))
    }

    /// A row of houses, each as its number in the row has it.
    fn houses(&self, x: f32, y: f32) -> Option<Rgb> {
        const EACH: f32 = 118.0;
        let along = x + 0.28 * self.camera;
        let number = (along / EACH).floor();
        let u = along - number * EACH - EACH / 2.0;
        let own = |seed| hash(number as i32, 0, seed);
        let (half, top) = (26.0 + 14.0 * own(1), 166.0 - 26.0 * own(2));
        let roof = top - (half + 5.0 - u.abs()) * 0.62;
        if y > HORIZON + 6.0 || u.abs() > half + 5.0 || y < roof {
            return None;
        }
        if y < top {
            let tiles = 0.5 + 0.5 * ((y - roof) * 1.1).sin();
            return Some(mix([0.20, 0.06, 0.04], [0.34, 0.11, 0.07], tiles));
        }
        if u.abs() > half {
            return None;
        }
        let plaster = mix([0.62, 0.52, 0.38], [0.55, 0.58, 0.62], own(3));
        let wall = mix(plaster, [0.30, 0.26, 0.22], 0.35 * fbm(along / 11.0, y / 11.0, 2, 31));
        let (wx, wy) = ((u + 60.0) % 15.0 - 7.5, (y - top) % 17.0 - 9.0);
        let window = wx.abs() < 3.2 && wy.abs() < 4.6 && y < HORIZON - 4.0;
        Some(if window { [0.05, 0.07, 0.10] } else { wall })
    }

    /// A plane in perspective: what is nearer passes faster.
    fn meadow(&self, x: f32, y: f32) -> Option<Rgb> {
        let below = y - HORIZON;
        if below <= 0.0 {
            return None;
        }
        let near = below / (HEIGHT - HORIZON);
        let (u, v) = ((x - WIDTH / 2.0) / near + self.camera, 420.0 / near.max(0.02));
        // Octaves whose period on screen comes near that of the pixels fade to their mean.
        let octave = |period: f32, seed| {
            let shown = smooth(2.5, 6.0, period * near * near.min(0.6));
            0.5 + (noise(u / period, v / period, seed) - 0.5) * shown
        };
        let texture =
            0.38 * octave(150.0, 41) + 0.30 * octave(48.0, 42) + 0.20 * octave(17.0, 43) + 0.12 * octave(8.0, 44);
        let grass = mix([0.09, 0.20, 0.04], [0.33, 0.42, 0.12], smooth(0.3, 0.7, texture));
        let path = (v - 860.0 + 130.0 * (u * 0.006).sin()).abs();
        let grass = mix([0.50, 0.42, 0.30], grass, smooth(60.0, 110.0, path));
        let (sx, sy) = ((x - self.sign.0) / 78.0, (y - 262.0) / 17.0);
        let shade = 1.0 - 0.62 * (1.0 - smooth(0.25, 1.35, (sx * sx + sy * sy).sqrt()));
        Some(grass.map(|c| c * shade))
    }

    fn bird(&self, x: f32, y: f32) -> Option<Rgb> {
        let (dx, dy) = ((x - self.bird.0).abs(), y - self.bird.1);
        if dx > 13.0 {
            return None;
        }
        let wing = -self.bird.2 * dx * 0.55 + 0.03 * dx * dx;
        (dy - wing).abs().lt(&(1.7 - 0.09 * dx)).then_some([0.03, 0.03, 0.04])
    }

    fn sign(&self, x: f32, y: f32) -> Option<Rgb> {
        let (dx, dy) = (x - self.sign.0, y - self.sign.1);
        let distance = (dx * dx + dy * dy).sqrt();
        if distance > SIGN_RADIUS {
            return None;
        }
        let (cos, sin) = self.turn;
        let (u, v) = (dx * cos + dy * sin, dy * cos - dx * sin);
        if distance > SIGN_RADIUS - 5.0 {
            let studs = (v.atan2(u) * 12.0).sin() > 0.0;
            return Some(if studs { [0.75, 0.10, 0.06] } else { [0.85, 0.82, 0.75] });
        }
        let board = mix([0.80, 0.62, 0.14], [0.93, 0.78, 0.26], fbm(u / 21.0, v / 7.0, 3, 53));
        let letters = stroke_distance("PICKUP", (u + 48.0) / 2.65, (v + 13.0) / 2.65) * 2.65 < 2.6;
        let line = (v - 15.0).abs() < 0.9 && u.abs() < 44.0;
        let arrow = (v + 30.0).abs() < 7.0 && u > -18.0 && u < 20.0 - 2.0 * (v + 30.0).abs();
        let ink = letters || line || arrow;
        // A little light from above makes a round thing of it.
        let light = 1.0 - 0.18 * (dy / SIGN_RADIUS);
        Some((if ink { [0.05, 0.06, 0.12] } else { board }).map(|c| c * light))
    }

    fn fence(&self, x: f32, y: f32) -> Option<Rgb> {
        const EACH: f32 = 131.0;
        let along = x + 1.15 * self.camera;
        let u = along - (along / EACH).floor() * EACH - EACH / 2.0;
        if u.abs() < 4.2 && y > 238.0 + 1.2 * u.abs() {
            let wood = fbm(along / 3.6, y / 34.0, 2, 61);
            let round = 1.0 - 0.5 * (u / 4.2) * (u / 4.2);
            return Some(mix([0.10, 0.07, 0.05], [0.27, 0.20, 0.14], wood).map(|c| c * round));
        }
        // Wires hang a little between the posts.
        let hang = 5.0 * (1.0 - (1.0 - 2.0 * u.abs() / EACH).powi(2));
        let wire = [254.0, 281.0, 308.0].iter().any(|w| (y - w - hang).abs() < 0.75);
        wire.then_some([0.62, 0.63, 0.66])
    }
}

/// Stands still: half its shadow's strength shows the picture beneath.
fn title(x: f32, y: f32) -> Option<(Rgb, f32)> {
    let distance = |dx: f32| stroke_distance("SAMPLE SHOT", (x - 24.0 - dx) / 2.0, (y - 318.0 - dx) / 2.0) * 2.0;
    let rule = |dx: f32| (y - 340.0 - dx).abs() < 0.8 && x > 23.0 + dx && x < 145.0 + dx;
    if distance(0.0) < 1.3 || rule(0.0) {
        return Some(([0.92, 0.92, 0.92], 1.0));
    }
    (distance(1.4) < 1.6 || rule(1.4)).then_some(([0.0, 0.0, 0.0], 0.6))
}

fn mix(a: Rgb, b: Rgb, k: f32) -> Rgb {
    std::array::from_fn(|i| a[i] + (b[i] - a[i]) * k)
}

fn smooth(from: f32, to: f32, v: f32) -> f32 {
    let k = ((v - from) / (to - from)).clamp(0.0, 1.0);
    k * k * (3.0 - 2.0 * k)
}

/// A number from 0 to 1 that looks random, the same on every machine.
fn hash(x: i32, y: i32, seed: u32) -> f32 {
    let mut h = x.cast_unsigned().wrapping_mul(0x9E37_79B1) ^ y.cast_unsigned().wrapping_mul(0x85EB_CA77);
    h = (h ^ seed.wrapping_mul(0xC2B2_AE3D)).wrapping_mul(0x27D4_EB2F);
    h = (h ^ (h >> 15)).wrapping_mul(0x2C1B_3C6D);
    h = (h ^ (h >> 12)).wrapping_mul(0x297A_2D39);
    ((h ^ (h >> 15)) >> 8) as f32 / (1 << 24) as f32
}

/// Smooth noise from 0 to 1, of period 1.
fn noise(x: f32, y: f32, seed: u32) -> f32 {
    let (x0, y0) = (x.floor(), y.floor());
    let (kx, ky) = (smooth(0.0, 1.0, x - x0), smooth(0.0, 1.0, y - y0));
    let at = |dx, dy| hash(x0 as i32 + dx, y0 as i32 + dy, seed);
    let row = |dy| at(0, dy) + (at(1, dy) - at(0, dy)) * kx;
    row(0) + (row(1) - row(0)) * ky
}

/// Noise in octaves, each half as strong and half as wide as the one before, from 0 to 1.
fn fbm(x: f32, y: f32, octaves: u32, seed: u32) -> f32 {
    let (mut sum, mut all, mut strength, mut scale) = (0.0, 0.0, 1.0, 1.0);
    for i in 0..octaves {
        sum += strength * noise(x * scale, y * scale, seed + i);
        all += strength;
        (strength, scale) = (strength / 2.0, scale * 2.0);
    }
    sum / all
}

#[cfg(test)]
mod tests {
    use super::*;
    use pickup_clips::psnr;

    #[test]
    fn the_shot_is_the_same_every_time_and_moves() {
        let first = frame(1.0, 96).unwrap();
        assert_eq!(first.size(), (96, 54));
        assert_eq!(first, frame(1.0, 96).unwrap());
        let apart = psnr(&first, &frame(2.0, 96).unwrap()).unwrap();
        assert!((12.0..30.0).contains(&apart), "{apart}");
    }

    #[test]
    fn the_title_stands_still() {
        let ink = |t: i64| {
            let scene = Scene::at(t as f32);
            let points = (0..60).flat_map(|y| (0..130).map(move |x| (20.0 + x as f32, 310.0 + y as f32 / 1.5)));
            points
                .filter(|(x, y)| title(*x, *y).is_some_and(|t| t.1 == 1.0))
                .map(|(x, y)| scene.colour(x, y))
                .collect::<Vec<_>>()
        };
        assert!(ink(1).len() > 500);
        assert_eq!(ink(1), ink(9));
    }

    #[test]
    fn noise_stays_within_its_range_and_is_smooth() {
        for i in 0..500 {
            let x = i as f32 * 0.173 - 40.0;
            let (a, b) = (noise(x, 0.3, 5), noise(x + 0.001, 0.3, 5));
            assert!((0.0..=1.0).contains(&a) && (a - b).abs() < 0.01, "{x}");
        }
    }
}
