//! The plugin side in a host that misbehaves: the door, and what an instance may do.

mod declarations;
mod images;

use std::{
    ffi::CStr,
    ptr,
    sync::{
        Arc, Barrier,
        atomic::{AtomicUsize, Ordering},
    },
};

use super::{
    At, Changed, Clips, Create, Error, FramesNeeded, MessageKind, Meta, Params, Render, Result,
    fake::{self, Image, Val, doubles, ints, text},
    instance_count,
    pixels::Rgba,
    recent_log,
};
use crate::{
    BitDepth, Button, Choice, Clip, Components, Context, Effect, EntryPoints, Field, RectI, Status, in_process, props,
    sys::generic::core::{OfxPlugin, OfxPropertySetHandle},
};

#[derive(ofx::Choice, Clone, Copy, Debug, Default, PartialEq)]
enum Mode {
    /// Copies the source.
    #[default]
    Copy,
    #[choice(label = "By hand", name = "pixels")]
    PixelByPixel,
}

#[derive(ofx::Params, Clone, Debug, PartialEq)]
struct Extra {
    /// Of the group.
    #[param(default = -2, range = -5..=5)]
    shift: i32,
}

#[derive(ofx::Params, Clone, Debug, PartialEq)]
struct TestParams {
    /// Frames to replace,
    /// such as `101-104`.
    #[param(label = "Frames", text = "multi", default = "1-3")]
    frames: String,
    #[param(animates)]
    damaged: bool,
    /// How.
    #[param(id = "how", default = Mode::PixelByPixel)]
    mode: Mode,
    #[param(default = 0.5, range = 0.0..=1.0, display = 0.0..=0.2, integrates, digits = 2)]
    threshold: f64,
    #[group(label = "More", open = false)]
    extra: Extra,
    find: Button,
    #[param(redraws = false, only = [General])]
    shown: bool,
}

#[derive(ofx::Clips)]
struct TestClips {
    /// What comes in.
    source: Clip,
    #[clip(optional, mask, only = [General])]
    mask: Clip,
    output: Clip,
}

/// What the next render of an instance does.
#[derive(Clone, Copy, PartialEq)]
enum Act {
    Copy,
    Panic,
    Fail,
    Abort,
    Twice,
    Leak,
}

macro_rules! test_effect {
    ($name:ident, $id:literal, $act:expr) => {
        struct $name;

        impl Effect for $name {
            const META: Meta = Meta::new($id, "Test effect").grouping("Test").version(2, 3).temporal();
            type Params = TestParams;
            type Clips = TestClips;

            fn new(_: &Create<'_, Self>) -> Result<Self> {
                Ok(Self)
            }

            fn render(&self, cx: &Render<'_, Self>) -> Result<()> {
                render(cx, $act)
            }

            fn changed(&self, cx: &Changed<'_, Self>) -> Result<()> {
                assert!(cx.is(TestParams::FIND), "only the button is pressed here");
                cx.image(cx.clips().source, cx.time()).map(|_| ())
            }

            fn frames_needed(&self, cx: &At<'_, Self>, frames: &mut FramesNeeded) -> Result<()> {
                frames.add(cx.clips().source, cx.time() - 1.0, cx.time() + 1.0);
                frames.add(cx.clips().source, 7.0, 7.0);
                Ok(())
            }

            fn is_identity(&self, cx: &At<'_, Self>, _: RectI, _: Field) -> Result<Option<(Clip, f64)>> {
                Ok((cx.time() == 5.0).then(|| (cx.clips().source, 4.0)))
            }
        }
    };
}

fn render<E: Effect<Clips = TestClips, Params = TestParams>>(cx: &Render<'_, E>, act: Act) -> Result<()> {
    assert_eq!(cx.params()?, TestParams { shown: false, ..Default::default() });
    let mut output = cx.output()?;
    match act {
        Act::Panic => panic!("of the effect’s own"),
        Act::Fail => return Err("Nothing to fill the gap from: add frames".into()),
        Act::Abort => return cx.check_abort(),
        Act::Twice => return cx.output().map(|_| ()),
        Act::Leak => {
            std::mem::forget(output);
            return Ok(());
        }
        Act::Copy => {}
    }
    match cx.image(cx.clips().source, cx.time())? {
        Some(source) => output.copy_from(&source),
        None => output.fill_zero(),
    }
    Ok(())
}

