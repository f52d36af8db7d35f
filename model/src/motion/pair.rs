//! Matched pairs of frames, and the few that are kept.

use std::{
    ops::Range,
    sync::{Arc, Weak},
};

use candle_core::Tensor;
use parking_lot::Mutex;

use super::{
    Neighbours,
    apply::Plan,
    cut::CutEvidence,
    flow::{Looked, Way, alignment},
    network::{Both, MotionNet},
    project::{Bend, Outer, bends, told, trust},
    proxy::Proxy,
    synthesis::{Known, MOVED, Synthesised, apart},
};
use crate::{Error, Frame, Kept, Quality, Result, Watch, engine::Map};

/// How a pair is matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Settings {
    /// Most pixels a proxy may have.
    limit: usize,
    /// Levels of the pyramid.
    levels: usize,
    /// Whether both pictures are turned by half a turn.
    turned: bool,
}

impl Settings {
    /// The settings for a frame of this size.
    pub(crate) fn of(quality: Quality, width: usize, height: usize) -> Self {
        let area = width * height;
        // Two thirds of the sides show as good as all that the whole shows, in half the time; half of them do not. At 16:9 these sizes
        // are whole numbers of the coarsest level's unit wide, so that little is padded.
        let two_thirds = |most: usize| area.min((area * 4 / 9).clamp(896 * 504, most));
        let limit = match quality {
            Quality::Draft => (area / 4).clamp(1, 640 * 360),
            Quality::Normal => two_thirds(1280 * 720),
            Quality::Best => two_thirds(1536 * 864),
        };
        // The coarsest features should span the largest motion: three of them across the shorter side, never fewer
        // levels than in training. One level less lost 0.1 dB on real clips, 0.4 on the one that moves most.
        let shorter = super::proxy::proxy_size(width, height, limit);
        let shorter = shorter.0.min(shorter.1);
        let levels = (0..).take_while(|l| shorter >> (l + 2) >= 3).count().clamp(4, 7);
        Self { limit, levels, turned: false }
    }
}

impl Settings {
    /// Most pixels that are looked at.
    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    /// Bytes of memory that the network takes while it works, as it was measured: from 500 a pixel that it looks at (*Draft*) to 850
    /// (*Best*).
    pub(crate) fn memory(&self, quality: Quality) -> u64 {
        let each = match quality {
            Quality::Draft => 500,
            Quality::Normal => 600,
            Quality::Best => 850,
        };
        each * self.limit as u64
    }

    /// Bytes of a pair that is matched, with what frames further out tell: 19 planes of the size of the picture looked at.
    fn kept(&self) -> usize {
        19 * size_of::<f32>() * self.limit
    }

    /// The same, of pictures turned by half a turn. What the network gets wrong there differs from what it gets wrong
    /// the right way up, so the mean of both is closer to the truth.
    pub(crate) fn turned(self) -> Self {
        Self { turned: true, ..self }
    }
}

/// Two frames matched both ways, with what the frames further out tell of them.
#[derive(Debug)]
pub(crate) struct Pair {
    known: Known,
    /// Height and width of the part of the pictures that is not padding.
    pub(crate) size: (usize, usize),
    turned: bool,
    pub(crate) evidence: CutEvidence,
}

impl Pair {
    /// What to do at time `t`.
    pub(crate) fn plan(&self, net: &MotionNet, t: f64) -> Result<Plan> {
        let said = net.synthesis.run(&self.known, t)?.aligned(&self.known, t)?.at_rest()?.with_stills(&self.known)?;
        let said = if self.turned { turned_back(said)? } else { said };
        Plan::new(&said, self.size)
    }

    /// The flow from the last frame back to the first, at half resolution, and how far each pixel of it is to be trusted, at
    /// full resolution.
    pub(crate) fn back(&self) -> Result<(Tensor, Tensor)> {
        Ok((self.known.flow[1].tensor()?, self.known.trust[1].tensor()?))
    }

