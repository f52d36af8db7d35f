//! The examples, as the libraries that cargo makes of them.

use std::{env, path::PathBuf, sync::Arc};

use ofx::{
    Context,
    host::{Binary, Host, HostImage, Instance, MemoryClip, PixelFormat, Profile, Project, RenderArgs, examine},
};

/// Cargo builds examples before tests, beside the folder that this program is in.
fn example(name: &str) -> Binary {
    let program = env::current_exe().expect("it has a place");
    let folder = program.ancestors().nth(2).expect("a folder of what cargo built").join("examples");
    let file: PathBuf = folder.join(format!("{}{name}{}", env::consts::DLL_PREFIX, env::consts::DLL_SUFFIX));
    Binary::open(&file).unwrap_or_else(|e| panic!("{e}: `cargo build --examples` makes it, as `cargo test` does"))
}

/// Four pixels of one grey, which is the frame's number over ten.
fn grey(number: i32) -> Option<Arc<HostImage>> {
    let value = number as f32 / 10.0;
    let pixels: Vec<f32> = (0..4).flat_map(|_| [value, value, value, 1.0]).collect();
    Some(Arc::new(HostImage::from_rgba(2, 2, &pixels, PixelFormat::FLOAT_RGBA).expect("small")))
}

fn instance(binary: &Binary, profile: Profile, id: &str) -> Instance {
    let effect = Host::new(profile).load(binary, id).expect(id);
    let instance = effect.create(Context::Filter, Project::new(2, 2, 1.0, 8.0)).expect(id);
    instance.connect("Source", Arc::new(MemoryClip::new(1, (1..=8).map(grey).collect()))).expect(id);
    instance
}

fn at(instance: &Instance, time: f64) -> f32 {
    let image = instance.render(RenderArgs::at(time)).unwrap_or_else(|e| panic!("{e}"));
    let pixels = image.to_rgba();
    assert!(pixels.chunks(4).all(|p| p[..3] == [pixels[0]; 3] && p[3] == 1.0), "{pixels:?}");
    (pixels[0] * 1e4).round() / 1e4
}

#[test]
fn they_do_what_they_say_and_nothing_else() {
    for (name, id) in [("invert", "org.example.Invert"), ("temporal_blur", "org.example.TemporalBlur")] {
        let examined = examine(&example(name), id).expect(name);
        assert_eq!((examined.faults, examined.refused), (Vec::new(), Vec::new()), "{name}");
    }
}

#[test]
fn invert_inverts() {
    let instance = instance(&example("invert"), Profile::reference(), "org.example.Invert");
    assert_eq!(at(&instance, 3.0), 0.7);
    instance.set("mix", 0.25).expect("a number");
    assert_eq!(at(&instance, 3.0), 0.4);
}

#[test]
fn temporal_blur_is_a_mean_where_there_are_other_frames() {
    let binary = example("temporal_blur");
    let blur = instance(&binary, Profile::reference(), "org.example.TemporalBlur");
    blur.set("reach", 2).expect("a number");
    assert_eq!(at(&blur, 4.0), 0.4);
    assert_eq!(at(&blur, 1.0), 0.2, "of frames 1 to 3");
    drop(blur);
    let alone = instance(&binary, Profile::mlt(), "org.example.TemporalBlur");
    assert!((at(&alone, 1.0) - 0.1).abs() < 0.5 / 255.0, "the current frame, in bytes");
}
