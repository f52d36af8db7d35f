//! Which GPU to work on.

use std::sync::Arc;

use pickup_gpu::{Adapter, Gpu, GpuError, Kind, adapters};

use super::{
    Checked, Engine,
    check::{operations_a_second, self_test, wrong},
};

/// Why no GPU is worked on, in words for the user.
pub type NoGpu = String;

/// What a GPU's convolutions may multiply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Products {
    /// Matrices of 16-bit floats where it has units for that and they do it rightly, else 32-bit floats.
    OfMatrices,
    /// 32-bit floats.
    OfFloats,
}

/// The strongest GPU that calculates as the CPU does; of all, or of those whose names contain a word, in capitals or not. Software
/// that does what a GPU does is taken only where it is named.
///
/// # Errors
/// When there is none, with why each was left out.
pub fn strongest(named: Option<&str>, products: Products) -> Result<Arc<Gpu>, NoGpu> {
    let mut reasons = Vec::new();
    for adapter in
        adapters().iter().filter(|adapter| named.map_or(is_hardware(adapter), |name| is_called(adapter, name)))
    {
        match tested(adapter, products) {
            Ok(gpu) => return Ok(gpu),
            Err(reason) => reasons.push(reason),
        }
    }
    Err(match (reasons.is_empty(), named) {
        (false, _) => reasons.join("; "),
        (true, Some(name)) => format!("no GPU of this machine is called “{name}”: “pickup doctor” lists them"),
        (true, None) => "this machine has no GPU that Vulkan, Metal or Direct3D 12 reach".to_owned(),
    })
}

/// Whether it is no software that does what a GPU does.
fn is_hardware(adapter: &Adapter) -> bool {
    adapter.kind() != Kind::Software
}

/// Whether its name contains a word, in capitals or not.
fn is_called(adapter: &Adapter, name: &str) -> bool {
    adapter.name().to_lowercase().contains(&name.to_lowercase())
}

/// Whether motion may come to be found on it: on any but software, and on software that is named.
#[must_use]
pub fn may_be_used(adapter: &Adapter, named: Option<&str>) -> bool {
    is_hardware(adapter) || named.is_some_and(|name| is_called(adapter, name))
}

/// An adapter, open, if it calculates as the CPU does.
fn tested(adapter: &Adapter, products: Products) -> Result<Arc<Gpu>, NoGpu> {
    let right = |opened: Result<Gpu, GpuError>| {
        let gpu = Arc::new(opened.map_err(|error| error.to_string())?);
        let checked = self_test(&gpu).map_err(|error| error.to_string())?;
        passed(adapter.name(), &checked)?;
        Ok(gpu)
    };
    if products == Products::OfMatrices && adapter.matrices().is_some() {
        match right(Gpu::open_with_matrices(adapter)) {
            Ok(gpu) => return Ok(gpu),
            Err(why) => log::warn!("{why}: without its matrix units"),
        }
    }
    right(Gpu::open(adapter))
}

fn passed(name: &str, checked: &[Checked]) -> Result<(), NoGpu> {
    let wrong = wrong(checked);
    if wrong.is_empty() {
        return Ok(());
    }
    Err(format!("{name} calculates wrongly ({}): update its driver", wrong.join(", ")))
}

/// Whether a GPU does more convolutions in a second than this machine's CPU; not where it does none.
#[must_use]
pub fn is_faster_than_cpu(gpu: &Arc<Gpu>) -> bool {
    let speed = |engine: &Engine| operations_a_second(engine).unwrap_or(0.0);
    speed(&Engine::Gpu(gpu.clone())) > speed(&Engine::Cpu)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::TOLERANCE;

    #[test]
    fn a_gpu_that_is_not_there_is_said_to_be_none() {
        let why = strongest(Some("none has such a name"), Products::OfMatrices).unwrap_err();
        assert!(why.contains("none has such a name") && why.contains("doctor"), "{why}");
    }

    #[test]
    fn a_gpu_that_calculates_wrongly_is_none() {
        let of = |kernel, off| Checked { kernel, off, tolerance: TOLERANCE };
        let checked = |off| [of("warp", 1e-6), of("splat", off)];
        assert_eq!(passed("A card", &checked(2e-5)), Ok(()));
        for off in [0.1, f32::INFINITY, f32::NAN] {
            let why = passed("A card", &checked(off)).unwrap_err();
            assert!(why.contains("A card") && why.contains("splat") && !why.contains("warp"), "{why}");
        }
    }

    #[test]
    #[ignore = "needs a GPU, or Mesa's software Vulkan"]
    fn a_gpu_is_found_by_a_part_of_its_name_and_software_by_that_alone() {
        for adapter in adapters() {
            let part = adapter.name().to_uppercase();
            for products in [Products::OfMatrices, Products::OfFloats] {
                let gpu = strongest(Some(&part), products).unwrap();
                assert_eq!(gpu.name(), adapter.name());
                assert_eq!(gpu.has_matrices(), products == Products::OfMatrices && adapter.matrices().is_some());
            }
        }
        for adapter in &adapters() {
            assert!(may_be_used(adapter, Some(adapter.name())));
            let hardware = adapter.kind() != Kind::Software;
            assert_eq!([may_be_used(adapter, None), may_be_used(adapter, Some("another"))], [hardware; 2]);
        }
        if adapters().iter().all(|adapter| adapter.kind() == Kind::Software) {
            let why = strongest(None, Products::OfMatrices).unwrap_err();
            assert!(why.contains("no GPU"), "{why}");
        }
    }
}
