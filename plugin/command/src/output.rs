//! How the clip is written that `pickup render` writes: what is taken over from the clip that is read, and what was asked for.

use ofx::host::Instance;
use pickup_clips::{
    ClipInfo, ColourHint, Depth, Rate, SoundSpan, Times, Transfer, WriteOptions, frame_list::FrameList, usual_transfer,
};

use super::{
    args::{RenderArgs, TransferArg},
    source::{Axis, clip_depth},
};

/// What is written, of which clip, through which node.
pub(super) struct Output<'a> {
    pub(super) args: &'a RenderArgs,
    pub(super) info: Option<&'a ClipInfo>,
    pub(super) instance: &'a Instance,
    pub(super) frames: &'a FrameList,
    pub(super) axis: Axis,
    /// The node shows the clip's frames at other times than their own.
    pub(super) retimes: bool,
}

impl Output<'_> {
    pub(super) fn options(&self) -> WriteOptions {
        let Self { args, info, .. } = self;
        let depth = args.depth.map_or(info.map_or(Depth::U8, |i| i.depth), |d| clip_depth(d.into()));
        let like = info.map_or_else(WriteOptions::default, WriteOptions::like);
        let times = like.times.clone().filter(|_| !self.retimes && args.rate.is_none());
        let even = || Times::even(self.frames.first().unwrap_or(0), args.rate.unwrap_or(like.rate));
        let times = if args.without_repeats { times.or_else(|| Some(even())) } else { times };
        WriteOptions {
            depth: Some(depth),
            kept_as_deep: args.depth.is_none(),
            rate: args.rate.unwrap_or(like.rate),
            codec: args.codec.map(Into::into),
            quality: args.quality.into(),
            transfer: self.transfer(),
            from_start: info.is_some_and(|info| self.frames.first() == Some(info.first())),
            sound: info.and_then(|info| self.sound(info, times.as_ref())),
            times,
            ..like
        }
    }

    fn transfer(&self) -> Transfer {
        match (self.info, self.args.transfer) {
            (Some(info), TransferArg::Auto) => {
                usual_transfer(&ClipInfo { colour: self.colour(info), ..info.clone() }, &self.args.out)
            }
            _ => Transfer::AsIs,
        }
    }

    /// What the clip's numbers stand for: what the node was told counts first.
    fn colour(&self, info: &ClipInfo) -> ColourHint {
        match self.args.value_of("footage").map(str::to_ascii_lowercase) {
            Some(value) if value.starts_with("display") => ColourHint::Display,
            Some(value) if value.starts_with("scene") => ColourHint::Linear,
            Some(value) if value.starts_with("automatic") => info.colour,
            // A camera's curve, and primaries that are not a monitor's.
            Some(_) => ColourHint::Unknown,
            None => info.colour,
        }
    }

    /// The part of the clip's sound that belongs to the frames that are written; none where they do not run on evenly.
    fn sound(&self, info: &ClipInfo, times: Option<&Times>) -> Option<SoundSpan> {
        info.beside.sound.as_ref()?;
        let (first, last) = (self.frames.first()?, self.frames.last()?);
        if self.frames.ranges().len() != 1 && !self.args.without_repeats {
            return None;
        }
        let rate = self.args.rate.unwrap_or(info.rate).as_f64();
        let whole = (first, last) == (info.first(), info.last());
        if self.retimes {
            let (start, speed) = self.speed(first, last)?;
            let tempo = speed * rate / info.rate.as_f64();
            let from = (start - info.first() as f64) / info.rate.as_f64();
            let length = self.frames.len() as f64 / rate;
            return Some(SoundSpan { from, length, tempo, whole: whole && (tempo - 1.0).abs() < 1e-9 && speed == 1.0 });
        }
        let begin = |frame: i64| match times {
            Some(times) => times.at(frame),
            None => (frame - info.first()) as f64 / rate,
        };
        Some(SoundSpan { from: begin(first), length: begin(last + 1) - begin(first), tempo: 1.0, whole })
    }

    /// The frame of the clip that the first frame shows, and how many go by with each: where the speed is one and the same, from
    /// the frames that are shown as they are.
    fn speed(&self, first: i64, last: i64) -> Option<(f64, f64)> {
        let at =
            |id: &str, number: i64| self.instance.get(id, self.axis.time(number) as f64).map(|value| value.to_string());
        let speed = at("speed", first)?;
        let same = (first..=last).all(|number| at("speed", number).as_ref() == Some(&speed));
        let speed = speed.parse::<f64>().ok()? / 100.0;
        // Hosts have the first choice by its number or by its name.
        let by_speed = matches!(&*at("by", first)?, "0" | "Speed" | "speed");
        let played = speed > 0.0 && same && by_speed && at("reverse", first)? == "0";
        let shown = |number: i64| {
            let identity = self.instance.is_identity(self.axis.time(number) as f64).ok()??;
            Some((number as f64, self.axis.number(identity.time) as f64))
        };
        // Where none is, as with a shutter that is open, it starts with the clip.
        let (at, source) = (first..=last).find_map(shown).unwrap_or((first as f64, first as f64));
        played.then_some((source - (at - first as f64) * speed, speed))
    }
}

/// A rate of frames a second as it is written: 25, 29.97, 30000/1001.
pub(super) fn parse_rate(text: &str) -> Result<Rate, String> {
    let wrong = || "write a rate of frames a second, such as 25, 23.976 or 30000/1001".to_owned();
    if let Some((num, den)) = text.split_once('/') {
        let (num, den) = (num.parse().map_err(|_| wrong())?, den.parse().map_err(|_| wrong())?);
        return if num > 0 && den > 0 { Ok(Rate { num, den }) } else { Err(wrong()) };
    }
    let value: f64 = text.parse().map_err(|_| wrong())?;
    if !(1.0..=1000.0).contains(&value) {
        return Err(wrong());
    }
    // 23.976, 29.97 and 59.94 stand for the rates of NTSC, which are whole ones times 1000/1001.
    let ntsc = (value * 1.001).round();
    if (value - ntsc / 1.001).abs() < 0.005 && value.fract() != 0.0 {
        return Ok(Rate { num: ntsc as u32 * 1000, den: 1001 });
    }
    Ok(Rate { num: (value * 1000.0).round() as u32, den: 1000 }.reduced())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_written_as_people_write_them() {
        let rate = |text| parse_rate(text).map(|rate| (rate.num, rate.den));
        assert_eq!(rate("25"), Ok((25, 1)));
        assert_eq!(rate("12.5"), Ok((25, 2)));
        assert_eq!(rate("29.97"), Ok((30000, 1001)));
        assert_eq!(rate("23.976"), Ok((24000, 1001)));
        assert_eq!(rate("60000/1001"), Ok((60000, 1001)));
        for text in ["0", "-3", "x", "25/0", "1/", "nan", "1e9"] {
            assert!(rate(text).is_err(), "{text}");
        }
    }
}
