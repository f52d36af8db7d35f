//! Made frames keep what footage carries beside colours from 0 to 1: alpha, highlights, depth.

use ofx::{
    BitDepth, Components, Premultiplication,
    host::{HostImage, PixelFormat},
};

use super::{
    footage::{HEIGHT, WIDTH, clip, draw, psnr, texture},
    stage::Stage,
};

/// A highlight of 4.5 that lies still at the left, half transparent; emptiness in the middle; the texture passing by at
/// the right.
fn scene(time: i32, premultiplication: Premultiplication) -> std::sync::Arc<HostImage> {
    let format = PixelFormat { premultiplication, ..PixelFormat::FLOAT_RGBA };
    let premultiplied = premultiplication == Premultiplication::Premultiplied;
    draw(format, |x, y| {
        let colour = match x {
            x if x < 32.0 => [4.5, 3.0, 2.25, 0.5],
            x if x < 56.0 => [0.0; 4],
            x => texture(x - 2.0 * time as f32, y),
        };
        let alpha = if premultiplied { colour[3] } else { 1.0 };
        [colour[0] * alpha, colour[1] * alpha, colour[2] * alpha, colour[3]]
    })
}

#[test]
fn highlights_and_alpha_of_still_parts_survive_either_way_they_are_stored() {
    for premultiplication in [Premultiplication::Premultiplied, Premultiplication::Unpremultiplied] {
        let stage = Stage::repair(clip((1, 8), |t| Some(scene(t, premultiplication))), "4");
        let (made, truth) = (stage.at(4.0), scene(4, premultiplication));
        assert!(stage.is_made(4.0));
        assert!(made.to_rgba().iter().all(|v| v.is_finite()), "{premultiplication:?}: every value is a number");
        let far = |v: f32, w: f32| (v - w).abs() > 1e-4;
        for y in 0..HEIGHT as i32 {
            // Well inside the highlight and the emptiness: what is even stays so, whatever moves across it.
            for x in (0..16).chain(42..46) {
                let (is, should) = (made.pixel(x, y).expect("inside"), truth.pixel(x, y).expect("inside"));
                let same = is.iter().zip(should).all(|(v, w)| !far(*v, w));
                assert!(same, "{premultiplication:?} at {x}, {y}: {is:?}, not {should:?}");
            }
        }
    }
}

#[test]
fn alpha_and_colours_stay_within_those_of_the_clip() {
    for premultiplication in [Premultiplication::Premultiplied, Premultiplication::Unpremultiplied] {
        let made = Stage::repair(clip((1, 8), |t| Some(scene(t, premultiplication))), "4").at(4.0);
        let pixels = made.to_rgba();
        let range = |c: usize| {
            let values = pixels.iter().skip(c).step_by(4);
            values.fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), v| (low.min(*v), high.max(*v)))
        };
        let (low, high) = range(3);
        assert!(low >= 0.0 && high <= 1.0, "{premultiplication:?}: alpha from {low} to {high}");
        // Sharp resampling swings over at edges, by an eighth at most; dividing by alpha must not raise that.
        let (low, high) = range(0);
        assert!(low >= -0.125 * 4.5 && high <= 1.125 * 4.5, "{premultiplication:?}: red from {low} to {high}");
    }
}

#[test]
fn a_still_clip_is_repaired_bit_for_bit_at_every_depth() {
    for &depth in BitDepth::ALL {
        for &components in Components::ALL {
            let format = PixelFormat {
                premultiplication: Premultiplication::Premultiplied,
                ..PixelFormat::new(depth, components)
            };
            let still = draw(format, texture);
            let damage = draw(format, |_, _| [0.0; 4]);
            let footage = clip((1, 5), |t| Some(if t == 3 { damage.clone() } else { still.clone() }));
            let stage = Stage::repair(footage, "3");
            assert!(stage.at(3.0).same_pixels(&still), "{format:?}");
        }
    }
}

#[test]
fn every_depth_and_channel_is_made_alike() {
    let moving = |format| clip((1, 5), move |t| Some(super::footage::panning(f64::from(t), format)));
    let float = Stage::repair_once(moving(PixelFormat::FLOAT_RGBA), 3);
    for depth in [BitDepth::Byte, BitDepth::Short, BitDepth::Half] {
        for components in [Components::Rgba, Components::Rgb] {
            let made = Stage::repair_once(moving(PixelFormat::new(depth, components)), 3);
            assert_eq!((made.width(), made.height(), made.format().depth), (WIDTH, HEIGHT, depth));
            assert!(psnr(&made, &float) > 40.0, "{depth:?} {components:?}: {:.1} dB", psnr(&made, &float));
        }
    }
}

impl Stage {
    /// One frame, made.
    fn repair_once(clip: std::sync::Arc<ofx::host::MemoryClip>, frame: i32) -> HostImage {
        Self::repair(clip, &frame.to_string()).at(f64::from(frame))
    }
}
