//! The memory that may be used. Shots and frames that are to be made are held to one limit, and what is kept so that it need not be made
//! again is let go of before one is refused.

use std::time::Duration;

use pickup_clips::Setting;
use pickup_model::{Error, check_memory};

use super::{Engine, EngineError, Result, rest::Rest};
use crate::{MEMORY, machine};

/// Memory that may be used where the system does not tell how much there is.
const BUDGET: u64 = 8 << 30;
/// Of the memory that is available, the share that may be used: the host wants some, too.
const SHARE: f64 = 0.7;
/// The part of the memory that a cache may take.
const CACHE: u64 = 16;

/// How long memory stays for the next frame when nothing is rendered.
const MOMENT: Duration = Duration::from_secs(2);

/// What gives memory back that was used.
pub(super) fn rest() -> Rest {
    Rest::new(MOMENT)
}

/// The bytes that may be used, of which those are not available that something holds already which will use them: `held`.
fn allowed(held: u64) -> u64 {
    let held = held + MEMORY.kept() as u64;
    let available = || machine::memory().map_or(BUDGET, |(_, available)| ((available + held) as f64 * SHARE) as u64);
    Setting::MEMORY.bytes().unwrap_or_else(available)
}

/// The bytes that a cache may take which would have `most` where there is memory enough. It is made once, and what is free then says
/// little of later: it has half of that at the least.
pub(super) fn cache(most: usize) -> usize {
    usize::try_from(allowed(0) / CACHE).map_or(most, |share| share.clamp(most / 2, most))
}

impl Engine {
    /// Does a host's work. The memory that it used stays for the next, and is given back if there is none for a moment.
    pub fn at_work<T>(&self, work: impl FnOnce() -> T) -> T {
        let _use = self.memory.begin(|| MEMORY.give_back());
        work()
    }

    /// Does work within so many bytes, of which it holds some already; once more without all that is kept and can be made again, where
    /// that is too little.
    ///
    /// # Errors
    /// Those of the work.
    pub(super) fn with_room<T>(
        &self,
        held: impl Fn() -> u64,
        work: impl Fn(u64) -> pickup_model::Result<T>,
    ) -> Result<T> {
        // Memory that is kept is not available, but a limit that is set counts it.
        let kept = if Setting::MEMORY.bytes().is_some() { self.kept() } else { 0 };
        match work(allowed(held()).saturating_sub(kept)) {
            Err(Error::Memory { what, .. }) => {
                log::info!("{what} needs more memory than is free: all that can be made again is let go of");
                self.purge();
                Ok(work(allowed(held()))?)
            }
            done => Ok(done?),
        }
    }

    /// Sees to it that there are so many bytes for a frame of this width and height that motion makes: a system that has none left
    /// ends the host.
    ///
    /// # Errors
    /// In words for the user, where there are fewer.
    pub(super) fn make_room_for_motion(&self, (width, height): (usize, usize), needed: u64) -> Result<()> {
        self.with_room(|| 0, |budget| check_memory("motion", needed, budget)).map_err(|error| match error {
            EngineError::Model(Error::Memory { needed, budget, .. }) => EngineError::Unusable(format!(
                "A frame of {width}x{height} takes {} of memory while it is made, and {} may be used: close other programs, choose a \
                 lower Quality, or work at a smaller size",
                megabytes(needed),
                megabytes(budget)
            )),
            other => other,
        })
    }

    /// Bytes of frames and pairs that are kept.
    fn kept(&self) -> u64 {
        let frames = self.takes.lock().bytes() + self.takes_on_disk.kept();
        (frames + self.devices.kept()) as u64
    }
}

fn megabytes(bytes: u64) -> String {
    format!("{:.0} MB", bytes as f64 / 1e6)
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, sync::Arc};

    use pickup_model::{Brief, Encoding, Frame, Made, Origin, Recipe, Shot};

    use super::*;

    /// An engine that keeps a frame.
    fn engine() -> Engine {
        let engine = Engine::default();
        let frame = Frame::new(64, 64, 4, Encoding::Display, vec![0.0; 4 * 64 * 64]).unwrap();
        let made = Made { time: 0.0, confidence: frame.clone(), frame, origin: Origin::Made };
        let recipe = Recipe::new(&Shot::new().missing(0.0), &Brief::default(), "motion", "test");
        engine.takes.lock().keep(recipe, Arc::new(made), 64 * 64 * 4 * 4);
        engine
    }

    #[test]
    fn frames_that_are_kept_give_way_to_a_model_before_it_is_refused() {
        let (engine, tries) = (engine(), Cell::new(0));
        assert_eq!(engine.kept(), 64 * 64 * 4 * 4);
        let refused = |budget| Err::<(), _>(Error::Memory { what: "the transformer", needed: 1 << 60, budget });
        let work = |budget| {
            tries.set(tries.get() + 1);
            if engine.kept() > 0 { refused(budget) } else { Ok(()) }
        };
        engine.with_room(|| 0, work).expect("there is room without the frames");
        assert_eq!((tries.get(), engine.kept()), (2, 0));
        let error = engine.with_room(|| 0, refused).unwrap_err().to_string();
        assert!(error.contains("the transformer"), "{error}");
    }

    #[test]
    fn a_frame_that_motion_has_no_memory_for_is_refused_in_words() {
        let engine = engine();
        engine.make_room_for_motion((640, 360), 1 << 20).expect("it is little");
        assert!(engine.kept() > 0);
        // No machine has so much.
        let error = engine.make_room_for_motion((7680, 4320), 1 << 60).unwrap_err().to_string();
        assert!(error.contains("7680x4320") && error.contains("Quality"), "{error}");
        assert_eq!(engine.kept(), 0, "all that could be was let go of before");
    }

    #[test]
    fn what_fits_leaves_the_frames_where_they_are() {
        let engine = engine();
        let budget = engine.with_room(|| 0, Ok).expect("it fits");
        assert!(budget > 1 << 20 && engine.with_room(|| 1 << 40, Ok).expect("it fits") > budget);
        assert!(engine.kept() > 0);
        let fault = engine.with_room(|| 0, |_| Err::<(), _>(Error::Cancelled));
        assert!(fault.is_err() && engine.kept() > 0, "other errors are no want of memory");
    }
}
