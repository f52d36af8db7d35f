//! What motion is found on.

use crate::engine::Device;

/// The parameter that says what motion is found on, in every node.
#[derive(ofx::Params, Clone, Debug, PartialEq)]
pub struct DeviceParams {
    /// What motion is found and followed on. A GPU makes the same frames but for the last bits; what it fails at is done on the processor.
    /// Automatic takes the strongest GPU that calculates as the processor does, and faster. `PICKUP_DEVICE` (`cpu`, `gpu` or a GPU's name)
    /// says it for the whole machine.
    #[param(id = "device", label = "Device", default = Device::Automatic)]
    pub device: Device,
}