    fn maps(&self) -> impl Iterator<Item = &Map> {
        let Known { pictures, features, flow, visible, trust, bend, apart } = &self.known;
        let bends = bend.iter().flatten().flat_map(|Bend { acceleration, spread, sure }| [acceleration, spread, sure]);
        [pictures, features, flow, visible, trust].into_iter().flatten().chain(bends).chain(apart)
    }

    fn bytes(&self) -> usize {
        self.maps().map(Map::bytes).sum()
    }
}

/// What was said of turned pictures, as of the pictures the right way up.
fn turned_back(said: Synthesised) -> Result<Synthesised> {
    let mut flow = said.flow;
    for flow in &mut flow[..MOVED] {
        *flow = flow.turned()?.scaled(-1.0)?;
    }
    Ok(Synthesised {
        flow,
        weights: said.weights.turned()?,
        error: said.error.turned()?,
        arrived: said.arrived.turned()?,
    })
}

type PairKey = ([Option<(u64, u64)>; 2], u64, u64, Settings);
/// A pair the right way up, and turned: *Best* makes each frame of a gap of both, so that neither makes way for the other.
type Passes = [Option<Arc<Pair>>; 2];
type WayKey = (u64, u64, Settings);

/// A way with what it says of a cut between its frames.
#[derive(Clone, Debug)]
struct Found {
    way: Way,
    evidence: CutEvidence,
}

impl Found {
    fn new(pictures: [&Map; 2], way: Way) -> Result<Self> {
        // Ways are kept: what is made of one has the same bits then, whoever needs it first.
        way.flow.settle()?;
        way.visible.settle()?;
        let evidence = CutEvidence::weigh(pictures, &way)?;
        Ok(Self { way, evidence })
    }

    fn bytes(&self) -> usize {
        self.way.flow.bytes() + self.way.visible.bytes()
    }
}

/// Matches pairs, and keeps the ones matched last within a budget of memory.
///
/// Ways are kept apart from pairs: what lies beyond one gap is what lies beside the next, so that in a row of gaps each
/// two frames are matched once.
pub(crate) struct Pairs {
    pairs: Mutex<Kept<PairKey, Passes>>,
    ways: Mutex<Kept<WayKey, Found>>,
    /// One lock for each pair being matched, so that two threads that want the same match it once.
    busy: Mutex<Vec<(PairKey, Weak<Mutex<()>>)>>,
}

/// The share of the budget that is for ways, which are small.
const WAYS_SHARE: usize = 3;

impl Pairs {
    pub(crate) fn new(budget: usize) -> Self {
        let ways = budget / WAYS_SHARE;
        Self { pairs: Mutex::new(Kept::new(budget - ways)), ways: Mutex::new(Kept::new(ways)), busy: Mutex::default() }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.pairs.lock().bytes() + self.ways.lock().bytes()
    }

    pub(crate) fn clear(&self) {
        self.pairs.lock().clear();
        self.ways.lock().clear();
    }

    /// The pair, matched now or before.
    pub(crate) fn get(
        &self,
        net: &MotionNet,
        near: &Neighbours<'_>,
        settings: Settings,
        watch: &dyn Watch,
    ) -> Result<Arc<Pair>> {
        let outer = near.outer().map(|o| o.map(|(spacing, frame)| (frame.fingerprint(), spacing.to_bits())));
        let key = (outer, near.first.fingerprint(), near.last.fingerprint(), Settings { turned: false, ..settings });
        let gate = self.gate(key);
        let _turn = gate.lock();
        let mut passes = self.pairs.lock().recall(&key).unwrap_or_default();
        let pass = usize::from(settings.turned);
        if let Some(pair) = &passes[pass] {
            return Ok(pair.clone());
        }
        if !watch.progress(0.0) {
            return Err(Error::Cancelled);
        }
        self.pairs.lock().make_room(settings.kept());
        let pair = Arc::new(Matching { pairs: self, net, settings, watch }.pair(near)?);
        passes[pass] = Some(pair.clone());
        let bytes = passes.iter().flatten().map(|pair| pair.bytes()).sum();
        self.pairs.lock().keep(key, passes, bytes);
        Ok(pair)
    }

