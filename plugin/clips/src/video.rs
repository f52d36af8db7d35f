//! Decoding a video with ffmpeg, frame-exact: frames are counted from the start of the file, never sought by time.
//!
//! ffmpeg writes PAM pictures to a pipe. PAM takes the pixel formats PNG takes, so ffmpeg chooses the format it would choose
//! for `ffmpeg -i CLIP -fps_mode passthrough %d.png`. It rounds as MLT and players do, and where a file does not say by which
//! matrix its colours were made, it is that which they take.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Stdio};

use super::ClipError;
use super::beside::Beside;
use super::picture::{Picture, Pixels};
use super::reader::Rate;
use super::still::{check_size, grey_alpha_to_rgba, grey_to_rgb};
use super::tools::{Running, Tool, Tools, last_words};

/// A playlist or a reference inside a file must not make ffmpeg open the network.
const LOCAL_ONLY: [&str; 2] = ["-protocol_whitelist", "file,pipe,crypto,data"];

/// What ffprobe says of a video.
pub(super) struct Probe {
    pub(super) rate: Rate,
    pub(super) pixel_aspect: f64,
    /// Pictures that the container holds.
    pub(super) frames: i64,
    /// How its colours become RGB.
    pub(super) matrix: Matrix,
    pub(super) beside: Beside,
}

/// How a video's colours become RGB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Matrix {
    /// As the file says, or by BT.601 where it does not say and is small.
    Told,
    /// By BT.709, which the file does not say.
    Bt709,
}

impl Matrix {
    /// Of a stream of this `color_space` and size: above 750,000 pixels it is high definition, as MLT has it
    /// (avformat/common.c).
    fn of(space: &str, pixels: u64) -> Self {
        let silent = matches!(space, "" | "unknown" | "unspecified" | "reserved" | "N/A");
        if silent && pixels > 750_000 { Self::Bt709 } else { Self::Told }
    }
}

pub(super) fn probe(path: &Path, tools: &Tools) -> Result<Probe, ClipError> {
    let not_a_video = |reason: String| ClipError::NotAVideo { path: path.to_path_buf(), reason };
    let ffprobe = tools.ffprobe(path)?;
    let file = std::path::absolute(path).map_err(|e| ClipError::io(path, "find the file", e))?;
    let ask = |stream: &str, entries: &str| {
        let mut args: Vec<&std::ffi::OsStr> = ["-v", "error"].iter().chain(&LOCAL_ONLY).map(AsRef::as_ref).collect();
        let question = ["-select_streams", stream, "-show_entries", entries, "-of", "default=noprint_wrappers=1"];
        args.extend(question.map(std::ffi::OsStr::new));
        args.push(file.as_os_str());
        ffprobe.output(path, args)
    };
    let of_stream = "stream=width,height,color_space,color_transfer,color_primaries,field_order,r_frame_rate,\
                     avg_frame_rate,sample_aspect_ratio:packet=pts_time,flags";
    let told = match ask("V:0", of_stream) {
        Err(ClipError::Tool { message, .. }) => return Err(not_a_video(message)),
        told => told?,
    };
    let mut frames = 0;
    let (mut width, mut height) = (0, 0);
    let (mut real, mut average) = (None, None);
    let mut pixel_aspect = 1.0;
    let (mut space, mut transfer, mut primaries, mut fields) = ("", "", "", "");
    let (mut shown, mut times) = (None::<f64>, Vec::new());
    for (key, value) in told.lines().filter_map(|l| l.trim().split_once('=')) {
        match key {
            // D marks packets that an edit list cuts away.
            "flags" if value.contains('D') => {}
            "flags" => {
                frames += 1;
                times.extend(shown.take());
            }
            "pts_time" => shown = value.parse().ok(),
            "color_transfer" => transfer = value,
            "color_primaries" => primaries = value,
            "field_order" => fields = value,
            "color_space" => space = value,
            "width" => width = value.parse().unwrap_or(0),
            "height" => height = value.parse().unwrap_or(0),
            "r_frame_rate" => real = Rate::parse(value, '/'),
            "avg_frame_rate" => average = Rate::parse(value, '/'),
            "sample_aspect_ratio" => pixel_aspect = Rate::parse(value, ':').map_or(1.0, Rate::as_f64),
            _ => {}
        }
    }
    if width == 0 || height == 0 || frames == 0 {
        return Err(not_a_video("it has no picture".into()));
    }
    check_size(path, width, height)?;
    let rate = match (real, average) {
        // The average of a short file is off by its first and last frame; of a variable rate it is what there is.
        (Some(r), Some(a)) if (r.as_f64() / a.as_f64() - 1.0).abs() < 0.02 => r,
        (_, Some(a)) => a,
        (Some(r), None) => r,
        (None, None) => Rate::FILM,
    };
    let beside = Beside {
        sound: ask("a:0", "stream=codec_type")?.contains("audio"),
        interlaced: matches!(fields, "tt" | "bb" | "tb" | "bt"),
        uneven: uneven(times),
        wide: wide([space, transfer, primaries]),
        ..Beside::default()
    };
    Ok(Probe { rate, pixel_aspect, frames, matrix: Matrix::of(space, width * height), beside })
}