test_effect!(Copier, "org.pickup.test.Copier", Act::Copy);
test_effect!(Panicker, "org.pickup.test.Panicker", Act::Panic);
test_effect!(Failer, "org.pickup.test.Failer", Act::Fail);
test_effect!(Aborter, "org.pickup.test.Aborter", Act::Abort);
test_effect!(Greedy, "org.pickup.test.Greedy", Act::Twice);
test_effect!(Leaker, "org.pickup.test.Leaker", Act::Leak);

fn binary() -> EntryPoints {
    in_process!(Copier, Panicker, Failer, Aborter, Greedy, Leaker)
}

/// An effect of the binary, by its place.
struct Plugin(*mut OfxPlugin);

impl Plugin {
    fn get(index: i32) -> Self {
        // SAFETY: any index may be asked for.
        Self(unsafe { (binary().get)(index) })
    }

    fn loaded(index: i32) -> Self {
        let plugin = Self::get(index);
        plugin.set_host(fake::Host::new(&[]));
        assert_eq!(plugin.act(props::ACTION_LOAD, ptr::null_mut::<()>(), None, None), Status::OK);
        plugin
    }

    fn set_host(&self, host: &'static fake::Host) {
        // SAFETY: the plugin is a live one, the host is never freed.
        unsafe { (*self.0).setHost.unwrap()(host.raw()) }
    }

    fn act<T>(&self, action: &CStr, handle: *mut T, args: Option<&fake::Set>, out: Option<&fake::Set>) -> Status {
        let handle_of =
            |set: Option<&fake::Set>| -> OfxPropertySetHandle { set.map_or(ptr::null_mut(), fake::Set::handle) };
        let (args, out) = (handle_of(args), handle_of(out));
        // SAFETY: the plugin is a live one; handles are the fake host's own or null, on purpose.
        Status(unsafe { (*self.0).mainEntry.unwrap()(action.as_ptr(), handle.cast_const().cast(), args, out) })
    }

    fn create(&self, effect: &fake::Effect) {
        assert_eq!(self.act(props::ACTION_CREATE_INSTANCE, effect.handle(), None, None), Status::OK);
    }

    fn render(&self, effect: &fake::Effect) -> Status {
        self.act(props::ACTION_RENDER, effect.handle(), Some(&render_args()), None)
    }

    fn destroy(&self, effect: &fake::Effect) -> Status {
        self.act(props::ACTION_DESTROY_INSTANCE, effect.handle(), None, None)
    }

    /// Creates, renders, destroys; the status of the render. Nothing may be left on loan.
    fn render_once(&self, effect: &fake::Effect) -> Status {
        self.create(effect);
        let status = self.render(effect);
        assert_eq!(effect.on_loan(), 0, "an image was not given back");
        assert_eq!(self.destroy(effect), Status::OK);
        status
    }
}

fn render_args() -> fake::Set {
    fake::Set::default()
        .with(props::PROP_TIME, &doubles(&[3.0]))
        .with(props::PROP_RENDER_WINDOW, &ints(&[0, 0, 4, 3]))
        .with(props::PROP_RENDER_SCALE, &doubles(&[1.0, 1.0]))
}

const BOUNDS: RectI = RectI::new(0, 0, 4, 3);

fn image(bounds: RectI, direction: i32) -> Image {
    Image::new(bounds, BitDepth::Byte, Components::Rgba, 8, direction)
}

/// An image whose every byte tells where it is: x, y, channel.
fn drawn(bounds: RectI, direction: i32) -> Image {
    let mut image = image(bounds, direction);
    let row = bounds.width() * 4 + 8;
    for (i, y) in (bounds.y1..bounds.y2).enumerate() {
        let line = if direction < 0 { bounds.height() - 1 - i } else { i };
        for (j, x) in (bounds.x1..bounds.x2).enumerate() {
            let at = line * row + j * 4;
            image.memory[at..at + 4].copy_from_slice(&mark(x, y));
        }
    }
    image
}

fn mark(x: i32, y: i32) -> [u8; 4] {
    [(100 + x) as u8, (50 + y) as u8, 7, 255]
}

/// The pixel of an output drawn by [`image`] with the default bounds.
fn pixel(memory: &[u8], x: i32, y: i32, direction: i32) -> &[u8] {
    let line = if direction < 0 { 2 - y } else { y };
    let at = usize::try_from(line * (4 * 4 + 8) + x * 4).unwrap();
    &memory[at..at + 4]
}

fn logged(part: &str) -> bool {
    recent_log().iter().any(|line| line.contains(part))
}

