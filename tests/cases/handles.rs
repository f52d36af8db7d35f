//! A clip whose file has more frames than the host shows: Resolve tells of it.

use std::{fs, sync::Arc};

use ofx::{
    Context, RangeD, RectD,
    host::{FrameSource, HostImage, MemoryClip, PixelFormat, Profile, SourceError},
};
use pickup_clips::naming;
use tempfile::TempDir;

use super::{
    footage::{assert_same, clip, panning, psnr},
    mlt::{BYTE, write_sequence},
    stage::{EXTEND, Stage},
};

/// Frames that the host shows; the last good one, after which they stand still; and the last that the file has.
const FRAMES: i32 = 20;
const GOOD: i32 = 12;
const LAST: i32 = 16;
/// The file's number of the clip's first frame: it was trimmed there.
const TRIMMED: i32 = 105;

fn own(at: i32) -> Arc<HostImage> {
    panning(f64::from(at), BYTE)
}

/// What the host has, and what it says of the file.
struct Filed {
    clip: Arc<MemoryClip>,
    file: String,
    /// The file's number of a time.
    said: Box<dyn Fn(i32) -> i32 + Send + Sync>,
}

impl FrameSource for Filed {
    fn range(&self) -> RangeD {
        self.clip.range()
    }

    fn region(&self, time: f64) -> RectD {
        self.clip.region(time)
    }

    fn format(&self) -> PixelFormat {
        self.clip.format()
    }

    fn frame(&self, time: f64) -> Result<Option<Arc<HostImage>>, SourceError> {
        self.clip.frame(time)
    }

    fn file(&self) -> Option<String> {
        Some(self.file.clone())
    }

    fn file_frame(&self, time: f64) -> i32 {
        (self.said)(time as i32)
    }
}

/// The clip's file: five frames before what the host shows, and four after it. Its name as Resolve has it.
fn file(folder: &TempDir) -> String {
    let spec = write_sequence(folder.path(), (i64::from(TRIMMED) - 5, LAST + 6), |at| own(at - 5));
    let span = naming::with_span(spec.as_ref(), (i64::from(TRIMMED) - 5, i64::from(TRIMMED + LAST)));
    span.expect("it is a sequence").display().to_string()
}

fn stage(profile: Profile, file: &str, said: impl Fn(i32) -> i32 + Send + Sync + 'static) -> (Stage, i32) {
    let first = profile.first_time.expect("it has an axis of its own");
    let clip = clip((first, first + FRAMES - 1), |t| Some(own((t - first).min(GOOD))));
    let source = Filed { clip, file: file.into(), said: Box::new(said) };
    let stage = Stage::new(profile, EXTEND, Context::Filter, Arc::new(source));
    [("tail", "6"), ("by", "Motion"), ("rest", "240")].iter().for_each(|(id, value)| stage.put(id, value));
    (stage, first)
}

#[test]
fn extend_shows_the_handles_of_the_clips_file_first() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = file(&folder);
    for profile in [Profile::resolve(), Profile::resolve_media(), Profile::resolve_adjustment()] {
        let start = profile.first_time.expect("an axis");
        // What it says of frozen frames is not known: it counts on or stands still, from the file's first frame or by its names.
        let ways: [fn(i32) -> i32; 3] = [|at| TRIMMED + at, |at| TRIMMED + at.min(GOOD), |at| 5 + at];
        for (way, said) in ways.into_iter().enumerate() {
            let (stage, first) = stage(profile.clone(), &file, move |time| said(time - start));
            let name = format!("{} from {first}, said in way {way}", profile.label);
            for at in [GOOD, GOOD + 1, LAST] {
                assert_same(&stage.at(f64::from(first + at)), &own(at), &format!("{name}: frame {at}"));
            }
            for at in [LAST + 1, LAST + 2] {
                let (is, held) = (psnr(&stage.at(f64::from(first + at)), &own(at)), psnr(&own(LAST), &own(at)));
                assert!(is > held + 3.0, "{name}: frame {at} is {is:.1} dB, a freeze {held:.1}");
            }
            assert_same(&stage.at(f64::from(first + LAST + 3)), &own(GOOD), &format!("{name}: after the tail"));
            stage.put("by", "Back and forth");
            for (at, turned) in [(LAST + 1, LAST - 1), (LAST + 2, LAST - 2)] {
                assert_same(&stage.at(f64::from(first + at)), &own(turned), &format!("{name}: back at {at}"));
            }
        }
    }
}

#[test]
fn what_is_not_the_clips_file_is_not_shown() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = file(&folder);
    let makes = |what: &str, file: &str, said: fn(i32) -> i32, setting: Option<(&str, &str)>| {
        let (stage, first) = stage(Profile::resolve(), file, move |time| said(time - 6816));
        setting.iter().for_each(|(id, value)| stage.put(id, value));
        let (is, held) = (stage.at(f64::from(first + GOOD + 2)), psnr(&own(GOOD), &own(GOOD + 2)));
        let db = psnr(&is, &own(GOOD + 2));
        assert!(db > held + 3.0 && db < 60.0, "{what}: it is made, and {db:.1} dB; a freeze is {held:.1}");
    };
    let rightly: fn(i32) -> i32 = |at| TRIMMED + at;
    makes("switched off", &file, rightly, Some(("handles", "false")));
    makes("another number", &file, |at| TRIMMED + at + 2, None);
    makes("another speed", &file, |at| TRIMMED + 2 * at, None);
    makes("no such file", &folder.path().join("gone.mov").display().to_string(), rightly, None);
    let unreadable = folder.path().join("camera.braw");
    fs::write(&unreadable, "its maker's own").expect("a file");
    makes("a format of a camera's own", &unreadable.display().to_string(), rightly, None);
    let ended = tempfile::tempdir().expect("a folder");
    let short = write_sequence(ended.path(), (i64::from(TRIMMED), GOOD + 1), own);
    makes("a file that ends there", &short, rightly, None);
    let frozen = tempfile::tempdir().expect("a folder");
    let still = write_sequence(frozen.path(), (i64::from(TRIMMED), FRAMES), |at| own(at.min(GOOD)));
    makes("a freeze in the file", &still, rightly, None);
}
