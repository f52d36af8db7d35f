//! Images on loan from a host that lies about them.

use super::*;

#[test]
fn a_copy_is_bit_for_bit_whatever_the_order_of_rows() {
    let plugin = Plugin::loaded(0);
    for from in [1, -1] {
        for to in [1, -1] {
            let effect = fake::Effect::filter(Some(drawn(BOUNDS, from)), Some(image(BOUNDS, to)));
            assert_eq!(plugin.render_once(&effect), Status::OK);
            let memory = effect.output();
            for (x, y) in [(0, 0), (3, 0), (1, 1), (0, 2), (3, 2)] {
                assert_eq!(pixel(&memory, x, y, to), mark(x, y), "at {x}, {y} from {from} to {to}");
            }
            assert_eq!(memory[16..24], [0xAA; 8], "the padding between rows is the host's");
        }
    }
}

#[test]
fn a_source_with_other_bounds_leaves_the_rest_black() {
    let plugin = Plugin::loaded(0);
    // Natron gives such for frames outside the source's range.
    let source = drawn(RectI::new(-3, 1, 2, 9), -1);
    let effect = fake::Effect::filter(Some(source), Some(image(BOUNDS, 1)));
    assert_eq!(plugin.render_once(&effect), Status::OK);
    let memory = effect.output();
    assert_eq!(pixel(&memory, 0, 1, 1), mark(0, 1));
    assert_eq!(pixel(&memory, 1, 2, 1), mark(1, 2));
    assert_eq!(pixel(&memory, 2, 1, 1), [0; 4]);
    assert_eq!(pixel(&memory, 0, 0, 1), [0; 4]);
}

#[test]
fn a_source_of_another_format_is_converted() {
    let plugin = Plugin::loaded(0);
    let mut source = Image::new(RectI::new(1, 0, 3, 1), BitDepth::Float, Components::Rgb, 0, 1);
    let values: Vec<u8> = [1.0_f32, 0.0, 0.5, -1.0, 7.0, 0.2].iter().flat_map(|v| v.to_ne_bytes()).collect();
    source.memory.copy_from_slice(&values);
    let effect = fake::Effect::filter(Some(source), Some(image(BOUNDS, 1)));
    assert_eq!(plugin.render_once(&effect), Status::OK);
    let memory = effect.output();
    assert_eq!(pixel(&memory, 0, 0, 1), [0; 4]);
    assert_eq!(pixel(&memory, 1, 0, 1), [255, 0, 128, 255]);
    assert_eq!(pixel(&memory, 2, 0, 1), [0, 255, 51, 255]);
    assert_eq!(pixel(&memory, 3, 0, 1), [0; 4]);
    assert_eq!(pixel(&memory, 1, 1, 1), [0; 4]);
}

#[test]
fn a_missing_source_is_none_and_a_missing_output_an_error() {
    let plugin = Plugin::loaded(0);
    let effect = fake::Effect::filter(None, Some(image(BOUNDS, 1)));
    assert_eq!(plugin.render_once(&effect), Status::OK);
    assert_eq!(pixel(&effect.output(), 1, 1, 1), [0; 4]);
    let effect = fake::Effect::filter(None, None);
    assert_eq!(plugin.render_once(&effect), Status::FAILED);
    assert!(logged("no image to render into"));
}

#[test]
fn images_that_cannot_be_are_refused_and_given_back() {
    let plugin = Plugin::loaded(0);
    let null = Val::Pointer(ptr::null_mut());
    let bad = [
        (image(BOUNDS, 1).but(props::IMAGE_PROP_DATA, &[null]), "null pointer"),
        (image(BOUNDS, 1).but(props::IMAGE_PROP_ROW_BYTES, &ints(&[15])), "too few for 4 pixels (16)"),
        (image(BOUNDS, 1).but(props::IMAGE_PROP_ROW_BYTES, &ints(&[0])), "too few for 4 pixels (16)"),
        (image(BOUNDS, 1).without(props::IMAGE_PROP_ROW_BYTES), "no row bytes"),
        (image(BOUNDS, 1).without(props::IMAGE_PROP_BOUNDS), "no bounds"),
        (image(BOUNDS, 1).without(props::PROP_PIXEL_DEPTH), "no pixel depth"),
        (image(BOUNDS, 1).but(props::PROP_PIXEL_DEPTH, &[text(c"OfxBitDepthDouble")]), "OfxBitDepthDouble"),
        (image(BOUNDS, 1).but(props::PROP_COMPONENTS, &[text(c"MotionVectors")]), "MotionVectors"),
        (image(BOUNDS, 1).but(props::IMAGE_PROP_BOUNDS, &ints(&[i32::MIN, 0, i32::MAX, 3])), "cannot be"),
        (image(BOUNDS, 1).but(props::IMAGE_PROP_ROW_BYTES, &ints(&[i32::MIN])), "does not fit into memory"),
    ];
    for (source, why) in bad {
        let memory_end = why.contains("does not fit");
        let source =
            if memory_end { source.but(props::IMAGE_PROP_DATA, &[Val::Pointer(ptr::dangling_mut())]) } else { source };
        let effect = fake::Effect::filter(Some(source), Some(image(BOUNDS, 1)));
        assert_eq!(plugin.render_once(&effect), Status::IMAGE_FORMAT, "{why}");
        assert!(logged(why), "no message with “{why}” in {:?}", recent_log());
        assert_eq!(pixel(&effect.output(), 1, 1, 1), [0; 4], "a failed render leaves zeros");
    }
}

#[test]
fn bounds_without_pixels_are_an_empty_image_even_with_a_null_pointer() {
    let plugin = Plugin::loaded(0);
    for bounds in [[5, 5, 2, 2], [1, 0, 1, 3], [0, 1, 4, 1]] {
        let source = image(BOUNDS, 1)
            .but(props::IMAGE_PROP_BOUNDS, &ints(&bounds))
            .but(props::IMAGE_PROP_DATA, &[Val::Pointer(ptr::null_mut())]);
        let effect = fake::Effect::filter(Some(source), Some(image(BOUNDS, 1)));
        assert_eq!(plugin.render_once(&effect), Status::OK, "{bounds:?}");
        assert_eq!(pixel(&effect.output(), 3, 2, 1), [0; 4]);
    }
}

#[test]
fn an_output_that_shares_the_source_s_memory_is_refused() {
    let plugin = Plugin::loaded(0);
    let output = image(BOUNDS, 1);
    let source = image(BOUNDS, 1).but(props::IMAGE_PROP_DATA, &[Val::Pointer(output.data())]);
    let effect = fake::Effect::filter(Some(source), Some(output));
    assert_eq!(plugin.render_once(&effect), Status::FAILED);
    assert!(logged("already in use"));
}

#[test]
fn the_output_is_lent_once_at_a_time() {
    let effect = fake::Effect::filter(None, Some(image(BOUNDS, 1)));
    assert_eq!(Plugin::loaded(4).render_once(&effect), Status::FAILED);
    assert!(logged("The image of the clip “Output” is already in use"));
}

#[test]
fn a_leaked_image_is_given_back_when_the_action_ends() {
    let effect = fake::Effect::filter(None, Some(image(BOUNDS, 1)));
    // `render_once` checks the count.
    assert_eq!(Plugin::loaded(5).render_once(&effect), Status::OK);
}
