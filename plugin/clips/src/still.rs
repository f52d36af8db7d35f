//! One picture file to a picture and back. Files pass through memory whole: an encoder never meets a full
//! disk half-way, and a decoder never meets a file that changes under it.

use std::fs;
use std::io::Cursor;
use std::path::Path;

use image::codecs::{bmp, jpeg, png, tiff as image_tiff, webp};
use image::metadata::Orientation;
use image::{DynamicImage, ExtendedColorType, ImageDecoder, ImageEncoder, ImageError, Limits};
use tiff::encoder::{Compression, DeflateLevel, TiffEncoder, colortype};
use tiff::tags::{ExtraSamples, Tag};

use super::beside::Beside;
use super::codec::Quality;
use super::convert::Transfer;
use super::marks::{self, Mark};
use super::naming::StillFormat;
use super::picture::{Depth, Picture, Pixels};
use super::png_chunks;
use super::read_options::ReadOptions;
use super::writer::WriteOptions;
use super::{ClipError, MAX_PIXELS, MAX_SIDE, dpx, more_tiff, open_exr};

/// A picture with what its file says beside the pixels.
pub(super) struct Still {
    pub(super) picture: Picture,
    pub(super) pixel_aspect: f64,
    pub(super) beside: Beside,
}

pub(super) fn read(path: &Path, format: StillFormat, options: &ReadOptions) -> Result<Still, ClipError> {
    let bytes = fs::read(path).map_err(|e| ClipError::io(path, "read the file", e))?;
    if bytes.is_empty() {
        return Err(ClipError::Empty { path: path.to_path_buf() });
    }
    // A file may be called what it is not.
    let format = StillFormat::of_bytes(&bytes).unwrap_or(format);
    if options.layer.is_some() && format != StillFormat::Exr {
        return Err(ClipError::unsupported(path, NO_LAYERS));
    }
    decode(path, format, &bytes, options)
}

/// Why no layer is chosen of what is no EXR.
pub(super) const NO_LAYERS: &str = "only EXR files have layers to choose from: leave out --layer";

/// Whether a file's pixels are stored as they are to be shown, neither turned nor mirrored.
pub(super) fn upright(format: StillFormat, bytes: &[u8]) -> bool {
    fn of(decoder: Result<impl ImageDecoder, ImageError>) -> bool {
        decoder.and_then(|mut d| d.orientation()).is_ok_and(|turn| turn == Orientation::NoTransforms)
    }
    match format {
        StillFormat::Exr | StillFormat::Bmp => true,
        StillFormat::Dpx => dpx::upright(bytes),
        StillFormat::WebP => of(webp::WebPDecoder::new(Cursor::new(bytes))),
        StillFormat::Png => of(png::PngDecoder::new(Cursor::new(bytes))),
        StillFormat::Jpeg => of(jpeg::JpegDecoder::new(Cursor::new(bytes))),
        StillFormat::Tiff => more_tiff::upright(bytes),
    }
}

/// Refuses sizes that no film has, before memory is taken for them.
pub(super) fn check_size(path: &Path, width: u64, height: u64) -> Result<(), ClipError> {
    let fits = width <= MAX_SIDE && height <= MAX_SIDE && width * height <= MAX_PIXELS;
    if fits { Ok(()) } else { Err(ClipError::TooLarge { path: path.to_path_buf(), width, height }) }
}

