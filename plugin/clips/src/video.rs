//! Decoding a video with ffmpeg, frame-exact: frames are counted from the start of the file, never sought by time.
//!
//! ffmpeg writes PAM pictures to a pipe. PAM takes the pixel formats PNG takes, so ffmpeg chooses the format it would choose
//! for `ffmpeg -i CLIP -fps_mode passthrough %d.png`. It rounds as MLT and players do, and where a file does not say by which
//! matrix its colours were made, it is that which they take.

use std::collections::HashSet;
use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::ClipError;
use super::picture::{Picture, Pixels};
use super::probe::LOCAL_ONLY;
use super::still::{check_size, grey_alpha_to_rgba, grey_to_rgb};
use super::tools::{Running, Tool, last_words};

/// How ffmpeg scales chroma and rounds.
pub(super) const SCALING: &str = "bicubic+accurate_rnd+full_chroma_int";

/// How a video is read.
#[derive(Clone, Debug)]
pub(super) struct Reading {
    pub(super) ffmpeg: Tool,
    pub(super) matrix: Matrix,
    /// The decoder, where ffmpeg's own choice loses alpha.
    pub(super) decoder: Option<&'static str>,
    /// What is done to its pictures before they are counted.
    pub(super) filter: Option<String>,
    /// Its pictures are two fields: lines of chroma belong to one of them.
    pub(super) interlaced: bool,
    /// Whether ffmpeg complained of pictures that it gave all the same.
    pub(super) complaints: Arc<AtomicBool>,
}

impl Reading {
    /// ffmpeg's options up to the first stream of pictures in the file; `level` says what it speaks of.
    fn input(&self, path: &Path, level: &str) -> Result<Vec<OsString>, ClipError> {
        let file = std::path::absolute(path).map_err(|e| ClipError::io(path, "find the file", e))?;
        let mut args: Vec<OsString> = ["-hide_banner", "-v", level, "-nostdin"].map(Into::into).into();
        args.extend(LOCAL_ONLY.map(Into::into));
        args.extend(self.decoder.iter().flat_map(|decoder| ["-c:v", decoder]).map(Into::into));
        args.extend(["-i".into(), file.into_os_string()]);
        args.extend(["-map", "0:V:0"].map(Into::into));
        Ok(args)
    }

    /// The pictures that the decoder gives although the file's data for them are damaged. All are decoded, one after the other, so
    /// that what is said can be told from what was said before.
    pub(super) fn damaged(&self, path: &Path) -> Result<DamagedPlaces, ClipError> {
        let mut args: Vec<OsString> = ["-threads", "1"].map(Into::into).into();
        args.extend(self.input(path, "info")?);
        let filters: Vec<String> = self.filter.iter().cloned().chain(["showinfo=checksum=0".to_owned()]).collect();
        args.extend(["-vf".into(), filters.join(",").into()]);
        args.extend(self.ffmpeg.each_picture_once().map(Into::into));
        args.extend(["-f", "null", "-"].map(Into::into));
        let said = self.ffmpeg.said(path, args)?;
        Ok(DamagedPlaces::of(&said))
    }

    /// How many pictures there are after the filter: all are decoded.
    pub(super) fn count(&self, path: &Path) -> Result<i64, ClipError> {
        let mut args = self.input(path, "error")?;
        args.extend(self.filter.iter().flat_map(|filter| ["-vf".into(), filter.into()]));
        args.extend(self.ffmpeg.each_picture_once().map(Into::into));
        args.extend(["-f", "framecrc", "pipe:1"].map(Into::into));
        let lines = self.ffmpeg.output(path, args)?;
        Ok(lines.lines().filter(|line| !line.starts_with('#')).count() as i64)
    }
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
    pub(super) fn of(space: Option<&str>, pixels: u64) -> Self {
        if space.is_none() && pixels > 750_000 { Self::Bt709 } else { Self::Told }
    }
}

/// A running decoder: gives one frame after the other.
pub(super) struct Decoder {
    path: PathBuf,
    complaints: Arc<AtomicBool>,
    running: Running,
    pipe: BufReader<ChildStdout>,
    next: i64,
    ended: bool,
}

impl Decoder {
    /// Starts so that the first picture given is `first`, counted from 1 in the order of the file.
    pub(super) fn start(path: &Path, reading: &Reading, first: i64) -> Result<Self, ClipError> {
        let Reading { ffmpeg, matrix, filter, interlaced, .. } = reading;
        let mut args = reading.input(path, "error")?;
        // Frames before are decoded and counted, but neither converted nor sent.
        let select = (first > 1).then(|| format!("select=gte(n\\,{})", first - 1));
        let tag = (*matrix == Matrix::Bt709).then(|| "setparams=colorspace=bt709".to_owned());
        let apart = interlaced.then(|| format!("scale=interl=1:flags={SCALING}"));
        let filters: Vec<String> = filter.clone().into_iter().chain(select).chain(tag).chain(apart).collect();
        if !filters.is_empty() {
            args.extend(["-vf".into(), filters.join(",").into()]);
        }
        args.extend(["-sws_flags", SCALING].map(Into::into));
        args.extend(ffmpeg.each_picture_once().map(Into::into));
        args.extend(["-f", "image2pipe", "-c:v", "pam", "pipe:1"].map(Into::into));
        let mut running = ffmpeg.start(path, args, Stdio::null(), Stdio::piped())?;
        let Some(stdout) = running.child.stdout.take() else {
            return Err(ffmpeg.failed(path, "its output could not be connected"));
        };
        Ok(Self {
            path: path.into(),
            complaints: reading.complaints.clone(),
            running,
            pipe: BufReader::with_capacity(1 << 20, stdout),
            next: first,
            ended: false,
        })
    }

