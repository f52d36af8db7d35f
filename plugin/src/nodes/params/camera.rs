//! A camera that moves over a still, exactly: what a prompt says of it, and the part of the still that it sees.

use std::ops::Range;

use ofx::plugin::Result;
use pickup_model::{Frame, Rescaled};

use super::words::words;
use crate::perform::failed;

/// How the camera moves.
#[derive(ofx::Choice, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Camera {
    /// As the prompt says, in words such as “camera pans left” or “push-in”; where it says nothing, it stands.
    #[default]
    #[choice(label = "As the prompt says")]
    Prompt,
    /// It stands.
    Still,
    /// Closes in on the middle.
    #[choice(label = "Push in")]
    PushIn,
    /// Turns to the left.
    #[choice(label = "Pan left")]
    PanLeft,
    /// Turns to the right.
    #[choice(label = "Pan right")]
    PanRight,
    /// Looks up.
    #[choice(label = "Tilt up")]
    TiltUp,
    /// Looks down.
    #[choice(label = "Tilt down")]
    TiltDown,
}

/// The camera's parameters.
#[derive(ofx::Params, Clone, Copy, Debug, PartialEq)]
pub struct CameraParams {
    /// Over the still: how the camera moves, exactly, in the still's own pixels. As there is nothing beyond the still's edge,
    /// it closes in as it pans or tilts; a shot that ends with its still starts close and opens up to it.
    #[param(id = "camera", label = "Camera", default = Camera::Prompt)]
    pub camera: Camera,
    /// By how much of the picture's width the camera closes in over the shot, in per cent.
    #[param(id = "travel", label = "Camera travel", default = 12.0, range = 0.0..=90.0, display = 0.0..=50.0)]
    pub travel: f64,
}

impl CameraParams {
    /// These, with what a prompt says of the camera where they leave it to that.
    #[must_use]
    pub fn or_said(self, prompt: &str) -> Self {
        let said = || found(&words(prompt)).map_or(Camera::Still, |(camera, _)| camera);
        Self { camera: if self.camera == Camera::Prompt { said() } else { self.camera }, ..self }
    }

    /// What the camera sees of a still `way` from it, from 0, all of it, to 1, the far end of the move.
    ///
    /// # Errors
    /// When the still has no pixels.
    pub fn view(&self, still: &Frame, way: f64, to_still: bool) -> Result<Frame> {
        // Even steps of a zoom are even ratios.
        let side = (1.0 - self.travel / 100.0).max(0.01).powf(way);
        let unseen = 1.0 - side;
        let middle = unseen / 2.0;
        // What it turns to is where it ends, and where it comes from if it ends with the still.
        let (back, forth) = if to_still { (unseen, 0.0) } else { (0.0, unseen) };
        let (x, y) = match self.camera {
            Camera::Prompt | Camera::Still => return Ok(still.clone()),
            _ if unseen == 0.0 => return Ok(still.clone()),
            Camera::PushIn => (middle, middle),
            Camera::PanLeft => (back, middle),
            Camera::PanRight => (forth, middle),
            Camera::TiltUp => (middle, back),
            Camera::TiltDown => (middle, forth),
        };
        let (width, height) = (still.width() as f64, still.height() as f64);
        // A cubic overshoots where the picture is hard: it shows nothing brighter or darker than what is there.
        let range = |(low, high): (f32, f32), v: &f32| (low.min(*v), high.max(*v));
        let (low, high) = still.pixels().iter().fold((f32::INFINITY, f32::NEG_INFINITY), range);
        let part = [x * width, y * height, side * width, side * height];
        let seen = Rescaled::new(still, part, (still.width(), still.height())).map_err(failed)?;
        seen.within(low..=high).frame().map_err(failed)
    }
}

/// A prompt without what it says of the camera: that is done, and is not to be made.
#[must_use]
pub fn without_camera(prompt: &str) -> String {
    let mut rest = prompt.to_owned();
    while let Some((_, said)) = found(&words(&rest)) {
        rest.replace_range(said, "");
    }
    let parts = rest.split(',').map(str::trim).filter(|part| part.contains(char::is_alphanumeric));
    parts.collect::<Vec<_>>().join(", ")
}

/// The first move of the camera that is named, and where.
fn found(words: &[(String, Range<usize>)]) -> Option<(Camera, Range<usize>)> {
    (0..words.len()).find_map(|start| {
        let (camera, count) = move_at(&words[start..])?;
        Some((camera, words[start].1.start..words[start + count - 1].1.end))
    })
}