fn decode(path: &Path, format: StillFormat, bytes: &[u8], options: &ReadOptions) -> Result<Still, ClipError> {
    let failed = |e: ImageError| match e {
        ImageError::Unsupported(e) => {
            ClipError::unsupported(path, format!("this kind of file is not supported: {e}. Convert it to PNG or EXR"))
        }
        e => ClipError::damaged(path, e),
    };
    match format {
        StillFormat::Png => {
            // The decoder meets its own limit first, and would not tell the size.
            if let Some(&[w0, w1, w2, w3, h0, h1, h2, h3]) =
                bytes.strip_prefix(b"\x89PNG\r\n\x1a\n").and_then(|b| b.get(8..16))
            {
                let side = |bytes| u64::from(u32::from_be_bytes(bytes));
                check_size(path, side([w0, w1, w2, w3]), side([h0, h1, h2, h3]))?;
            }
            let decoder = png::PngDecoder::new(Cursor::new(bytes)).map_err(failed)?;
            let animated = decoder.is_apng().map_err(failed)?;
            let mut still = samples(path, decoder, false, failed)?;
            still.beside.animated = animated;
            still.beside.png = png_chunks::kept(bytes);
            still.beside.tags = png_chunks::tags(bytes);
            Ok(still)
        }
        StillFormat::Jpeg => {
            if !jpeg_ends(bytes) {
                return Err(ClipError::damaged(path, "the picture's end is missing"));
            }
            let mut still = samples(path, jpeg::JpegDecoder::new(Cursor::new(bytes)).map_err(failed)?, false, failed)?;
            still.beside.jpeg = true;
            still.beside.model = still.beside.model.or(jpeg_is_cmyk(bytes).then_some("CMYK"));
            Ok(still)
        }
        StillFormat::Bmp => samples(path, bmp::BmpDecoder::new(Cursor::new(bytes)).map_err(failed)?, false, failed),
        StillFormat::WebP => {
            let decoder = webp::WebPDecoder::new(Cursor::new(bytes)).map_err(failed)?;
            // Its first picture alone would pass for a still.
            if decoder.has_animation() {
                let what = "this WebP is animated, and WebP is read as single pictures: save it as numbered PNG files or \
                            as a GIF first";
                return Err(ClipError::unsupported(path, what));
            }
            samples(path, decoder, false, failed)
        }
        StillFormat::Exr => open_exr::decode(path, bytes, options.layer.as_deref()),
        StillFormat::Dpx => dpx::decode(path, bytes, &options.tools),
        StillFormat::Tiff => match image_tiff::TiffDecoder::new(Cursor::new(bytes)) {
            Ok(decoder) => samples(path, decoder, tiff_is_premultiplied(bytes), failed),
            Err(error @ ImageError::Unsupported(_)) => {
                more_tiff::decode(path, bytes, tiff_is_premultiplied(bytes))?.ok_or_else(|| failed(error))
            }
            Err(error) => Err(failed(error)),
        },
    }
}

/// A JPEG decoder fills what is cut off with grey; a stream is whole only if an end marker follows its last scan.
fn jpeg_ends(bytes: &[u8]) -> bool {
    let last = |marker: [u8; 2]| bytes.windows(2).rposition(|pair| pair == marker);
    last([0xFF, 0xD9]) > last([0xFF, 0xDA])
}

/// Whether a JPEG has four channels, which the decoder makes three of without a word: its frame header tells (ITU-T T.81, B.2.2).
fn jpeg_is_cmyk(bytes: &[u8]) -> bool {
    let mut rest = bytes.get(2..).unwrap_or_default();
    while let [0xFF, marker, high, low, ..] = rest {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        if matches!(marker, 0xC0..=0xC3) {
            return rest.get(9) == Some(&4);
        }
        rest = rest.get(length + 2..).unwrap_or_default();
    }
    false
}

/// Only the tag ExtraSamples tells whether a TIFF's colours are multiplied by alpha.
fn tiff_is_premultiplied(bytes: &[u8]) -> bool {
    let tag = tiff::decoder::Decoder::new(Cursor::new(bytes))
        .ok()
        .and_then(|mut d| d.get_tag_u16_vec(Tag::ExtraSamples).ok());
    tag.is_some_and(|t| t.first() == Some(&ExtraSamples::AssociatedAlpha.to_u16()))
}

