//! Frames by RIFE, with weights that a user names: the same cuts, bars and colour as by the network in the bundle, and the host's own
//! pixels.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use parking_lot::Mutex;

use super::{Between, MotionFiller, Part, held, mixing::Mixing, pair::Settings, proxy::Proxy, rife::Rife};
use crate::{Brief, Error, Filler, Frame, Kept, Made, Origin, Quality, Result, Shot, Watch, engine::Engine};

/// The networks of the files that were named last: two nodes may name two.
pub(super) struct Guests(Mutex<Kept<Named, Arc<Rife>>>);

/// How many are kept.
const KEPT: usize = 2;

impl Default for Guests {
    fn default() -> Self {
        Self(Mutex::new(Kept::new(KEPT)))
    }
}

/// A file as it was when it was read: when it was changed last, and its length.
type Named = (PathBuf, Option<(SystemTime, u64)>);

impl Guests {
    /// The network of a file, read once as long as that stays as it is.
    fn get(&self, path: &Path, engine: &Engine) -> Result<Arc<Rife>> {
        let about = fs::metadata(path).ok();
        let named = (path.to_owned(), about.and_then(|about| Some((about.modified().ok()?, about.len()))));
        let mut kept = self.0.lock();
        if let Some(rife) = kept.recall(&named) {
            return Ok(rife);
        }
        let rife = Arc::new(Rife::load(path, engine)?);
        kept.keep(named, rife.clone(), 1);
        Ok(rife)
    }

    pub(super) fn clear(&self) {
        self.0.lock().clear();
    }
}

/// Fills gaps by RIFE. What it is given beyond the pair about a gap it does not look at.
pub struct MotionByRife<'a> {
    filler: &'a MotionFiller,
    rife: Arc<Rife>,
    id: String,
}

impl std::fmt::Debug for MotionByRife<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MotionByRife").field("id", &self.id).finish_non_exhaustive()
    }
}

impl<'a> MotionByRife<'a> {
    /// With the weights of a file, on a filler's engine.
    ///
    /// # Errors
    /// When the file cannot be read, or is none of RIFE's 4.6 to 4.26.
    pub fn new(filler: &'a MotionFiller, weights: &Path) -> Result<Self> {
        let rife = filler.guests.get(weights, filler.net.engine())?;
        // Cuts are found by the filler's own network.
        let id = format!("{}-rife-{:016x}", filler.id, rife.hash());
        Ok(Self { filler, rife, id })
    }
}

impl Filler for MotionByRife<'_> {
    fn name(&self) -> &'static str {
        "motion by RIFE"
    }

    fn weights_id(&self) -> &str {
        &self.id
    }

    fn fill(&self, shot: &Shot, brief: &Brief, watch: &dyn Watch) -> Result<Vec<Made>> {
        self.filler.fill_by(Some(&self.rife), shot, brief, watch)
    }
}

/// Bytes that RIFE takes for each pixel that it looks at, and for its weights, as it was measured with those of 4.25.
const EACH: u64 = 550;
const WEIGHTS: u64 = 100 << 20;

impl MotionByRife<'_> {
    /// As [`MotionFiller::memory`].
    #[must_use]
    pub fn memory(&self, like: &Frame, quality: Quality) -> u64 {
        let looked_at = Settings::of(quality, like.width(), like.height()).limit() as u64;
        // The frame, and how sure it is.
        self.filler.memory_with(like, 2, looked_at * EACH + WEIGHTS)
    }
}

impl MotionFiller {
    /// The frame at `t` between two that differ, and that fill their frames, by RIFE.
    pub(super) fn picture_by_rife(
        &self,
        rife: &Rife,
        [first, last]: [&Frame; 2],
        t: f64,
        brief: &Brief,
        watch: &dyn Watch,
    ) -> Result<Between> {
        // A small part of the work.
        let looking = Part { watch, from: 0.0, share: 0.25 };
        if self.cut_evidence(first, last, &looking)?.is_cut() {
            return held([first, last], t);
        }
        let limit = Settings::of(brief.quality, first.width(), first.height()).limit();
        let proxies = [Proxy::new(first, limit, rife.alignment())?, Proxy::new(last, limit, rife.alignment())?];
        let engine = self.net.engine();
        let pictures = [engine.put(&proxies[0].picture)?, engine.put(&proxies[1].picture)?];
        let plan = rife.plan(&pictures, proxies[0].size, t, &mut |done| watch.progress(0.25 + 0.65 * done))?;
        if !watch.progress(0.9) {
            return Err(Error::Cancelled);
        }
        let mixing = Mixing::of(first, last);
        let (frame, confidence) = mixing.by(&plan)?;
        Ok(Between { frame: mixing.back(frame), confidence, origin: Origin::Made })
    }
}
