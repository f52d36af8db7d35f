//! OpenEXR: half and float, premultiplied, with any further channels.
//!
//! The picture is the display window, so that all frames of a clip have one size: pixels of the data window outside it
//! are left out, and those that the data window lacks are black and transparent.

use std::io::Cursor;
use std::path::Path;

use exr::prelude::*;
use half::f16;
use std::result::Result;

use super::ClipError;
use super::attributes::Attributes;
use super::beside::Beside;
use super::exr_layers::{Colours, Part, Parts};
use super::marks::Mark;
use super::picture::{Depth, Picture, Pixels, Plane, PlaneSamples};
use super::still::{Still, check_size};

fn failed(path: &Path, error: exr::error::Error) -> ClipError {
    match error {
        exr::error::Error::NotSupported(what) => ClipError::unsupported(
            path,
            format!("this kind of EXR is not supported ({what}): write it as a flat ZIP-compressed EXR"),
        ),
        error => ClipError::damaged(path, error),
    }
}

/// The picture in a file: its own colours, or those of the layer named.
pub(super) fn decode(path: &Path, bytes: &[u8], wanted: Option<&str>) -> Result<Still, ClipError> {
    let meta = MetaData::read_from_buffered(Cursor::new(bytes), false).map_err(|e| failed(path, e))?;
    for header in &meta.headers {
        for size in [header.layer_size, header.shared_attributes.display_window.size] {
            check_size(path, size.width() as u64, size.height() as u64)?;
        }
        let claimed = (header.layer_size.area() as u64).saturating_mul(header.channels.list.len() as u64 * 4);
        if claimed > super::MAX_PIXELS * 64 {
            return Err(ClipError::damaged(path, "its header claims more channels than can be held"));
        }
    }
    let image = read()
        .no_deep_data()
        .largest_resolution_level()
        .all_channels()
        .all_layers()
        .all_attributes()
        .non_parallel()
        .from_buffered(Cursor::new(bytes))
        .map_err(|e| failed(path, e))?;
    let window = image.attributes.display_window;
    let parts = Parts::of(&image.layer_data);
    let Colours { part: layer, channels: main } = match wanted {
        None => parts.own().ok_or_else(|| colourless(path, &image.layer_data))?,
        Some(wanted) => parts.layer(wanted).map_err(|why| ClipError::unsupported(path, why))?,
    };
    let (width, height) = (window.size.width(), window.size.height());
    let colour = &image.layer_data[layer];
    let taken: Vec<&FlatSamples> = main.iter().map(|&i| &colour.channel_data.list[i].sample_data).collect();
    let placed = |l: &Part| Placed { window, position: l.attributes.layer_position, size: l.size };
    let pixels = interleave(&taken, &placed(colour));
    let mut extras = Vec::new();
    for (i, l) in image.layer_data.iter().enumerate() {
        for (j, channel) in l.channel_data.list.iter().enumerate() {
            if i == layer && main.contains(&j) {
                continue;
            }
            if channel.sampling != Vec2(1, 1) {
                return Err(ClipError::unsupported(
                    path,
                    format!("channel {} is subsampled: write it at full size", channel.name),
                ));
            }
            let placed = placed(l);
            let samples = match &channel.sample_data {
                FlatSamples::F16(v) => PlaneSamples::F16(placed.lay(v, f16::ZERO)),
                FlatSamples::F32(v) => PlaneSamples::F32(placed.lay(v, 0.0)),
                FlatSamples::U32(v) => PlaneSamples::U32(placed.lay(v, 0)),
            };
            extras.push(Plane { name: parts.name(i, j), samples });
        }
    }
    let alpha = main.len() == 4;
    let picture = Picture::new(width, height, alpha, true, pixels)?.with_extras(extras)?;
    let channels = wanted.map(|_| main.iter().map(|&channel| parts.name(layer, channel)).collect());
    let corner = (window.position != Vec2(0, 0)).then(|| (window.position.x(), window.position.y()));
    let beside = Beside { channels, overscan: placed(colour).overscan(), corner, ..Beside::default() };
    Ok(Still { picture, pixel_aspect: f64::from(image.attributes.pixel_aspect), beside })
}

fn colourless(path: &Path, parts: &[Part]) -> ClipError {
    let names: Vec<_> = parts.iter().flat_map(|p| p.channel_data.list.iter().map(|c| c.name.to_string())).collect();
    let what = format!(
        "has no colour channels (R, G, B or Y), only {}: shuffle one into R, G and B, or name a layer with --layer",
        names.join(", ")
    );
    ClipError::unsupported(path, what)
}

/// A layer's place relative to the display window.
struct Placed {
    window: IntegerBounds,
    position: Vec2<i32>,
    size: Vec2<usize>,
}

impl Placed {
    /// Whether it has pixels outside the display window.
    fn overscan(&self) -> bool {
        let beyond = |from: i32, size: usize, start: i32, length: usize| {
            let (from, start) = (i64::from(from), i64::from(start));
            from < start || from + size as i64 > start + length as i64
        };
        let (own, window) = (self.size, self.window.size);
        beyond(self.position.x(), own.width(), self.window.position.x(), window.width())
            || beyond(self.position.y(), own.height(), self.window.position.y(), window.height())
    }

    fn covers_exactly(&self) -> bool {
        self.position == self.window.position && self.size == self.window.size
    }