#[test]
fn a_host_may_never_set_itself_or_set_null() {
    struct Lonely;
    impl Effect for Lonely {
        const META: Meta = Meta::new("org.pickup.test.Lonely", "Lonely");
        type Params = ();
        type Clips = TestClips;
        fn new(_: &Create<'_, Self>) -> Result<Self> {
            Ok(Self)
        }
        fn render(&self, _: &Render<'_, Self>) -> Result<()> {
            Ok(())
        }
    }
    let entry = in_process!(Lonely);
    // SAFETY: the functions take any index, and null.
    let (count, none, plugin, status) = unsafe {
        let status = entry.set_host.unwrap()(ptr::null());
        ((entry.number)(), (entry.get)(1), (entry.get)(0), Status(status))
    };
    assert_eq!((count, none, status), (1, ptr::null_mut(), Status::FAILED));
    let plugin = Plugin(plugin);
    for action in [props::ACTION_LOAD, props::ACTION_DESCRIBE, props::ACTION_CREATE_INSTANCE] {
        let effect = fake::Effect::default();
        assert_eq!(plugin.act(action, effect.handle(), None, None), Status::MISSING_HOST_FEATURE, "{action:?}");
    }
    // A host without a mandatory suite is told so, and a later one with it is served.
    plugin.set_host(fake::Host::new(&[props::PARAMETER_SUITE]));
    assert_eq!(plugin.act(props::ACTION_LOAD, ptr::null_mut::<()>(), None, None), Status::MISSING_HOST_FEATURE);
    assert!(logged("the parameter suite"));
    plugin.set_host(fake::Host::new(&[]));
    assert_eq!(plugin.act(props::ACTION_LOAD, ptr::null_mut::<()>(), None, None), Status::OK);
}

#[test]
fn handles_that_name_nothing_are_refused() {
    let plugin = Plugin::loaded(0);
    let stranger = fake::Effect::default();
    for action in [props::ACTION_RENDER, props::ACTION_DESTROY_INSTANCE, props::ACTION_INSTANCE_CHANGED] {
        assert_eq!(plugin.act(action, stranger.handle(), None, None), Status::BAD_HANDLE, "{action:?}");
        assert_eq!(plugin.act(action, ptr::null_mut::<()>(), None, None), Status::BAD_HANDLE, "{action:?}");
    }
    assert_eq!(plugin.act(props::ACTION_DESCRIBE, ptr::null_mut::<()>(), None, None), Status::BAD_HANDLE);
    assert_eq!(plugin.act(c"OfxActionOfTheFuture", ptr::null_mut::<()>(), None, None), Status::REPLY_DEFAULT);
    // SAFETY: null is what is tested.
    let status = unsafe { (*plugin.0).mainEntry.unwrap()(ptr::null(), ptr::null(), ptr::null_mut(), ptr::null_mut()) };
    assert_eq!(Status(status), Status::FAILED);
}

#[test]
fn a_panic_becomes_a_status_a_message_and_a_black_output() {
    let plugin = Plugin::loaded(1);
    let effect = fake::Effect::filter(None, Some(image(BOUNDS, -1)));
    assert_eq!(plugin.render_once(&effect), Status::FAILED);
    assert!(logged("Test effect: Internal error: of the effect’s own"));
    assert_eq!(pixel(&effect.output(), 2, 2, -1), [0; 4]);
}

#[test]
fn an_error_becomes_a_status_a_message_and_a_black_output() {
    let plugin = Plugin::loaded(2);
    let effect = fake::Effect::filter(None, Some(image(BOUNDS, 1)));
    assert_eq!(plugin.render_once(&effect), Status::FAILED);
    assert!(logged("Test effect: Nothing to fill the gap from: add frames"));
    assert_eq!(pixel(&effect.output(), 2, 2, 1), [0; 4]);
    // Without time or window there is nothing that could be filled; the host is told.
    plugin.create(&effect);
    for missing in [props::PROP_TIME, props::PROP_RENDER_WINDOW] {
        let args = render_args();
        args.remove(missing);
        let status = plugin.act(props::ACTION_RENDER, effect.handle(), Some(&args), None);
        assert_eq!(status, Status::MISSING_HOST_FEATURE, "{missing:?}");
    }
    assert_eq!(plugin.destroy(&effect), Status::OK);
}

#[test]
fn an_aborted_render_fails_without_a_message() {
    let plugin = Plugin::loaded(3);
    let effect = fake::Effect::filter(None, Some(image(BOUNDS, 1)));
    assert_eq!(plugin.render_once(&effect), Status::OK);
    effect.abort.store(1, Ordering::SeqCst);
    assert_eq!(plugin.render_once(&effect), Status::FAILED);
    assert!(!logged("Cancelled"));
}

