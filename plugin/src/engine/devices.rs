//! What motion is found on: the processor, or the GPU, which is opened when it is first needed, given back when nothing needs it, and
//! left alone once it has failed.

use std::{
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use pickup_clips::Setting;
use pickup_model::{
    engine::{Engine, Gpu, GpuError, NoGpu, Products, is_faster_than_cpu, strongest},
    motion::MotionFiller,
};

use super::{PAIRS_BUDGET, Result, WEIGHTS, keeper::Keeper, memory, resource};

/// What motion is to be found on.
#[derive(ofx::Choice, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Device {
    /// The strongest GPU that calculates as the processor does, and faster; else the processor.
    #[default]
    Automatic,
    /// The processor.
    #[choice(label = "Processor")]
    Cpu,
    /// The strongest GPU, even if it is slower.
    #[choice(label = "GPU")]
    Gpu,
}

/// What the variable says.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Wanted {
    /// Nothing.
    Open,
    Cpu,
    Gpu,
    Named(String),
}

impl Wanted {
    fn of_machine() -> Self {
        Self::read(Setting::DEVICE.text().as_deref())
    }

    fn read(said: Option<&str>) -> Self {
        match said.map(str::trim) {
            None | Some("") => Self::Open,
            Some(said) if said.eq_ignore_ascii_case("auto") => Self::Open,
            Some(said) if said.eq_ignore_ascii_case("cpu") => Self::Cpu,
            Some(said) if said.eq_ignore_ascii_case("gpu") => Self::Gpu,
            Some(name) => Self::Named(name.to_owned()),
        }
    }

    fn name(&self) -> Option<&str> {
        match self {
            Self::Named(name) => Some(name),
            _ => None,
        }
    }
}

/// The part of a GPU's name that `PICKUP_DEVICE` names one by.
pub fn named_gpu() -> Option<String> {
    Wanted::of_machine().name().map(str::to_owned)
}

/// How GPUs are opened: by a part of the name, or the strongest, and what its convolutions may multiply.
type Opener = fn(Option<&str>, Products) -> std::result::Result<Arc<Gpu>, NoGpu>;

/// What motion is found on.
pub(super) struct Devices {
    wanted: Wanted,
    memory: Option<u64>,
    opener: Opener,
    rest: Duration,
    /// How long a GPU is kept that nobody uses.
    idle: Duration,
    cpu: Mutex<Option<Arc<MotionFiller>>>,
    gpu: Arc<Mutex<State>>,
    /// Gives the GPU back.
    keeper: Keeper,
    /// Whether the GPU is faster than the processor, once that was measured.
    faster: OnceLock<bool>,
}

enum State {
    /// Not opened yet, or given back; so often it has failed.
    Closed {
        failures: u32,
    },
    Open(Open),
    /// Not to be opened before a time.
    Resting {
        until: Instant,
        why: String,
        failures: u32,
    },
    /// Not to be opened at all.
    Unusable(String),
}

struct Open {
    filler: Arc<MotionFiller>,
    gpu: Arc<Gpu>,
    /// A copy that a host makes of itself has no device, whatever it remembers.
    process: u32,
    used: Instant,
    failures: u32,
}

impl Open {
    fn is_ours(&self) -> bool {
        self.process == std::process::id()
    }
}

/// How long a GPU is kept that nobody uses.
const IDLE: Duration = Duration::from_secs(60);
/// How long one is left alone that has failed,
const REST: Duration = Duration::from_secs(60);
/// and how often it may.
const FAILURES: u32 = 3;

impl Default for Devices {
    fn default() -> Self {
        Self { memory: Setting::GPU_MEMORY.bytes(), ..Self::new(Wanted::of_machine(), strongest, IDLE) }
    }
}

impl Devices {
    fn new(wanted: Wanted, opener: Opener, idle: Duration) -> Self {
        Self {
            wanted,
            memory: None,
            opener,
            rest: REST,
            idle,
            cpu: Mutex::default(),
            gpu: Arc::new(Mutex::new(State::Closed { failures: 0 })),
            keeper: Keeper::new("pickup GPU"),
            faster: OnceLock::new(),
        }
    }

