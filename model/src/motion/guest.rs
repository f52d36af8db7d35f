//! Frames by RIFE, with weights that a user names: the same cuts, bars and colour as by the network in the bundle, and the host's own
//! pixels.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use parking_lot::Mutex;

use super::{Between, MotionFiller, Part, even, mixing::Mixing, pair::Settings, proxy::Proxy, rife::Rife};
use crate::{Brief, Error, Filler, Frame, Made, Origin, Result, Shot, Watch, engine::Engine};

/// The weights that were named last.
#[derive(Default)]
pub(super) struct Guest(Mutex<Option<(Named, Arc<Rife>)>>);

/// A file as it was when it was read.
type Named = (PathBuf, Option<SystemTime>);

impl Guest {
    /// The network of a file, read once as long as that stays as it is.
    fn get(&self, path: &Path, engine: &Engine) -> Result<Arc<Rife>> {
        let changed = fs::metadata(path).and_then(|data| data.modified()).ok();
        let named = (path.to_owned(), changed);
        let mut last = self.0.lock();
        if let Some((_, rife)) = last.as_ref().filter(|(known, _)| *known == named) {
            return Ok(rife.clone());
        }
        let rife = Arc::new(Rife::load(path, engine)?);
        *last = Some((named, rife.clone()));
        Ok(rife)
    }

    pub(super) fn clear(&self) {
        *self.0.lock() = None;
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
        let rife = filler.guest.get(weights, filler.net.engine())?;
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
        shot.gaps().iter().map(|&time| self.filler.fill_one(Some(&self.rife), shot, time, brief, watch)).collect()
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
            let nearer = if t < 0.5 { first } else { last };
            return Ok(Between { frame: nearer.clone(), confidence: even(first, 0.0)?, origin: Origin::Held });
        }
        if !watch.progress(0.25) {
            return Err(Error::Cancelled);
        }
        let limit = Settings::of(brief.quality, first.width(), first.height()).limit();
        let proxies = [Proxy::new(first, limit, rife.alignment())?, Proxy::new(last, limit, rife.alignment())?];
        let engine = self.net.engine();
        let pictures = [engine.put(&proxies[0].picture)?, engine.put(&proxies[1].picture)?];
        let plan = rife.plan(&pictures, proxies[0].size, t)?;
        if !watch.progress(0.9) {
            return Err(Error::Cancelled);
        }
        let mixing = Mixing::of(first, last);
        let (frame, confidence) = mixing.by(&plan)?;
        Ok(Between { frame: mixing.back(frame), confidence, origin: Origin::Made })
    }
}
