//! Repair: missing and damaged frames, made anew from the good ones on both sides.

use std::{
    cell::RefCell,
    collections::{HashMap, VecDeque},
};

use ofx::{
    Context, Field, RectI,
    plugin::{
        At, Changed, ClipPreferences, Create, Cx, Effect, Error, FramesNeeded, MessageKind, Meta, Render, Result,
    },
};
use pickup_model::{
    Frame, Made, Shot,
    damage::{self, Damage, Thresholds, Traits, judge},
};

use super::{
    GROUPING, Quality, SourceToOutput, even,
    footage::{Footage, NO_NEIGHBOURS, Shape, SourceParams, if_any},
    make, pass,
    trouble::{self, TroubleParams},
};
use crate::{
    cadence::{self, Cadence, Stands},
    colour::{self, ColourParams},
    engine::failed,
    frame_list::FrameList,
    timeline::{Timeline, as_time, frame_number},
};

/// What the output shows.
#[derive(ofx::Choice, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Output {
    /// The repaired clip.
    #[default]
    Result,
    /// White where a frame was made, black where it is the source's own.
    Matte,
    /// How sure each made pixel is: white is certain, black a guess. Source frames are white.
    Confidence,
}

/// What repeats in a regular cycle are.
#[derive(ofx::Choice, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Repeats {
    /// The clip's own cadence: they are no damage.
    #[default]
    Cadence,
    /// Damage, as any other repeat.
    Damage,
}

/// What damage looks like.
#[derive(ofx::Params, Clone, Debug, PartialEq)]
pub struct DamageParams {
    /// Repair what is found as it is found, without a list. Each frame is then compared with those around it, which
    /// takes longer.
    #[param(id = "automatic", label = "Repair what is found", default = false)]
    pub automatic: bool,
    /// Look for frames that repeat the one before while the clip moves around them. Animation on twos consists of such
    /// repeats.
    #[param(id = "findDuplicates", label = "Duplicates", default = true)]
    pub duplicates: bool,
    /// What repeats in a regular cycle are, as where a clip of 50 frames a second stands on a timeline of 60, or animation is
    /// drawn on twos.
    #[param(id = "repeats", label = "Repeats in a cycle", default = Repeats::Cadence)]
    pub repeats: Repeats,
    /// How much, in per cent of white, the part of the picture that changes most may differ from the frame before.
    /// More finds repeats through heavier compression.
    #[param(id = "duplicateThreshold", label = "Duplicate below", default = usual(|t| t.duplicate), range = 0.0..=100.0, display = 0.0..=5.0)]
    pub duplicate_below: f64,
    /// Look for one or two black frames among others.
    #[param(id = "findBlack", label = "Black frames", default = true)]
    pub black: bool,
    /// How bright, in per cent of white, the brightest parts of a black frame may be.
    #[param(id = "blackThreshold", label = "Black below", default = usual(|t| t.black), range = 0.0..=100.0, display = 0.0..=30.0)]
    pub black_below: f64,
    /// Look for one or two frames of a single even colour among others.
    #[param(id = "findEmpty", label = "Empty frames", default = true)]
    pub empty: bool,
    /// How far apart, in per cent of white, the darkest and the brightest parts of an empty frame may be.
    #[param(id = "emptyThreshold", label = "Empty below", default = usual(|t| t.empty), range = 0.0..=100.0, display = 0.0..=20.0)]
    pub empty_below: f64,
    /// Look for flashes: one or two frames brighter or darker all over than those on both sides.
    #[param(id = "findFlash", label = "Flashes", default = true)]
    pub flashes: bool,
    /// The least rise or fall of mean brightness, in per cent of white. Less finds weaker flashes.
    #[param(id = "flashThreshold", label = "Flash above", default = usual(|t| t.flash), range = 0.0..=100.0, display = 0.0..=20.0)]
    pub flash_above: f64,
    /// Look for torn frames: bands that slipped sideways, or lines that were lost.
    #[param(id = "findTorn", label = "Torn frames", default = true)]
    pub torn: bool,
    /// The least step across a row, in per cent of white, that the neighbours lack. Less finds tears in plainer pictures.
    #[param(id = "tornThreshold", label = "Torn above", default = usual(|t| t.torn), range = 0.0..=100.0, display = 0.0..=5.0)]
    pub torn_above: f64,
    /// Look for frames broken into blocks, as by a lost packet.
    #[param(id = "findBlocky", label = "Blocky frames", default = true)]
    pub blocky: bool,
    /// The least step at the edges of blocks, in per cent of white, that the neighbours lack. Less finds weaker blocks.
    #[param(id = "blockyThreshold", label = "Blocky above", default = usual(|t| t.blocky), range = 0.0..=100.0, display = 0.0..=5.0)]
    pub blocky_above: f64,
    /// Search the whole clip and write what is found into “Frames”, beside what stands there, to be reviewed.
    #[param(id = "find", label = "Find")]
    pub find: ofx::plugin::Button,
}