fn samples<D: ImageDecoder>(
    path: &Path,
    mut decoder: D,
    premultiplied: bool,
    failed: impl Fn(ImageError) -> ClipError,
) -> Result<Still, ClipError> {
    let (width, height) = decoder.dimensions();
    check_size(path, width.into(), height.into())?;
    // Asked for before the limits are set, which in a small TIFF leave a profile no room.
    let profile = decoder.icc_profile().map_err(&failed)?.map(Into::into);
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE as u32);
    limits.max_image_height = Some(MAX_SIDE as u32);
    // Twice the largest picture: decoders keep a copy of their own.
    limits.max_alloc = Some(MAX_PIXELS * 32);
    decoder.set_limits(limits).map_err(&failed)?;
    // A camera held upright stores the picture lying, and a tag that says how to turn it.
    let orientation = decoder.orientation().map_err(&failed)?;
    let model = match decoder.original_color_type() {
        ExtendedColorType::Cmyk8 | ExtendedColorType::Cmyk16 => Some("CMYK"),
        ExtendedColorType::L1
        | ExtendedColorType::L2
        | ExtendedColorType::L4
        | ExtendedColorType::L8
        | ExtendedColorType::La8
        | ExtendedColorType::L16
        | ExtendedColorType::La16 => Some("grey"),
        _ => None,
    };
    let mut image = DynamicImage::from_decoder(decoder).map_err(&failed)?;
    image.apply_orientation(orientation);

    let (width, height) = (image.width() as usize, image.height() as usize);
    let (alpha, pixels) = match image {
        DynamicImage::ImageLuma8(v) => (false, Pixels::U8(grey_to_rgb(&v))),
        DynamicImage::ImageLumaA8(v) => (true, Pixels::U8(grey_alpha_to_rgba(&v))),
        DynamicImage::ImageRgb8(v) => (false, Pixels::U8(v.into_raw())),
        DynamicImage::ImageRgba8(v) => (true, Pixels::U8(v.into_raw())),
        DynamicImage::ImageLuma16(v) => (false, Pixels::U16(grey_to_rgb(&v))),
        DynamicImage::ImageLumaA16(v) => (true, Pixels::U16(grey_alpha_to_rgba(&v))),
        DynamicImage::ImageRgb16(v) => (false, Pixels::U16(v.into_raw())),
        DynamicImage::ImageRgba16(v) => (true, Pixels::U16(v.into_raw())),
        DynamicImage::ImageRgb32F(v) => (false, Pixels::F32(v.into_raw())),
        DynamicImage::ImageRgba32F(v) => (true, Pixels::F32(v.into_raw())),
        other => {
            return Err(ClipError::unsupported(
                path,
                format!("pixels of kind {:?} are not read: convert it to PNG or EXR", other.color()),
            ));
        }
    };
    let picture = Picture::new(width, height, alpha, premultiplied, pixels)?;
    Ok(Still { picture, pixel_aspect: 1.0, beside: Beside { profile, model, ..Beside::default() } })
}

pub(super) fn grey_to_rgb<T: Copy>(grey: &[T]) -> Vec<T> {
    grey.iter().flat_map(|&v| [v, v, v]).collect()
}

pub(super) fn grey_alpha_to_rgba<T: Copy>(grey: &[T]) -> Vec<T> {
    grey.chunks_exact(2).flat_map(|p| [p[0], p[0], p[0], p[1]]).collect()
}

/// The depth a format stores when a picture comes in the depth given.
pub(super) fn stored_depth(format: StillFormat, depth: Depth) -> Depth {
    match (format, depth) {
        (StillFormat::Jpeg | StillFormat::Bmp | StillFormat::WebP, _) => Depth::U8,
        (StillFormat::Png | StillFormat::Dpx, Depth::F16 | Depth::F32) => Depth::U16,
        (StillFormat::Tiff, Depth::F16) => Depth::F32,
        // Half holds every 8-bit value apart, but not every 16-bit one.
        (StillFormat::Exr, Depth::U8) => Depth::F16,
        (StillFormat::Exr, Depth::U16) => Depth::F32,
        (_, depth) => depth,
    }
}