    /// The motion filler on the processor, loaded on the first render that needs it. A failure is tried again by the next render.
    pub(super) fn cpu(&self) -> Result<Arc<MotionFiller>> {
        let mut cpu = self.cpu.lock();
        if let Some(filler) = &*cpu {
            return Ok(filler.clone());
        }
        let filler = Arc::new(MotionFiller::load(&resource(WEIGHTS)?, memory::cache(PAIRS_BUDGET))?);
        *cpu = Some(filler.clone());
        Ok(filler)
    }

    /// The motion filler on the GPU, if that is what a node's choice comes to here.
    pub(super) fn gpu(&self, device: Device) -> Option<Arc<MotionFiller>> {
        let by_speed = match (device, &self.wanted) {
            (Device::Cpu, _) | (Device::Automatic, Wanted::Cpu) => return None,
            (Device::Gpu, _) | (Device::Automatic, Wanted::Gpu | Wanted::Named(_)) => false,
            (Device::Automatic, Wanted::Open) => true,
        };
        if by_speed && self.faster.get() == Some(&false) {
            return None;
        }
        let (filler, gpu) = self.open()?;
        if by_speed && !*self.faster.get_or_init(|| is_faster_than_cpu(&gpu)) {
            log::info!("the processor is faster than {}", gpu.name());
            return None;
        }
        Some(filler)
    }

    /// The filler on the GPU, and that; none where there is none to work on now.
    fn open(&self) -> Option<(Arc<MotionFiller>, Arc<Gpu>)> {
        let mut state = self.gpu.lock();
        if matches!(&*state, State::Open(open) if !open.is_ours()) {
            // The device is the other process's: not even to be given back here.
            let theirs = std::mem::replace(&mut *state, State::Unusable(FORKED.into()));
            std::mem::forget(theirs);
        }
        if let State::Closed { failures } | State::Resting { failures, .. } = *state {
            if matches!(&*state, State::Resting { until, .. } if Instant::now() < *until) {
                return None;
            }
            *state = match self.opened(failures) {
                Ok(open) => {
                    let by = if open.gpu.has_matrices() { ", by its matrix units" } else { "" };
                    log::info!("motion may be found on {}{by}", open.gpu.name());
                    State::Open(open)
                }
                Err(why) => State::Unusable(why),
            };
        }
        let State::Open(open) = &mut *state else { return None };
        open.used = Instant::now();
        let opened = (open.filler.clone(), open.gpu.clone());
        drop(state);
        let (gpu, idle) = (self.gpu.clone(), self.idle);
        self.keeper.watch(move || give_back(&gpu, idle));
        Some(opened)
    }

    fn opened(&self, failures: u32) -> std::result::Result<Open, NoGpu> {
        // Drivers have had matrix units for a short while: one that failed with them is tried without.
        let products = if failures == 0 { Products::OfMatrices } else { Products::OfFloats };
        let gpu = (self.opener)(self.wanted.name(), products)?;
        if let Some(most) = self.memory {
            gpu.limit_memory(most);
        }
        let weights = resource(WEIGHTS).map_err(|error| error.to_string())?;
        let filler = MotionFiller::load_to(&weights, PAIRS_BUDGET, &Engine::Gpu(gpu.clone()));
        let filler = Arc::new(filler.map_err(|error| error.to_string())?);
        Ok(Open { filler, gpu, process: std::process::id(), used: Instant::now(), failures })
    }

    /// The GPU did not do its part: what was to be made has to be made on the processor.
    pub(super) fn failed(&self, error: &GpuError) {
        // One frame was too large for it, and others may not be; or what it was asked for makes no sense.
        if matches!(error, GpuError::TooLarge { .. } | GpuError::Shape { .. }) {
            return;
        }
        let mut state = self.gpu.lock();
        let State::Open(Open { failures, .. }) = &*state else { return };
        let failures = failures + 1;
        let why = error.to_string();
        log::warn!("{why}: the processor goes on");
        *state = if failures < FAILURES {
            State::Resting { until: Instant::now() + self.rest, why, failures }
        } else {
            State::Unusable(why)
        };
    }

