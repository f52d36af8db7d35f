//! Motion carried on beyond a clip's end, for the nodes that make frames there.

use ofx::plugin::Result;
use pickup_model::{Frame, Shot};

use super::{Node, Stage, failed, footage::if_any};
use crate::{
    plan::Edge,
    provenance::{Maker, Origin},
    timeline::as_time,
};

/// How far back motion is looked for: past the repeats of animation on threes.
const TELLING: i64 = 3;

impl<N: Node> Stage<'_, '_, N> {
    /// A frame beyond a clip's end, so many frames from the outermost one at `edge`: what moves there goes on, and comes to rest over
    /// `rest` frames.
    ///
    /// # Errors
    /// When there is no frame at the edge, one cannot be read, or the user stopped it.
    pub fn onward(&self, edge: Edge, away: u64, rest: f64) -> Result<Frame> {
        let footage = self.footage(edge.input)?;
        let nearest = self.edge(edge)?;
        let inwards = edge.inwards;
        // A shot's times count from the outermost frame: what is made does not depend on where the clip lies.
        let mut shot = Shot::new().known(0.0, nearest.clone()).map_err(failed)?;
        for at in (1..=TELLING).map(|step| inwards * step) {
            let Some(Some(frame)) = if_any(footage.frame(edge.frame + at))? else { break };
            let repeats = frame.repeats(&nearest);
            shot = shot.known(as_time(at), frame).map_err(failed)?;
            if !repeats {
                break;
            }
        }
        let shot = shot.missing(as_time(-inwards * away.cast_signed()));
        self.comes_from(Origin::of_given(Maker::Motion));
        let made = self.by_motion(|motion| motion.make_onward(&shot, rest, &self.brief(), &self.watch()))?;
        Ok(made.frame.clone())
    }
}