#[test]
fn frames_needed_and_identity_are_answered() {
    let plugin = Plugin::loaded(0);
    let effect = fake::Effect::filter(None, None);
    plugin.create(&effect);
    let out = fake::Set::default();
    let at = |t| fake::Set::default().with(props::PROP_TIME, &doubles(&[t]));
    let ask = |action, t| plugin.act(action, effect.handle(), Some(&at(t)), Some(&out));
    assert_eq!(ask(props::ACTION_GET_FRAMES_NEEDED, 3.0), Status::OK);
    assert_eq!(out.all(c"OfxImageClipPropFrameRange_Source"), doubles(&[2.0, 4.0, 7.0, 7.0]));
    assert_eq!(ask(props::ACTION_IS_IDENTITY, 3.0), Status::REPLY_DEFAULT);
    assert_eq!(ask(props::ACTION_IS_IDENTITY, 5.0), Status::OK);
    assert_eq!((out.texts(props::PROP_NAME), out.all(props::PROP_TIME)), (vec!["Source".into()], doubles(&[4.0])));
    for action in [
        props::ACTION_GET_REGION_OF_DEFINITION,
        props::ACTION_GET_REGIONS_OF_INTEREST,
        props::ACTION_GET_CLIP_PREFERENCES,
        props::ACTION_GET_TIME_DOMAIN,
    ] {
        assert_eq!(ask(action, 3.0), Status::REPLY_DEFAULT, "{action:?}");
    }
    for action in [props::ACTION_BEGIN_SEQUENCE_RENDER, props::ACTION_PURGE_CACHES, props::ACTION_SYNC_PRIVATE_DATA] {
        assert_eq!(ask(action, 3.0), Status::OK, "{action:?}");
    }
    assert_eq!(plugin.destroy(&effect), Status::OK);
}

#[test]
fn images_are_refused_unless_the_user_edited() {
    let plugin = Plugin::loaded(0);
    let effect = fake::Effect::filter(Some(image(BOUNDS, 1)), None);
    plugin.create(&effect);
    let press = |reason: &CStr| {
        let args = fake::Set::default()
            .with(props::PROP_TYPE, &[text(props::TYPE_PARAMETER)])
            .with(props::PROP_NAME, &[text(c"find")])
            .with(props::PROP_CHANGE_REASON, &[text(reason)]);
        plugin.act(props::ACTION_INSTANCE_CHANGED, effect.handle(), Some(&args), None)
    };
    assert_eq!(press(props::CHANGE_USER_EDITED), Status::OK);
    assert_eq!(press(props::CHANGE_PLUGIN_EDITED), Status::FAILED);
    assert_eq!(press(c"nonsense"), Status::FAILED);
    assert_eq!(effect.on_loan(), 0);
    assert_eq!(plugin.destroy(&effect), Status::OK);
}

/// Its instances count their drops, and wait in render.
struct Slow(Arc<Barrier>);

static SLOW_DROPS: AtomicUsize = AtomicUsize::new(0);
static SLOW_GATE: std::sync::LazyLock<Arc<Barrier>> = std::sync::LazyLock::new(|| Arc::new(Barrier::new(9)));

impl Drop for Slow {
    fn drop(&mut self) {
        SLOW_DROPS.fetch_add(1, Ordering::SeqCst);
    }
}

impl Effect for Slow {
    const META: Meta = Meta::new("org.pickup.test.Slow", "Slow");
    type Params = ();
    type Clips = TestClips;

    fn new(_: &Create<'_, Self>) -> Result<Self> {
        Ok(Self(SLOW_GATE.clone()))
    }

    fn render(&self, _: &Render<'_, Self>) -> Result<()> {
        self.0.wait();
        self.0.wait();
        Ok(())
    }
}

