use std::path::Path;

use candle_core::{DType, Device};
use parking_lot::Mutex;

use super::*;
use crate::{
    Unwatched,
    diffusion::{Elsewhere, ModelFiles},
};

fn filler() -> DiffusionFiller {
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/ltx/model");
    let files = ModelFiles::open(&model, &Elsewhere::default()).unwrap();
    let ltx = Ltx::new(files, Device::Cpu, DType::F32, 4 << 30).unwrap();
    let settings =
        Settings { schedule: super::super::Schedule::given(&[1.0, 0.5]).unwrap(), ..Settings::distilled().unwrap() };
    DiffusionFiller::new(Arc::new(ltx), settings, Framing { window: 33, context: 9, most_pixels: 64 * 64 }).unwrap()
}

fn frame(seed: usize, channels: usize, encoding: Encoding) -> Frame {
    let value = |i: usize| ((i * 7919 + seed * 104_729) % 1000) as f32 / 1000.0;
    Frame::new(50, 38, channels, encoding, (0..50 * 38 * channels).map(value).collect()).unwrap()
}

fn shot(known: impl Iterator<Item = usize>, missing: impl Iterator<Item = usize>) -> Shot {
    let shot = known.fold(Shot::new(), |shot, i| shot.known(100.0 + i as f64, frame(i, 3, Encoding::Display)).unwrap());
    missing.fold(shot, |shot, i| shot.missing(100.0 + i as f64))
}

fn brief() -> Brief {
    Brief { prompt: "a red fox runs".to_owned(), seed: 5, ..Brief::default() }
}

fn motion() -> Arc<MotionFiller> {
    let weights = Path::new(env!("CARGO_MANIFEST_DIR")).join("../resources/motion.safetensors");
    Arc::new(MotionFiller::load(&weights, 1 << 24).unwrap())
}

#[test]
fn every_job_makes_its_missing_frames() {
    let (alone, following) = (filler(), filler().following(motion()));
    assert_ne!(alone.weights_id(), following.weights_id(), "their takes differ");
    every_job(&alone);
    every_job(&following);
}

fn every_job(filler: &DiffusionFiller) {
    let jobs = [
        ("animate", shot(0..1, 1..12)),
        ("extend", shot(0..20, 20..31)),
        ("extend backwards", shot(11..30, 0..11)),
        ("fill", shot((0..9).chain(14..25), 9..14)),
        ("first and last", shot([0, 17].into_iter(), 1..17)),
        ("longer than a run", shot((0..9).chain(90..95), 9..90)),
        ("two gaps far apart", shot((0..3).chain(5..40).chain(42..44), (3..5).chain(40..42))),
        ("generate", shot(0..0, 0..6).formatted(50, 38, 24.0)),
    ];
    for (job, shot) in jobs {
        let (made, report) = filler.fill_reported(&shot, &brief(), &Unwatched).unwrap();
        let times: Vec<f64> = made.iter().map(|m| m.time).collect();
        assert_eq!(times, shot.gaps(), "{job}");
        for made in &made {
            assert_eq!((made.frame.width(), made.frame.height(), made.frame.channels()), (50, 38, 3), "{job}");
            assert!(made.frame.pixels().iter().all(|v| (0.0..=1.0).contains(v)), "{job}");
        }
        assert_eq!(report.seams.is_empty(), job == "generate", "{job}: {report:?}");
        for seam in report.seams {
            // Random weights make noise, which no match of colours brings near: how near is told in `seam`.
            assert!(seam.before > 0.0 && seam.after.is_finite(), "{job}: {seam:?}");
        }
    }
}

#[test]
fn a_take_is_the_same_again_and_another_with_another_seed() {
    let filler = filler();
    let shot = shot(0..1, 1..9);
    let first = filler.fill(&shot, &brief(), &Unwatched).unwrap();
    let again = filler.fill(&shot, &brief(), &Unwatched).unwrap();
    let other = filler.fill(&shot, &Brief { seed: 6, ..brief() }, &Unwatched).unwrap();
    assert!(first.iter().zip(&again).all(|(a, b)| a.frame == b.frame));
    assert!(first.iter().zip(&other).any(|(a, b)| a.frame != b.frame));
}