    /// The layer's samples laid into the display window.
    fn lay<T: Copy>(&self, samples: &[T], empty: T) -> Vec<T> {
        if self.covers_exactly() {
            return samples.to_vec();
        }
        let (width, height) = (self.window.size.width(), self.window.size.height());
        let mut laid = vec![empty; width * height];
        let dx = i64::from(self.position.x()) - i64::from(self.window.position.x());
        let dy = i64::from(self.position.y()) - i64::from(self.window.position.y());
        let from = dx.max(0);
        let to = (dx + self.size.width() as i64).min(width as i64);
        for y in dy.max(0)..(dy + self.size.height() as i64).min(height as i64) {
            if from < to {
                let source = (y - dy) as usize * self.size.width() + (from - dx) as usize;
                let target = y as usize * width + from as usize;
                let count = (to - from) as usize;
                laid[target..target + count].copy_from_slice(&samples[source..source + count]);
            }
        }
        laid
    }
}

fn interleave(channels: &[&FlatSamples], placed: &Placed) -> Pixels {
    fn weave<T: Copy>(planes: &[Vec<T>]) -> Vec<T> {
        (0..planes[0].len()).flat_map(|i| planes.iter().map(move |p| p[i])).collect()
    }
    let halves: Option<Vec<Vec<f16>>> = channels
        .iter()
        .map(|c| match c {
            FlatSamples::F16(v) => Some(placed.lay(v, f16::ZERO)),
            _ => None,
        })
        .collect();
    match halves {
        Some(planes) => Pixels::F16(weave(&planes)),
        None => {
            let planes: Vec<Vec<f32>> =
                channels.iter().map(|c| placed.lay(&c.values_as_f32().collect::<Vec<_>>(), 0.0)).collect();
            Pixels::F32(weave(&planes))
        }
    }
}

/// What the files of a clip's first and last frame tell alike beyond how to read them; nothing where they are no EXR.
pub(super) fn attributes(first: (i64, &Path), last: (i64, &Path)) -> Option<Attributes> {
    let header = |path: &Path| MetaData::read_from_file(path, false).ok()?.headers.into_iter().next();
    Attributes::of((first.0, &header(first.1)?), (last.0, &header(last.1)?))
}

fn text(path: &Path, name: &str) -> Result<Text, ClipError> {
    Text::new_or_none(name)
        .ok_or_else(|| ClipError::unsupported(path, format!("channel name “{name}” cannot be written to EXR")))
}

/// The bytes of the file for a frame of a clip.
pub(super) fn encode(
    path: &Path,
    (frame, picture): (i64, &Picture),
    mark: Option<&Mark>,
    pixel_aspect: f64,
    beside: &Beside,
) -> Result<Vec<u8>, ClipError> {
    fn part<T: Copy>(v: &[T], channel: usize, channels: usize) -> Vec<T> {
        v.iter().skip(channel).step_by(channels).copied().collect()
    }
    let channels = picture.channels();
    let mut list: Vec<AnyChannel<FlatSamples>> = Vec::new();
    let named = beside.channels.as_deref().unwrap_or_default();
    for (i, usual) in ["R", "G", "B", "A"].into_iter().take(channels).enumerate() {
        let name = named.get(i).map_or(usual, String::as_str);
        // A grey layer is one channel, of which the picture has three copies.
        if i < 3 && named[..i.min(named.len())].iter().any(|before| before == name) {
            continue;
        }
        let samples = match picture.pixels() {
            Pixels::F16(v) => FlatSamples::F16(part(v, i, channels)),
            Pixels::F32(v) => FlatSamples::F32(part(v, i, channels)),
            other => FlatSamples::F32(part(&other.to_f32(), i, channels)),
        };
        list.push(AnyChannel::new(text(path, name)?, samples));
    }
    for plane in picture.extras() {
        let samples = match &plane.samples {
            PlaneSamples::F16(v) => FlatSamples::F16(v.clone()),
            PlaneSamples::F32(v) => FlatSamples::F32(v.clone()),
            PlaneSamples::U32(v) => FlatSamples::U32(v.clone()),
        };
        list.push(AnyChannel::new(text(path, &plane.name)?, samples));
    }
    debug_assert!(picture.depth() >= Depth::F16);
    let encoding =
        Encoding { compression: Compression::ZIP16, blocks: Blocks::ScanLines, line_order: LineOrder::Increasing };
    let corner = beside.corner.map_or(Vec2(0, 0), Vec2::from);
    let placed = LayerAttributes { layer_position: corner, ..LayerAttributes::default() };
    let layer = Layer::new(picture.size(), placed, encoding, AnyChannels::sort(list.into()));
    let mut image = Image::from_layer(layer);
    image.attributes.display_window = IntegerBounds::new(corner, picture.size());
    image.attributes.pixel_aspect = pixel_aspect as f32;
    if let Some(attributes) = &beside.attributes {
        attributes.tell(frame, &mut image.attributes, &mut image.layer_data.attributes);
    }
    // OpenEXR has no names of its own for them.
    for (name, value) in mark.into_iter().flat_map(Mark::told) {
        if let (Some(name), Some(value)) = (Text::new_or_none(name), Text::new_or_none(&value)) {
            image.attributes.other.insert(name, AttributeValue::Text(value));
        }
    }
    let mut file = Cursor::new(Vec::new());
    image.write().non_parallel().to_buffered(&mut file).map_err(|e| failed(path, e))?;
    Ok(file.into_inner())
}
