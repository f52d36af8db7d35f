//! What motion is found on, and by what.

use crate::engine::Device;

/// The parameters that say so, in every node.
#[derive(ofx::Params, Clone, Debug, PartialEq)]
pub struct MotionParams {
    /// What motion is found and followed on. A GPU makes the same frames but for the last bits; what it fails at is done on the processor.
    /// Automatic takes the strongest GPU that calculates as the processor does, and faster. `PICKUP_DEVICE` (`cpu`, `gpu` or a GPU's name)
    /// says it for the whole machine.
    #[param(id = "device", label = "Device", default = Device::Automatic)]
    pub device: Device,
    /// What frames between two others are made by: those of Repair, Retime and Bridge, and missing ones in any node. Empty is the network
    /// in the bundle. The `flownet.pkl` of RIFE 4.6 to 4.26, which you bring, makes them in less time and keeps more detail where much
    /// moves; it looks at the two frames alone, and so knows of no curved paths. Quality then says at what size it looks.
    #[param(id = "motionModel", label = "Motion model", text = "file")]
    pub model: String,
}
