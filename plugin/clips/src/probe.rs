//! What ffprobe says of a video.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::ClipError;
use super::beside::{Beside, ColourTags, FieldOrder, Notes, Sound};
use super::reader::Rate;
use super::still::check_size;
use super::tools::Tools;
use super::video::Matrix;

/// A playlist or a reference inside a file must not make ffmpeg open the network.
pub(super) const LOCAL_ONLY: [&str; 2] = ["-protocol_whitelist", "file,pipe,crypto,data"];

/// The longest gap between two frames, in seconds, that is taken for lost frames and not for a break in the clock.
const LONGEST_HOLE: f64 = 10.0;

/// What is known of a video before any of it is decoded.
pub(super) struct Probe {
    pub(super) rate: Rate,
    pub(super) pixel_aspect: f64,
    /// The number of each picture that the container holds, rising from 1: where time stamps leave a gap, frames are missing.
    pub(super) numbers: Vec<i64>,
    /// How its colours become RGB.
    pub(super) matrix: Matrix,
    /// The decoder that gives alpha, where ffmpeg's own choice does not.
    pub(super) decoder: Option<&'static str>,
    /// Bits of a sample as stored.
    pub(super) bits: u8,
    pub(super) beside: Beside,
}

/// One section of ffprobe's answer: what it is of, and its entries.
struct Section<'a> {
    kind: &'a str,
    entries: Vec<(&'a str, &'a str)>,
}

impl<'a> Section<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let (kind, rest) = line.trim().split_once('|')?;
        Some(Self { kind, entries: rest.split('|').filter_map(|entry| entry.split_once('=')).collect() })
    }

    /// An entry that says something.
    fn get(&self, key: &str) -> Option<&'a str> {
        let value = self.entries.iter().find(|(name, _)| *name == key)?.1;
        (!matches!(value, "" | "N/A" | "unknown" | "unspecified" | "reserved")).then_some(value)
    }
}

pub(super) fn probe(path: &Path, tools: &Tools) -> Result<Probe, ClipError> {
    let ffprobe = tools.ffprobe(path)?;
    let file = std::path::absolute(path).map_err(|e| ClipError::io(path, "find the file", e))?;
    let ask = |question: &[&str]| {
        let mut args: Vec<&OsStr> = ["-v", "error"].iter().chain(&LOCAL_ONLY).map(AsRef::as_ref).collect();
        args.extend(question.iter().chain(&["-of", "compact=print_section=1"]).map(OsStr::new));
        args.push(file.as_os_str());
        ffprobe.output(path, args).map_err(|error| match error {
            ClipError::Tool { message, .. } => not_a_video(path, message),
            error => error,
        })
    };
    let streams = ask(&[
        "-show_entries",
        "format=format_name,start_time,duration:format_tags:chapter=id:stream=codec_type,codec_name,codec_tag_string,pix_fmt,bits_per_raw_sample,width,height,color_space,\
         color_transfer,color_primaries,field_order,r_frame_rate,avg_frame_rate,sample_aspect_ratio,nb_frames:\
         stream_tags=alpha_mode,timecode,DURATION:stream_disposition=attached_pic:stream_side_data=rotation",
    ])?;
    let packets = ask(&["-select_streams", "V:0", "-show_entries", "packet=pts_time,duration_time,flags"])?;
    let first = [
        "-select_streams",
        "V:0",
        "-read_intervals",
        "%+#1",
        "-show_entries",
        "frame=interlaced_frame,top_field_first",
    ];
    // What cannot be decoded shows when it is.
    let frame = ask(&first).unwrap_or_default();
    read(path, &file, [&streams, &packets, &frame])
}

fn not_a_video(path: &Path, reason: String) -> ClipError {
    ClipError::NotAVideo { path: path.to_path_buf(), reason }
}

