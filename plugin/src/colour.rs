//! Host pixels to frames and back: row order, depth, alpha, and what the numbers mean.

use ofx::{
    BitDepth, Components, Premultiplication, RectI,
    plugin::{Error, HostInfo, ImageInfo, InputImage, OutputImage, Result},
};
use pickup_model::{Encoding, Frame};

use crate::clips::Picture;

/// What the footage's numbers stand for.
#[derive(ofx::Choice, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Footage {
    /// What the host declares; else scene-linear where float pixels come from a compositor (Nuke, Natron), and
    /// display-referred everywhere else.
    #[default]
    Automatic,
    /// As a monitor wants it: Rec. 709, sRGB, and log too.
    #[choice(label = "Display-referred")]
    Display,
    /// Proportional to light, with highlights above 1.
    #[choice(label = "Scene-linear")]
    Linear,
}

/// The colour parameters that every node has.
#[derive(ofx::Params, Clone, Debug, PartialEq)]
pub struct ColourParams {
    /// What the footage's numbers stand for. Motion is looked for in a display-referred copy; the footage's own pixels
    /// are what is moved, and they keep their depth, highlights and alpha.
    #[param(id = "footage", label = "Footage is", default = Footage::Automatic)]
    pub footage: Footage,
}

/// Hosts whose float pixels are scene-linear unless they say otherwise, by the start of their names.
///
/// Natron 2.5: seen in its own colour conversions on read. Nuke and Fusion: their documentation; not run by us.
const LINEAR_HOSTS: &[&str] = &["fr.inria.Natron", "uk.co.thefoundry.nuke", "com.eyeonline.Fusion"];

impl ColourParams {
    /// What an image's numbers stand for.
    #[must_use]
    pub fn encoding(&self, host: &HostInfo, image: &ImageInfo) -> Encoding {
        let float = matches!(image.depth, BitDepth::Float | BitDepth::Half);
        self.encoding_of(host, float, image.colourspace.as_deref())
    }

    /// What the numbers of images stand for that are float or not, in a colourspace that the host may name.
    #[must_use]
    pub fn encoding_of(&self, host: &HostInfo, float: bool, colourspace: Option<&str>) -> Encoding {
        let linear = match (self.footage, colourspace) {
            (Footage::Display, _) => false,
            (Footage::Linear, _) => true,
            (Footage::Automatic, Some(space)) => is_linear(space),
            (Footage::Automatic, None) => float && LINEAR_HOSTS.iter().any(|name| host.name.starts_with(name)),
        };
        if linear { Encoding::Linear } else { Encoding::Display }
    }
}

/// Whether a colourspace of the 1.5 colour management is proportional to light: by the names of the standard's own
/// configuration, in which `lin_` and the ACES working spaces are.
fn is_linear(space: &str) -> bool {
    let space = space.to_ascii_lowercase();
    space.contains("linear") || space.starts_with("lin_") || matches!(&*space, "acescg" | "aces2065-1")
}

/// Whether the colours stand by themselves, and must be multiplied by alpha before they are moved or mixed.
fn straight(components: Components, premultiplication: Option<Premultiplication>) -> bool {
    components == Components::Rgba && premultiplication == Some(Premultiplication::Unpremultiplied)
}

/// The part of an image that `window` names, as a frame; what the image does not cover is transparent black.
///
/// # Errors
/// When the window is empty.
pub fn frame_of(image: &InputImage<'_>, window: RectI, encoding: Encoding) -> Result<Frame> {
    let (width, height) = (window.width(), window.height());
    let channels = image.components.channels();
    let premultiply = straight(image.components, image.premultiplication);
    let mut pixels = Vec::with_capacity(width * height * channels);
    let mut row = vec![[0.0; 4]; width];
    for y in (window.y1..window.y2).rev() {
        image.read_rgba(window.x1, y, &mut row);
        for pixel in &mut row {
            if premultiply {
                let alpha = pixel[3];
                pixel[..3].iter_mut().for_each(|v| *v *= alpha);
            }
            match channels {
                1 => pixels.push(pixel[3]),
                3 => pixels.extend_from_slice(&pixel[..3]),
                _ => pixels.extend_from_slice(&pixel[..]),
            }
        }
    }
    Frame::new(width, height, channels, encoding, pixels).map_err(Error::new)
}

/// Alpha below which nothing can be seen.
const TRACE: f32 = 1e-3;

/// Writes a frame made for `window` into the output, in the output's own components and alpha.
pub fn write(frame: &Frame, window: RectI, output: &mut OutputImage<'_>) {
    let unpremultiply = straight(output.components, output.premultiplication);
    write_rows(frame, window, output, |pixel| match *pixel {
        [v] => [v, v, v, v],
        [r, g, b] => [r, g, b, 1.0],
        // Resampling may leave a trace of alpha below or above its range; dividing by a trace makes sparks.
        [r, g, b, a, ..] if unpremultiply && a > TRACE => [r / a, g / a, b / a, a.min(1.0)],
        [r, g, b, a, ..] if unpremultiply => [r, g, b, a.max(0.0)],
        [r, g, b, a, ..] => [r, g, b, a.clamp(0.0, 1.0)],
        _ => [0.0; 4],
    });
}

/// Writes a one-channel map as an opaque grey picture.
pub fn write_map(map: &Frame, window: RectI, output: &mut OutputImage<'_>) {
    let alpha_alone = output.components == Components::Alpha;
    write_rows(map, window, output, |pixel| {
        let v = pixel.first().copied().unwrap_or(0.0);
        [v, v, v, if alpha_alone { v } else { 1.0 }]
    });
}

fn write_rows(frame: &Frame, window: RectI, output: &mut OutputImage<'_>, rgba: impl Fn(&[f32]) -> [f32; 4]) {
    let row_len = frame.width() * frame.channels();
    let mut row = Vec::with_capacity(frame.width());
    for (values, y) in frame.pixels().chunks_exact(row_len).zip((window.y1..window.y2).rev()) {
        row.clear();
        row.extend(values.chunks_exact(frame.channels()).map(&rgba));
        output.write_rgba(window.x1, y, &row);
    }
}

/// A picture read from a file, as a frame of the size and channels that the host's images have.
///
/// # Errors
/// When the picture cannot be brought to that size.
pub fn frame_of_picture(picture: &Picture, encoding: Encoding, window: RectI, channels: usize) -> Result<Frame> {
    let (width, height) = picture.size();
    let associated;
    let picture = if picture.premultiplied() || !picture.has_alpha() {
        picture
    } else {
        associated = picture.to_premultiplied();
        &associated
    };
    let (from, all) = (picture.channels(), picture.pixels().to_f32());
    let values = if from == channels {
        all
    } else {
        let mut values = Vec::with_capacity(width * height * channels);
        for pixel in all.chunks_exact(from) {
            let alpha = pixel.get(3).copied().unwrap_or(1.0);
            match channels {
                1 => values.push(alpha),
                3 => values.extend_from_slice(&pixel[..3]),
                _ => values.extend([pixel[0], pixel[1], pixel[2], alpha]),
            }
        }
        values
    };
    let frame = Frame::new(width, height, channels, encoding, values).map_err(Error::new)?;
    frame.resized(window.width(), window.height()).map_err(Error::new)
}