/// A threshold's usual value, in per cent of white, to three digits after the point.
fn usual(pick: fn(&Thresholds) -> Option<f32>) -> f64 {
    let value = pick(&Thresholds::default()).map_or(0.0, f64::from);
    (value * 1000.0).round() / 1000.0
}

impl DamageParams {
    #[allow(clippy::cast_possible_truncation, reason = "a threshold needs no more digits")]
    fn thresholds(&self) -> Thresholds {
        let on = |on: bool, per_cent: f64| on.then_some(per_cent as f32);
        Thresholds {
            duplicate: on(self.duplicates, self.duplicate_below),
            black: on(self.black, self.black_below),
            empty: on(self.empty, self.empty_below),
            flash: on(self.flashes, self.flash_above),
            torn: on(self.torn, self.torn_above),
            blocky: on(self.blocky, self.blocky_above),
        }
    }
}

/// Repair's parameters.
#[derive(ofx::Params, Clone, Debug, PartialEq)]
pub struct RepairParams {
    /// Frames to replace, such as `101-104, 120` or `10-20x2` for every second one. Frame numbers are the host's own. A
    /// frame that the clip lacks should be listed too: some hosts do not ask for a frame they do not have.
    #[param(id = "frames", label = "Frames")]
    pub frames: String,
    /// Replace the frames at which this is on: keyframe it over damaged stretches.
    #[param(id = "damaged", label = "Damaged", default = false, animates)]
    pub damaged: bool,
    /// Where the clip repeats frames in a regular cycle, as one of 50 frames a second does on a timeline of 60, or of 23.976 on
    /// 59.94: make what truly stands at each frame from the pictures on both sides, at their true times. Where there is no such
    /// cycle nothing is changed.
    #[param(id = "smoothCadence", label = "Smooth the cadence", default = false)]
    pub smooth: bool,
    /// Find damage.
    #[group(label = "Find damage", open = false)]
    pub damage: DamageParams,
    /// What the output shows.
    #[param(id = "output", label = "Output", default = Output::Result)]
    pub output: Output,
    /// How much work a frame is worth.
    #[param(id = "quality", label = "Quality", default = Quality::Best)]
    pub quality: Quality,
    /// The most frames in a row that are bridged. A longer gap is an error rather than a guess.
    #[param(id = "longestGap", label = "Longest gap", default = 24, range = 1..=500, display = 1..=100)]
    pub longest_gap: i32,
    /// Where neighbouring frames come from in hosts that give none.
    #[group(label = "Source file", open = false)]
    pub source: SourceParams,
    /// Colour.
    #[group(label = "Colour", open = false)]
    pub colour: ColourParams,
    /// What happens where a frame cannot be made.
    #[flatten]
    pub trouble: TroubleParams,
}

/// Replaces missing and damaged frames.
pub struct Repair;

impl Effect for Repair {
    const META: Meta = Meta::new("org.pickup.Repair", "Repair")
        .grouping(GROUPING)
        .description(
            "Replaces missing, repeated and damaged frames by new ones made from the good frames on both sides. Good \
             frames pass bit for bit. In Kdenlive, Shotcut and other MLT hosts, which give a filter no neighbouring \
             frames, set “Source file” to the clip's own file.",
        )
        .contexts(&[Context::Filter, Context::General])
        .temporal();
    type Params = RepairParams;
    type Clips = SourceToOutput;

