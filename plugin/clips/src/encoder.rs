//! Encoding a video with ffmpeg.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use super::ClipError;
use super::codec::{Codec, Container};
use super::marks::{Mark, Marks, mark_video};
use super::partial::Partial;
use super::picture::{Depth, Picture, Pixels};
use super::sound;
use super::timed;
use super::tools::{Running, Tool};
use super::writer::WriteOptions;

/// A video being written. ffmpeg starts with the first frame, which decides size, depth and alpha.
pub(super) struct Encoder {
    target: PathBuf,
    container: Container,
    codec: Codec,
    ffmpeg: Tool,
    options: WriteOptions,
    partial: Partial,
    marks: Marks,
    started: Option<Started>,
}

struct Started {
    running: Running,
    size: (usize, usize),
    depth: Depth,
    alpha: bool,
    /// The first frame, and the one written last.
    first: i64,
    last: Option<i64>,
}

impl Encoder {
    pub(super) fn create(target: &Path, container: Container, options: &WriteOptions) -> Result<Self, ClipError> {
        let ffmpeg = options.tools.ffmpeg(target)?;
        let codec = options.codec_of(target, container)?;
        let encoder = codec.encoder();
        if !ffmpeg.has_encoder(target, encoder)? {
            let instead = if codec == Codec::Ffv1 { "" } else { ", .mkv (lossless)" };
            let what = format!(
                "the ffmpeg installed has no encoder {encoder}: install a full build of ffmpeg, or write an image sequence{instead}"
            );
            return Err(ClipError::unsupported(target, what));
        }
        let partial = Partial::create(target)?;
        let times = options.times.clone().filter(|_| container.has_times());
        let options = WriteOptions { times, rate: container.rate(options.rate), ..options.clone() };
        Ok(Self {
            target: target.into(),
            container,
            codec,
            ffmpeg,
            options,
            partial,
            marks: Marks::default(),
            started: None,
        })
    }

    pub(super) fn write(&mut self, frame: i64, picture: &Picture, mark: Option<&Mark>) -> Result<(), ClipError> {
        let mut started = match self.started.take() {
            Some(started) => started,
            None => self.start(frame, picture)?,
        };
        let (expected, found) = (started.size, picture.size());
        if expected != found {
            self.started = Some(started);
            return Err(ClipError::SizeChanges { clip: self.target.clone(), frame, expected, found });
        }
        if let Some(previous) = started.last.filter(|&last| frame <= last) {
            self.started = Some(started);
            return Err(ClipError::OutOfOrder { path: self.target.clone(), frame, previous });
        }
        let picture = if started.alpha { picture.to_rgba().to_straight() } else { picture.to_rgb() };
        let samples = match picture.pixels().to_depth(started.depth) {
            Pixels::U8(v) => v,
            Pixels::U16(v) => v.iter().flat_map(|s| s.to_le_bytes()).collect(),
            Pixels::F16(_) | Pixels::F32(_) => unreachable!("ffmpeg is given 8 or 16 bits"),
        };
        let before = match &self.options.times {
            Some(times) => timed::frame(times.at(frame) - times.at(started.first), samples.len()),
            None => Vec::new(),
        };
        let pipe = started.running.child.stdin.as_mut();
        let sent = pipe.map(|pipe| pipe.write_all(&before).and_then(|()| pipe.write_all(&samples)));
        if let Some(Ok(())) = sent {
            started.last = Some(frame);
            self.marks.add(mark);
            self.started = Some(started);
            return Ok(());
        }
        // ffmpeg has gone: its own words tell why, be it a full disk or a size it cannot encode.
        started.running.wait(&self.target)?;
        Err(self.ffmpeg.failed(&self.target, "it stopped before the last frame"))
    }

    fn start(&self, first: i64, picture: &Picture) -> Result<Started, ClipError> {
        let size @ (width, height) = picture.size();
        if self.codec.needs_even() && (width % 2 == 1 || height % 2 == 1) {
            let name = self.codec.name();
            let what =
                format!("{name} needs an even width and height, not {width}×{height}: write .mkv, or crop the clip");
            return Err(ClipError::unsupported(&self.target, what));
        }
        let (depth, alpha) = self.codec.takes(picture);
        let mut args: Vec<String> = ["-v", "error", "-y"].map(Into::into).into();
        args.extend(self.input(size, depth, alpha));
        let (input, output) = self.source();
        args.extend(input);
        args.extend(self.codec.args((depth, alpha), self.options.quality, &self.options.beside));
        args.extend(output);
        if let Some(times) = &self.options.times {
            // Finer than any clock of a camera, and coarse enough for MP4.
            args.extend(self.ffmpeg.each_picture_once().map(Into::into));
            args.extend(["-enc_time_base", "1:90000"].map(Into::into));
            args.extend(self.last_shown(times.last_length()));
        }
        if (self.options.pixel_aspect - 1.0).abs() > 1e-6 {
            let aspect = self.options.pixel_aspect * width as f64 / height as f64;
            args.extend(["-aspect".into(), format!("{aspect:.6}")]);
        }
        if matches!(self.container, Container::Mp4) {
            args.extend(["-movflags", "+faststart"].map(Into::into));
        }
        args.extend(["-f", self.container.muxer()].map(Into::into));
        let file = std::path::absolute(self.partial.hand_over())
            .map_err(|e| ClipError::io(&self.target, "write the file", e))?;
        let mut args: Vec<std::ffi::OsString> = args.into_iter().map(Into::into).collect();
        args.push(file.into_os_string());
        let mut running = self.ffmpeg.start(&self.target, args, Stdio::piped(), Stdio::null())?;
        if self.options.times.is_some()
            && let Some(pipe) = &mut running.child.stdin
            && pipe.write_all(&timed::header(size, fourcc(depth, alpha))).is_err()
        {
            running.wait(&self.target)?;
        }
        Ok(Started { running, size, depth, alpha, first, last: None })
    }

