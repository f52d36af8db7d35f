//! Motion carried on beyond a clip's end, for the nodes that make frames there.

use std::sync::Arc;

use ofx::plugin::{Effect, Error, Render, Result};
use pickup_model::{Brief, Made, Shot};

use super::{
    footage::{Footage, if_any},
    watch::HostWatch,
};
use crate::{
    engine::{engine, failed},
    timeline::as_time,
};

/// How far back motion is looked for: past the repeats of animation on threes.
const TELLING: i64 = 3;

/// One end of a clip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// What follows its last frame is made.
    Last,
    /// What leads to its first frame is made.
    First,
}

/// A frame beyond a clip's end, so many away from its outermost frame `edge`: what moves there goes on, and comes to rest over
/// `rest` frames.
///
/// # Errors
/// When there is no frame `edge`, one cannot be read, or the user stopped it.
pub(super) fn onward<E: Effect>(
    cx: &Render<'_, E>,
    footage: &Footage<'_>,
    (edge, end): (i64, End),
    (away, rest): (i64, f64),
    brief: &Brief,
) -> Result<Arc<Made>> {
    let outwards = if end == End::Last { 1 } else { -1 };
    let nothing = || Error::Failed(format!("The clip has no frame {edge} to go on from"));
    let nearest = footage.frame(edge)?.ok_or_else(nothing)?;
    // A shot's times count from the outermost frame: what is made does not depend on where the clip lies.
    let mut shot = Shot::new().known(0.0, nearest.clone()).map_err(failed)?;
    for inwards in 1..=TELLING {
        let Some(Some(frame)) = if_any(footage.frame(edge - outwards * inwards))? else { break };
        let repeats = frame.repeats(&nearest);
        shot = shot.known(as_time(-outwards * inwards), frame).map_err(failed)?;
        if !repeats {
            break;
        }
    }
    let shot = shot.missing(as_time(outwards * away));
    let label = format!("{}: frame {}", E::META.label(), cx.time());
    engine().make_onward(&shot, rest, brief, &HostWatch::new(cx, label))
}