/// Whether frames shown at these times, in seconds, stand for unlike lengths. Containers round times to a millisecond
/// at worst.
fn uneven(mut times: Vec<f64>) -> bool {
    times.sort_by(f64::total_cmp);
    let lengths = || times.windows(2).map(|pair| pair[1] - pair[0]);
    let (shortest, longest) = (lengths().fold(f64::INFINITY, f64::min), lengths().fold(0.0, f64::max));
    longest > 1.5 * shortest + 0.002
}

/// The colour tags (matrix, transfer and primaries) of a video in high dynamic range or with primaries wider than
/// BT.709's: what shows wrong where nothing says so.
fn wide(tags: [&str; 3]) -> Option<String> {
    let [_, transfer, primaries] = tags;
    let high = matches!(transfer, "smpte2084" | "arib-std-b67" | "smpte428");
    let wider = matches!(primaries, "bt2020" | "smpte431" | "smpte432");
    (high || wider).then(|| tags.map(|tag| if tag.is_empty() { "unknown" } else { tag }).join(", "))
}

/// A running decoder: gives one frame after the other.
pub(super) struct Decoder {
    path: PathBuf,
    running: Running,
    pipe: BufReader<ChildStdout>,
    next: i64,
    ended: bool,
}

impl Decoder {
    /// Starts so that the first frame given is `first`, counted from 1.
    pub(super) fn start(path: &Path, ffmpeg: &Tool, matrix: Matrix, first: i64) -> Result<Self, ClipError> {
        let file = std::path::absolute(path).map_err(|e| ClipError::io(path, "find the file", e))?;
        let every_frame =
            if ffmpeg.older_than(5, 1) { ["-vsync", "passthrough"] } else { ["-fps_mode", "passthrough"] };
        let mut args: Vec<std::ffi::OsString> = ["-v", "error", "-nostdin"].map(Into::into).into();
        args.extend(LOCAL_ONLY.map(Into::into));
        args.extend(["-i".into(), file.into_os_string()]);
        args.extend(["-map", "0:V:0"].map(Into::into));
        // Frames before are decoded and counted, but neither converted nor sent.
        let select = (first > 1).then(|| format!("select=gte(n\\,{})", first - 1));
        let tag = (matrix == Matrix::Bt709).then(|| "setparams=colorspace=bt709".to_owned());
        let filters = select.into_iter().chain(tag).collect::<Vec<_>>().join(",");
        if !filters.is_empty() {
            args.extend(["-vf".into(), filters.into()]);
        }
        args.extend(["-sws_flags", "bicubic+accurate_rnd+full_chroma_int"].map(Into::into));
        args.extend(every_frame.map(Into::into));
        args.extend(["-f", "image2pipe", "-c:v", "pam", "pipe:1"].map(Into::into));
        let mut running = ffmpeg.start(path, args, Stdio::null(), Stdio::piped())?;
        let Some(stdout) = running.child.stdout.take() else {
            return Err(ffmpeg.failed(path, "its output could not be connected"));
        };
        Ok(Self {
            path: path.into(),
            running,
            pipe: BufReader::with_capacity(1 << 20, stdout),
            next: first,
            ended: false,
        })
    }

    /// The number of the frame that comes next.
    pub(super) fn next_frame(&self) -> i64 {
        self.next
    }

    /// The next frame; `None` at the video's end.
    pub(super) fn read(&mut self) -> Result<Option<Picture>, ClipError> {
        if self.ended {
            return Ok(None);
        }
        match read_pam(&self.path, &mut self.pipe) {
            Ok(Some(picture)) => {
                self.next += 1;
                Ok(Some(picture))
            }
            Ok(None) => {
                self.ended = true;
                self.running.wait(&self.path).map(|()| None)
            }
            Err(error) => {
                self.ended = true;
                // ffmpeg's own reason is better than the broken pipe that follows from it.
                self.running.wait(&self.path)?;
                Err(error)
            }
        }
    }
}