    /// Why the processor does what the user wanted of a GPU; nothing where none was wanted, or it works.
    pub(super) fn trouble(&self, device: Device) -> Option<String> {
        let asked = device == Device::Gpu
            || device == Device::Automatic && matches!(self.wanted, Wanted::Gpu | Wanted::Named(_));
        let state = self.gpu.lock();
        let why = match &*state {
            State::Resting { why, .. } if device != Device::Cpu => why,
            State::Unusable(why) if asked => why,
            _ => return None,
        };
        Some(why.clone())
    }

    /// Bytes of the machine's memory that are kept of what can be made again.
    pub(super) fn kept(&self) -> usize {
        self.cpu.lock().as_ref().map_or(0, |filler| filler.kept())
    }

    /// Drops what can be made again.
    pub(super) fn purge(&self) {
        if let Some(filler) = &*self.cpu.lock() {
            filler.purge();
        }
        if let State::Open(open) = &*self.gpu.lock()
            && open.is_ours()
        {
            open.filler.purge();
            open.gpu.trim();
        }
    }

    /// Gives the GPU back and ends the thread that would: the plugin may be unloaded.
    pub(super) fn close(&self) {
        let mut state = self.gpu.lock();
        if matches!(&*state, State::Open(open) if open.is_ours()) {
            *state = State::Closed { failures: 0 };
        }
        drop(state);
        // Another node may go on: what it opens from now on has a thread of its own.
        self.keeper.close();
    }
}

/// Why a copy of a host has no GPU.
const FORKED: &str = "the host made a copy of itself, which cannot use the GPU of the first";