/// Bits of a sample in a file of this format, for pictures of a depth.
pub(super) fn stored_bits(format: StillFormat, depth: Depth, alpha: bool, beside: &Beside) -> u8 {
    match format {
        StillFormat::Dpx => dpx::bits(depth, alpha, beside),
        _ => 8 * stored_depth(format, depth).bytes() as u8,
    }
}

/// The bytes of the file that holds a frame's picture, converted where the format asks for it and no further.
pub(super) fn encode(
    path: &Path,
    format: StillFormat,
    (frame, picture): (i64, &Picture),
    mark: Option<&Mark>,
    options: &WriteOptions,
) -> Result<Vec<u8>, ClipError> {
    check_size(path, picture.width() as u64, picture.height() as u64)?;
    let depth = stored_depth(format, picture.depth());
    // Alpha is applied at the finer of the two depths.
    let change_first = depth > picture.depth();
    let ready = match format {
        _ if picture.depth() == depth && settled(format, picture) => None,
        _ if change_first => Some(settle(format, &picture.to_depth(depth))),
        _ => Some(settle(format, picture).to_depth(depth)),
    };
    let floats = picture.depth().is_float();
    let picture = ready.as_ref().unwrap_or(picture);
    let beside = &options.beside;
    // A profile tells what numbers stand for: after another curve they stand for something else.
    let profile = beside.profile.as_deref().filter(|_| options.transfer == Transfer::AsIs);
    let failed = |e: &dyn std::fmt::Display| ClipError::unsupported(path, format!("could not be encoded: {e}"));
    match format {
        StillFormat::Exr => open_exr::encode(path, (frame, picture), mark, options.pixel_aspect, beside),
        StillFormat::Dpx => {
            let file = dpx::encode(path, picture, floats, options)?;
            Ok(match mark {
                Some(mark) => dpx::with_mark(file, mark),
                None => file,
            })
        }
        StillFormat::Tiff => encode_tiff(picture, profile, mark).map_err(|e| failed(&e)),
        StillFormat::Png | StillFormat::Jpeg | StillFormat::Bmp | StillFormat::WebP => {
            let file = encode_integer(format, picture, profile, options.quality).map_err(|e| failed(&e))?;
            let chunks =
                beside.png.as_deref().filter(|_| format == StillFormat::Png && options.transfer == Transfer::AsIs);
            let file = match chunks {
                Some(chunks) => png_chunks::with(file, chunks),
                None => file,
            };
            match mark {
                Some(mark) => marks::with_mark(format, file, mark).map_err(|e| failed(&e)),
                None => Ok(file),
            }
        }
    }
}

/// True if the format stores the picture's kind of alpha as it is.
fn settled(format: StillFormat, picture: &Picture) -> bool {
    match format {
        StillFormat::Exr => !picture.has_alpha() || picture.premultiplied(),
        StillFormat::Png | StillFormat::Bmp | StillFormat::WebP | StillFormat::Dpx => !picture.premultiplied(),
        StillFormat::Jpeg => !picture.has_alpha(),
        StillFormat::Tiff => true,
    }
}

fn settle(format: StillFormat, picture: &Picture) -> Picture {
    match format {
        StillFormat::Exr => picture.to_premultiplied(),
        StillFormat::Png | StillFormat::Bmp | StillFormat::WebP | StillFormat::Dpx => picture.to_straight(),
        StillFormat::Jpeg => picture.to_rgb(),
        StillFormat::Tiff => picture.clone(),
    }
}