    fn new(_: &Create<'_, Self>) -> Result<Self> {
        Ok(Self)
    }

    fn clip_preferences(&self, _: &Cx<'_, Self>, preferences: &mut ClipPreferences) -> Result<()> {
        // A held source still changes where its neighbours do.
        preferences.frame_varying(true);
        Ok(())
    }

    fn frames_needed(&self, cx: &At<'_, Self>, frames: &mut FramesNeeded) -> Result<()> {
        let params = cx.params()?;
        let source = cx.clips().source;
        // A list that makes no sense is for render to complain of: hosts show nothing of what is said here.
        let Ok(marks) = Marks::new(cx, &params) else { return Ok(()) };
        let timeline = Timeline::inside(cx, source, cx.time())?;
        let now = frame_number(cx.time());
        let (mut first, mut last) = (now, now);
        if marks.damaged(now) {
            let reach = i64::from(params.longest_gap) + 1;
            let near = |step: i64| (1..=reach).map(|d| now + step * d).find(|f| !marks.damaged(*f));
            (first, last) = (near(-1).unwrap_or(now), near(1).unwrap_or(now));
        }
        let inside = |frame: i64| timeline.nearest(frame);
        if params.smooth {
            frames.add(source, as_time(inside(now - cadence::REACH)), as_time(inside(now + cadence::REACH)));
        }
        if params.damage.automatic {
            // Damage that is found lasts a few frames, and the good frames about it are judged by those about them.
            let reach = 2 * REACH + if params.seeks_cycles() { cadence::REACH } else { 0 };
            let (first, last) = (inside(first - reach), inside(last + reach));
            frames.add(source, as_time(first), as_time(last));
        } else {
            // Not what lies between: those are the frames that may be missing, and hosts fetch all that is announced.
            let mut known = vec![inside(first), now, inside(last)];
            if first < now && now < last {
                known.extend(marks.beyond((first, last), |f| inside(f) == f).into_iter().flatten());
            }
            known.sort_unstable();
            known.dedup();
            known.iter().for_each(|f| frames.add(source, as_time(*f), as_time(*f)));
        }
        Ok(())
    }

    fn is_identity(&self, cx: &At<'_, Self>, _: RectI, _: Field) -> Result<Option<(ofx::plugin::Clip, f64)>> {
        let params = cx.params()?;
        let Ok(marks) = Marks::new(cx, &params) else { return Ok(None) };
        let untouched = params.output == Output::Result && !params.looks() && !marks.damaged(frame_number(cx.time()));
        Ok(untouched.then(|| (cx.clips().source, cx.time())))
    }

    fn render(&self, cx: &Render<'_, Self>) -> Result<()> {
        let params = cx.params()?;
        trouble::shown(cx, cx.clips().source, &params.trouble, render(cx, &params))
    }

    fn changed(&self, cx: &Changed<'_, Self>) -> Result<()> {
        if cx.is(DamageParams::FIND) { find(cx) } else { Ok(()) }
    }

    fn purge_caches(&self) {
        crate::engine::engine().purge();
    }
}

/// Renders a frame.
fn render(cx: &Render<'_, Repair>, params: &RepairParams) -> Result<()> {
    let source = cx.clips().source;
    let marks = Marks::new(cx, params)?;
    let now = frame_number(cx.time());
    // A file only helps: the current frame is the host's own, wherever the file may end, or if it cannot be opened at all.
    if !cx.host().temporal_access && !params.looks() && !marks.damaged(now) {
        return show_good(cx, params);
    }
    let shape = Shape::here(cx, source, &params.colour)?;
    let timeline = Timeline::inside(cx, source, cx.time())?;
    let footage = Footage::new(cx, cx, source, &params.source, shape, (cx.time(), timeline))?;
    if !footage.has_neighbours() {
        cx.set_persistent_message(MessageKind::Warning, NO_NEIGHBOURS);
        return show_good(cx, params);
    }
    if !cx.host().temporal_access {
        cx.clear_persistent_message();
    }
    let smoothed = if params.smooth && !marks.damaged(now) { smoothed(&footage, now)? } else { None };
    let sight = Sight::new(&footage, &marks, params);
    if smoothed.is_none() && sight.is_good(now)? {
        return show_good(cx, params);
    }
    footage.check(&params.source, now, smoothed.is_none())?;
    let shot = smoothed.map_or_else(|| sight.shot(now), Ok)?;
    show_made(cx, params, shape, &*make(cx, &shot, &params.quality.brief(cx.flags()))?)
}