#[test]
fn an_instance_destroyed_during_eight_renders_outlives_them() {
    // SAFETY: any index may be asked for.
    let plugin = Plugin(unsafe { (in_process!(Slow).get)(0) });
    plugin.set_host(fake::Host::new(&[]));
    let effect = fake::Effect::filter(None, None);
    plugin.create(&effect);
    assert_eq!(instance_count::<Slow>(), 1);
    let (entry, handle) = (plugin.0.expose_provenance(), effect.handle().expose_provenance());
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(move || {
                let plugin = Plugin(ptr::with_exposed_provenance_mut(entry));
                let handle = ptr::with_exposed_provenance_mut::<fake::Effect>(handle);
                assert_eq!(plugin.act(props::ACTION_RENDER, handle, Some(&render_args()), None), Status::OK);
            });
        }
        SLOW_GATE.wait();
        assert_eq!(plugin.destroy(&effect), Status::OK);
        assert_eq!((instance_count::<Slow>(), SLOW_DROPS.load(Ordering::SeqCst)), (0, 0));
        SLOW_GATE.wait();
    });
    assert_eq!(SLOW_DROPS.load(Ordering::SeqCst), 1);
}

/// Uses every service of a host that offers none.
struct Needy;

impl Effect for Needy {
    const META: Meta = Meta::new("org.pickup.test.Needy", "Needy").contexts(&[Context::General]);
    type Params = TestParams;
    type Clips = TestClips;

    fn new(cx: &Create<'_, Self>) -> Result<Self> {
        cx.show(TestParams::FRAMES, false)?;
        assert_eq!(cx.params()?, TestParams::default());
        Ok(Self)
    }

    fn render(&self, cx: &Render<'_, Self>) -> Result<()> {
        cx.message(MessageKind::Warning, "nobody hears this");
        cx.set_persistent_message(MessageKind::Error, "nor this");
        cx.clear_persistent_message();
        let progress = cx.progress("Working");
        progress.step(f64::NAN)?;
        let mut memory = cx.memory(1000)?;
        memory[999] = 1;
        assert_eq!(memory.iter().map(|b| usize::from(*b)).sum::<usize>(), 1);
        let done = AtomicUsize::new(0);
        cx.parallel(100, |i| {
            done.fetch_add(i, Ordering::Relaxed);
        })?;
        assert_eq!(done.into_inner(), 4950);
        let broken = cx.parallel(3, |i| assert_ne!(i, 1, "of a task"));
        assert!(matches!(broken, Err(Error::Failed(text)) if text.contains("of a task")));
        assert_eq!((cx.timeline_time(), cx.timeline_bounds(), cx.frame_rate()), (None, None, None));
        assert_eq!(cx.integral(TestParams::THRESHOLD, 1.0, 5.0)?, 2.0);
        assert_eq!(cx.integral(TestParams::THRESHOLD, 5.0, 1.0)?, -2.0);
        assert!(cx.key_times(TestParams::THRESHOLD)?.is_empty());
        let source = cx.clip(cx.clips().source)?;
        assert!(source.is_connected() && source.frame_range().is_none() && !source.continuous_samples());
        assert!(!cx.clip(cx.clips().mask)?.exists());
        assert!(cx.clip(Clip::at(9)).is_err());
        assert!(cx.image(cx.clips().mask, 0.0)?.is_none());
        assert!(cx.image(cx.clips().source, f64::NAN).is_err());
        assert!(!cx.flags().draft && !cx.host().temporal_access);
        let mut run: [Rgba; 3] = [[9.0; 4]; 3];
        let source = cx.image(cx.clips().source, 1.0)?.ok_or("no source")?;
        source.read_rgba(-1, 0, &mut run);
        assert_eq!(run[0], [0.0; 4]);
        assert_eq!(run[1], [100.0 / 255.0, 50.0 / 255.0, 7.0 / 255.0, 1.0]);
        assert_eq!(source.to_rgba(RectI::new(3, 2, 5, 4))?[1..], [[0.0; 4]; 3]);
        assert_eq!((source.row(-1), source.row(3)), ([].as_slice(), [].as_slice()));
        cx.output()?.write_rgba(2, 1, &[[1.0; 4]; 9]);
        Ok(())
    }
}

#[test]
fn a_host_without_any_optional_suite_is_served() {
    // SAFETY: any index may be asked for.
    let plugin = Plugin(unsafe { (in_process!(Needy).get)(0) });
    plugin.set_host(fake::Host::new(&[]));
    let effect = fake::Effect::filter(Some(drawn(BOUNDS, -1)), Some(image(BOUNDS, -1)));
    effect.props.put(props::PROP_CONTEXT, &[text(props::CONTEXT_GENERAL)]);
    assert_eq!(plugin.render_once(&effect), Status::OK, "{:?}", recent_log());
    let memory = effect.output();
    assert_eq!((pixel(&memory, 1, 1, -1), pixel(&memory, 2, 1, -1)), ([0xAA; 4].as_slice(), [255; 4].as_slice()));
    assert!(logged("Needy: nobody hears this"));
}