fn encode_integer(
    format: StillFormat,
    picture: &Picture,
    profile: Option<&[u8]>,
    quality: Quality,
) -> Result<Vec<u8>, ImageError> {
    fn put<E: ImageEncoder>(
        mut encoder: E,
        profile: Option<&[u8]>,
        (width, height): (u32, u32),
        (bytes, colour): (&[u8], ExtendedColorType),
    ) -> Result<(), ImageError> {
        if let Some(profile) = profile {
            encoder.set_icc_profile(profile.to_vec()).map_err(ImageError::Unsupported)?;
        }
        encoder.write_image(bytes, width, height, colour)
    }

    let mut file = Vec::new();
    let size = (picture.width() as u32, picture.height() as u32);
    let (bytes, colour) = match (picture.pixels(), picture.has_alpha()) {
        (Pixels::U8(v), false) => (v.clone(), ExtendedColorType::Rgb8),
        (Pixels::U8(v), true) => (v.clone(), ExtendedColorType::Rgba8),
        (other, alpha) => {
            let Pixels::U16(v) = other.to_depth(Depth::U16) else { unreachable!("to_depth gives the depth asked for") };
            let colour = if alpha { ExtendedColorType::Rgba16 } else { ExtendedColorType::Rgb16 };
            (v.iter().flat_map(|s| s.to_ne_bytes()).collect(), colour)
        }
    };
    let samples = (&*bytes, colour);
    match format {
        StillFormat::Jpeg => {
            let quality = match quality {
                Quality::Low => 75,
                Quality::Medium => 88,
                Quality::High => 95,
            };
            put(jpeg::JpegEncoder::new_with_quality(&mut file, quality), profile, size, samples)?;
        }
        StillFormat::WebP => put(webp::WebPEncoder::new_lossless(&mut file), profile, size, samples)?,
        // BMP holds no profile.
        StillFormat::Bmp => put(bmp::BmpEncoder::new(&mut file), None, size, samples)?,
        _ => put(png::PngEncoder::new(&mut file), profile, size, samples)?,
    }
    Ok(file)
}

fn encode_tiff(picture: &Picture, profile: Option<&[u8]>, mark: Option<&Mark>) -> Result<Vec<u8>, tiff::TiffError> {
    /// The tag of XMP: XMP specification, part 3, section 1.1.9.
    const XMP: Tag = Tag::Unknown(700);
    fn put<C: colortype::ColorType>(
        picture: &Picture,
        (profile, xmp): (Option<&[u8]>, Option<&[u8]>),
        data: &[C::Inner],
    ) -> Result<Vec<u8>, tiff::TiffError>
    where
        [C::Inner]: tiff::encoder::TiffValue,
    {
        let mut file = Cursor::new(Vec::new());
        let compression = Compression::Deflate(DeflateLevel::Fast);
        let mut encoder = TiffEncoder::new(&mut file)?.with_compression(compression);
        let mut image = encoder.new_image::<C>(picture.width() as u32, picture.height() as u32)?;
        if picture.has_alpha() {
            let premultiplied = picture.premultiplied();
            let kind = if premultiplied { ExtraSamples::AssociatedAlpha } else { ExtraSamples::UnassociatedAlpha };
            image.extra_samples(&[kind])?;
        }
        if let Some(profile) = profile {
            image.encoder().write_tag(Tag::IccProfile, profile)?;
        }
        if let Some(xmp) = xmp {
            image.encoder().write_tag(XMP, xmp)?;
        }
        image.write_data(data)?;
        Ok(file.into_inner())
    }
    let xmp = mark.map(Mark::xmp);
    let told = (profile, xmp.as_deref().map(str::as_bytes));
    match picture.pixels() {
        Pixels::U8(v) => put::<colortype::RGB8>(picture, told, v),
        Pixels::U16(v) => put::<colortype::RGB16>(picture, told, v),
        Pixels::F32(v) => put::<colortype::RGB32Float>(picture, told, v),
        Pixels::F16(_) => match picture.pixels().to_depth(Depth::F32) {
            Pixels::F32(v) => put::<colortype::RGB32Float>(picture, told, &v),
            _ => unreachable!("to_depth gives the depth asked for"),
        },
    }
}
