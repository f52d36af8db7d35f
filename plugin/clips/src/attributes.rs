//! What EXR files tell beyond how to read their pixels: what is the same in a clip's first and last file is the clip's, and
//! frames that are made have it too. What changes from file to file is a frame's own.

use std::collections::HashMap;

use exr::meta::attribute::{AttributeValue, IntegerBounds, Text, TimeCode};
use exr::meta::header::{Header, ImageAttributes, LayerAttributes};

/// What all of an EXR sequence's files tell beyond how to read them, and its running time code.
#[derive(Clone, Debug, PartialEq)]
pub struct Attributes {
    image: ImageAttributes,
    layer: LayerAttributes,
    clock: Option<Clock>,
    /// Something differs from frame to frame, and made frames lack it.
    varying: bool,
}

/// A time code that counts with the frames.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Clock {
    frame: i64,
    code: TimeCode,
    rate: i64,
}

impl Clock {
    /// The clock by which two frames have their codes, if there is one. Codes that drop numbers are not counted on.
    fn of(first: (i64, TimeCode), last: (i64, TimeCode), told: Option<i64>) -> Option<Self> {
        let ((frame, code), (last, end)) = (first, last);
        let fits = |rate: i64| count(end, rate) - count(code, rate) == last - frame;
        let rate = told.into_iter().chain([24, 25, 30, 48, 50, 60, 100, 120]).find(|rate| fits(*rate))?;
        (!code.drop_frame).then_some(Self { frame, code, rate })
    }

    /// The code of a frame. Hours go round after 24.
    fn at(self, frame: i64) -> TimeCode {
        let day = 24 * 3600 * self.rate;
        let count = (count(self.code, self.rate) + frame - self.frame).rem_euclid(day);
        let part = |unit: i64, size: i64| (count / unit % size) as u8;
        TimeCode {
            hours: part(3600 * self.rate, 24),
            minutes: part(60 * self.rate, 60),
            seconds: part(self.rate, 60),
            frame: part(1, self.rate),
            ..self.code
        }
    }
}

/// Frames since midnight.
fn count(code: TimeCode, rate: i64) -> i64 {
    let [h, m, s, f] = [code.hours, code.minutes, code.seconds, code.frame].map(i64::from);
    ((h * 60 + m) * 60 + s) * rate + f
}

/// The names that OpenEXR gives a meaning and a type to. A file that has one of them in another type is not written like that.
const RESERVED: [&str; 24] = [
    "adoptedNeutral",
    "altitude",
    "aperture",
    "capDate",
    "chromaticities",
    "comments",
    "dwaCompressionLevel",
    "envmap",
    "expTime",
    "focus",
    "framesPerSecond",
    "isoSpeed",
    "keyCode",
    "latitude",
    "longitude",
    "lookModTransform",
    "owner",
    "preview",
    "renderingTransform",
    "timeCode",
    "utcOffset",
    "whiteLuminance",
    "worldToCamera",
    "wrapmodes",
];