fn read(path: &Path, file: &Path, [streams, packets, frame]: [&str; 3]) -> Result<Probe, ClipError> {
    let sections: Vec<Section<'_>> = streams.lines().filter_map(Section::parse).collect();
    let of =
        |kind: &'static str| sections.iter().filter(move |s| s.kind == "stream" && s.get("codec_type") == Some(kind));
    // A cover picture is no video.
    let video = of("video").find(|s| s.get("disposition:attached_pic") != Some("1"));
    let (times, count) = times(packets);
    let (Some(video), true) = (video, count > 0) else {
        return Err(not_a_video(path, "it has no picture".into()));
    };
    let side = |key: &str| video.get(key).and_then(|v| v.parse::<u64>().ok()).unwrap_or(0);
    let (width, height) = (side("width"), side("height"));
    if width == 0 || height == 0 {
        return Err(not_a_video(path, "it has no picture".into()));
    }
    check_size(path, width, height)?;
    let aspect = video.get("sample_aspect_ratio").and_then(|v| Rate::parse(v, ':')).map_or(1.0, Rate::as_f64);
    // ffmpeg turns what a phone recorded lying, and the shape of its pixels with it.
    let turned = video.get("rotation").and_then(|v| v.parse::<f64>().ok()).is_some_and(|r| r.rem_euclid(180.0) == 90.0);
    let told = rate(&times, video.get("r_frame_rate"), video.get("avg_frame_rate"));
    let last_length = last_length(packets);
    let is_gif = sections.iter().any(|s| s.kind == "format" && s.get("format_name") == Some("gif"));
    let spacing = match spacing(&times, count, told) {
        // Animations often hold the last picture; elsewhere a longer last frame is an accident.
        Spacing::Even if is_gif && last_length.is_some_and(|last| last * told.as_f64() > 1.5) => Spacing::Uneven,
        spacing => spacing,
    };
    let rate = match spacing {
        Spacing::Uneven => video.get("avg_frame_rate").and_then(|v| Rate::parse(v, '/')).unwrap_or(told),
        _ => told,
    };
    let tag = |key: &str| video.get(key).map(str::to_owned);
    let tags =
        ColourTags { matrix: tag("color_space"), transfer: tag("color_transfer"), primaries: tag("color_primaries") };
    let matrix = Matrix::of(tags.matrix.as_deref(), width * height);
    let start = sections.iter().find(|s| s.kind == "format").and_then(|s| s.get("start_time"));
    let start = start.and_then(|v| v.parse::<f64>().ok()).unwrap_or(0.0);
    let codecs: Vec<String> = of("audio").filter_map(|s| s.get("codec_name").map(str::to_owned)).collect();
    let first = times.first().copied().unwrap_or(start);
    let sound =
        (!codecs.is_empty()).then(|| Sound { file: PathBuf::from(file), codecs, lead: (first - start).max(0.0) });
    let notes = notes(file, &sections);
    let there = packets.lines().filter(|line| line.starts_with("packet")).count() as i64;
    let told_count = || video.get("nb_frames").and_then(|v| v.parse::<i64>().ok());
    let promised = match length(video, &sections) {
        Some(length) => promised_by(length, &times, rate),
        None => told_count().filter(|promised| *promised > there),
    };
    let fields = fields(video.get("field_order"), frame.lines().find_map(Section::parse));
    let uneven = || times.iter().map(|t| t - first).collect::<Arc<[f64]>>();
    let numbers = match &spacing {
        Spacing::Holes(numbers) => numbers.clone(),
        _ => (1..=count).collect(),
    };
    Ok(Probe {
        rate,
        pixel_aspect: if turned { 1.0 / aspect } else { aspect },
        numbers,
        matrix,
        decoder: match (video.get("codec_name"), video.get("tag:alpha_mode")) {
            (Some("vp9"), Some("1")) => Some("libvpx-vp9"),
            (Some("vp8"), Some("1")) => Some("libvpx"),
            _ => None,
        },
        bits: bits(video.get("bits_per_raw_sample"), video.get("pix_fmt")),
        beside: Beside {
            tags,
            sound,
            notes,
            promised,
            chroma: video.get("pix_fmt").and_then(chroma),
            fields,
            times: matches!(spacing, Spacing::Uneven).then(uneven),
            last_length,
            ..Beside::default()
        },
    })
}

