//! What a video model makes on black, laid over pictures of the host.

use ofx::plugin::Result;
use pickup_model::{Encoding, Frame, Rescaled, each_row};

use super::failed;
use crate::nodes::params::look::LookParams;

/// What a model's black may come to: nothing below it is laid over anything.
const BLACK: f32 = 0.03;
/// How bright a glow is at the most, which hides nothing, and how bright at the least what hides all colours alike.
const GLOW: (f32, f32) = (0.2, 0.7);

/// How a take on black is laid over a picture.
#[derive(Clone, Copy)]
pub(super) struct Over {
    /// Whether it is light alone, which hides nothing however bright it is.
    pub(super) light: bool,
    /// How strong it is, from 0 to 1.
    pub(super) strength: f32,
    /// How bright its highlights are.
    pub(super) look: LookParams,
}

/// A picture with what a display-referred frame, RGB, shows on black laid over it: what is bright hides what is behind it, unless
/// it is light, and what is dim adds its light. They are mixed as a monitor shows them, so that linear and display-referred
/// pictures come out alike, and highlights stay.
///
/// # Errors
/// When a frame has no pixels.
pub(super) fn laid(picture: &Frame, made: &Frame, over: Over) -> Result<Frame> {
    let (width, height, channels) = (picture.width(), picture.height(), picture.channels());
    let row = width * channels;
    let made = Rescaled::whole(made, (width, height)).map_err(failed)?.within(0.0..=1.0);
    let mut pixels = picture.pixels().to_vec();
    let mut rows: Vec<&mut [f32]> = pixels.chunks_exact_mut(row).collect();
    each_row(
        &mut rows,
        || (made.rows(), vec![[0.0; 3]; width]),
        |(made, colours), y, row| {
            made.make(y, colours.as_flattened_mut());
            for (pixel, colour) in row.chunks_exact_mut(channels).zip(colours) {
                over.lay(pixel, *colour, picture.encoding());
            }
        },
    );
    Frame::new(width, height, channels, picture.encoding(), pixels).map_err(failed)
}

impl Over {
    /// Lays a colour over a pixel.
    fn lay(&self, pixel: &mut [f32], made: [f32; 3], encoding: Encoding) {
        let made = made.map(|v| self.strength * ((v - BLACK) / (1.0 - BLACK)).max(0.0));
        let brightest = made.into_iter().fold(0.0, f32::max);
        if brightest == 0.0 {
            return;
        }
        let solid = if self.light { 0.0 } else { ((brightest - GLOW.0) / (GLOW.1 - GLOW.0)).clamp(0.0, 1.0) };
        let bright = self.look.lit(made);
        let mixed = |c: usize, shown: f32| {
            // Light dims nothing, what is brighter than white least of all.
            let lit = (bright[c] + (1.0 - made[c]) * shown).max(shown);
            let covered = bright[c] + (1.0 - brightest) * shown;
            lit + solid * (covered - lit)
        };
        if let [red, green, blue, ..] = pixel {
            let shown = encoding.shown([*red, *green, *blue]);
            [*red, *green, *blue] = encoding.of_shown([0, 1, 2].map(|c| mixed(c, shown[c])));
        }
        if let Some(alpha) = pixel.get_mut(if pixel.len() < 3 { 0 } else { 3 }) {
            *alpha = brightest + (1.0 - brightest) * *alpha;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn even(encoding: Encoding, pixel: &[f32]) -> Frame {
        Frame::new(2, 1, pixel.len(), encoding, [pixel, pixel].concat()).unwrap()
    }

    fn over(light: bool, strength: f32) -> Over {
        Over { light, strength, look: LookParams::default() }
    }

    #[test]
    fn what_is_bright_hides_what_is_behind_it() {
        let picture = even(Encoding::Display, &[0.2, 0.4, 0.6, 0.5]);
        let laid = |made: [f32; 3], strength: f32| {
            let laid = laid(&picture, &even(Encoding::Display, &made), over(false, strength)).unwrap();
            [0, 1, 2, 3].map(|c| (laid.pixels()[c] * 1000.0).round() as u16)
        };
        assert_eq!(laid([0.0, 0.02, 0.03], 1.0), [200, 400, 600, 500], "black hides nothing");
        assert_eq!(laid([1.0; 3], 1.0), [1000; 4]);
        assert_eq!(laid([1.0; 3], 0.0), [200, 400, 600, 500]);
        assert_eq!(laid([1.0, 0.03, 0.03], 1.0), [1000, 0, 0, 1000], "what is bright and red is all red");
        assert_eq!(laid([1.0, 0.03, 0.03], 0.2), [360, 400, 600, 600], "a red glow takes no green or blue");
    }

    #[test]
    fn light_hides_nothing() {
        let picture = even(Encoding::Display, &[0.2, 0.4, 0.6]);
        let made = even(Encoding::Display, &[1.0, 0.03, 0.03]);
        let laid = laid(&picture, &made, over(true, 1.0)).unwrap();
        assert_eq!(laid.pixels()[..3], [1.0, 0.4, 0.6]);
        let laid = super::laid(&even(Encoding::Linear, &[8.0; 3]), &made, over(true, 1.0)).unwrap();
        assert!((laid.pixels()[0] - 8.0).abs() < 1e-3, "it dims nothing that is brighter than white");
    }

    #[test]
    fn light_above_white_stays_beneath_what_is_thin() {
        let picture = even(Encoding::Linear, &[8.0, 0.18, -0.01]);
        let made = even(Encoding::Display, &[0.03, 0.03, 0.05]);
        let laid = laid(&picture, &made, over(false, 1.0)).unwrap();
        let [red, green, blue] = laid.pixels()[..3] else { panic!() };
        assert!(red > 7.0 && (green - 0.18).abs() < 0.02 && blue > -0.01, "{laid:?}");
    }

    #[test]
    fn highlights_that_are_laid_over_are_as_bright_as_the_look_has_them() {
        let look = LookParams { peak: 4.0, ..LookParams::default() };
        let lit = |picture: f32, made: f32, light: bool| {
            let over = Over { look, ..over(light, 1.0) };
            laid(&even(Encoding::Linear, &[picture; 3]), &even(Encoding::Display, &[made; 3]), over).unwrap().pixels()
                [0]
        };
        assert!((lit(0.2, 1.0, false) - 4.0).abs() < 0.01 && (lit(0.2, 1.0, true) - 4.0).abs() < 0.01);
        assert!((lit(8.0, 1.0, true) - 8.0).abs() < 0.01, "light dims nothing");
        assert!((lit(0.2, 0.1, true) - laid_plainly(0.2, 0.1)).abs() < 1e-6, "what is dim stays as it is");
    }

    fn laid_plainly(picture: f32, made: f32) -> f32 {
        let (picture, made) = (even(Encoding::Linear, &[picture; 3]), even(Encoding::Display, &[made; 3]));
        laid(&picture, &made, over(true, 1.0)).unwrap().pixels()[0]
    }

    #[test]
    fn a_matte_alone_is_raised_by_what_is_over_it() {
        let made = even(Encoding::Display, &[1.0; 3]);
        let laid = laid(&even(Encoding::Display, &[0.25]), &made, over(true, 0.5)).unwrap();
        assert_eq!(laid.pixels(), [0.625; 2]);
    }
}