    fn gate(&self, key: PairKey) -> Arc<Mutex<()>> {
        let mut busy = self.busy.lock();
        busy.retain(|(_, gate)| gate.strong_count() > 0);
        if let Some(gate) = busy.iter().find(|(k, _)| *k == key).and_then(|(_, gate)| gate.upgrade()) {
            return gate;
        }
        let gate = Arc::new(Mutex::new(()));
        busy.push((key, Arc::downgrade(&gate)));
        gate
    }
}

/// The matching of one pair.
struct Matching<'a> {
    pairs: &'a Pairs,
    net: &'a MotionNet,
    settings: Settings,
    watch: &'a dyn Watch,
}

impl Matching<'_> {
    fn pair(&self, near: &Neighbours<'_>) -> Result<Pair> {
        let (first, last) = (near.first, near.last);
        let (proxy, other) = (self.proxy(first)?, self.proxy(last)?);
        let (size, pictures) = (proxy.size, [self.put(&proxy)?, self.put(&other)?]);
        let looked = [self.look(&pictures[0])?, self.look(&pictures[1])?];
        let outer = near.outer();
        // A way is half a pair's work.
        let share = 1.0 / (2 + outer.iter().flatten().count()) as f32;
        let mut beyond = [None, None];
        let mut seen = pictures.to_vec();
        let mut done = 0.0;
        for (i, inner) in [first, last].into_iter().enumerate() {
            if let Some((spacing, frame)) = outer[i] {
                let part = done..done + share;
                done = part.end;
                let picture = self.put(&self.proxy(frame)?)?;
                beyond[i] = self
                    .beyond([inner, frame], [&pictures[i], &picture], &looked[i], part)?
                    .map(|way| Outer { way, spacing });
                seen.extend(beyond[i].is_some().then_some(picture));
            }
        }
        let found = self.both([first, last], &pictures, looked.each_ref(), told(&beyond)?, done..1.0)?;
        let features = looked.each_ref().map(|looked| looked.features().clone());
        drop(looked);
        let evidence = found[0].evidence.mean(found[1].evidence);
        let ways = found.map(|f| f.way);
        let bend = bends(&ways, &beyond)?;
        let visible = [ways[0].visible.sigmoid()?, ways[1].visible.sigmoid()?];
        let flow = ways.map(|w| w.flow);
        let trust = trust(&pictures, &flow, &visible)?;
        let apart = (seen.len() > 2).then(|| apart(&seen.iter().collect::<Vec<_>>())).transpose()?;
        let known = Known { pictures, features, flow, visible, trust, bend, apart };
        let pair = Pair { known, size, turned: self.settings.turned, evidence };
        pair.maps().try_for_each(Map::settle)?;
        Ok(pair)
    }

    fn proxy(&self, frame: &Frame) -> Result<Proxy> {
        Ok(Proxy::new(frame, self.settings.limit, alignment(self.settings.levels))?)
    }

    /// A proxy's picture on the network's engine, turned if it is to be.
    fn put(&self, proxy: &Proxy) -> Result<Map> {
        let picture = self.net.engine().put(&proxy.picture)?;
        if self.settings.turned { picture.turned() } else { Ok(picture) }
    }

    /// What the network sees in a picture.
    fn look(&self, picture: &Map) -> Result<Looked> {
        self.net.flow.look(picture, self.settings.levels)
    }

    fn recalled(&self, from: &Frame, to: &Frame) -> Option<Found> {
        self.pairs.ways.lock().recall(&(from.fingerprint(), to.fingerprint(), self.settings))
    }

    fn keep(&self, from: &Frame, to: &Frame, found: &Found) {
        let key = (from.fingerprint(), to.fingerprint(), self.settings);
        self.pairs.ways.lock().keep(key, found.clone(), found.bytes());
    }

    /// Both ways of the pair, by what is `told` of them, as a part of the progress.
    fn both(
        &self,
        frames: [&Frame; 2],
        pictures: &Both,
        looked: [&Looked; 2],
        told: [Option<Map>; 2],
        part: Range<f32>,
    ) -> Result<[Found; 2]> {
        let [first, last] = frames;
        // A way by what was told of it is the pair's own: as what lies beyond another gap it has to be the same whatever
        // was made before.
        let known = |told: &Option<Map>, from, to| if told.is_none() { self.recalled(from, to) } else { None };
        match [known(&told[0], first, last), known(&told[1], last, first)] {
            [Some(forth), Some(back)] => Ok([forth, back]),
            [forth, back] => {
                let wanted = [forth.is_none(), back.is_none()];
                let mut step = self.step(part);
                let by = told.each_ref().map(Option::as_ref);
                let [forth_way, back_way] = self.net.flow.run(looked, wanted, by, &mut step)?;
                Ok([
                    self.known_or(forth, forth_way, [first, last], [&pictures[0], &pictures[1]], by[0].is_none())?,
                    self.known_or(back, back_way, [last, first], [&pictures[1], &pictures[0]], by[1].is_none())?,
                ])
            }
        }
    }

    /// What is called in a part of the progress, of which matching is most.
    fn step(&self, part: Range<f32>) -> impl FnMut(f32) -> bool {
        move |done| self.watch.progress(0.8 * (part.start + (part.end - part.start) * done))
    }

    /// What was known before, or the way just found, which is then kept if it is to be.
    fn known_or(
        &self,
        known: Option<Found>,
        way: Option<Way>,
        frames: [&Frame; 2],
        pictures: [&Map; 2],
        keep: bool,
    ) -> Result<Found> {
        if let Some(found) = known {
            return Ok(found);
        }
        let way = way.ok_or_else(|| candle_core::Error::Msg("a way that was asked for was not found".into()))?;
        let found = Found::new(pictures, way)?;
        if keep {
            self.keep(frames[0], frames[1], &found);
        }
        Ok(found)
    }

    /// The way from a frame of the pair, in which the network saw so much, to the next one further out, as a part of the progress;
    /// none across a cut.
    fn beyond(
        &self,
        frames: [&Frame; 2],
        pictures: [&Map; 2],
        looked: &Looked,
        part: Range<f32>,
    ) -> Result<Option<Way>> {
        let found = match self.recalled(frames[0], frames[1]) {
            Some(found) => found,
            None => {
                let looked = [looked, &self.look(pictures[1])?];
                let [way, _] = self.net.flow.run(looked, [true, false], [None, None], &mut self.step(part))?;
                self.known_or(None, way, frames, pictures, true)?
            }
        };
        Ok((!found.evidence.is_cut()).then_some(found.way))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::{
        Brief, Encoding, Unwatched,
        engine::{Engine, gpus},
        motion::MotionFiller,
    };

    use super::*;

    #[test]
    fn large_frames_are_looked_at_in_two_thirds_of_their_sides_within_bounds() {
        let limit = |quality, (width, height)| Settings::of(quality, width, height).limit();
        for quality in [Quality::Normal, Quality::Best] {
            assert_eq!(limit(quality, (640, 360)), 640 * 360, "a small frame is looked at whole");
            assert_eq!(limit(quality, (1280, 720)), 896 * 504);
            assert_eq!(limit(quality, (1920, 1080)), 1280 * 720);
        }
        assert_eq!(limit(Quality::Normal, (3840, 2160)), 1280 * 720);
        assert_eq!(limit(Quality::Best, (3840, 2160)), 1536 * 864);
    }

    /// Waves that have moved so many pixels, with noise over them.
    fn picture(shift: f32) -> Frame {
        const SIZE: (usize, usize) = (160, 96);
        let value = |i: usize| {
            let (x, y) = ((i / 3 % SIZE.0) as f32 + shift, (i / 3 / SIZE.0) as f32);
            let noise = ((i as u32 ^ shift.to_bits()).wrapping_mul(0x9E37_79B9) >> 16) as f32 / 65_536.0;
            0.5 + 0.2 * (x * 0.21).sin() + 0.2 * (y * 0.17 + x * 0.03).cos() + 0.02 * noise
        };
        Frame::new(SIZE.0, SIZE.1, 3, Encoding::Display, (0..SIZE.0 * SIZE.1 * 3).map(value).collect()).unwrap()
    }

    fn filler(engine: &Engine) -> MotionFiller {
        let weights = Path::new(env!("CARGO_MANIFEST_DIR")).join("../resources/motion.safetensors");
        MotionFiller::load_to(&weights, 1 << 26, engine).unwrap()
    }

    /// The frames about a gap.
    fn about(frames: &[Frame]) -> Neighbours<'_> {
        let [before, first, last, after] = frames else { panic!("two frames on each side") };
        Neighbours { first, last, before: Some((1.0, before)), after: Some((1.0, after)) }
    }

    fn is_the_same_whatever_was_made_before(engine: &Engine) {
        let frames: Vec<Frame> = (0..6).map(|i| picture(3.0 * i as f32)).collect();
        let made = |filler: &MotionFiller, from: usize, t: f64| {
            let near = about(&frames[from..from + 4]);
            let frame = filler.between(&near, t, &Brief::default(), &Unwatched).unwrap().frame;
            frame.pixels().iter().map(|v| v.to_bits()).collect::<Vec<_>>()
        };
        let alone = made(&filler(engine), 1, 0.25);
        let used = filler(engine);
        made(&used, 0, 0.5);
        made(&used, 2, 0.5);
        made(&used, 1, 0.5);
        assert_eq!(made(&used, 1, 0.25), alone);
    }

    #[test]
    fn a_frame_is_the_same_whatever_was_made_before() {
        is_the_same_whatever_was_made_before(&Engine::Cpu);
    }

    #[test]
    fn frames_of_the_best_quality_are_made_of_one_match_of_each_pass() {
        let weights = Path::new(env!("CARGO_MANIFEST_DIR")).join("../resources/motion.safetensors");
        let filler = MotionFiller::load(&weights, 1).unwrap();
        let frames: Vec<Frame> = (0..5).map(|i| picture(3.0 * i as f32)).collect();
        let settings = Settings::of(Quality::Best, frames[0].width(), frames[0].height());
        let both = |from: usize| {
            let near = about(&frames[from..from + 4]);
            [settings, settings.turned()].map(|pass| filler.pairs.get(&filler.net, &near, pass, &Unwatched).unwrap())
        };
        let [upright, turned] = both(0);
        assert!(!Arc::ptr_eq(&upright, &turned));
        let again = both(0);
        assert!(Arc::ptr_eq(&upright, &again[0]) && Arc::ptr_eq(&turned, &again[1]), "matched again");
        let room = settings.kept();
        assert!((room * 9 / 10..=room).contains(&upright.bytes()), "{} bytes are kept, not {room}", upright.bytes());
        both(1);
        assert!(!Arc::ptr_eq(&upright, &both(0)[0]), "there is no room for another pair");
    }

    #[test]
    #[ignore = "needs a GPU, or Mesa's software Vulkan"]
    fn a_frame_by_a_gpu_is_the_same_whatever_was_made_before() {
        for gpu in gpus() {
            is_the_same_whatever_was_made_before(&Engine::Gpu(gpu));
        }
    }

    #[test]
    #[ignore = "needs a GPU, or Mesa's software Vulkan"]
    fn all_that_is_kept_of_a_pair_is_made() {
        let frames: Vec<Frame> = (0..4).map(|i| picture(3.0 * i as f32)).collect();
        let settings = Settings::of(Quality::Normal, frames[0].width(), frames[0].height());
        for gpu in gpus() {
            let filler = filler(&Engine::Gpu(gpu.clone()));
            let pair = filler.pairs.get(&filler.net, &about(&frames), settings, &Unwatched).unwrap();
            // What was left to be made would be work of the first frame, and of no other.
            let work = |t: f64| {
                let before = gpu.counted();
                pair.plan(&filler.net, t).unwrap().apply(&frames[1], &frames[2]).unwrap();
                gpu.counted().dispatches - before.dispatches
            };
            assert_eq!(work(0.5), work(0.25));
        }
    }
}
