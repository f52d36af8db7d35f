//! The right pixels under every profile, format and layout.

use std::sync::Arc;

use ofx::{
    BitDepth, Components, Context, RectI,
    host::{HostImage, PixelFormat, Profile, RenderArgs, RowLayout},
};

use crate::{clip, instance, load, picture, project};

/// A source's picture with every channel multiplied, in the format that a host gave.
fn expected(source: &HostImage, format: PixelFormat, gain: f32) -> HostImage {
    let given = source.converted(format, RowLayout::default()).expect("small");
    let rgba: Vec<f32> = given.to_rgba().into_iter().map(|v| v * gain).collect();
    HostImage::from_rgba(given.width(), given.height(), &rgba, format).expect("small")
}

#[test]
fn every_profile_renders_the_right_pixels_in_every_format() {
    for (name, profile) in Profile::all() {
        let effect = load(profile, "test.Gain");
        let instance = effect.create(Context::Filter, project()).expect(name);
        for &depth in BitDepth::ALL {
            for &components in Components::ALL {
                let format = PixelFormat::new(depth, components);
                instance.connect("Source", clip(format)).expect(name);
                instance.set("gain", 2.0).expect(name);
                let image = instance.render(RenderArgs::at(4.0)).unwrap_or_else(|e| panic!("{name} {format:?}: {e}"));
                let right = expected(&picture(4, format), image.format(), 2.0);
                assert!(image.same_pixels(&right), "{name}: {format:?} came back wrong as {:?}", image.format());
                instance.set("gain", 1.0).expect(name);
                let image = instance.render(RenderArgs::at(4.0)).expect(name);
                let right = expected(&picture(4, format), image.format(), 1.0);
                assert!(image.same_pixels(&right), "{name}: the identity of {format:?} came back wrong");
            }
        }
        assert_eq!(instance.violations(), Vec::<String>::new(), "{name}");
        assert_eq!(instance.leaked_images(), 0, "{name}");
    }
}

#[test]
fn what_an_effect_notes_of_a_frame_comes_with_it_in_hosts_that_take_notes() {
    let note = |profile| {
        let instance = instance(profile, "test.Gain", Context::General);
        instance.set("gain", 2.0).expect("a parameter");
        let note = instance.render(RenderArgs::at(3.0)).expect("a picture").note;
        assert_eq!(instance.violations(), Vec::<String>::new());
        note
    };
    assert_eq!(note(Profile { render_notes: true, ..Profile::natron() }), "frame 3");
    assert_eq!(note(Profile { render_notes: true, tile: Some((16, 16)), ..Profile::reference() }), "frame 3");
    assert_eq!(note(Profile::natron()), "");
}

#[test]
fn any_layout_and_origin_gives_the_same_pixels() {
    let source = PixelFormat::FLOAT_RGBA;
    for layout in
        [(false, 0), (true, 0), (false, 12), (true, 40)].map(|(negative, padding)| RowLayout { negative, padding })
    {
        for origin in [(0, 0), (-8, 4), (100, -3)] {
            let profile = Profile { layout, origin, ..Profile::reference() };
            let instance = instance(profile, "test.Gain", Context::General);
            instance.set("gain", 0.5).expect("a parameter");
            let image = instance.render(RenderArgs::at(3.0)).expect("a picture");
            assert!(image.same_pixels(&expected(&picture(3, source), source, 0.5)), "{layout:?} {origin:?}");
        }
    }
}

#[test]
fn tiles_and_windows_fit_together() {
    let whole = instance(Profile::reference(), "test.Gain", Context::Filter);
    whole.set("gain", 3.0).expect("a parameter");
    let right = whole.render(RenderArgs::at(2.0)).expect("a picture");
    let window = RectI::new(2, 1, 5, 4);
    let part = whole.render(RenderArgs { window: Some(window), ..RenderArgs::at(2.0) }).expect("a picture");
    assert_eq!(part.bounds(), window);
    for (x, y) in [(2, 1), (4, 3)] {
        assert_eq!(part.pixel(x, y), right.pixel(x, y));
    }
    drop(whole);
    let tiled = instance(Profile { tile: Some((3, 2)), ..Profile::nuke() }, "test.Gain", Context::Filter);
    tiled.set("gain", 3.0).expect("a parameter");
    let image = tiled.render(RenderArgs::at(2.0)).expect("a picture");
    assert_eq!(image.to_rgba().len(), right.to_rgba().len());
    let premultiplied = right.converted(image.format(), RowLayout::default()).expect("small");
    let close = |(a, b): (&f32, &f32)| (a - b).abs() < 1e-5;
    assert!(image.to_rgba().iter().zip(gain_after(&premultiplied)).all(|(a, b)| close((a, &b))));
}

/// The gain multiplies alpha as well, so a premultiplied picture has its colour multiplied once and not twice.
fn gain_after(premultiplied: &HostImage) -> Vec<f32> {
    let mut rgba = premultiplied.to_rgba();
    for p in rgba.chunks_exact_mut(4) {
        p[..3].iter_mut().for_each(|v| *v /= 3.0);
    }
    rgba
}

#[test]
fn a_preview_is_smaller_and_its_image_may_lie_about_its_scale() {
    let profile = Profile::vegas();
    let scale = (profile.preview_scale, profile.preview_scale);
    let format = PixelFormat::FLOAT_RGBA;
    let instance = instance(profile, "test.Gain", Context::Filter);
    instance.set("gain", 2.0).expect("a parameter");
    let image = instance.render(RenderArgs { scale, ..RenderArgs::at(1.0) }).expect("a picture");
    assert_eq!(image.bounds(), RectI::new(0, 0, 2, 2));
    let source = picture(1, format);
    let nearest = source.pixel(2, 2).expect("inside").map(|v| v * 2.0);
    assert_eq!(image.pixel(0, 0), Some(nearest));
}

#[test]
fn other_frames_are_fetched_where_the_host_gives_them() {
    let format = PixelFormat::FLOAT_RGBA;
    for (name, profile) in Profile::all() {
        let temporal = profile.temporal;
        let instance = instance(profile, "test.Blend", Context::Filter);
        let image = instance.render(RenderArgs::at(5.0)).unwrap_or_else(|e| panic!("{name}: {e}"));
        let frame = |t| picture(t, format).converted(image.format(), RowLayout::default()).expect("small").to_rgba();
        let mean: Vec<f32> = frame(4).iter().zip(frame(6)).map(|(a, b)| (a + b) / 2.0).collect();
        let right = if temporal { mean } else { frame(5) };
        let right = HostImage::from_rgba(image.width(), image.height(), &right, image.format()).expect("small");
        assert!(image.same_pixels(&right), "{name}");
        assert_eq!(instance.violations(), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn the_source_is_not_touched() {
    let format = PixelFormat::FLOAT_RGBA;
    let source = clip(format);
    let before = Arc::new(picture(6, format));
    let instance = instance(Profile::reference(), "test.Gain", Context::Filter);
    instance.connect("Source", source.clone()).expect("a clip");
    instance.set("gain", 4.0).expect("a parameter");
    instance.render(RenderArgs::at(6.0)).expect("a picture");
    use ofx::host::FrameSource;
    let after = source.frame(6.0).expect("memory").expect("a frame");
    assert!(after.same_pixels(&before));
}