/// What two files have alike of the attributes that their makers named.
fn named(a: &HashMap<Text, AttributeValue>, b: &HashMap<Text, AttributeValue>) -> HashMap<Text, AttributeValue> {
    let free = |name: &Text| !RESERVED.iter().any(|reserved| name.eq_case_insensitive(reserved));
    let alike = a.iter().filter(|(name, value)| free(name) && b.get(*name) == Some(value));
    alike.map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// Of each of these attributes what two layers have alike.
macro_rules! alike {
    ($a:expr, $b:expr, $($name:ident)*) => {
        LayerAttributes {
            $($name: $a.$name.clone().filter(|_| $a.$name == $b.$name),)*
            other: named(&$a.other, &$b.other),
            ..LayerAttributes::default()
        }
    };
}

/// The attributes of a layer that say nothing of how its pixels are to be read.
fn alike(a: &LayerAttributes, b: &LayerAttributes) -> LayerAttributes {
    alike!(a, b,
        white_luminance adopted_neutral rendering_transform_name look_modification_transform_name horizontal_density owner
        comments capture_date utc_offset longitude latitude altitude focus exposure aperture iso_speed film_key_code
        wrap_mode_name frames_per_second world_to_camera world_to_normalized_device view_name software_name near_clip_plane
        far_clip_plane horizontal_field_of_view vertical_field_of_view)
}

impl Attributes {
    /// What the files of a clip's first and last frame tell alike; `None` if they tell nothing.
    pub(super) fn of(first: (i64, &Header), last: (i64, &Header)) -> Option<Self> {
        let (a, b) = (&first.1.shared_attributes, &last.1.shared_attributes);
        let layer = alike(&first.1.own_attributes, &last.1.own_attributes);
        let told = layer.frames_per_second.map(|rate| (f64::from(rate.0) / f64::from(rate.1.max(1))).round() as i64);
        let told = told.filter(|rate| (1..=255).contains(rate));
        let clock = match (a.time_code, b.time_code) {
            (Some(code), Some(end)) => Clock::of((first.0, code), (last.0, end), told),
            _ => None,
        };
        let image = ImageAttributes {
            chromaticities: a.chromaticities.filter(|_| a.chromaticities == b.chromaticities),
            other: named(&a.other, &b.other),
            ..ImageAttributes::new(IntegerBounds::zero())
        };
        let own = &first.1.own_attributes;
        let varying = alike(own, own) != layer
            || a.other.len() != image.other.len()
            || a.chromaticities != image.chromaticities
            || (a.time_code.is_some() && clock.is_none());
        let nothing = image == ImageAttributes::new(IntegerBounds::zero())
            && layer == LayerAttributes::default()
            && clock.is_none()
            && !varying;
        (!nothing).then_some(Self { image, layer, clock, varying })
    }

    /// Whether the chromaticities are others than Rec. 709's (ITU-R BT.709-6, table 1), to the digits that programs write.
    pub(super) fn wide(&self) -> bool {
        let Some(told) = self.image.chromaticities else { return false };
        let usual = [(0.64, 0.33), (0.3, 0.6), (0.15, 0.06), (0.3127, 0.329)];
        let corners = [told.red, told.green, told.blue, told.white];
        corners.iter().zip(usual).any(|(a, (x, y))| (a.x() - x).abs() > 0.002 || (a.y() - y).abs() > 0.002)
    }

    /// Whether something differs from frame to frame, such as when each was taken.
    pub(super) fn varying(&self) -> bool {
        self.varying
    }

    /// Tells them in the file of a frame.
    pub(super) fn tell(&self, frame: i64, image: &mut ImageAttributes, layer: &mut LayerAttributes) {
        let ImageAttributes { display_window, pixel_aspect, .. } = *image;
        *image = ImageAttributes {
            display_window,
            pixel_aspect,
            time_code: self.clock.map(|clock| clock.at(frame)),
            ..self.image.clone()
        };
        *layer = LayerAttributes { layer_position: layer.layer_position, ..self.layer.clone() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(seconds: u8, frame: u8) -> TimeCode {
        TimeCode {
            hours: 23,
            minutes: 59,
            seconds,
            frame,
            drop_frame: false,
            color_frame: false,
            field_phase: false,
            binary_group_flags: [false; 3],
            binary_groups: [0; 8],
        }
    }

    #[test]
    fn a_time_code_runs_on_at_the_rate_that_its_ends_show() {
        let clock = Clock::of((101, code(58, 20)), (131, code(59, 25)), None).unwrap();
        assert_eq!(clock.rate, 25, "30 frames are a second and five frames");
        assert_eq!(clock.at(106), code(59, 0));
        let next_day = clock.at(131 + 5);
        assert_eq!((next_day.hours, next_day.minutes, next_day.seconds, next_day.frame), (0, 0, 0, 5));
        assert!(Clock::of((101, code(58, 20)), (131, code(59, 4)), None).is_none(), "no rate fits");
    }

    #[test]
    fn what_is_alike_is_the_clips() {
        let mut first =
            LayerAttributes { comments: Some("night".into()), focus: Some(1.5), ..LayerAttributes::default() };
        first.other.insert("show".into(), exr::meta::attribute::AttributeValue::I32(7));
        let last = LayerAttributes { focus: Some(2.0), ..first.clone() };
        let kept = alike(&first, &last);
        assert_eq!(kept, LayerAttributes { focus: None, ..first });
    }
}
