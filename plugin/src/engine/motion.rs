//! Motion on the device that a node chose.

use std::{cell::RefCell, path::PathBuf, sync::Arc};

use pickup_model::{
    Brief, Error, Filler, Frame, Made, Recipe, Shot, Watch,
    motion::{MotionByRife, MotionFiller, MotionOnward},
};

use super::{Device, Engine, EngineError, Result};

/// What is done by motion, for a node that chose what to find it on. What a GPU fails at is done again on the processor.
pub struct Motion<'e> {
    engine: &'e Engine,
    device: Device,
    /// The file of RIFE's weights, if frames are made by those.
    rife: Option<PathBuf>,
    failed: RefCell<Option<String>>,
}

impl Engine {
    /// Motion, found on what a node chose.
    #[must_use]
    pub fn motion_on(&self, device: Device) -> Motion<'_> {
        Motion { engine: self, device, rife: None, failed: RefCell::new(None) }
    }
}

impl Motion<'_> {
    /// The same, where frames between two are made by RIFE with the weights of a file; by the network in the bundle where none is named.
    #[must_use]
    pub fn by_rife(self, weights: &str) -> Self {
        let weights = weights.trim();
        Self { rife: (!weights.is_empty()).then(|| weights.into()), ..self }
    }

    /// Whether two frames show the same things, moved: whether motion can lead from one to the other.
    ///
    /// # Errors
    /// When they differ in size, or `watch` says stop.
    pub fn matches(&self, first: &Frame, last: &Frame, watch: &dyn Watch) -> Result<bool> {
        Ok(!self.by(watch, |motion| motion.cut_evidence(first, last, watch))?.is_cut())
    }

    /// The one missing frame of `shot`: from the takes made before, or made now, one job at a time.
    ///
    /// # Errors
    /// When the frame cannot be made, RIFE's weights are none, or `watch` says stop.
    pub fn make(&self, shot: &Shot, brief: &Brief, watch: &dyn Watch) -> Result<Arc<Made>> {
        self.on_device(|motion| match &self.rife {
            None => self.make_by(motion, &|like| motion.memory(like, brief.quality), shot, brief, watch),
            Some(weights) => {
                let rife = MotionByRife::new(motion, weights)?;
                self.make_by(&rife, &|like| rife.memory(like, brief.quality), shot, brief, watch)
            }
        })
    }

    /// As [`make`](Self::make), of a frame beyond those that are known: what moves goes on, and comes to rest over so many
    /// frames.
    ///
    /// # Errors
    /// As [`make`](Self::make).
    pub fn make_onward(&self, shot: &Shot, rest: f64, brief: &Brief, watch: &dyn Watch) -> Result<Arc<Made>> {
        self.on_device(|motion| {
            let onward = MotionOnward::new(motion, rest);
            self.make_by(&onward, &|like| motion.memory(like, brief.quality), shot, brief, watch)
        })
    }

    /// Does some work with the motion filler in its turn; once more, on the processor, where a GPU fails.
    ///
    /// # Errors
    /// When the weights are missing, the work fails, or `watch` says stop.
    pub fn by<T>(&self, watch: &dyn Watch, work: impl Fn(&MotionFiller) -> pickup_model::Result<T>) -> Result<T> {
        self.on_device(|motion| {
            let _turn = self.engine.turn(watch)?;
            Ok(work(motion)?)
        })
    }

    /// Why the processor did what was to be done on a GPU, in words for the user; nothing where none was wanted, or it works.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        let failed = self.failed.borrow();
        let why = failed.clone().or_else(|| self.engine.devices.trouble(self.device))?;
        Some(format!("This frame was made on the processor: {why}"))
    }

    fn on_device<T>(&self, work: impl Fn(&MotionFiller) -> Result<T>) -> Result<T> {
        if let Some(motion) = self.engine.devices.gpu(self.device) {
            match work(&motion) {
                Err(EngineError::Model(Error::Gpu(error))) => {
                    self.engine.devices.failed(&error);
                    *self.failed.borrow_mut() = Some(error.to_string());
                }
                done => return done,
            }
        }
        work(&*self.engine.devices.cpu()?)
    }

    /// Makes a frame by a filler, which takes as much memory for frames like one as `memory` says.
    fn make_by(
        &self,
        filler: &dyn Filler,
        memory: &dyn Fn(&Frame) -> u64,
        shot: &Shot,
        brief: &Brief,
        watch: &dyn Watch,
    ) -> Result<Arc<Made>> {
        let recipe = Recipe::new(shot, brief, filler.name(), filler.weights_id());
        let before = || self.engine.takes.lock().recall(&recipe);
        if let Some(made) = before() {
            return Ok(made);
        }
        let _turn = self.engine.turn(watch)?;
        // Whoever had the turn before may have made this very frame.
        if let Some(made) = before() {
            return Ok(made);
        }
        if let Some((_, like)) = shot.frames().first() {
            self.engine.make_room_for_motion((like.width(), like.height()), memory(like))?;
        }
        let made = filler.fill(shot, brief, watch)?.into_iter().next();
        let made = Arc::new(made.ok_or_else(|| EngineError::Unusable("Nothing is missing from this shot".into()))?);
        let bytes = (made.frame.pixels().len() + made.confidence.pixels().len()) * size_of::<f32>();
        self.engine.takes.lock().keep(recipe, made.clone(), bytes);
        Ok(made)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use pickup_model::{Encoding, Unwatched, engine::GpuError};

    use super::*;
    use crate::engine::devices::tests::on_any_gpu;

    fn shot() -> Shot {
        let frame = |shift: f32| {
            let value =
                |i: usize| 0.5 + 0.3 * ((i / 3 % 48) as f32 * 0.3 + shift).sin() * ((i / 144) as f32 * 0.2).cos();
            Frame::new(48, 32, 3, Encoding::Display, (0..48 * 32 * 3).map(value).collect()).expect("sizes agree")
        };
        let shot = Shot::new().known(0.0, frame(0.0)).and_then(|shot| shot.known(2.0, frame(1.0)));
        shot.expect("frames are alike").missing(1.0)
    }

    /// How far two frames are apart, at the most.
    fn apart(a: &Frame, b: &Frame) -> f32 {
        a.pixels().iter().zip(b.pixels()).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
    }

    #[test]
    #[ignore = "needs a GPU, or Mesa's software Vulkan"]
    fn both_devices_make_the_same_frame_and_each_keeps_its_own() {
        let engine = Engine { devices: on_any_gpu(None), ..Engine::default() };
        let made = |device| {
            let motion = engine.motion_on(device);
            let made = motion.make(&shot(), &Brief::default(), &Unwatched).expect("it can be made");
            assert_eq!(motion.trouble(), None);
            made
        };
        let (cpu, gpu) = (made(Device::Cpu), made(Device::Gpu));
        let off = apart(&cpu.frame, &gpu.frame);
        assert!(off > 0.0 && off < 1e-4, "{off}");
        assert!(Arc::ptr_eq(&gpu, &made(Device::Gpu)) && Arc::ptr_eq(&cpu, &made(Device::Cpu)));
    }

    #[test]
    #[ignore = "needs a GPU, or Mesa's software Vulkan"]
    fn what_a_gpu_fails_at_is_made_on_the_processor_and_the_user_is_told() {
        let engine = Engine { devices: on_any_gpu(None), ..Engine::default() };
        let motion = engine.motion_on(Device::Gpu);
        let tries = Cell::new(0);
        let made = motion.by(&Unwatched, |filler| {
            tries.set(tries.get() + 1);
            if tries.get() == 1 {
                // In the middle of its work.
                filler.fill(&shot(), &Brief::default(), &Unwatched)?;
                engine.devices.close_the_open();
            }
            filler.fill(&shot(), &Brief::default(), &Unwatched)
        });
        let made = made.expect("it is made on the processor");
        assert_eq!(tries.get(), 2);
        let cpu = engine.motion_on(Device::Cpu).make(&shot(), &Brief::default(), &Unwatched).expect("it can be made");
        assert_eq!(made[0].frame, cpu.frame);
        assert!(motion.trouble().is_some_and(|why| why.contains("made on the processor")));
        let next = engine.motion_on(Device::Gpu);
        next.make(&shot(), &Brief::default(), &Unwatched).expect("it rests: the processor makes it");
        assert!(next.trouble().is_some());
    }

    #[test]
    #[ignore = "needs a GPU, or Mesa's software Vulkan"]
    fn what_needs_more_memory_than_a_gpu_may_take_is_made_on_the_processor() {
        let engine = Engine { devices: on_any_gpu(Some(200_000)), ..Engine::default() };
        let motion = engine.motion_on(Device::Gpu);
        let made = motion.make(&shot(), &Brief::default(), &Unwatched).expect("it is made on the processor");
        let cpu = engine.motion_on(Device::Cpu).make(&shot(), &Brief::default(), &Unwatched).expect("it can be made");
        assert_eq!(made.frame, cpu.frame);
        let adapter = String::new();
        let said = GpuError::OutOfMemory { adapter }.to_string();
        assert!(motion.trouble().is_some_and(|why| why.contains(said.trim())), "{:?}", motion.trouble());
    }

    #[test]
    #[ignore = "needs a GPU, or Mesa's software Vulkan"]
    fn a_purge_in_the_middle_of_a_frame_changes_nothing() {
        let engine = Engine { devices: on_any_gpu(None), ..Engine::default() };
        let purged = Cell::new(0);
        let watch = Purging { engine: &engine, purged: &purged };
        let made = engine.motion_on(Device::Gpu).make(&shot(), &Brief::default(), &watch).expect("it can be made");
        assert!(purged.get() > 2);
        let again = engine.motion_on(Device::Gpu).make(&shot(), &Brief::default(), &Unwatched).expect("it can be made");
        assert_eq!(made.frame, again.frame);
    }

    /// Purges whenever it is asked whether to go on.
    struct Purging<'a> {
        engine: &'a Engine,
        purged: &'a Cell<u32>,
    }

    impl Watch for Purging<'_> {
        fn progress(&self, _: f32) -> bool {
            self.engine.purge();
            self.purged.set(self.purged.get() + 1);
            true
        }
    }
}
