//! The GPUs of this machine.

use wgpu::{Backends, DeviceType, Instance, InstanceDescriptor};

/// What an adapter is, the strongest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A card with memory of its own.
    Discrete,
    /// A part of the processor, with the machine's memory.
    Integrated,
    /// A card that is shared with other machines.
    Virtual,
    /// None that the driver tells more of.
    Other,
    /// No GPU: a program that does what one does, on the CPU.
    Software,
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Discrete => "a card",
            Self::Integrated => "part of the processor",
            Self::Virtual => "a shared card",
            Self::Other => "of a kind that is not told",
            Self::Software => "software, no GPU",
        })
    }
}

/// A GPU that was found, and is not open yet.
#[derive(Clone, Debug)]
pub struct Adapter {
    pub(crate) inner: wgpu::Adapter,
    name: String,
    kind: Kind,
    driver: String,
    api: &'static str,
}

impl Adapter {
    fn new(inner: wgpu::Adapter) -> Self {
        let info = inner.get_info();
        let kind = match info.device_type {
            DeviceType::DiscreteGpu => Kind::Discrete,
            DeviceType::IntegratedGpu => Kind::Integrated,
            DeviceType::VirtualGpu => Kind::Virtual,
            DeviceType::Cpu => Kind::Software,
            DeviceType::Other => Kind::Other,
        };
        let api = match info.backend {
            wgpu::Backend::Vulkan => "Vulkan",
            wgpu::Backend::Metal => "Metal",
            wgpu::Backend::Dx12 => "Direct3D 12",
            _ => "an unknown interface",
        };
        let driver =
            [info.driver, info.driver_info].into_iter().filter(|s| !s.is_empty()).collect::<Vec<_>>().join(" ");
        Self { inner, name: info.name, kind, driver, api }
    }

    /// What its driver calls it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Its driver, with the version, as far as that tells.
    #[must_use]
    pub fn driver(&self) -> &str {
        &self.driver
    }

    /// The interface by which it is reached: Vulkan, Metal or Direct3D 12.
    #[must_use]
    pub fn api(&self) -> &'static str {
        self.api
    }

    /// Bytes of the largest map that it works on.
    #[must_use]
    pub fn largest_map(&self) -> u64 {
        let limits = self.inner.limits();
        limits.max_storage_buffer_binding_size.min(limits.max_buffer_size)
    }
}

/// The GPUs of this machine that are reached by Vulkan, Metal or Direct3D 12, the strongest kind first; of one kind as the system
/// lists them. Drivers are loaded for it, which takes some tens of milliseconds.
#[must_use]
pub fn adapters() -> Vec<Adapter> {
    let backends = Backends::VULKAN | Backends::METAL | Backends::DX12;
    let instance = Instance::new(InstanceDescriptor { backends, ..InstanceDescriptor::new_without_display_handle() });
    let found = pollster::block_on(instance.enumerate_adapters(backends));
    let mut adapters: Vec<Adapter> = found.into_iter().map(Adapter::new).collect();
    adapters.sort_by_key(Adapter::kind);
    adapters
}