/// One PAM picture from the pipe: a text header, then samples with the high byte first.
fn read_pam(path: &Path, pipe: &mut impl BufRead) -> Result<Option<Picture>, ClipError> {
    let broken = |what: &str| ClipError::damaged(path, format!("ffmpeg sent {what}"));
    let (mut width, mut height, mut depth, mut maximum) = (0_usize, 0_usize, 0_usize, 0_u32);
    let mut line = String::new();
    let mut first = true;
    loop {
        line.clear();
        let n = pipe.by_ref().take(256).read_line(&mut line).map_err(|e| ClipError::io(path, "read from ffmpeg", e))?;
        if n == 0 && first {
            return Ok(None);
        }
        let (key, value) = line.trim_end().split_once(' ').unwrap_or((line.trim_end(), ""));
        match (key, first) {
            ("P7", true) => {}
            (_, true) | ("", _) => return Err(broken("no picture")),
            ("WIDTH", _) => width = value.parse().unwrap_or(0),
            ("HEIGHT", _) => height = value.parse().unwrap_or(0),
            ("DEPTH", _) => depth = value.parse().unwrap_or(0),
            ("MAXVAL", _) => maximum = value.parse().unwrap_or(0),
            ("ENDHDR", _) => break,
            _ => {}
        }
        first = false;
    }
    check_size(path, width as u64, height as u64)?;
    if !(1..=4).contains(&depth) || !matches!(maximum, 1 | 255 | 65535) {
        return Err(broken("pixels of an unknown kind"));
    }
    let wide = maximum == 65535;
    let mut bytes = vec![0; width * height * depth * if wide { 2 } else { 1 }];
    pipe.read_exact(&mut bytes).map_err(|_| broken("half a picture"))?;
    if maximum == 1 {
        bytes.iter_mut().for_each(|b| *b *= 255);
    }
    let alpha = depth % 2 == 0;
    let pixels = if wide {
        let samples: Vec<u16> = bytes.chunks_exact(2).map(|b| u16::from_be_bytes([b[0], b[1]])).collect();
        Pixels::U16(to_colour(samples, depth))
    } else {
        Pixels::U8(to_colour(bytes, depth))
    };
    Picture::new(width, height, alpha, false, pixels).map(Some)
}

fn to_colour<T: Copy>(samples: Vec<T>, depth: usize) -> Vec<T> {
    match depth {
        1 => grey_to_rgb(&samples),
        2 => grey_alpha_to_rgba(&samples),
        _ => samples,
    }
}

/// True for the message that means "cannot be decoded" rather than "ffmpeg is broken".
pub(super) fn undecodable(error: ClipError) -> ClipError {
    match error {
        ClipError::Tool { path, message, .. } => {
            let reason = last_words(&message, &path);
            ClipError::NotAVideo { path, reason }
        }
        error => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pam(bytes: &[u8]) -> Result<Option<Picture>, ClipError> {
        read_pam(Path::new("clip.mp4"), &mut &*bytes)
    }

    #[test]
    fn pam_pictures_of_both_depths_are_read_with_the_high_byte_first() {
        let rgb =
            pam(b"P7\nWIDTH 1\nHEIGHT 1\nDEPTH 3\nMAXVAL 255\nTUPLTYPE RGB\nENDHDR\n\x01\x02\x03").unwrap().unwrap();
        assert_eq!(rgb.pixels(), &Pixels::U8(vec![1, 2, 3]));
        let wide = pam(b"P7\nWIDTH 1\nHEIGHT 1\nDEPTH 2\nMAXVAL 65535\nENDHDR\n\x01\x02\x03\x04").unwrap().unwrap();
        assert_eq!(wide.pixels(), &Pixels::U16(vec![0x102, 0x102, 0x102, 0x304]));
        assert!(pam(b"").unwrap().is_none());
    }

    #[test]
    fn what_is_not_said_of_a_large_video_is_high_definitions() {
        assert_eq!(Matrix::of("unknown", 1280 * 720), Matrix::Bt709);
        assert_eq!(Matrix::of("", 1920 * 1080), Matrix::Bt709);
        assert_eq!(Matrix::of("smpte170m", 1920 * 1080), Matrix::Told);
        assert_eq!(Matrix::of("unknown", 720 * 576), Matrix::Told);
    }

    #[test]
    fn a_broken_pipe_is_an_error_and_takes_no_memory_on_trust() {
        for bytes in [
            &b"P6\n"[..],
            b"P7\nWIDTH 1\n",
            b"P7\nWIDTH 2\nHEIGHT 2\nDEPTH 3\nMAXVAL 255\nENDHDR\n\x01",
            b"P7\nWIDTH 99999999\nHEIGHT 99999999\nDEPTH 3\nMAXVAL 255\nENDHDR\n",
            b"P7\nWIDTH 1\nHEIGHT 1\nDEPTH 9\nMAXVAL 255\nENDHDR\n",
            b"P7\nWIDTH 0\nHEIGHT 0\nDEPTH 3\nMAXVAL 255\nENDHDR\n",
        ] {
            assert!(pam(bytes).is_err(), "{}", String::from_utf8_lossy(bytes));
        }
    }
}
