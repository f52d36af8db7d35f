//! Layers of EXR files through a render.

use half::f16;
use pickup_clips::{Plane, PlaneSamples};

use super::*;

#[test]
fn a_layer_is_repaired_and_the_others_stay_in_the_frames_that_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let layered = |n: i64| {
        let colours = picture(n, false, Depth::F16);
        let Pixels::F16(samples) = colours.pixels() else { unreachable!("the depth asked for") };
        let plane = |(i, name): (usize, &str)| Plane {
            name: name.into(),
            samples: PlaneSamples::F16(samples.iter().skip(i).step_by(3).copied().collect()),
        };
        let extras = ["key.R", "key.G", "key.B"].into_iter().enumerate().map(plane).collect();
        let black = Pixels::F16(vec![f16::ZERO; WIDTH * HEIGHT * 3]);
        Picture::new(WIDTH, HEIGHT, false, false, black).unwrap().with_extras(extras).unwrap()
    };
    write(folder.path(), "in/%04d.exr", (1..=5).map(|n| (n, layered(n))));
    let line = "render Repair --in in --out out/%04d.exr --set frames=3 --layer key";
    let said = expect(folder.path(), line, 0);
    assert!(said.contains("one frame was made and has the layer key alone"), "{said}");
    let bytes = |at: &str, n: i64| fs::read(folder.path().join(format!("{at}/{n:04}.exr"))).unwrap();
    assert!([1, 2, 4, 5].into_iter().all(|n| bytes("in", n) == bytes("out", n)));
    let options = pickup_clips::ReadOptions { layer: Some("key".into()), ..Default::default() };
    let made = ClipReader::open_with(folder.path().join("out/0003.exr"), &options).unwrap().frame(1).unwrap();
    let found = pickup_clips::psnr(&made, &picture(3, false, Depth::F16)).unwrap();
    assert!(found > 25.0, "{found}");
    let said = expect(folder.path(), "render Repair --in in --out b/%04d.exr --set frames=3 --layer fill", 1);
    assert!(said.contains("no layer “fill” in it, only B, G, R, key"), "{said}");
}