impl RepairParams {
    /// Whether frames must be looked at to tell whether they are to be made.
    fn looks(&self) -> bool {
        self.damage.automatic || self.smooth
    }

    /// Whether repeats that are found may be a cycle.
    fn seeks_cycles(&self) -> bool {
        self.damage.automatic && self.damage.duplicates && self.damage.repeats == Repeats::Cadence
    }
}

/// The shot whose missing frame is what truly stands at a frame of a cycle; none where there is no cycle, or it is the frame's own
/// picture.
fn smoothed(footage: &Footage<'_>, now: i64) -> Result<Option<Shot>> {
    let Some(cycle) = Cadence::around(now, |frame| footage.name(frame))? else { return Ok(None) };
    match cycle.at(as_time(now)) {
        Some(Stands::Between(before)) => footage.between(&cycle, before, as_time(now)).map(Some),
        _ => Ok(None),
    }
}

/// Frames on either side that a frame is compared with.
#[allow(clippy::cast_possible_wrap, reason = "a handful")]
const REACH: i64 = damage::REACH as i64;

/// What the user marked as damaged, without looking at a picture.
struct Marks<'a, 'c> {
    list: FrameList,
    cx: &'a Cx<'c, Repair>,
}

impl<'a, 'c> Marks<'a, 'c> {
    fn new(cx: &'a Cx<'c, Repair>, params: &RepairParams) -> Result<Self> {
        let list = FrameList::parse(&params.frames)
            .map_err(|e| Error::Failed(format!("“Frames” makes no sense: {e}. Write it like 101-104, 120")))?;
        Ok(Self { list, cx })
    }

    fn damaged(&self, frame: i64) -> bool {
        let switched = || self.cx.value_at(RepairParams::DAMAGED, as_time(frame)).unwrap_or(false);
        self.list.contains(frame) || switched()
    }

    /// A frame before and one after a gap's edges that tell of the motion across the gap, where the clip `contains` such a
    /// one that is not marked.
    fn beyond(&self, (first, last): (i64, i64), contains: impl Fn(i64) -> bool) -> [Option<i64>; 2] {
        let usable = |frame: &i64| contains(*frame) && !self.damaged(*frame);
        [(first, -1), (last, 1)].map(|(edge, step)| beyond(edge, step, last - first).find(usable))
    }
}

/// Tells good frames from those to be made.
struct Sight<'a, 'b, 'c> {
    footage: &'a Footage<'b>,
    marks: &'a Marks<'b, 'c>,
    longest: i64,
    thresholds: Option<Thresholds>,
    /// Whether repeats in a regular cycle are no damage.
    cycles: bool,
    traits: RefCell<HashMap<i64, Option<Traits>>>,
}

impl<'a, 'b, 'c> Sight<'a, 'b, 'c> {
    fn new(footage: &'a Footage<'b>, marks: &'a Marks<'b, 'c>, params: &RepairParams) -> Self {
        let thresholds = params.damage.automatic.then(|| params.damage.thresholds());
        let (longest, cycles) = (i64::from(params.longest_gap), params.seeks_cycles());
        Self { footage, marks, longest, thresholds, cycles, traits: RefCell::default() }
    }

    /// Whether a frame is there, unmarked, and looks sound where that is asked.
    fn is_good(&self, frame: i64) -> Result<bool> {
        if self.marks.damaged(frame) {
            return Ok(false);
        }
        match &self.thresholds {
            None => self.footage.exists(frame),
            Some(thresholds) => Ok(self.has_traits(frame)? && self.damage(frame, thresholds)?.is_none()),
        }
    }