/// How long the video is, in seconds, where its container tells that and not how many frames it has: Matroska and WebM. ffprobe
/// works out the length of others from what is there.
fn length(video: &Section<'_>, sections: &[Section<'_>]) -> Option<f64> {
    let file = sections.iter().find(|s| s.kind == "format")?;
    if !file.get("format_name")?.contains("matroska") {
        return None;
    }
    if let Some(told) = video.get("tag:DURATION") {
        let mut units = told.split(':').map(|unit| unit.parse::<f64>().ok());
        return (0..3).try_fold(0.0, |sum, _| Some(sum * 60.0 + units.next()??));
    }
    // The whole file may be longer than its pictures.
    let streams = sections.iter().filter(|s| s.kind == "stream").count();
    file.get("duration").filter(|_| streams == 1)?.parse().ok()
}

/// The frames that a length in seconds promises, where it is longer by half a second and two frames than the times tell.
fn promised_by(length: f64, times: &[f64], rate: Rate) -> Option<i64> {
    let period = 1.0 / rate.as_f64();
    let there = times.last()? - times.first()?.min(0.0) + period;
    (length > there + (2.0 * period).max(0.5)).then(|| (length * rate.as_f64()).round() as i64)
}

/// Pixels that share one sample of colour, across and down, in one of ffmpeg's pixel formats.
fn chroma(format: &str) -> Option<(u8, u8)> {
    let layout = ["yuva", "yuvj", "yuv"].into_iter().find_map(|family| format.strip_prefix(family)).unwrap_or(format);
    Some(match layout.get(..3).filter(|_| layout != format) {
        Some("420") => (2, 2),
        Some("422") => (2, 1),
        Some("444") => (1, 1),
        Some("440") => (1, 2),
        Some("411" | "410") => (4, 1),
        _ => match format {
            "nv12" | "nv21" | "p010le" | "p016le" => (2, 2),
            "uyvy422" | "yuyv422" | "nv16" => (2, 1),
            _ => return None,
        },
    })
}

/// The order of fields, by what the stream says and what its first frame does. Of DV and MPEG-4 only frames say it. ffmpeg calls
/// `tb` and `bt` what is shown with the top and the bottom field first.
fn fields(stream: Option<&str>, frame: Option<Section<'_>>) -> Option<FieldOrder> {
    let told = frame.filter(|frame| frame.get("interlaced_frame") == Some("1"));
    let told = told.map(|frame| match frame.get("top_field_first") {
        Some("0") => FieldOrder::Bottom,
        _ => FieldOrder::Top,
    });
    match stream {
        Some("progressive") => None,
        Some("tt" | "tb") => told.or(Some(FieldOrder::Top)),
        Some("bb" | "bt") => told.or(Some(FieldOrder::Bottom)),
        _ => told,
    }
}