    /// The place in the file of the picture that comes next, counted from 1.
    pub(super) fn next_place(&self) -> i64 {
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

impl Drop for Decoder {
    fn drop(&mut self) {
        if self.running.complained() {
            self.complaints.store(true, Ordering::Relaxed);
        }
    }
}

/// One PAM picture from the pipe: a text header, then samples with the high byte first.
pub(super) fn read_pam(path: &Path, pipe: &mut impl BufRead) -> Result<Option<Picture>, ClipError> {
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

/// RGB or RGBA of samples that are grey, grey with alpha, or that already.
pub(super) fn to_colour<T: Copy>(samples: Vec<T>, depth: usize) -> Vec<T> {
    match depth {
        1 => grey_to_rgb(&samples),
        2 => grey_alpha_to_rgba(&samples),
        _ => samples,
    }
}

/// The pictures of a video that are not what was recorded, by their places in the file, counted from 1.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct DamagedPlaces {
    /// The decoder had to guess these.
    pub(super) guessed: Vec<i64>,
    /// It made these from pictures that it had to guess.
    pub(super) after: Vec<i64>,
}

impl DamagedPlaces {
    /// From what a decoder said: it calls a picture damaged just before the line about the picture.
    ///
    /// From a guessed picture all up to the next key frame are made, and the B pictures shown just before it. From a guessed B
    /// picture none is made but B pictures beside it.
    fn of(said: &str) -> Self {
        let mut places = Self::default();
        let (mut damaged, mut spoilt, mut row_of_b) = (false, None, 0);
        for line in said.lines() {
            if line.contains("corrupt decoded frame") {
                damaged = true;
            }
            let Some(place) = place_told(line) else { continue };
            let told = |what: &str| line.contains(what);
            let is_b = told("type:B");
            if told("iskey:1") || (spoilt == Some(Spoilt::BesideB) && !is_b) {
                spoilt = None;
            }
            if damaged {
                places.guessed.push(place);
                if !is_b {
                    let known = places.guessed.iter().chain(&places.after).copied().collect::<HashSet<i64>>();
                    places.after.extend((place - row_of_b..place).filter(|before| !known.contains(before)));
                }
                spoilt = spoilt.max(Some(if is_b { Spoilt::BesideB } else { Spoilt::ToTheNextKey }));
            } else if spoilt.is_some() {
                places.after.push(place);
            }
            row_of_b = if is_b { row_of_b + 1 } else { 0 };
            damaged = false;
        }
        places
    }
}

/// How far a guessed picture spoils those after it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Spoilt {
    BesideB,
    ToTheNextKey,
}

/// The place of the picture that a line of ffmpeg's showinfo is about.
fn place_told(line: &str) -> Option<i64> {
    let (_, rest) = line.split_once("showinfo").and_then(|(_, line)| line.split_once(" n:"))?;
    Some(rest.split_whitespace().next()?.parse::<i64>().ok()? + 1)
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

    /// What a decoder says of pictures of these types, `!` before those that it had to guess, `K` for a key frame.
    fn places(types: &str) -> (Vec<i64>, Vec<i64>) {
        let (mut said, mut n) = (String::new(), 0);
        for kind in types.chars() {
            if kind == '!' {
                said += "x.ts: corrupt decoded frame in stream 0\n[Parsed_showinfo_0 @ 0x5] color_range:tv\n";
                continue;
            }
            let (key, kind) = if kind == 'K' { (1, 'I') } else { (0, kind) };
            said += &format!("[Parsed_showinfo_0 @ 0x5] n:{n:4} pts_time:0 i:P iskey:{key} type:{kind} checksum:0\n");
            n += 1;
        }
        let DamagedPlaces { guessed, after } = DamagedPlaces::of(&said);
        (guessed, after)
    }

    #[test]
    fn what_a_decoder_says_before_a_picture_is_of_that_picture() {
        assert_eq!(places("KPPP"), (vec![], vec![]));
        assert_eq!(places("KPP!P"), (vec![4], vec![]));
    }

    #[test]
    fn what_is_made_from_a_guessed_picture_is_damaged_up_to_the_next_key_frame() {
        assert_eq!(places("KP!PPPKPP"), (vec![3], vec![4, 5]));
        assert_eq!(
            places("K!PIP"),
            (vec![2], vec![3, 4]),
            "an I picture that is no key lets others look back beyond it"
        );
        assert_eq!(places("!KPPKP"), (vec![1], vec![2, 3]));
        assert_eq!(places("K!PP!PPK"), (vec![2, 4], vec![3, 5]));
        assert_eq!(places("KBB!PBBP"), (vec![4], vec![2, 3, 5, 6, 7]), "B pictures look ahead");
        assert_eq!(places("KPB!BBPBB"), (vec![4], vec![5]), "nothing but B pictures looks at a B picture");
    }

    #[test]
    fn what_is_not_said_of_a_large_video_is_high_definitions() {
        assert_eq!(Matrix::of(None, 1280 * 720), Matrix::Bt709);
        assert_eq!(Matrix::of(Some("smpte170m"), 1920 * 1080), Matrix::Told);
        assert_eq!(Matrix::of(None, 720 * 576), Matrix::Told);
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
