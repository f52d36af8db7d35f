//! The motion filler: missing frames from the motion between known ones.
//!
//! Once a pair, [`network::FlowNet`] finds the flow both ways in a display-referred proxy; once a time wanted,
//! [`network::SynthesisNet`] says how to move each frame there and what it is worth; then the frames' own pixels are
//! moved and mixed. Nothing is painted: float, highlights above white, alpha and extra channels survive.

mod apply;
mod cut;
mod network;
mod pair;
mod proxy;
mod weights;

use std::path::Path;

pub use cut::CutEvidence;
use pair::{Pairs, Settings};

use self::network::MotionNet;
use crate::{Brief, Error, Filler, Frame, Made, Origin, Quality, Result, Shot, Watch};

/// Fills gaps between known frames by following what moves.
///
/// One serves the whole process and any number of threads; the pairs matched last are kept, so that a gap of several
/// frames, or a slowed shot, is matched once.
pub struct MotionFiller {
    net: MotionNet,
    id: String,
    pairs: Pairs,
}

impl std::fmt::Debug for MotionFiller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MotionFiller").field("id", &self.id).finish_non_exhaustive()
    }
}

/// What the filler made of one time between two frames.
#[derive(Clone, Debug)]
pub struct Between {
    /// The picture.
    pub frame: Frame,
    /// One channel, 0 (a guess) to 1 (certain).
    pub confidence: Frame,
    /// Whether it was made, or the nearer frame held because a cut lies between.
    pub origin: Origin,
}

impl MotionFiller {
    /// Loads the network's weights; `memory` bounds, in bytes, the matched pairs that are kept.
    ///
    /// # Errors
    /// When the file cannot be read, or is not for this network.
    pub fn load(weights: &Path, memory: usize) -> Result<Self> {
        let (net, hash) = MotionNet::load(weights)?;
        Ok(Self { net, id: format!("motion-{hash:016x}"), pairs: Pairs::new(memory) })
    }

    /// The frame at `t` between `first` (0) and `last` (1), which must be of one size and kind.
    ///
    /// # Errors
    /// When the frames differ in size or channels, the network fails, or `watch` says stop.
    pub fn between(&self, first: &Frame, last: &Frame, t: f64, brief: &Brief, watch: &dyn Watch) -> Result<Between> {
        // The shot checks that both are of one size.
        Shot::new().known(0.0, first.clone())?.known(1.0, last.clone())?;
        let nearer = if t < 0.5 { first } else { last };
        if first.same_pixels(last) || first.pixels() == last.pixels() {
            return Ok(Between { frame: nearer.clone(), confidence: even(first, 1.0)?, origin: Origin::Made });
        }
        let settings = Settings::of(brief.quality, first.width(), first.height());
        let best = brief.quality == Quality::Best;
        let whole = Part { watch, from: 0.0, share: if best { 0.5 } else { 1.0 } };
        let pair = self.pairs.get(&self.net, first, last, settings, &whole)?;
        if pair.evidence.is_cut() {
            return Ok(Between { frame: nearer.clone(), confidence: even(first, 0.0)?, origin: Origin::Held });
        }
        let plan = pair.plan(&self.net, t)?;
        if !watch.progress(if best { 0.45 } else { 0.9 }) {
            return Err(Error::Cancelled);
        }
        let (mut frame, mut confidence) = plan.apply(first, last)?;
        if best {
            let second = Part { watch, from: 0.5, share: 0.5 };
            let plan = self.pairs.get(&self.net, first, last, settings.turned(), &second)?.plan(&self.net, t)?;
            let (other, sure) = plan.apply(first, last)?;
            (frame, confidence) = (frame.blended(&other, 0.5)?, confidence.blended(&sure, 0.5)?);
        }
        Ok(Between { frame, confidence, origin: Origin::Made })
    }

    /// What speaks for a cut between two frames of one size.
    ///
    /// # Errors
    /// As [`MotionFiller::between`].
    pub fn cut_evidence(&self, first: &Frame, last: &Frame, watch: &dyn Watch) -> Result<CutEvidence> {
        let settings = Settings::of(Quality::Draft, first.width(), first.height());
        Ok(self.pairs.get(&self.net, first, last, settings, watch)?.evidence)
    }

    /// Forgets the matched pairs that are kept.
    pub fn purge(&self) {
        self.pairs.clear();
    }
}

/// A map of one value, of a frame's size.
fn even(like: &Frame, value: f32) -> Result<Frame> {
    Frame::new(like.width(), like.height(), 1, like.encoding(), vec![value; like.width() * like.height()])
}

impl Filler for MotionFiller {
    fn name(&self) -> &'static str {
        "motion"
    }

    fn weights_id(&self) -> &str {
        &self.id
    }

    fn fill(&self, shot: &Shot, brief: &Brief, watch: &dyn Watch) -> Result<Vec<Made>> {
        let gaps = shot.gaps();
        let mut take = Vec::with_capacity(gaps.len());
        for (i, &time) in gaps.iter().enumerate() {
            #[allow(clippy::cast_precision_loss, reason = "counts of frames are small")]
            let part = Part { watch, from: i as f32 / gaps.len() as f32, share: 1.0 / gaps.len() as f32 };
            take.push(self.fill_one(shot, time, brief, &part)?);
        }
        Ok(take)
    }
}

impl MotionFiller {
    fn fill_one(&self, shot: &Shot, time: f64, brief: &Brief, watch: &dyn Watch) -> Result<Made> {
        let held = |frame: &Frame, origin: Origin| {
            let certain = if origin == Origin::Known { 1.0 } else { 0.0 };
            Ok(Made { time, frame: frame.clone(), confidence: even(frame, certain)?, origin })
        };
        match shot.around(time) {
            (None, None) => Err(Error::NothingKnown { filler: self.name() }),
            (Some((at, frame)), _) if *at == time => held(frame, Origin::Known),
            // A flow needs both ends: at a clip's end the nearest frame is held.
            (Some((_, frame)), None) | (None, Some((_, frame))) => held(frame, Origin::Held),
            (Some((from, first)), Some((to, last))) => {
                let Between { frame, confidence, origin } =
                    self.between(first, last, (time - from) / (to - from), brief, watch)?;
                Ok(Made { time, frame, confidence, origin })
            }
        }
    }
}

/// A part of the work, as a share of the progress.
struct Part<'a> {
    watch: &'a dyn Watch,
    from: f32,
    share: f32,
}

impl Watch for Part<'_> {
    fn progress(&self, done: f32) -> bool {
        self.watch.progress(self.from + self.share * done)
    }
}
