//! The GPUs of this machine, for `pickup doctor`: what each is, whether it calculates as the CPU does, and how fast.

use std::sync::Arc;

use pickup_model::engine::{Adapter, Engine, Gpu, adapters, operations_a_second, self_test};

/// A line for each GPU; one that says so where there is none.
pub(super) fn described() -> Vec<String> {
    let found = adapters();
    if found.is_empty() {
        return vec!["none that Vulkan, Metal or Direct3D 12 reach".to_owned()];
    }
    found.iter().map(|adapter| format!("{}; {}", told(adapter), tested(adapter))).collect()
}

/// What its driver tells of it.
fn told(adapter: &Adapter) -> String {
    let half = if adapter.has_half() { "" } else { "no " };
    let largest = adapter.largest_map() / (1 << 20);
    format!(
        "{} ({}, {}, {}), {half}16-bit floats, maps of up to {largest} MiB",
        adapter.name(),
        adapter.kind(),
        adapter.api(),
        adapter.driver()
    )
}

/// What it does.
fn tested(adapter: &Adapter) -> String {
    let outcome = Gpu::open(adapter).map_err(pickup_model::Error::from).and_then(|gpu| {
        let gpu = Arc::new(gpu);
        let checked = self_test(&gpu)?;
        Ok((checked, operations_a_second(&Engine::Gpu(gpu))?))
    });
    match outcome {
        Ok((checked, speed)) => {
            let wrong: Vec<&str> = checked.iter().filter(|c| !c.is_right()).map(|c| c.kernel).collect();
            let speed = format!("{:.1} billion operations a second in a convolution", speed / 1e9);
            if wrong.is_empty() {
                format!("all {} kernels calculate as the CPU does; {speed}", checked.len())
            } else {
                format!("WRONG NUMBERS from {}; {speed}", wrong.join(", "))
            }
        }
        Err(error) => error.to_string(),
    }
}
