//! Encoding a video with ffmpeg.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use super::ClipError;
use super::partial::Partial;
use super::picture::{Depth, Picture, Pixels};
use super::reader::Rate;
use super::tools::{Running, Tool, Tools};

/// A video format by its file extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Container {
    Mp4,
    Mov,
    Mkv,
}

impl Container {
    pub(super) fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "mp4" => Some(Self::Mp4),
            "mov" => Some(Self::Mov),
            "mkv" => Some(Self::Mkv),
            _ => None,
        }
    }

    fn muxer(self) -> &'static str {
        match self {
            Self::Mp4 => "mp4",
            Self::Mov => "mov",
            Self::Mkv => "matroska",
        }
    }

    fn codec(self) -> &'static str {
        match self {
            Self::Mp4 => "libx264",
            Self::Mov => "prores_ks",
            Self::Mkv => "ffv1",
        }
    }

    /// What to do when ffmpeg was built without the codec.
    fn instead(self) -> &'static str {
        match self {
            Self::Mp4 | Self::Mov => "install a full build of ffmpeg, or write .mkv (lossless) or an image sequence",
            Self::Mkv => "install a full build of ffmpeg, or write an image sequence",
        }
    }

    /// Depth and alpha in which a picture goes to ffmpeg.
    fn takes(self, picture: &Picture) -> (Depth, bool) {
        let wide = picture.depth() != Depth::U8 && self != Self::Mp4;
        (if wide { Depth::U16 } else { Depth::U8 }, picture.has_alpha() && self != Self::Mp4)
    }

    fn codec_args(self, depth: Depth, alpha: bool) -> Vec<&'static str> {
        // Without a tag players guess the matrix by the picture's size: convert to BT.709 and say so,
        // in the frames (which ProRes takes its tags from) and in the container.
        const TAGGED: [&str; 10] = [
            "-vf",
            "scale=out_color_matrix=bt709:out_range=tv:flags=bicubic+accurate_rnd+full_chroma_int,\
             setparams=colorspace=bt709:color_primaries=bt709:color_trc=bt709:range=tv",
            "-colorspace",
            "bt709",
            "-color_primaries",
            "bt709",
            "-color_trc",
            "bt709",
            "-color_range",
            "tv",
        ];
        let mut args = vec!["-c:v", self.codec()];
        match self {
            Self::Mp4 => {
                args.extend(TAGGED);
                args.extend(["-crf", "12", "-preset", "medium", "-pix_fmt", "yuv420p", "-movflags", "+faststart"]);
            }
            Self::Mov => {
                args.extend(TAGGED);
                let (profile, format) = if alpha { ("4444", "yuva444p10le") } else { ("hq", "yuv422p10le") };
                args.extend(["-profile:v", profile, "-vendor", "apl0", "-pix_fmt", format]);
            }
            Self::Mkv => {
                let format = match (depth, alpha) {
                    (Depth::U8, false) => "bgr0",
                    (Depth::U8, true) => "bgra",
                    (_, false) => "gbrp16le",
                    (_, true) => "gbrap16le",
                };
                args.extend(["-level", "3", "-slicecrc", "1", "-pix_fmt", format]);
            }
        }
        args
    }
}

/// A video being written. ffmpeg starts with the first frame, which decides size, depth and alpha.
pub(super) struct Encoder {
    target: PathBuf,
    container: Container,
    ffmpeg: Tool,
    rate: Rate,
    pixel_aspect: f64,
    partial: Partial,
    started: Option<Started>,
}

struct Started {
    running: Running,
    size: (usize, usize),
    depth: Depth,
    alpha: bool,
    last: Option<i64>,
}

impl Encoder {
    pub(super) fn create(
        target: &Path,
        container: Container,
        tools: &Tools,
        rate: Rate,
        pixel_aspect: f64,
    ) -> Result<Self, ClipError> {
        let ffmpeg = tools.ffmpeg(target)?;
        let codec = container.codec();
        let known = ffmpeg.output(target, ["-hide_banner", "-encoders"])?;
        if !known.split_whitespace().any(|word| word == codec) {
            let what = format!("the ffmpeg installed has no encoder {codec}: {}", container.instead());
            return Err(ClipError::unsupported(target, what));
        }
        let (partial, _) = Partial::create(target)?;
        Ok(Self { target: target.into(), container, ffmpeg, rate, pixel_aspect, partial, started: None })
    }

    pub(super) fn write(&mut self, frame: i64, picture: &Picture) -> Result<(), ClipError> {
        let mut started = match self.started.take() {
            Some(started) => started,
            None => self.start(picture)?,
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
        let bytes = match picture.pixels().to_depth(started.depth) {
            Pixels::U8(v) => v,
            Pixels::U16(v) => v.iter().flat_map(|s| s.to_le_bytes()).collect(),
            Pixels::F16(_) | Pixels::F32(_) => unreachable!("ffmpeg is given 8 or 16 bits"),
        };
        let sent = started.running.child.stdin.as_mut().map(|pipe| pipe.write_all(&bytes));
        if let Some(Ok(())) = sent {
            started.last = Some(frame);
            self.started = Some(started);
            return Ok(());
        }
        // ffmpeg has gone: its own words tell why, be it a full disk or a size it cannot encode.
        started.running.wait(&self.target)?;
        Err(self.ffmpeg.failed(&self.target, "it stopped before the last frame"))
    }

    fn start(&self, picture: &Picture) -> Result<Started, ClipError> {
        let (width, height) = picture.size();
        if self.container == Container::Mp4 && (width % 2 == 1 || height % 2 == 1) {
            let what =
                format!("mp4 needs an even width and height, not {width}×{height}: write .mkv, or crop the clip");
            return Err(ClipError::unsupported(&self.target, what));
        }
        let (depth, alpha) = self.container.takes(picture);
        let format = match (depth, alpha) {
            (Depth::U8, false) => "rgb24",
            (Depth::U8, true) => "rgba",
            (_, false) => "rgb48le",
            (_, true) => "rgba64le",
        };
        let file =
            std::path::absolute(self.partial.path()).map_err(|e| ClipError::io(&self.target, "write the file", e))?;
        let mut args: Vec<String> = ["-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", format].map(Into::into).into();
        args.extend([
            "-s".into(),
            format!("{width}x{height}"),
            "-r".into(),
            format!("{}/{}", self.rate.num, self.rate.den),
        ]);
        args.extend(["-i", "pipe:0"].map(Into::into));
        args.extend(self.container.codec_args(depth, alpha).into_iter().map(Into::into));
        if (self.pixel_aspect - 1.0).abs() > 1e-6 {
            let aspect = self.pixel_aspect * width as f64 / height as f64;
            args.extend(["-aspect".into(), format!("{aspect:.6}")]);
        }
        args.extend(["-f", self.container.muxer()].map(Into::into));
        let mut args: Vec<std::ffi::OsString> = args.into_iter().map(Into::into).collect();
        args.push(file.into_os_string());
        let running = self.ffmpeg.start(&self.target, args, Stdio::piped(), Stdio::null())?;
        Ok(Started { running, size: (width, height), depth, alpha, last: None })
    }

    /// Ends the video and gives it its name.
    pub(super) fn finish(mut self) -> Result<(), ClipError> {
        match self.started.take() {
            Some(mut started) => started.running.wait(&self.target)?,
            None => {
                return Err(ClipError::unsupported(&self.target, "no frame was written: a video needs at least one"));
            }
        }
        self.partial.commit()
    }
}
