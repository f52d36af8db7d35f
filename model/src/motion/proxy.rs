//! The display-referred picture in which motion is looked for.
//!
//! Networks trained on display-referred pictures fail on linear light, where shadows hold no contrast and highlights
//! have no bound. The proxy bounds both; the flow found in it is applied to the frame's own pixels.

use std::sync::LazyLock;

use candle_core::{Device, Result, Tensor};
use rayon::prelude::*;

use crate::{Encoding, Frame, kernels::resize_area, srgb, table::FineTable};

/// Where the shoulder begins: values above are bent so that any highlight stays below 1.
const KNEE: f32 = 0.8;

/// A frame as the network sees it: `[1, 3, H, W]` at most `limit` pixels large, padded to multiples of `alignment`.
#[derive(Clone, Debug)]
pub(crate) struct Proxy {
    /// The padded picture; the border is repeated.
    pub(crate) picture: Tensor,
    /// Height and width of the part that is picture.
    pub(crate) size: (usize, usize),
}

/// The size a proxy of at most `limit` pixels takes, height before width; never larger than the frame.
pub(crate) fn proxy_size(width: usize, height: usize, limit: usize) -> (usize, usize) {
    let shrink = |side: usize, by: f64| ((side as f64 * by).round() as usize).clamp(1, side);
    let by = (limit as f64 / (width as f64 * height as f64)).sqrt();
    if by >= 1.0 { (height, width) } else { (shrink(height, by), shrink(width, by)) }
}

impl Proxy {
    pub(crate) fn new(frame: &Frame, limit: usize, alignment: usize) -> Result<Self> {
        let (width, height) = (frame.width(), frame.height());
        let size = proxy_size(width, height, limit);
        let planes = display_planes(frame);
        let full = Tensor::from_vec(planes, (1, 3, height, width), &Device::Cpu)?;
        let small = if size == (height, width) { full } else { resize_area(&full, size.0, size.1)? };
        let padded = (size.0.next_multiple_of(alignment), size.1.next_multiple_of(alignment));
        let picture = small.pad_with_same(2, 0, padded.0 - size.0)?.pad_with_same(3, 0, padded.1 - size.1)?;
        Ok(Self { picture: picture.contiguous()?, size })
    }
}

/// Three planes of display-referred RGB in 0..1.
fn display_planes(frame: &Frame) -> Vec<f32> {
    let encoding = frame.encoding();
    match encoding {
        Encoding::Display => planes(frame, |colour| colour.map(bent)),
        Encoding::Linear => planes(frame, |colour| colour.map(shown)),
        _ => {
            let lights = encoding.lights();
            planes(frame, |colour| encoding.to_rec709(colour.map(&lights)).map(shown))
        }
    }
}

/// Three planes of what `shown` makes of each colour.
fn planes(frame: &Frame, shown: impl Fn([f32; 3]) -> [f32; 3] + Sync) -> Vec<f32> {
    const RUN: usize = 1 << 14;
    let (channels, area) = (frame.channels(), frame.width() * frame.height());
    let mut planes = vec![0.0; 3 * area];
    let (red, rest) = planes.split_at_mut(area);
    let (green, blue) = rest.split_at_mut(area);
    let runs = red.par_chunks_mut(RUN).zip(green.par_chunks_mut(RUN)).zip(blue.par_chunks_mut(RUN));
    runs.zip(frame.pixels().par_chunks(RUN * channels)).for_each(|(((red, green), blue), pixels)| {
        for (((red, green), blue), pixel) in red.iter_mut().zip(green).zip(blue).zip(pixels.chunks_exact(channels)) {
            // Grey, or alpha alone, stands for all three.
            let colour = if channels >= 3 { [pixel[0], pixel[1], pixel[2]] } else { [pixel[0]; 3] };
            [*red, *green, *blue] = shown(colour);
        }
    });
    planes
}

/// Light as a display wants it, bent into 0..1; what is not a number is black.
fn shown(light: f32) -> f32 {
    // By the root of light, of which steps are as fine in the dark as elsewhere.
    static BY_ROOT: LazyLock<FineTable> =
        LazyLock::new(|| FineTable::new(0.0..=4.0, |root| bent(srgb::encode(root * root))));
    BY_ROOT.at(light.clamp(0.0, 1e6).sqrt())
}

/// A value as a display wants it, bent smoothly into 0..1; what is not a number is black.
fn bent(v: f32) -> f32 {
    // `max` also turns NaN into 0.
    let v = v.max(0.0);
    if v <= KNEE { v } else { KNEE + (1.0 - KNEE) * (1.0 - (-(v - KNEE) / (1.0 - KNEE)).exp()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_keeps_shape_and_limit() {
        assert_eq!(proxy_size(640, 480, 1_000_000), (480, 640));
        let (h, w) = proxy_size(3840, 2160, 1_000_000);
        assert!(h * w <= 1_001_000 && (w as f64 / h as f64 - 16.0 / 9.0).abs() < 0.01, "{w}x{h}");
        assert_eq!(proxy_size(100_000, 1, 1000), (1, 10_000), "no side becomes nothing");
    }

    #[test]
    fn any_value_becomes_a_display_value() {
        let values = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -3.0, 0.0, 0.18, 1.0, 65504.0, 0.5];
        for encoding in Encoding::ALL {
            let shown = display_planes(&Frame::new(9, 1, 1, encoding, values.to_vec()).unwrap());
            assert!(shown.iter().all(|shown| (0.0..=1.0).contains(shown)), "{encoding:?}: {values:?} became {shown:?}");
            match encoding {
                Encoding::Display => assert_eq!(shown[8], 0.5),
                Encoding::Linear => assert!((shown[5] - 0.461).abs() < 0.001, "mid grey in linear light is about 46%"),
                _ => {}
            }
        }
    }

    #[test]
    fn a_proxy_is_padded_by_its_border() {
        let frame = Frame::new(3, 1, 3, Encoding::Display, vec![0.1, 0.2, 0.3, 0.1, 0.2, 0.3, 0.5, 0.6, 0.7]).unwrap();
        let proxy = Proxy::new(&frame, 100, 4).unwrap();
        assert_eq!(proxy.size, (1, 3));
        let rows = proxy.picture.squeeze(0).unwrap().to_vec3::<f32>().unwrap();
        assert_eq!(rows[0], vec![vec![0.1, 0.1, 0.5, 0.5]; 4]);
    }
}
