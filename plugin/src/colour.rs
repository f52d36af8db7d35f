//! Host pixels to frames and back: row order, depth, alpha, and what the numbers mean.

use ofx::{
    BitDepth, Components, Premultiplication, RectI,
    plugin::{Error, HostInfo, ImageInfo, InputImage, OutputImage, OutputRow, Result},
};
use pickup_model::{Encoding, Frame, each_row};

use pickup_clips::Picture;

/// What the footage's numbers stand for.
#[derive(ofx::Choice, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Footage {
    /// What the host declares; else scene-linear where float pixels come from a compositor (Nuke, Natron), and
    /// display-referred everywhere else.
    #[default]
    Automatic,
    /// As a monitor wants it: Rec. 709, sRGB.
    #[choice(label = "Display-referred")]
    Display,
    /// Proportional to light, with highlights above 1.
    #[choice(label = "Scene-linear")]
    Linear,
    /// Proportional to light, with the primaries of ACES.
    #[choice(label = "ACEScg")]
    AcesCg,
    /// The working space of ACES for grading.
    #[choice(label = "ACEScct")]
    AcesCct,
    /// ARRI's LogC3 at EI 800, in Wide Gamut 3.
    #[choice(label = "ARRI LogC3")]
    LogC3,
    /// ARRI's LogC4, in Wide Gamut 4.
    #[choice(label = "ARRI LogC4")]
    LogC4,
    /// Sony's S-Log3, in S-Gamut3.Cine.
    #[choice(label = "Sony S-Log3")]
    SLog3,
    /// Panasonic's V-Log, in V-Gamut.
    #[choice(label = "Panasonic V-Log")]
    VLog,
    /// Canon Log 3, in Cinema Gamut.
    #[choice(label = "Canon Log 3")]
    CanonLog3,
    /// RED's Log3G10, in REDWideGamutRGB.
    #[choice(label = "RED Log3G10")]
    Log3G10,
    /// DaVinci Intermediate, in DaVinci Wide Gamut.
    #[choice(label = "DaVinci Intermediate")]
    DaVinci,
    /// Rec. 2100 HLG.
    #[choice(label = "HLG")]
    Hlg,
    /// Rec. 2100 PQ, HDR10.
    #[choice(label = "PQ")]
    Pq,
}

impl Footage {
    /// The encoding of what was chosen; none where it was left open.
    fn encoding(self) -> Option<Encoding> {
        Some(match self {
            Self::Automatic => return None,
            Self::Display => Encoding::Display,
            Self::Linear => Encoding::Linear,
            Self::AcesCg => Encoding::AcesCg,
            Self::AcesCct => Encoding::AcesCct,
            Self::LogC3 => Encoding::LogC3,
            Self::LogC4 => Encoding::LogC4,
            Self::SLog3 => Encoding::SLog3,
            Self::VLog => Encoding::VLog,
            Self::CanonLog3 => Encoding::CanonLog3,
            Self::Log3G10 => Encoding::Log3G10,
            Self::DaVinci => Encoding::DaVinci,
            Self::Hlg => Encoding::Hlg,
            Self::Pq => Encoding::Pq,
        })
    }
}

/// The colour parameters that every node has.
#[derive(ofx::Params, Clone, Debug, PartialEq)]
pub struct ColourParams {
    /// What the footage's numbers stand for. Motion is looked for in a display-referred copy; the footage's own pixels
    /// are what is moved, and they keep their depth, highlights and alpha.
    #[param(id = "footage", label = "Footage is", default = Footage::Automatic)]
    pub footage: Footage,
}

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
        match (self.footage.encoding(), colourspace) {
            (Some(encoding), _) => encoding,
            (None, Some(space)) => named(space),
            (None, None) if float && host.float_is_linear() => Encoding::Linear,
            (None, None) => Encoding::Display,
        }
    }
}