/// Gives a GPU back that nobody has used for a while; how long to wait, where somebody has.
fn give_back(gpu: &Mutex<State>, idle: Duration) -> Option<Duration> {
    let mut state = gpu.lock();
    let State::Open(open) = &*state else { return None };
    let left = idle.saturating_sub(open.used.elapsed());
    // Whoever works with it has a hold of it.
    let busy = Arc::strong_count(&open.filler) > 1;
    if left.is_zero() && !busy {
        *state = State::Closed { failures: open.failures };
        return None;
    }
    Some(if left.is_zero() { idle } else { left })
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use pickup_model::engine::adapters;

    use super::*;

    #[test]
    fn what_the_variable_says_is_read() {
        let wanted = |said: &str| Wanted::read(Some(said));
        assert_eq!([Wanted::read(None), wanted(""), wanted(" Auto ")], [Wanted::Open, Wanted::Open, Wanted::Open]);
        assert_eq!([wanted("CPU"), wanted("gpu")], [Wanted::Cpu, Wanted::Gpu]);
        assert_eq!(wanted("Radeon RX "), Wanted::Named("Radeon RX".into()));
    }

    #[test]
    fn a_gpu_that_is_not_there_is_looked_for_once_and_told_of_where_it_was_wanted() {
        static LOOKED: AtomicUsize = AtomicUsize::new(0);
        fn none(_: Option<&str>, _: Products) -> std::result::Result<Arc<Gpu>, NoGpu> {
            LOOKED.fetch_add(1, Ordering::Relaxed);
            Err("there is none".into())
        }
        let devices = Devices::new(Wanted::Open, none, IDLE);
        assert!(devices.gpu(Device::Cpu).is_none());
        assert_eq!(LOOKED.load(Ordering::Relaxed), 0, "the processor needs none");
        for device in [Device::Automatic, Device::Gpu, Device::Gpu] {
            assert!(devices.gpu(device).is_none());
        }
        assert_eq!(LOOKED.load(Ordering::Relaxed), 1);
        assert_eq!(devices.trouble(Device::Gpu).as_deref(), Some("there is none"));
        assert_eq!([devices.trouble(Device::Automatic), devices.trouble(Device::Cpu)], [None, None]);
        let named = Devices::new(Wanted::Named("X".into()), none, IDLE);
        assert!(named.gpu(Device::Automatic).is_none());
        assert!(named.trouble(Device::Automatic).is_some());
        let cpu = Devices::new(Wanted::Cpu, none, IDLE);
        assert!(cpu.gpu(Device::Automatic).is_none());
        assert_eq!(LOOKED.load(Ordering::Relaxed), 2, "not where the machine is set to its processor");
    }

    /// Opens the first GPU of any kind.
    fn any(_: Option<&str>, products: Products) -> std::result::Result<Arc<Gpu>, NoGpu> {
        let adapter = adapters().into_iter().next().ok_or("install a GPU's driver, or Debian's mesa-vulkan-drivers")?;
        let open = if products == Products::OfMatrices { Gpu::open_fastest } else { Gpu::open };
        Ok(Arc::new(open(&adapter).map_err(|error| error.to_string())?))
    }

    /// With the first GPU of any kind, and so many bytes of its memory.
    pub(in crate::engine) fn on_any_gpu(memory: Option<u64>) -> Devices {
        Devices { memory, ..Devices::new(Wanted::Open, any, IDLE) }
    }

    impl Devices {
        fn has_matrices(&self) -> bool {
            matches!(&*self.gpu.lock(), State::Open(open) if open.gpu.has_matrices())
        }

        /// What a driver does that is reset.
        pub(in crate::engine) fn close_the_open(&self) {
            if let State::Open(open) = &*self.gpu.lock() {
                open.gpu.close();
            }
        }
    }

    fn is_closed(devices: &Devices) -> bool {
        matches!(*devices.gpu.lock(), State::Closed { .. })
    }

    #[test]
    #[ignore = "needs a GPU, or Mesa's software Vulkan"]
    fn what_nobody_uses_is_given_back_and_opened_again() {
        let devices = Devices::new(Wanted::Open, any, Duration::from_millis(50));
        let used = devices.gpu(Device::Gpu).expect("there is one");
        std::thread::sleep(Duration::from_millis(200));
        assert!(!is_closed(&devices), "it is in use");
        drop(used);
        let began = Instant::now();
        while !is_closed(&devices) {
            assert!(began.elapsed() < Duration::from_secs(20), "it is not given back");
            std::thread::sleep(Duration::from_millis(10));
        }
        assert!(devices.gpu(Device::Gpu).is_some());
        devices.close();
        assert!(is_closed(&devices) && !devices.keeper.has_thread());
    }

    #[test]
    #[ignore = "needs a GPU, or Mesa's software Vulkan"]
    fn one_that_fails_rests_and_is_left_alone_after_the_third_time() {
        let lost = GpuError::Lost { adapter: "a card".into(), reason: "it fell out".into() };
        let devices = Devices::new(Wanted::Open, any, IDLE);
        assert!(devices.gpu(Device::Gpu).is_some());
        devices.failed(&GpuError::TooLarge { adapter: "a card".into(), bytes: 2, most: 1 });
        assert!(devices.gpu(Device::Gpu).is_some(), "what was too large says nothing of the next");
        devices.failed(&lost);
        assert!(devices.gpu(Device::Gpu).is_none(), "it rests");
        assert!(devices.trouble(Device::Automatic).is_some_and(|why| why.contains("fell out")));
        let devices = Devices { rest: Duration::ZERO, ..Devices::new(Wanted::Open, any, IDLE) };
        for failures in 0..FAILURES {
            assert!(devices.gpu(Device::Gpu).is_some());
            assert!(failures == 0 || !devices.has_matrices(), "tried without what may have been the cause");
            devices.failed(&lost);
        }
        assert!(devices.gpu(Device::Gpu).is_none());
        assert!(devices.trouble(Device::Gpu).is_some_and(|why| why.contains("fell out")));
        devices.close();
    }

    #[test]
    #[ignore = "needs a GPU, or Mesa's software Vulkan"]
    fn a_copy_of_the_process_leaves_the_gpu_alone() {
        let devices = Devices::new(Wanted::Open, any, IDLE);
        assert!(devices.gpu(Device::Gpu).is_some());
        if let State::Open(open) = &mut *devices.gpu.lock() {
            open.process += 1;
        }
        assert!(devices.gpu(Device::Gpu).is_none());
        assert!(devices.trouble(Device::Gpu).is_some_and(|why| why.contains("copy")));
        devices.purge();
        devices.close();
    }
}
