//! An overlay: drawn over a viewer, dragged by a pointer.

use std::sync::Arc;

use ofx::{
    Context, Effect, Meta, Result,
    host::{Binary, Drawn, Host, HostImage, Instance, MemoryClip, Pen, PixelFormat, Profile, Project, Value, examine},
    plugin::{
        Canvas, Create, Overlay, OverlayEntry, Pointer, PointerEvent, Primitive, Render, SourceToOutput,
        StandardColour, Stipple, TextAnchor, Viewer, overlay,
    },
};

#[derive(ofx::Params, Clone, Debug, PartialEq)]
struct HandleParams {
    /// Where the handle is.
    #[param(default = [4.0, 2.0], range = [0.0; 2]..=[100.0; 2])]
    point: [f64; 2],
}

struct Handle;

impl Effect for Handle {
    const META: Meta = Meta::new("test.Handle", "Handle").contexts(&[Context::Filter]);
    const OVERLAY: Option<OverlayEntry> = Some(overlay::<Self>());
    type Params = HandleParams;
    type Clips = SourceToOutput;

    fn new(_: &Create<'_, Self>) -> Result<Self> {
        Ok(Self)
    }

    fn render(&self, cx: &Render<'_, Self>) -> Result<()> {
        cx.output()?.fill_zero();
        Ok(())
    }
}

impl Overlay for Handle {
    fn draw(&self, cx: &Viewer<'_, Self>, canvas: &Canvas<'_>) -> Result<()> {
        let [x, y] = cx.params()?.point;
        let (w, h) = cx.pixel();
        canvas.set_colour(canvas.standard_colour(StandardColour::Active)?)?;
        canvas.set_line_width(2.0)?;
        canvas.set_stipple(Stipple::Dashes)?;
        canvas.draw(Primitive::Ellipse, &[(x - 3.0 * w, y - 3.0 * h), (x + 3.0 * w, y + 3.0 * h)])?;
        canvas.set_colour([0.25, 0.5, 0.75, 1.0])?;
        canvas.text("here", (x, y), TextAnchor::BaselineLeft)
    }

    fn pointer(&self, cx: &Viewer<'_, Self>, pointer: Pointer) -> Result<bool> {
        let [x, y] = cx.params()?.point;
        let near = (pointer.position.0 - x).hypot(pointer.position.1 - y) < 3.0;
        if pointer.event == PointerEvent::Moved && near {
            cx.set(HandleParams::POINT, [pointer.position.0, pointer.position.1])?;
            cx.redraw();
        }
        assert!(pointer.position.0 < 1000.0, "a panic must not reach the host");
        Ok(near)
    }
}

fn binary() -> Binary {
    Binary::in_process(ofx::in_process!(Handle))
}

fn instance(profile: Profile) -> Instance {
    let effect = Host::new(profile).load(&binary(), "test.Handle").expect("it loads");
    let instance = effect.create(Context::Filter, Project::new(8, 4, 1.0, 9.0)).expect("an instance");
    let image = Arc::new(HostImage::from_rgba(8, 4, &[0.5; 128], PixelFormat::FLOAT_RGBA).expect("small"));
    instance.connect("Source", Arc::new(MemoryClip::new(1, vec![Some(image); 9]))).expect("a clip");
    instance
}

#[test]
fn it_draws_where_the_parameter_says_and_a_pointer_moves_it() {
    let instance = instance(Profile::reference());
    let view = instance.overlay().expect("it has one");
    let circle = |x: f64, y: f64| Drawn {
        primitive: Some(5),
        text: String::new(),
        points: vec![(x - 3.0, y - 3.0), (x + 3.0, y + 3.0)],
        colour: [1.0, 0.6, 0.0, 1.0],
        line_width: 2.0,
        stipple: 2,
    };
    let words = |x: f64, y: f64| Drawn {
        primitive: None,
        text: "here".into(),
        points: vec![(x, y)],
        colour: [0.25, 0.5, 0.75, 1.0],
        ..circle(x, y)
    };
    assert_eq!(view.draw(1.0).expect("it draws"), [circle(4.0, 2.0), words(4.0, 2.0)]);
    assert!(view.pen(Pen::Down, 1.0, (5.0, 2.0)), "it is the overlay's");
    assert!(view.pen(Pen::Motion, 1.0, (6.0, 3.0)));
    assert_eq!((instance.get("point", 1.0), view.redraws()), (Some(Value::from([6.0, 3.0])), 1));
    assert_eq!(view.draw(1.0).expect("it draws"), [circle(6.0, 3.0), words(6.0, 3.0)]);
    assert!(!view.pen(Pen::Up, 1.0, (60.0, 3.0)), "it is far from it");
    assert!(!view.pen(Pen::Motion, 1.0, (2000.0, 3.0)), "a panic is a status");
}

#[test]
fn hosts_without_the_draw_suite_are_offered_none() {
    for (name, profile) in Profile::all() {
        let draws = profile.suites.draw;
        assert_eq!(instance(profile).overlay().is_some(), draws, "{name}");
    }
}

#[test]
fn strict_mode_finds_no_fault_in_it() {
    let examined = examine(&binary(), "test.Handle").expect("it loads");
    assert_eq!((examined.faults, examined.refused), (Vec::new(), Vec::new()));
}
