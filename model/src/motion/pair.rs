//! A matched pair of frames, and the few that are kept.

use std::sync::{Arc, Weak};

use candle_core::{Result as CandleResult, Tensor};
use parking_lot::Mutex;

use super::{
    apply::Plan,
    cut::CutEvidence,
    network::{Both, Matched, MotionNet, Synthesised, alignment},
    proxy::Proxy,
};
use crate::{Error, Frame, Quality, Result, Watch};

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
        let limit = match quality {
            Quality::Draft => (area / 4).clamp(1, 640 * 360),
            Quality::Normal => area.min(1280 * 720),
            Quality::Best => area.min(1600 * 900),
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
    /// The same, of pictures turned by half a turn. What the network gets wrong there differs from what it gets wrong
    /// the right way up, so the mean of both is closer to the truth.
    pub(crate) fn turned(self) -> Self {
        Self { turned: true, ..self }
    }
}

/// Two frames matched both ways.
#[derive(Debug)]
pub(crate) struct Pair {
    pictures: Both,
    size: (usize, usize),
    turned: bool,
    matched: Matched,
    pub(crate) evidence: CutEvidence,
}

impl Pair {
    fn new(net: &MotionNet, first: &Frame, last: &Frame, settings: Settings, watch: &dyn Watch) -> Result<Self> {
        let unit = alignment(settings.levels);
        let proxies = [Proxy::new(first, settings.limit, unit)?, Proxy::new(last, settings.limit, unit)?];
        let size = proxies[0].size;
        let [first, last] = proxies.map(|p| p.picture);
        let pictures = if settings.turned { [turn(&first)?, turn(&last)?] } else { [first, last] };
        let matched =
            net.flow.run(&pictures[0], &pictures[1], settings.levels, &mut |done| watch.progress(0.8 * done))?;
        let evidence = CutEvidence::weigh(&pictures, &matched)?;
        Ok(Self { pictures, size, turned: settings.turned, matched, evidence })
    }

    /// What to do at time `t`.
    pub(crate) fn plan(&self, net: &MotionNet, t: f64) -> Result<Plan> {
        let said = net.synthesis.run(&self.pictures, &self.matched, t)?;
        let said = if self.turned { turned_back(&said)? } else { said };
        Ok(Plan::new(&said, self.size)?)
    }

    fn bytes(&self) -> usize {
        let matched = &self.matched;
        let all = [&self.pictures, &matched.flow, &matched.visible, &matched.features];
        all.iter().flat_map(|both| both.iter()).map(|t| t.elem_count() * 4).sum()
    }
}

/// Half a turn.
fn turn(x: &Tensor) -> CandleResult<Tensor> {
    x.flip(&[2, 3])?.contiguous()
}

/// What was said of turned pictures, as of the pictures the right way up.
fn turned_back(said: &Synthesised) -> CandleResult<Synthesised> {
    let flow = |x: &Tensor| turn(x)?.neg();
    Ok(Synthesised {
        flow: [flow(&said.flow[0])?, flow(&said.flow[1])?],
        weight: turn(&said.weight)?,
        error: turn(&said.error)?,
    })
}

type Key = (u64, u64, Settings);

/// The pairs matched last, newest first, within a budget of memory.
pub(crate) struct Pairs {
    budget: usize,
    kept: Mutex<Vec<(Key, Arc<Pair>)>>,
    /// One lock for each pair being matched, so that two threads that want the same match it once.
    busy: Mutex<Vec<(Key, Weak<Mutex<()>>)>>,
}

impl Pairs {
    pub(crate) fn new(budget: usize) -> Self {
        Self { budget, kept: Mutex::default(), busy: Mutex::default() }
    }

    pub(crate) fn clear(&self) {
        self.kept.lock().clear();
    }

    /// The pair, matched now or before.
    pub(crate) fn get(
        &self,
        net: &MotionNet,
        first: &Frame,
        last: &Frame,
        settings: Settings,
        watch: &dyn Watch,
    ) -> Result<Arc<Pair>> {
        let key = (first.fingerprint(), last.fingerprint(), settings);
        let gate = self.gate(key);
        let _turn = gate.lock();
        if let Some(pair) = self.recall(key) {
            return Ok(pair);
        }
        if !watch.progress(0.0) {
            return Err(Error::Cancelled);
        }
        let pair = Arc::new(Pair::new(net, first, last, settings, watch)?);
        self.keep(key, &pair);
        Ok(pair)
    }

    fn gate(&self, key: Key) -> Arc<Mutex<()>> {
        let mut busy = self.busy.lock();
        busy.retain(|(_, gate)| gate.strong_count() > 0);
        if let Some(gate) = busy.iter().find(|(k, _)| *k == key).and_then(|(_, gate)| gate.upgrade()) {
            return gate;
        }
        let gate = Arc::new(Mutex::new(()));
        busy.push((key, Arc::downgrade(&gate)));
        gate
    }

    fn recall(&self, key: Key) -> Option<Arc<Pair>> {
        let mut kept = self.kept.lock();
        let at = kept.iter().position(|(k, _)| *k == key)?;
        let entry = kept.remove(at);
        let pair = entry.1.clone();
        kept.insert(0, entry);
        Some(pair)
    }

    fn keep(&self, key: Key, pair: &Arc<Pair>) {
        let mut kept = self.kept.lock();
        kept.insert(0, (key, pair.clone()));
        let mut total = 0;
        let within = kept.iter().take_while(|(_, p)| {
            total += p.bytes();
            total <= self.budget
        });
        // The newest stays whatever it costs: the next frame of the same gap will want it.
        let keep = within.count().max(1);
        kept.truncate(keep);
    }
}