/// What a colourspace of the 1.5 colour management stands for, by the names of the standard's own configuration. Curves that are
/// not known here are taken as a monitor shows them, and all that is proportional to light as of Rec. 709.
fn named(space: &str) -> Encoding {
    match &*space.to_ascii_lowercase() {
        "acescg" => Encoding::AcesCg,
        "acescct" => Encoding::AcesCct,
        "arri_logc3_ei800" => Encoding::LogC3,
        "arri_logc4" => Encoding::LogC4,
        // Its primaries are a little wider than those of S-Gamut3.Cine.
        "slog3_sgamut3cine" | "slog3_sgamut3" => Encoding::SLog3,
        "vlog_vgamut" => Encoding::VLog,
        "canonlog3_cinemagamut_d55" => Encoding::CanonLog3,
        "log3g10_redwidegamutrgb" => Encoding::Log3G10,
        "davinci_intermediate_widegamut" => Encoding::DaVinci,
        "rec2100_hlg_display" => Encoding::Hlg,
        "rec2100_pq_display" => Encoding::Pq,
        space if space.contains("linear") || space.starts_with("lin_") || space == "aces2065-1" => Encoding::Linear,
        _ => Encoding::Display,
    }
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

/// Writes a frame as large as the output into it, in the output's own components and alpha.
pub fn write(frame: &Frame, output: &mut OutputImage<'_>) {
    let unpremultiply = straight(output.components, output.premultiplication);
    write_pixels(frame, output, |pixel| match *pixel {
        [v] => [v, v, v, v],
        [r, g, b] => [r, g, b, 1.0],
        // Resampling may leave a trace of alpha below or above its range; dividing by a trace makes sparks.
        [r, g, b, a, ..] if unpremultiply && a > TRACE => [r / a, g / a, b / a, a.min(1.0)],
        [r, g, b, a, ..] if unpremultiply => [r, g, b, a.max(0.0)],
        [r, g, b, a, ..] => [r, g, b, a.clamp(0.0, 1.0)],
        _ => [0.0; 4],
    });
}

/// Writes a one-channel map as large as the output into it, as an opaque grey picture.
pub fn write_map(map: &Frame, output: &mut OutputImage<'_>) {
    let alpha_alone = output.components == Components::Alpha;
    write_pixels(map, output, |pixel| {
        let v = pixel.first().copied().unwrap_or(0.0);
        [v, v, v, if alpha_alone { v } else { 1.0 }]
    });
}

fn write_pixels(frame: &Frame, output: &mut OutputImage<'_>, rgba: impl Fn(&[f32]) -> [f32; 4] + Sync) {
    let channels = frame.channels();
    let row_len = frame.width() * channels;
    debug_assert_eq!((frame.width(), frame.height()), (output.bounds.width(), output.bounds.height()));
    write_rows(output, || {
        |y, row: &mut [[f32; 4]]| {
            let values = frame.pixels().get(y * row_len..(y + 1) * row_len).unwrap_or_default();
            row.iter_mut().zip(values.chunks_exact(channels)).for_each(|(pixel, values)| *pixel = rgba(values));
        }
    });
}

/// Writes all rows of the output, on several threads: each has its own of what `maker` gives, which makes a row by its number from the top.
pub fn write_rows<M: FnMut(usize, &mut [[f32; 4]]) + Send>(output: &mut OutputImage<'_>, maker: impl Fn() -> M) {
    let (left, width) = (output.bounds.x1, output.bounds.width());
    let mut rows: Vec<OutputRow<'_>> = output.rows_mut().rev().collect();
    each_row(
        &mut rows,
        || (maker(), Vec::new()),
        |(make, pixels), y, row| {
            if let Some(row) = row.rgba_mut() {
                return make(y, row);
            }
            pixels.resize(width, [0.0; 4]);
            make(y, pixels);
            row.write_rgba(left, pixels);
        },
    );
}

/// A picture read from a file, as a frame of the size and channels that the host's images have: as large as fits, whole, with
/// black beside it where its shape differs, as hosts show a clip. `aspect` is the width of its pixels over their height,
/// as a share of what it is in the host's images.
///
/// # Errors
/// When the picture cannot be brought to that size.
pub fn frame_of_picture(
    picture: &Picture,
    encoding: Encoding,
    window: RectI,
    channels: usize,
    aspect: f64,
) -> Result<Frame> {
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
    fitted(&frame, (window.width(), window.height()), aspect)
}

/// A frame brought to a size, whole; where its shape differs by more than rounding, black is beside it.
fn fitted(frame: &Frame, (width, height): (usize, usize), aspect: f64) -> Result<Frame> {
    let (wide, high) = (frame.width() as f64 * aspect, frame.height() as f64);
    let scale = (width as f64 / wide).min(height as f64 / high);
    let side = |length: f64, most: usize| ((length * scale).round() as usize).clamp(1, most);
    let (inner, outer) = ((side(wide, width), side(high, height)), (width, height));
    if outer.0 - inner.0 <= 1 && outer.1 - inner.1 <= 1 {
        return frame.resized(width, height).map_err(Error::new);
    }
    let frame = frame.resized(inner.0, inner.1).map_err(Error::new)?;
    let (left, top, channels) = ((width - inner.0) / 2, (height - inner.1) / 2, frame.channels());
    let black: Vec<f32> = (0..channels).map(|c| if channels != 3 && c + 1 == channels { 1.0 } else { 0.0 }).collect();
    let mut pixels = black.repeat(width * height);
    for (y, row) in frame.pixels().chunks_exact(inner.0 * channels).enumerate() {
        pixels[((top + y) * width + left) * channels..][..row.len()].copy_from_slice(row);
    }
    Frame::new(width, height, channels, frame.encoding(), pixels).map_err(Error::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn white(width: usize, height: usize, channels: usize) -> Frame {
        Frame::new(width, height, channels, Encoding::Display, vec![1.0; width * height * channels]).unwrap()
    }

    #[test]
    fn float_pixels_of_compositors_are_scene_linear_unless_something_is_said() {
        let encoding = |name: &str, float, footage, space| {
            let host = HostInfo { name: name.to_owned(), ..HostInfo::default() };
            ColourParams { footage }.encoding_of(&host, float, space)
        };
        for name in ["fr.inria.Natron", "uk.co.thefoundry.nuke", "com.blackmagicdesign.Fusion", "com.eyeonline.Fusion"]
        {
            assert_eq!(encoding(name, true, Footage::Automatic, None), Encoding::Linear, "{name}");
            assert_eq!(encoding(name, false, Footage::Automatic, None), Encoding::Display, "{name} in bytes");
            assert_eq!(encoding(name, true, Footage::Display, None), Encoding::Display, "{name}, as it is told");
        }
        assert_eq!(encoding("DaVinciResolve", true, Footage::Automatic, None), Encoding::Display);
        let spaces = [
            ("ACEScg", Encoding::AcesCg),
            ("ofx_linear", Encoding::Linear),
            ("lin_rec2020", Encoding::Linear),
            ("ACEScct", Encoding::AcesCct),
            ("arri_logc4", Encoding::LogC4),
            ("davinci_intermediate_widegamut", Encoding::DaVinci),
            ("rec2100_pq_display", Encoding::Pq),
            ("ofx_log", Encoding::Display),
            ("srgb_tx", Encoding::Display),
        ];
        for (space, wanted) in spaces {
            assert_eq!(encoding("DaVinciResolve", true, Footage::Automatic, Some(space)), wanted, "{space}");
        }
        assert_eq!(encoding("DaVinciResolve", true, Footage::LogC3, Some("srgb_tx")), Encoding::LogC3);
    }

    #[test]
    fn a_picture_of_another_shape_is_shown_whole_with_black_beside_it() {
        let row = |frame: &Frame, y: usize| -> Vec<f32> {
            let values = frame.pixels().chunks_exact(frame.channels()).map(|p| p[0]);
            values.skip(y * frame.width()).take(frame.width()).collect()
        };
        let pillars = fitted(&white(4, 3, 3), (8, 3), 1.0).unwrap();
        assert_eq!(row(&pillars, 1), [0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0]);
        let anamorphic = fitted(&white(4, 3, 3), (8, 3), 2.0).unwrap();
        assert_eq!(row(&anamorphic, 1), [1.0; 8], "pixels twice as wide as high");
        let bars = fitted(&white(8, 3, 4), (8, 5), 1.0).unwrap();
        assert_eq!((row(&bars, 0), row(&bars, 1), row(&bars, 4)), (vec![0.0; 8], vec![1.0; 8], vec![0.0; 8]));
        assert!(bars.pixels().chunks_exact(4).all(|p| p[3] == 1.0), "the bars are opaque");
        assert_eq!(fitted(&white(1921, 1080, 3), (1920, 1080), 1.0).unwrap(), white(1920, 1080, 3), "off by rounding");
    }
}