    fn has_traits(&self, frame: i64) -> Result<bool> {
        if !self.traits.borrow().contains_key(&frame) {
            let traits = self.footage.frame(frame)?.map(|f| Traits::measure(&f));
            self.traits.borrow_mut().insert(frame, traits);
        }
        Ok(self.traits.borrow().get(&frame).is_some_and(Option::is_some))
    }

    fn damage(&self, frame: i64, thresholds: &Thresholds) -> Result<Option<Damage>> {
        for near in frame - REACH..=frame + REACH {
            self.has_traits(near)?;
        }
        let traits = self.traits.borrow();
        let mut near = (frame - REACH..).map(|f| traits.get(&f).and_then(Option::as_ref));
        let window = std::array::from_fn(|_| near.next().flatten());
        let found = judge(&window, thresholds);
        Ok(found.filter(|damage| *damage != Damage::Duplicate || !self.cycles || !in_cycle(self.footage, frame)))
    }

    /// The shot around a frame that is to be made: the nearest good frame on each side, where there is one, and one
    /// further out on each side of a gap, which tells how the motion across it curves.
    fn shot(&self, missing: i64) -> Result<Shot> {
        if let Some((first, last)) = self.footage.timeline().frames()
            && !self.footage.timeline().may_have(missing)
        {
            return Err(Error::Failed(format!(
                "Frame {missing} lies outside the clip, which has frames {first} to {last}"
            )));
        }
        let (before, after) = (self.side(missing, -1)?, self.side(missing, 1)?);
        let mut shot = Shot::new();
        let mut gap = 1;
        for side in [&before, &after] {
            match side {
                Side::Known(near, frame) => {
                    gap += (near - missing).abs() - 1;
                    shot = shot.known(as_time(*near), frame.clone()).map_err(failed)?;
                }
                Side::ClipEnds(near) => gap += (near - missing).abs() - 1,
                Side::TooFar => gap += self.longest,
            }
        }
        if gap > self.longest {
            return Err(Error::Failed(format!(
                "Frame {missing} lies in a gap of more than {} frames, the “Longest gap”: mark fewer frames in a row as \
                 damaged, or raise it",
                self.longest
            )));
        }
        if shot.frames().is_empty() {
            return Err(Error::Failed(
                "Every frame of the clip is damaged or missing: there is nothing to work from".into(),
            ));
        }
        if let (Side::Known(first, _), Side::Known(last, _)) = (&before, &after) {
            for frame in
                self.marks.beyond((*first, *last), |f| self.footage.timeline().may_have(f)).into_iter().flatten()
            {
                if if_any(self.is_good(frame))? == Some(true)
                    && let Some(Some(picture)) = if_any(self.footage.frame(frame))?
                {
                    shot = shot.known(as_time(frame), picture).map_err(failed)?;
                }
            }
        }
        Ok(shot.missing(as_time(missing)))
    }

    /// What lies on one side of a frame.
    fn side(&self, missing: i64, step: i64) -> Result<Side> {
        let timeline = self.footage.timeline();
        for d in 1..=self.longest {
            let near = missing + step * d;
            if !timeline.may_have(near) {
                return Ok(Side::ClipEnds(near));
            }
            if self.is_good(near)?
                && let Some(frame) = self.footage.frame(near)?
            {
                return Ok(Side::Known(near, frame));
            }
            // Where it is not known where the clip ends, it ends with the frame that the host does not have.
            if timeline.cut().is_none() && !self.marks.damaged(near) && !self.footage.exists(near)? {
                return Ok(Side::ClipEnds(near));
            }
        }
        Ok(Side::TooFar)
    }
}

/// Whether a frame stands in a regular cycle of repeats.
fn in_cycle(footage: &Footage<'_>, frame: i64) -> bool {
    matches!(Cadence::around(frame, |f| footage.name(f)), Ok(Some(_)))
}

/// Frames beyond a gap's edge that may tell of the motion across the gap, best first: the nearest, since over a third or a
/// half of the way what is thin or fast is not lost, but not so near that what the frames tell is noise, and no further
/// than motion keeps its character.
fn beyond(edge: i64, step: i64, interval: i64) -> impl Iterator<Item = i64> {
    let nearest = (interval + 2) / 3;
    let furthest = interval.min(nearest.max(3));
    (nearest..=furthest).map(move |distance| edge + step * distance)
}