#[test]
fn what_is_made_is_dressed_as_the_shot() {
    let filler = filler();
    for (channels, encoding) in [(4, Encoding::Linear), (1, Encoding::Display), (6, Encoding::Linear)] {
        let shot = Shot::new().known(0.0, frame(1, channels, encoding)).unwrap().missing(1.0);
        let made = filler.fill(&shot, &brief(), &Unwatched).unwrap();
        assert_eq!((made[0].frame.channels(), made[0].frame.encoding()), (channels, encoding));
        if channels >= 4 {
            assert!(made[0].frame.pixels().chunks_exact(channels).all(|p| p[3] == 1.0));
        }
    }
}

#[test]
fn what_cannot_be_filled_says_why() {
    let filler = filler();
    let fault = |shot: &Shot, brief: &Brief| filler.fill(shot, brief, &Unwatched).unwrap_err().to_string();
    assert!(fault(&shot(0..1, 1..2).missing(101.5), &brief()).contains("101.5 lies between frames"));
    assert!(fault(&shot(0..0, 0..3), &brief()).contains("no size"));
    let mut pixels = vec![0.5; 50 * 38 * 3];
    pixels[77] = f32::NAN;
    let broken = Frame::new(50, 38, 3, Encoding::Display, pixels).unwrap();
    let shot = Shot::new().known(0.0, broken).unwrap().missing(1.0);
    assert!(fault(&shot, &brief()).contains("frame 0 has pixels that are not numbers"));
    let far = Shot::new().known(0.0, frame(0, 3, Encoding::Display)).unwrap().missing(1e20);
    assert!(fault(&far, &brief()).contains("too long"));
    assert!(fault(&self::shot(0..0, 0..3).formatted(0, 0, 25.0), &brief()).contains("no size"));
    let shot = self::shot(0..1, 1..3);
    let long = Brief { prompt: "fox ".repeat(25_000), ..brief() };
    assert!(fault(&shot, &long).contains("100000 characters"));
    let other_script = Brief { prompt: "敏捷的棕色狐狸".to_owned(), ..brief() };
    assert!(fault(&shot, &other_script).contains("write it in English"));
}

/// Stops when it has been asked so often.
struct Stop(Mutex<usize>);

impl Watch for Stop {
    fn progress(&self, _: f32) -> bool {
        let mut left = self.0.lock();
        *left = left.saturating_sub(1);
        *left > 0
    }
}

#[test]
fn a_cancel_stops_at_any_point_and_leaves_nothing_behind() {
    let filler = filler();
    let shot = shot(0..9, 9..14);
    let whole = filler.fill(&shot, &brief(), &Unwatched).unwrap();
    let mut stopped = 0;
    for after in (1..400).step_by(2) {
        match filler.fill(&shot, &brief(), &Stop(Mutex::new(after))) {
            Err(Error::Cancelled) => {
                stopped += 1;
                assert!(filler.ltx.is_empty(), "after {after}");
            }
            Ok(_) => break,
            Err(other) => panic!("{other}"),
        }
    }
    assert!(stopped > 5, "stopped {stopped} times");
    assert!(!filler.ltx.is_empty(), "weights stay for the next shot");
    filler.ltx.unload();
    assert!(filler.ltx.is_empty());
    let again = filler.fill(&shot, &brief(), &Unwatched).unwrap();
    assert!(whole.iter().zip(&again).all(|(a, b)| a.frame == b.frame));
}

/// Keeps what it is shown.
struct Gallery(Mutex<Vec<Frame>>);

impl Watch for Gallery {
    fn progress(&self, _: f32) -> bool {
        true
    }

    fn wants_previews(&self) -> bool {
        true
    }

    fn preview(&self, picture: &Frame) {
        self.0.lock().push(picture.clone());
    }
}

#[test]
fn each_step_is_shown() {
    let gallery = Gallery(Mutex::default());
    filler().fill(&shot(0..1, 1..9), &brief(), &gallery).unwrap();
    let shown = gallery.0.into_inner();
    assert_eq!(shown.len(), 2);
    assert!(shown.iter().all(|f| (f.width(), f.height()) == (1, 1)));
}