/// The move that words start with, and how many of them name it: the camera, what it does, how and which way.
fn move_at(words: &[(String, Range<usize>)]) -> Option<(Camera, usize)> {
    let word = |i: usize| words.get(i).map_or("", |(word, _)| word.as_str());
    let skipped = |from: usize, these: &[&str]| from + (from..).take_while(|i| these.contains(&word(*i))).count();
    let verb = skipped(0, &["the", "a", "slow", "camera", "slowly", "gently"]);
    let turn = skipped(verb + 1, &["slowly", "gently", "to", "the"]);
    let (camera, last) = match (word(verb), word(turn)) {
        ("pan" | "pans" | "panning", "left") => (Camera::PanLeft, turn),
        ("pan" | "pans" | "panning", "right") => (Camera::PanRight, turn),
        ("pan" | "pans" | "panning" | "tilt" | "tilts" | "tilting", "up") => (Camera::TiltUp, turn),
        ("pan" | "pans" | "panning" | "tilt" | "tilts" | "tilting", "down") => (Camera::TiltDown, turn),
        ("push" | "pushes" | "pushing" | "zoom" | "zooms" | "zooming" | "dolly" | "dollies", "in") => {
            (Camera::PushIn, turn)
        }
        ("static" | "still", "camera") => (Camera::Still, verb + 1),
        ("locked", "off") => (Camera::Still, skipped(verb + 2, &["shot", "camera"]) - 1),
        _ => return None,
    };
    Some((camera, last + 1))
}

#[cfg(test)]
mod tests {
    use pickup_model::Encoding;

    use super::*;

    #[test]
    fn a_prompt_says_how_the_camera_moves() {
        let said = |prompt: &str| CameraParams::default().or_said(prompt).camera;
        for (prompt, camera) in [
            ("Snow, camera pans left", Camera::PanLeft),
            ("the camera slowly pans", Camera::Still),
            ("the camera slowly pans down", Camera::TiltDown),
            ("the camera pans slowly to the right.", Camera::PanRight),
            ("a slow push-in", Camera::PushIn),
            ("Zoom in on the house", Camera::PushIn),
            ("panning up over snow", Camera::TiltUp),
            ("tilt down", Camera::TiltDown),
            ("static camera, rain", Camera::Still),
            ("a pan on the left", Camera::Still),
            ("", Camera::Still),
        ] {
            assert_eq!(said(prompt), camera, "{prompt}");
        }
        let own = CameraParams { camera: Camera::TiltUp, travel: 5.0 };
        assert_eq!(own.or_said("pan left"), own, "what is set by hand holds");
    }

    #[test]
    fn what_is_said_of_the_camera_is_not_made() {
        for (prompt, rest) in [
            ("Snow falling, camera pans left, at night", "Snow falling, at night"),
            ("The camera pushes in, locked-off shot", ""),
            ("a slow zoom in, Ümläut flies. Pan left", "Ümläut flies."),
            ("rain", "rain"),
            ("", ""),
        ] {
            assert_eq!(without_camera(prompt), rest, "{prompt}");
        }
    }

    /// A ramp from 0 at the left and top to 1 at the right and bottom, in its two channels.
    fn ramp() -> Frame {
        let values = (0..64 * 36).flat_map(|i| [(i % 64) as f32 / 63.0, (i / 64) as f32 / 35.0]).collect();
        Frame::new(64, 36, 2, Encoding::Linear, values).unwrap()
    }

    #[test]
    fn the_camera_sees_less_and_less_of_a_still_from_the_side_it_turns_to() {
        let seen = |camera: Camera, to_still: bool| {
            let frame = CameraParams { camera, travel: 50.0 }.view(&ramp(), 1.0, to_still).unwrap();
            let corner =
                |x: usize, y: usize| [0, 1].map(|c| (frame.pixels()[(y * 64 + x) * 2 + c] * 4.0).round() / 4.0);
            (corner(0, 0), corner(63, 35))
        };
        assert_eq!(seen(Camera::Still, false), ([0.0, 0.0], [1.0, 1.0]));
        assert_eq!(seen(Camera::PushIn, false), ([0.25, 0.25], [0.75, 0.75]));
        assert_eq!(seen(Camera::PanLeft, false), ([0.0, 0.25], [0.5, 0.75]));
        assert_eq!(seen(Camera::PanLeft, true), ([0.5, 0.25], [1.0, 0.75]), "it comes from the right");
        assert_eq!(seen(Camera::TiltDown, false), ([0.25, 0.5], [0.75, 1.0]));
    }

    #[test]
    fn a_still_that_the_camera_is_at_keeps_its_pixels_and_others_their_range() {
        let params = CameraParams { camera: Camera::PushIn, travel: 20.0 };
        let values = (0..64 * 36 * 2).map(|i| if i % 128 > 63 { 40.0 } else { -1.0 }).collect();
        let still = Frame::new(64, 36, 2, Encoding::Linear, values).unwrap();
        assert!(params.view(&still, 0.0, false).unwrap().same_pixels(&still));
        let seen = params.view(&still, 0.7, false).unwrap();
        assert!(seen.pixels().iter().all(|v| (-1.0..=40.0).contains(v)));
    }
}