    /// By which the last frame is shown for so many seconds: nothing follows that would tell. MP4 ends with what is decoded last,
    /// which must then be what is shown last. Matroska has no place for it.
    fn last_shown(&self, seconds: f64) -> Vec<String> {
        match self.container {
            Container::Gif => vec!["-final_delay".into(), format!("{}", (seconds * 100.0).round().max(1.0))],
            Container::Mp4 | Container::Mov => {
                vec!["-bf".into(), "0".into(), "-bsf:v".into(), format!("setts=duration={seconds}/TB")]
            }
            Container::Mkv | Container::WebM | Container::Avi => Vec::new(),
        }
    }

    /// The pictures as ffmpeg's first input.
    fn input(&self, (width, height): (usize, usize), depth: Depth, alpha: bool) -> Vec<String> {
        let mut args = Vec::new();
        if self.options.times.is_some() {
            args.extend(["-f", "matroska"].map(Into::into));
        } else {
            let format = match (depth, alpha) {
                (Depth::U8, false) => "rgb24",
                (Depth::U8, true) => "rgba",
                (_, false) => "rgb48le",
                (_, true) => "rgba64le",
            };
            args.extend(["-f", "rawvideo", "-pix_fmt", format, "-s"].map(Into::into));
            let rate = self.options.rate;
            args.extend([format!("{width}x{height}"), "-r".into(), format!("{}/{}", rate.num, rate.den)]);
        }
        args.extend(["-i", "pipe:0"].map(Into::into));
        args
    }

    /// The file that was read as ffmpeg's second input, where sound or what it says of itself goes into this one, and what does.
    fn source(&self) -> (Vec<String>, Vec<String>) {
        let beside = &self.options.beside;
        let sound = beside.sound.as_ref().zip(self.options.sound.as_ref());
        let (Some(file), true) = (
            sound.map(|(sound, _)| &sound.file).or(beside.notes.as_ref().map(|notes| &notes.file)),
            self.container != Container::Gif,
        ) else {
            return (Vec::new(), Vec::new());
        };
        let (mut input, output) =
            sound.map_or_else(Default::default, |(sound, span)| sound::args(sound, span, self.container));
        input.extend(["-i".into(), file.to_string_lossy().into_owned()]);
        let mut all: Vec<String> = ["-map", "0:v", "-map_metadata", "1", "-map_chapters", "-1"].map(Into::into).into();
        all.extend(output);
        let code = beside.notes.as_ref().and_then(|notes| notes.time_code.as_ref()).filter(|_| self.options.from_start);
        // What the file says as a whole would put the code of its first frame elsewhere.
        all.extend(["-metadata".into(), "timecode=".into(), "-metadata:s:v:0".into()]);
        all.push(format!("timecode={}", code.map_or("", String::as_str)));
        (input, all)
    }

    /// Ends the video and gives it its name; gives the mark that it has, if any.
    pub(super) fn finish(mut self) -> Result<Option<Mark>, ClipError> {
        match self.started.take() {
            Some(mut started) => started.running.wait(&self.target)?,
            None => {
                return Err(ClipError::unsupported(&self.target, "no frame was written: a video needs at least one"));
            }
        }
        let mark = self.marks.of_all();
        let video = match &mark {
            Some(mark) => mark_video(self.partial, (&self.target, self.container), mark, &self.ffmpeg)?,
            None => self.partial,
        };
        video.commit()?;
        Ok(mark)
    }
}

/// The name by which ffmpeg knows a layout of uncompressed samples inside a container (libavcodec/raw.c).
fn fourcc(depth: Depth, alpha: bool) -> [u8; 4] {
    match (depth, alpha) {
        (Depth::U8, false) => [b'R', b'G', b'B', 24],
        (Depth::U8, true) => *b"RGBA",
        (_, false) => [b'R', b'G', b'B', 48],
        (_, true) => [b'R', b'B', b'A', 64],
    }
}