/// What the file says of itself, beyond what every file says.
fn notes(file: &Path, sections: &[Section<'_>]) -> Option<Notes> {
    // Of the container, and of the program that wrote it.
    let technical =
        ["major_brand", "minor_version", "compatible_brands", "encoder", "creation_time", "software", "timecode"];
    let told = sections.iter().filter(|s| s.kind == "format").flat_map(|s| &s.entries).any(|(key, _)| {
        key.strip_prefix("tag:").is_some_and(|tag| !technical.iter().any(|name| tag.eq_ignore_ascii_case(name)))
    });
    let code = |s: &Section<'_>| s.get("tag:timecode").or(s.get("tag:TIMECODE")).map(str::to_owned);
    let time_code = sections.iter().find_map(code);
    let any = |is: &dyn Fn(&Section<'_>) -> bool| sections.iter().any(is);
    // The track of a time code is data too.
    let is_data = |s: &Section<'_>| s.get("codec_type") == Some("data") && s.get("codec_tag_string") != Some("tmcd");
    let is_video = |s: &&Section<'_>| {
        s.kind == "stream" && s.get("codec_type") == Some("video") && s.get("disposition:attached_pic") != Some("1")
    };
    let found = [
        (sections.iter().filter(is_video).count() > 1, "further pictures (another camera or angle)"),
        (any(&|s| s.get("codec_type") == Some("subtitle")), "subtitles"),
        (any(&|s| s.kind == "chapter"), "chapters"),
        (any(&is_data), "data of the camera"),
    ];
    let others: Vec<&'static str> = found.into_iter().filter_map(|(found, name)| found.then_some(name)).collect();
    (told || !others.is_empty() || time_code.is_some()).then(|| Notes { file: file.into(), time_code, told, others })
}

/// When each packet is shown, in seconds and in order, and how many packets there are.
fn times(packets: &str) -> (Vec<f64>, i64) {
    // D marks packets that an edit list cuts away.
    let kept = packets
        .lines()
        .filter_map(Section::parse)
        .filter(|s| s.kind == "packet" && s.get("flags").is_some_and(|flags| !flags.contains('D')));
    let (mut times, mut count) = (Vec::new(), 0);
    for packet in kept {
        count += 1;
        times.extend(packet.get("pts_time").and_then(|v| v.parse::<f64>().ok()));
    }
    times.sort_by(f64::total_cmp);
    (times, count)
}

/// How long the last frame is shown, in seconds; none where the file does not say, or says what cannot be.
fn last_length(packets: &str) -> Option<f64> {
    let told = packets.lines().filter_map(Section::parse).filter_map(|packet| {
        let start = packet.get("pts_time")?.parse::<f64>().ok()?;
        Some((start, packet.get("duration_time").and_then(|length| length.parse::<f64>().ok())))
    });
    let (_, length) = told.max_by(|a, b| a.0.total_cmp(&b.0))?;
    // Files that were cut tell a moment, or nothing.
    length.filter(|length| (0.005..=LONGEST_HOLE).contains(length))
}

/// How long each frame but the last is shown, in seconds, the shortest first.
fn lengths(times: &[f64]) -> Vec<f64> {
    let mut lengths: Vec<f64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    lengths.sort_by(f64::total_cmp);
    lengths
}

/// The rate of a stream, of the two that ffprobe names: that by which most frames follow each other, if either is.
fn rate(times: &[f64], real: Option<&str>, average: Option<&str>) -> Rate {
    let parse = |text: Option<&str>| text.and_then(|text| Rate::parse(text, '/'));
    let (real, average) = (parse(real), parse(average));
    let lengths = lengths(times);
    let fits =
        |rate: &Rate| lengths.get(lengths.len() / 2).is_some_and(|median| (median * rate.as_f64() - 1.0).abs() < 0.1);
    // The average of a short file is off by its first and last frame, and by the frames it lacks. The real one can be that of
    // fields, or of a clock.
    real.filter(fits).or(average).or(real).unwrap_or(Rate::FILM)
}

/// How a video's frames lie in time.
#[derive(Debug, PartialEq)]
enum Spacing {
    Even,
    /// Evenly but for gaps; the number of each frame.
    Holes(Vec<i64>),
    Uneven,
}

/// Containers round times to a millisecond at worst.
const ROUNDED: f64 = 0.0021;

fn spacing(times: &[f64], count: i64, rate: Rate) -> Spacing {
    // Without a time for every frame there is nothing to go by.
    if times.len() < 3 || times.len() as i64 != count {
        return Spacing::Even;
    }
    let lengths = lengths(times);
    let (shortest, median, longest) = (lengths[0], lengths[lengths.len() / 2], lengths[lengths.len() - 1]);
    let period = 1.0 / rate.as_f64();
    if longest <= 1.5 * shortest + ROUNDED.min(0.3 * period) {
        return Spacing::Even;
    }
    let near = |length: f64| (length - period).abs() < (0.1 * period + ROUNDED).min(0.4 * period);
    let regular = lengths.iter().filter(|length| near(**length)).count();
    // Where three quarters of the frames are a period apart, a gap of some periods is of frames that were lost.
    if !near(median) || regular * 4 < lengths.len() * 3 || longest > LONGEST_HOLE {
        return Spacing::Uneven;
    }
    let places: Vec<f64> = times.iter().map(|time| (time - times[0]) / period).collect();
    let numbers: Vec<i64> = places.iter().map(|place| place.round() as i64 + 1).collect();
    let on_grid = places.iter().all(|place| (place - place.round()).abs() < 0.25);
    if on_grid && numbers.windows(2).all(|pair| pair[0] < pair[1]) { Spacing::Holes(numbers) } else { Spacing::Uneven }
}

/// Bits of a sample, from what the stream says or the name of its pixel format, such as `yuv420p10le`.
fn bits(told: Option<&str>, format: Option<&str>) -> u8 {
    let named = || {
        let format = format?.trim_end_matches("le").trim_end_matches("be");
        match format {
            "rgb48" | "bgr48" | "rgba64" | "bgra64" | "ya16" => Some(16),
            // Digits after the layout: those of nv12 are no bits.
            _ => format.rsplit_once(['p', 'y'])?.1.parse().ok().filter(|bits| (9..=16).contains(bits)),
        }
    };
    told.and_then(|told| told.parse().ok()).filter(|bits| (8..=16).contains(bits)).or_else(named).unwrap_or(8)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAL: Rate = Rate { num: 25, den: 1 };

    fn grid(frames: impl IntoIterator<Item = i64>) -> Vec<f64> {
        // As Matroska rounds: to a millisecond.
        frames.into_iter().map(|n| (n as f64 / 29.97 * 1000.0).round() / 1000.0).collect()
    }

    #[test]
    fn a_lost_stamp_is_a_missing_frame_and_a_clock_of_its_own_is_not() {
        let ntsc = Rate { num: 30000, den: 1001 };
        let lost = |absent: &[i64]| {
            let kept: Vec<i64> = (0..30).filter(|n| !absent.contains(n)).collect();
            spacing(&grid(kept.iter().copied()), kept.len() as i64, ntsc)
        };
        assert_eq!(lost(&[]), Spacing::Even);
        assert_eq!(lost(&[7]), Spacing::Holes((1..=30).filter(|n| *n != 8).collect()));
        assert_eq!(
            lost(&[3, 9, 15, 21, 26]),
            Spacing::Holes((1..=30).filter(|n| ![4, 10, 16, 22, 27].contains(n)).collect())
        );
        let fast = Rate { num: 240, den: 1 };
        let stamps: Vec<f64> = (0..24).filter(|n| *n != 8).map(|n| (f64::from(n) / 0.24).round() / 1000.0).collect();
        assert_eq!(spacing(&stamps, 23, fast), Spacing::Holes((1..=24).filter(|n| *n != 9).collect()));
        assert_eq!(lost(&[7, 8, 20]), Spacing::Holes((1..=30).filter(|n| ![8, 9, 21].contains(n)).collect()));
        let screen = [0.0, 0.04, 0.08, 0.24, 0.32, 0.40];
        assert_eq!(spacing(&screen, 6, PAL), Spacing::Uneven);
        // Two frames off the grid are no lost frames.
        let mut late = grid(0..30);
        late[12..14].iter_mut().for_each(|time| *time += 0.015);
        assert_eq!(spacing(&late, 30, ntsc), Spacing::Uneven);
        // A clock that jumps by a minute has lost no 1800 frames.
        let mut jump = grid(0..30);
        jump[15..].iter_mut().for_each(|time| *time += 60.0);
        assert_eq!(spacing(&jump, 30, ntsc), Spacing::Uneven);
        assert_eq!(spacing(&grid(0..29), 30, ntsc), Spacing::Even, "a frame without a time leaves the order alone");
    }

    #[test]
    fn the_order_of_fields_is_that_of_the_frames_before_that_of_the_stream() {
        let frame = |interlaced, top| {
            Section::parse(match (interlaced, top) {
                (false, _) => "frame|interlaced_frame=0|top_field_first=0",
                (true, true) => "frame|interlaced_frame=1|top_field_first=1",
                (true, false) => "frame|interlaced_frame=1|top_field_first=0",
            })
        };
        assert_eq!(fields(None, frame(true, false)), Some(FieldOrder::Bottom), "DV");
        assert_eq!(fields(Some("bt"), frame(true, true)), Some(FieldOrder::Top));
        assert_eq!(fields(Some("tb"), frame(false, false)), Some(FieldOrder::Top));
        assert_eq!(fields(Some("bb"), None), Some(FieldOrder::Bottom));
        assert_eq!(fields(Some("progressive"), frame(true, true)), None);
        assert_eq!(fields(None, frame(false, false)), None);
    }

    #[test]
    fn bits_are_those_of_the_stored_samples() {
        for (told, format, expected) in [
            (None, "yuv420p", 8),
            (None, "yuv420p10le", 10),
            (None, "yuva444p12le", 12),
            (None, "gbrp16le", 16),
            (None, "rgb48le", 16),
            (None, "nv12", 8),
            (Some("10"), "gbrp16le", 10),
        ] {
            assert_eq!(bits(told, Some(format)), expected, "{format}");
        }
    }

    #[test]
    fn a_rate_is_that_of_the_frames_not_of_fields_or_a_clock() {
        let times: Vec<f64> = (0..20).filter(|n| *n != 5).map(|n| f64::from(n) / 25.0).collect();
        assert_eq!(rate(&times, Some("25/1"), Some("2375/100")), PAL);
        assert_eq!(rate(&times, Some("50/1"), Some("25/1")), PAL);
        assert_eq!(rate(&times, Some("90000/1"), Some("25/1")), PAL);
        assert_eq!(rate(&[], None, None), Rate::FILM);
    }

    #[test]
    fn a_file_that_is_shorter_than_it_says_is_cut_short() {
        let times: Vec<f64> = (0..50).map(|n| f64::from(n) / 25.0).collect();
        let promised = |length: f64| promised_by(length, &times, PAL);
        assert_eq!([2.0, 2.04, 2.4].map(promised), [None; 3], "times are rounded, and a last frame can be held");
        assert_eq!(promised(4.0), Some(100));
        let told = |line: &'static str| {
            let stream = Section::parse(line).unwrap();
            let file = Section::parse("format|format_name=matroska,webm|duration=9.0").unwrap();
            length(&stream, &[file, Section::parse(line).unwrap()])
        };
        assert_eq!(told("stream|codec_type=video|tag:DURATION=00:01:04.500000000"), Some(64.5));
        assert_eq!(told("stream|codec_type=video"), Some(9.0));
        let gif = [Section::parse("format|format_name=gif|duration=9.0").unwrap()];
        assert_eq!(length(&gif[0], &gif), None, "a last picture may be held");
    }

    #[test]
    fn the_size_of_chroma_is_in_the_name_of_the_format() {
        for (format, expected) in [
            ("yuv420p10le", Some((2, 2))),
            ("yuvj422p", Some((2, 1))),
            ("yuva444p", Some((1, 1))),
            ("yuv411p", Some((4, 1))),
            ("nv12", Some((2, 2))),
            ("gbrp", None),
            ("rgb24", None),
            ("gray", None),
        ] {
            assert_eq!(chroma(format), expected, "{format}");
        }
    }

    #[test]
    fn what_is_not_told_is_none() {
        let section = Section::parse("stream|codec_type=video|color_space=unknown|color_primaries=bt2020").unwrap();
        assert_eq!((section.get("color_space"), section.get("color_primaries")), (None, Some("bt2020")));
    }
}
