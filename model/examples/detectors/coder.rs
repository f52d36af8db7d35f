//! Clips in and out of ffmpeg, as grey pictures: the detectors look at luma alone.

use std::{
    io::{Read, Write},
    path::Path,
    process::{Command, Stdio},
    thread,
};

use crate::{Result, picture::Picture};

/// How a clip was coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coding {
    /// Not at all, after it was scaled.
    None,
    /// H.264, by x264 at this CRF.
    X264(u8),
    /// HEVC, by x265 at this CRF.
    X265(u8),
}

impl Coding {
    /// What is measured: three qualities of each coder, from one that is hard to tell from the source to one that is plainly worse.
    pub(crate) const ALL: [Self; 7] =
        [Self::None, Self::X264(18), Self::X264(23), Self::X264(28), Self::X265(18), Self::X265(23), Self::X265(28)];

    pub(crate) fn name(self) -> String {
        match self {
            Self::None => "not coded".into(),
            Self::X264(crf) => format!("x264 {crf}"),
            Self::X265(crf) => format!("HEVC {crf}"),
        }
    }

    /// The options of ffmpeg. Fast presets, so that all of it takes minutes; they leave more artefacts at a CRF than slow ones.
    fn options(self) -> Vec<String> {
        let of = |coder: &str, preset: &str, crf: u8| {
            let crf = crf.to_string();
            ["-c:v", coder, "-preset", preset, "-crf", &crf, "-pix_fmt", "yuv420p"].map(String::from).to_vec()
        };
        match self {
            Self::None => ["-c:v", "ffv1"].map(String::from).to_vec(),
            Self::X264(crf) => of("libx264", "veryfast", crf),
            Self::X265(crf) => {
                let mut options = of("libx265", "superfast", crf);
                options.extend(["-x265-params", "log-level=none"].map(String::from));
                options
            }
        }
    }
}

fn ffmpeg() -> Command {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-nostdin", "-y"]).stdin(Stdio::null()).stdout(Stdio::piped());
    command
}

/// Runs ffmpeg: what is written to it goes in by a thread, what it writes comes back.
fn run(mut command: Command, input: Vec<u8>) -> Result<Vec<u8>> {
    let mut child = command.stdin(Stdio::piped()).spawn()?;
    let mut stdin = child.stdin.take().ok_or("ffmpeg takes no input")?;
    let mut out = Vec::new();
    let mut stdout = child.stdout.take().ok_or("ffmpeg gives no output")?;
    // A coder that stops early closes its input: its status says so.
    let writer = thread::spawn(move || stdin.write_all(&input).is_ok());
    stdout.read_to_end(&mut out)?;
    let status = child.wait()?;
    let _ = writer.join();
    if status.success() { Ok(out) } else { Err(format!("ffmpeg failed: {status}").into()) }
}

fn pictures(bytes: &[u8], (width, height): (usize, usize)) -> Vec<Picture> {
    bytes.chunks_exact(width * height).map(|data| Picture { width, height, levels: data.to_vec() }).collect()
}

/// The size of a clip scaled to a filter of ffmpeg.
fn size_of(clip: &Path, filter: &str) -> Result<(usize, usize)> {
    let mut command = ffmpeg();
    command.arg("-i").arg(clip).args(["-vf", filter, "-frames:v", "1", "-c:v", "pgm", "-f", "image2pipe", "-"]);
    let header = run(command, Vec::new())?;
    let text = String::from_utf8_lossy(&header[..header.len().min(32)]).into_owned();
    let mut words = text.split_ascii_whitespace().skip(1).map(str::parse);
    match (words.next(), words.next()) {
        (Some(Ok(width)), Some(Ok(height))) => Ok((width, height)),
        _ => Err(format!("{} has no size", clip.display()).into()),
    }
}

/// Up to `most` frames of a clip, every one of `stride`, scaled.
pub(crate) fn read(clip: &Path, scale: &str, stride: usize, most: usize) -> Result<Vec<Picture>> {
    let size = size_of(clip, scale)?;
    let filter = format!("select=not(mod(n\\,{stride})),{scale}");
    let mut command = ffmpeg();
    command.arg("-i").arg(clip).args(["-vf", &filter, "-vsync", "0", "-frames:v", &most.to_string()]);
    command.args(["-f", "rawvideo", "-pix_fmt", "gray", "-"]);
    Ok(pictures(&run(command, Vec::new())?, size))
}

/// A clip coded and decoded again; the file is kept as `kept`, and taken from there if it is there.
pub(crate) fn through(clip: &[Picture], coding: Coding, kept: &Path) -> Result<Vec<Picture>> {
    let size = (clip[0].width, clip[0].height);
    if !kept.exists() {
        let partial = kept.with_extension("partial.mkv");
        let mut command = ffmpeg();
        let shape = format!("{}x{}", size.0, size.1);
        command.args(["-f", "rawvideo", "-pix_fmt", "gray", "-s", &shape, "-r", "25", "-i", "-"]);
        command.args(coding.options()).arg(&partial);
        run(command, clip.iter().flat_map(|p| p.levels.iter().copied()).collect())?;
        std::fs::rename(&partial, kept)?;
    }
    let mut command = ffmpeg();
    command.arg("-i").arg(kept).args(["-vsync", "0", "-f", "rawvideo", "-pix_fmt", "gray", "-"]);
    let decoded = pictures(&run(command, Vec::new())?, size);
    if decoded.len() == clip.len() { Ok(decoded) } else { Err(format!("{} lost frames", kept.display()).into()) }
}

/// A picture as JPEG, some of whose bytes were changed by `spoil`, decoded as far as ffmpeg can; none where it gives up.
pub(crate) fn spoilt_jpeg(picture: &Picture, spoil: impl FnOnce(&mut [u8])) -> Result<Option<Picture>> {
    let mut command = ffmpeg();
    let shape = format!("{}x{}", picture.width, picture.height);
    command.args(["-f", "rawvideo", "-pix_fmt", "gray", "-s", &shape, "-i", "-"]);
    command.args(["-c:v", "mjpeg", "-pix_fmt", "yuvj420p", "-q:v", "3", "-f", "image2pipe", "-"]);
    let mut bytes = run(command, picture.levels.clone())?;
    spoil(&mut bytes);
    let mut command = ffmpeg();
    command.args(["-v", "quiet", "-f", "jpeg_pipe", "-i", "-", "-f", "rawvideo", "-pix_fmt", "gray", "-"]);
    let decoded = run(command, bytes).unwrap_or_default();
    Ok(pictures(&decoded, (picture.width, picture.height)).into_iter().next())
}

/// Whether ffmpeg can be run at all.
pub(crate) fn is_there() -> bool {
    Command::new("ffmpeg").arg("-version").stdout(Stdio::null()).status().is_ok_and(|status| status.success())
}
