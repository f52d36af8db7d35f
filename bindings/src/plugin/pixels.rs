//! Rows of the host's pixels to and from four floats, red, green, blue, alpha.
//!
//! Integers map 0…max to 0…1; half and float pass through. RGB has alpha 1; Alpha has black colour.

use half::f16;

use crate::{BitDepth, Components};

/// One pixel: red, green, blue, alpha.
pub type Rgba = [f32; 4];

/// Bytes of a pixel.
#[must_use]
pub const fn pixel_bytes(depth: BitDepth, components: Components) -> usize {
    depth.bytes() * components.channels()
}

/// Reads as many pixels as both sides have.
pub fn read_row(depth: BitDepth, components: Components, row: &[u8], pixels: &mut [Rgba]) {
    match depth {
        BitDepth::Byte => read::<1>(components, row, pixels, |[b]| f32::from(b) / 255.0),
        BitDepth::Short => read::<2>(components, row, pixels, |b| f32::from(u16::from_ne_bytes(b)) / 65535.0),
        BitDepth::Half => read::<2>(components, row, pixels, |b| f16::from_ne_bytes(b).to_f32()),
        BitDepth::Float => read::<4>(components, row, pixels, f32::from_ne_bytes),
    }
}

/// Writes as many pixels as both sides have. Integers are clamped and rounded; not-a-number becomes 0.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped by `quantise`")]
pub fn write_row(depth: BitDepth, components: Components, pixels: &[Rgba], row: &mut [u8]) {
    match depth {
        BitDepth::Byte => write::<1>(components, pixels, row, |v| [quantise(v, 255.0) as u8]),
        BitDepth::Short => write::<2>(components, pixels, row, |v| (quantise(v, 65535.0) as u16).to_ne_bytes()),
        BitDepth::Half => write::<2>(components, pixels, row, |v| f16::from_f32(v).to_ne_bytes()),
        BitDepth::Float => write::<4>(components, pixels, row, f32::to_ne_bytes),
    }
}

/// A whole number from 0 to `max`, or not-a-number, which the caller's cast takes for 0.
fn quantise(value: f32, max: f32) -> f32 {
    (value * max).round().clamp(0.0, max)
}

fn read<const B: usize>(components: Components, row: &[u8], pixels: &mut [Rgba], value: impl Fn([u8; B]) -> f32) {
    let (channels, _) = row.as_chunks::<B>();
    match components {
        Components::Rgba => {
            for (pixel, c) in pixels.iter_mut().zip(channels.as_chunks::<4>().0) {
                *pixel = c.map(&value);
            }
        }
        Components::Rgb => {
            for (pixel, &[r, g, b]) in pixels.iter_mut().zip(channels.as_chunks::<3>().0) {
                *pixel = [value(r), value(g), value(b), 1.0];
            }
        }
        Components::Alpha => {
            for (pixel, &a) in pixels.iter_mut().zip(channels) {
                *pixel = [0.0, 0.0, 0.0, value(a)];
            }
        }
    }
}

fn write<const B: usize>(components: Components, pixels: &[Rgba], row: &mut [u8], value: impl Fn(f32) -> [u8; B]) {
    let (channels, _) = row.as_chunks_mut::<B>();
    match components {
        Components::Rgba => {
            for (c, pixel) in channels.as_chunks_mut::<4>().0.iter_mut().zip(pixels) {
                *c = pixel.map(&value);
            }
        }
        Components::Rgb => {
            for (c, &[r, g, b, _]) in channels.as_chunks_mut::<3>().0.iter_mut().zip(pixels) {
                *c = [value(r), value(g), value(b)];
            }
        }
        Components::Alpha => {
            for (c, pixel) in channels.iter_mut().zip(pixels) {
                *c = value(pixel[3]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALUES: [Rgba; 3] = [[0.0, 0.25, 0.5, 1.0], [1.0, 0.75, 0.125, 0.0], [0.3, 0.6, 0.9, 0.5]];

    fn there_and_back(depth: BitDepth, components: Components) -> Vec<Rgba> {
        let mut row = vec![0; pixel_bytes(depth, components) * VALUES.len()];
        write_row(depth, components, &VALUES, &mut row);
        let mut pixels = vec![[9.0; 4]; VALUES.len()];
        read_row(depth, components, &row, &mut pixels);
        pixels
    }

    #[test]
    fn every_format_keeps_what_it_can_hold() {
        for &depth in BitDepth::ALL {
            let step = match depth {
                BitDepth::Byte => 0.5 / 255.0,
                BitDepth::Short => 0.5 / 65535.0,
                BitDepth::Half => 0.0005,
                BitDepth::Float => 0.0,
            };
            for &components in Components::ALL {
                for (got, want) in there_and_back(depth, components).iter().zip(&VALUES) {
                    let want = match components {
                        Components::Rgba => *want,
                        Components::Rgb => [want[0], want[1], want[2], 1.0],
                        Components::Alpha => [0.0, 0.0, 0.0, want[3]],
                    };
                    for (g, w) in got.iter().zip(want) {
                        assert!((g - w).abs() <= step + 1e-7, "{depth:?} {components:?}: {g} for {w}");
                    }
                }
            }
        }
    }

    #[test]
    fn integers_clamp_and_round_and_swallow_nan() {
        let mut row = [7; 4];
        write_row(BitDepth::Byte, Components::Rgba, &[[-1.0, 2.0, f32::NAN, 0.501]], &mut row);
        assert_eq!(row, [0, 255, 0, 128]);
        let mut row = [7; 8];
        write_row(BitDepth::Short, Components::Rgba, &[[f32::INFINITY, f32::NEG_INFINITY, 0.0, 1.0]], &mut row);
        assert_eq!(row, [255, 255, 0, 0, 0, 0, 255, 255]);
    }

    #[test]
    fn floats_keep_values_beyond_white_and_below_black() {
        let mut row = [0; 16];
        write_row(BitDepth::Float, Components::Rgba, &[[-0.5, 12.0, 1e-8, 1.0]], &mut row);
        let mut back = [[0.0; 4]];
        read_row(BitDepth::Float, Components::Rgba, &row, &mut back);
        assert_eq!(back, [[-0.5, 12.0, 1e-8, 1.0]]);
    }

    #[test]
    fn a_short_row_ends_the_work() {
        let mut pixels = [[9.0; 4]; 2];
        read_row(BitDepth::Byte, Components::Rgba, &[255, 255, 255, 255, 255], &mut pixels);
        assert_eq!(pixels, [[1.0; 4], [9.0; 4]]);
    }
}
