//! What the nodes do in hosts; `crate::binary` is the plugin.

mod alpha;
mod aspect;
mod axes;
mod bridge;
mod cadence;
mod colour;
mod crowd;
mod damage;
mod every_host;
mod footage;
mod gaps;
mod generate;
mod handles;
mod jobs;
mod mlt;
mod over;
mod repair;
mod retime;
mod rife;
mod soak;
mod speed;
mod stage;
mod stock;
mod trouble;
mod weights;