/// What lies on one side of a frame that is to be made.
enum Side {
    /// A good frame, and its number.
    Known(i64, Frame),
    /// The clip's end, and the first number beyond it.
    ClipEnds(i64),
    /// More damaged frames than are bridged.
    TooFar,
}

/// A good frame, as the output shows it.
fn show_good(cx: &Render<'_, Repair>, params: &RepairParams) -> Result<()> {
    let value = match params.output {
        Output::Result => return pass(cx, cx.clips().source, cx.time()),
        Output::Matte => 0.0,
        Output::Confidence => 1.0,
    };
    even(cx, value)
}

/// A made frame, as the output shows it.
fn show_made(cx: &Render<'_, Repair>, params: &RepairParams, shape: Shape, made: &Made) -> Result<()> {
    match params.output {
        Output::Result => colour::write(&made.frame, shape.window, &mut cx.output()?),
        Output::Matte => even(cx, 1.0)?,
        Output::Confidence => colour::write_map(&made.confidence, shape.window, &mut cx.output()?),
    }
    Ok(())
}

/// Searches the clip for damage and writes it into the list, beside what the list already names.
fn find(cx: &Changed<'_, Repair>) -> Result<()> {
    let params = cx.params()?;
    let source = cx.clips().source;
    let footage = Footage::to_search(cx, source, &params.source, &params.colour)?;
    let (first, last) = footage.ends(frame_number(cx.time()))?;
    let progress = cx.progress("Repair: looking for damaged frames");
    let cycles = params.damage.repeats == Repeats::Cadence;
    let found = search(&footage, (first, last), &params.damage.thresholds(), cycles, |done| progress.step(done))?;
    let list = FrameList::parse(&params.frames).map_err(Error::new)?.union(&found);
    cx.set(RepairParams::FRAMES, list.to_string())?;
    let text = match found.len() {
        0 => "No damaged frames were found.".to_owned(),
        1 => format!("One damaged frame was found: {found}."),
        n => format!("{n} damaged frames were found: {found}. Review the list before rendering."),
    };
    cx.message(MessageKind::Message, &text);
    Ok(())
}

/// Every damaged frame from `first` to `last`, each frame read once. A frame that is not there is damaged too.
fn search(
    footage: &Footage<'_>,
    (first, last): (i64, i64),
    thresholds: &Thresholds,
    cycles: bool,
    mut progress: impl FnMut(f64) -> Result<()>,
) -> Result<FrameList> {
    let mut window: VecDeque<Option<Traits>> = (0..damage::WINDOW - 1).map(|_| None).collect();
    let mut found = Vec::new();
    for frame in first..=last + REACH {
        progress(as_time(frame - first) / as_time(last - first + REACH))?;
        let traits = if frame <= last { footage.frame(frame)?.map(|f| Traits::measure(&f)) } else { None };
        window.push_back(traits);
        let middle = frame - REACH;
        let seen: [Option<&Traits>; damage::WINDOW] = std::array::from_fn(|i| window.get(i).and_then(Option::as_ref));
        let damage = judge(&seen, thresholds);
        let own_cadence = |damage: &Damage| cycles && *damage == Damage::Duplicate && in_cycle(footage, middle);
        if middle >= first && (seen[damage::REACH].is_none() || damage.is_some_and(|damage| !own_cadence(&damage))) {
            found.push(middle);
        }
        window.pop_front();
    }
    Ok(found.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_further_out_stand_at_a_third_of_the_gap_or_further() {
        let distances = |interval| beyond(100, 1, interval).map(|f| f - 100).collect::<Vec<_>>();
        assert_eq!(distances(2), [1, 2], "one frame missing");
        assert_eq!(distances(3), [1, 2, 3]);
        assert_eq!(distances(7), [3]);
        assert_eq!(distances(20), [7], "a third of a wide gap");
        assert_eq!(beyond(100, -1, 2).collect::<Vec<_>>(), [99, 98]);
    }
}
