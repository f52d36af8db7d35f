//! Effects written with the plugin side, hosted in this process by the host side, as every profile's host would.

mod cancelling;
mod compound;
mod describing;
mod effects;
mod habits;
mod overlay;
mod parameters;
mod pixels;
mod trouble;

use std::sync::Arc;

use ofx::{
    Context,
    host::{Binary, Effect, Host, HostImage, Instance, MemoryClip, PixelFormat, Profile, Project},
};

const WIDTH: usize = 7;
const HEIGHT: usize = 5;

/// A picture that is different at every pixel and time: values from 0 to 1.
fn picture(time: u8, format: PixelFormat) -> Arc<HostImage> {
    let rgba: Vec<f32> = (0..WIDTH * HEIGHT * 4)
        .map(|i| f32::from(u8::try_from((i * 3 + usize::from(time) * 11) % 128).unwrap_or(0)) / 255.0)
        .collect();
    let image = HostImage::from_rgba(WIDTH, HEIGHT, &rgba, format).expect("a small picture");
    Arc::new(image.named(format!("picture {time}")))
}

/// A clip of frames 1 to 10.
fn clip(format: PixelFormat) -> Arc<MemoryClip> {
    Arc::new(MemoryClip::new(1, (1..=10).map(|t| Some(picture(t, format))).collect()))
}

fn project() -> Project {
    Project::new(WIDTH, HEIGHT, 1.0, 10.0)
}

fn load(profile: Profile, id: &str) -> Effect {
    Host::new(profile).load(&Binary::in_process(effects::binary()), id).expect("the effect loads")
}

/// An instance with a float clip connected.
fn instance(profile: Profile, id: &str, context: Context) -> Instance {
    let instance = load(profile, id).create(context, project()).expect("an instance");
    instance.connect("Source", clip(PixelFormat::FLOAT_RGBA)).expect("a clip named Source");
    instance
}
