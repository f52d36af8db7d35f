//! An effect written with the plugin side, run by the host side: what either leaves untested, and whether the two
//! agree, in every profile.

use std::{
    collections::HashMap,
    sync::{
        Arc, LazyLock, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use ofx::{
    Button, Clip, Context, Effect, EntryPoints, Meta, Result,
    host::{
        Binary, Host, HostImage, Instance, MemoryClip, MessageKind, PixelFormat, Profile, Progress, Project, RenderArgs,
    },
    plugin::{Changed, Create, Error, Render, instance_count},
};

#[derive(ofx::Choice, Clone, Copy, Debug, Default, PartialEq)]
enum Task {
    #[default]
    Copy,
    Fail,
    Panic,
    Wait,
}

#[derive(ofx::Params, Clone, Debug, PartialEq)]
struct Nested {
    /// Counts.
    #[param(default = 4, range = 1..=64)]
    count: i32,
}

#[derive(ofx::Params, Clone, Debug, PartialEq)]
struct ProbeParams {
    /// Names the test.
    #[param(text = "multi", default = "nobody")]
    name: String,
    #[param(animates)]
    damaged: bool,
    task: Task,
    #[param(default = 1.0, range = -100.0..=100.0, display = 0.0..=2.0, animates, integrates)]
    speed: f64,
    #[group(open = false)]
    nested: Nested,
    /// Writes what it finds into the name.
    find: Button,
}

#[derive(ofx::Clips)]
struct ProbeClips {
    #[clip(only = [Filter, General, Retimer])]
    source: Clip,
    #[clip(only = [Transition])]
    source_from: Clip,
    #[clip(only = [Transition])]
    source_to: Clip,
    output: Clip,
}

/// What a render saw.
#[derive(Clone, Debug, PartialEq)]
struct Seen {
    params: ProbeParams,
    position: f64,
    source_time: Option<f64>,
    transition: Option<f64>,
    keys: usize,
}

static SEEN: LazyLock<Mutex<HashMap<String, Seen>>> = LazyLock::new(Mutex::default);

fn seen(name: &str) -> Option<Seen> {
    SEEN.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
}

struct Probe;

impl Effect for Probe {
    const META: Meta = Meta::new("org.pickup.test.Probe", "Probe")
        .contexts(&[Context::Filter, Context::General, Context::Retimer, Context::Transition])
        .temporal();
    type Params = ProbeParams;
    type Clips = ProbeClips;

    fn new(_: &Create<'_, Self>) -> Result<Self> {
        Ok(Self)
    }

    fn render(&self, cx: &Render<'_, Self>) -> Result<()> {
        let params = cx.params()?;
        let mut output = cx.output()?;
        match params.task {
            Task::Copy => {}
            Task::Fail => return Err("There are no frames: add some".into()),
            Task::Panic => panic!("on purpose"),
            Task::Wait => {
                let progress = cx.progress("Waiting");
                for i in 0..100_000 {
                    progress.step(f64::from(i) / 100_000.0)?;
                }
            }
        }
        let clips = cx.clips();
        let source = if cx.context() == Context::Transition { clips.source_from } else { clips.source };
        match cx.image(source, cx.time())? {
            Some(image) => output.copy_from(&image),
            None => output.fill_zero(),
        }
        let now = Seen {
            position: cx.integral(ProbeParams::SPEED, 0.0, cx.time())?,
            source_time: cx.retimer_source_time(cx.time())?,
            transition: cx.transition(cx.time())?,
            keys: cx.key_times(ProbeParams::SPEED)?.len(),
            params: params.clone(),
        };
        SEEN.lock().unwrap_or_else(PoisonError::into_inner).insert(params.name, now);
        Ok(())
    }

    fn changed(&self, cx: &Changed<'_, Self>) -> Result<()> {
        if cx.is(ProbeParams::FIND) {
            let source = cx.image(cx.clips().source, 2.0)?.ok_or_else(|| Error::new("Connect a source first"))?;
            let _edit = cx.edit("Find");
            cx.set(ProbeParams::NAME, format!("found {}", source.bounds.width()))?;
            cx.set_at(ProbeParams::DAMAGED, 3.0, true)?;
            cx.set(Nested::COUNT, 9)?;
            cx.set(ProbeParams::TASK, Task::Wait)?;
            cx.enable(ProbeParams::SPEED, false)?;
        }
        Ok(())
    }
}

fn binary() -> Binary {
    fn entry() -> EntryPoints {
        ofx::in_process!(Probe)
    }
    Binary::in_process(entry())
}

fn picture(depth: PixelFormat) -> Arc<HostImage> {
    let rgba: Vec<f32> = (0..8 * 6 * 4).map(|i| i as f32 / 192.0).collect();
    Arc::new(HostImage::from_rgba(8, 6, &rgba, depth).expect("a small image"))
}

fn instance(profile: Profile, context: Context, name: &str) -> Instance {
    let effect = Host::new(profile).load(&binary(), Probe::META.id()).expect("it loads");
    let instance = effect.create(context, Project::new(8, 6, 1.0, 10.0)).expect("an instance");
    let clips: &[_] = if context == Context::Transition { &["SourceFrom", "SourceTo"] } else { &["Source"] };
    for clip in clips {
        let frames = vec![Some(picture(PixelFormat::FLOAT_RGBA)); 10];
        instance.connect(clip, Arc::new(MemoryClip::new(1, frames))).expect("the clip is there");
    }
    instance.set("name", name).expect("the name can be set");
    instance
}

#[test]
fn parameters_and_pixels_arrive_in_every_host() {
    for (name, profile) in Profile::all() {
        let probe = instance(profile, Context::Filter, name);
        probe.set("task", "Copy").expect("by its label");
        probe.set("damaged", true).expect("a switch");
        probe.set("speed", 0.25).expect("a number");
        probe.set("count", 7).expect("a whole number");
        let picture = probe.render(RenderArgs::at(3.0)).unwrap_or_else(|error| panic!("{name}: {error}"));
        let expected = ProbeParams {
            name: name.into(),
            damaged: true,
            task: Task::Copy,
            speed: 0.25,
            nested: Nested { count: 7 },
            find: Button,
        };
        let seen = seen(name).unwrap_or_else(|| panic!("{name} did not render"));
        assert_eq!((seen.params, seen.position, seen.keys), (expected, 0.75, 0), "{name}");
        let middle = picture.pixel(picture.bounds().x1 + 4, picture.bounds().y1 + 3).expect("inside");
        // The host's pictures are drawn from the top.
        let (index, alpha) = ((2 * 8 + 4) * 4, 83.0 / 192.0);
        for (channel, value) in middle.iter().take(3).enumerate() {
            let wanted = (index + channel) as f32 / 192.0;
            // Byte hosts round, and some hosts premultiply.
            let close = |wanted: f32| (value - wanted).abs() < 0.005;
            assert!(close(wanted) || close(wanted * alpha), "{name}: channel {channel} is {value}, not {wanted}");
        }
        assert_eq!(probe.violations(), Vec::<String>::new(), "{name}");
        assert_eq!(probe.leaked_images(), 0, "{name}");
    }
}

#[test]
fn a_speed_is_integrated_and_not_sampled() {
    let probe = instance(Profile::reference(), Context::Filter, "integral");
    probe.set_key("speed", 0.0, 0.0).expect("a key");
    probe.set_key("speed", 10.0, 1.0).expect("a key");
    probe.render(RenderArgs::at(8.0)).expect("a picture");
    let seen = seen("integral").expect("it rendered");
    assert!((seen.position - 3.2).abs() < 1e-9, "position {}", seen.position);
    assert_eq!((seen.keys, seen.params.speed), (2, 0.8));
}

#[test]
fn a_button_fetches_images_and_writes_parameters() {
    let probe = instance(Profile::natron(), Context::General, "button");
    probe.press("find").expect("it finds");
    assert_eq!(probe.get("name", 0.0), Some("found 8".into()));
    assert_eq!(probe.get("count", 0.0), Some(9.into()));
    assert_eq!(probe.get("damaged", 3.0), Some(true.into()));
    assert!(!probe.describe_param("speed").expect("it is there").enabled);
    assert_eq!((probe.violations(), probe.leaked_images()), (Vec::new(), 0));
}

#[test]
fn the_standard_s_own_parameters_are_there_in_their_contexts() {
    let probe = instance(Profile::fusion(), Context::Retimer, "retimer");
    probe.set("SourceTime", 4.5).expect("the host sets it");
    probe.render(RenderArgs::at(3.0)).expect("a picture");
    assert_eq!(seen("retimer").expect("it rendered").source_time, Some(4.5));

    // A binary serves one host at a time.
    drop(probe);
    let probe = instance(Profile::fusion(), Context::Transition, "transition");
    probe.set("Transition", 0.5).expect("the host sets it");
    probe.render(RenderArgs::at(3.0)).expect("a picture");
    let seen = seen("transition").expect("it rendered");
    assert_eq!((seen.transition, seen.source_time), (Some(0.5), None));
}

#[test]
fn a_failed_render_says_why_and_the_next_good_one_takes_it_back() {
    for (name, profile) in Profile::all() {
        let probe = instance(profile.clone(), Context::Filter, "fails");
        for (task, text) in [("Fail", "Probe: There are no frames: add some"), ("Panic", "on purpose")] {
            probe.set("task", task).expect("by its label");
            let error = probe.render(RenderArgs::at(3.0)).expect_err("it fails");
            let said = probe.messages();
            if profile.suites.message == ofx::host::MessageSuite::None {
                assert!(said.is_empty(), "{name}: {error}");
            } else {
                let last = said.last().unwrap_or_else(|| panic!("{name} heard nothing: {error}"));
                assert!(last.text.contains(text) && last.kind == MessageKind::Error, "{name}: {last:?}");
            }
        }
        probe.set("task", "Copy").expect("by its label");
        probe.render(RenderArgs::at(3.0)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(probe.persistent_message(), None, "{name}");
        assert_eq!(probe.leaked_images(), 0, "{name}");
    }
}

#[test]
fn a_cancelled_render_ends_soon_and_without_a_message() {
    let probe = instance(Profile::reference(), Context::Filter, "cancelled");
    probe.set("task", "Wait").expect("by its label");
    let steps = Arc::new(AtomicUsize::new(0));
    let (counter, cancel) = (steps.clone(), probe.cancel_handle());
    probe.on_progress(move |step| {
        if matches!(step, Progress::Update(_)) && counter.fetch_add(1, Ordering::Relaxed) == 10 {
            cancel.cancel();
        }
    });
    assert!(probe.render(RenderArgs::at(3.0)).is_err());
    assert!(steps.load(Ordering::Relaxed) < 20);
    assert_eq!(probe.progress().first(), Some(&Progress::Start("Waiting".into())));
    assert_eq!(probe.progress().last(), Some(&Progress::End));
    assert!(probe.messages().is_empty());
}

/// Its instances are counted by nobody else.
struct Countless;

impl Effect for Countless {
    const META: Meta = Meta::new("org.pickup.test.Countless", "Countless");
    type Params = ();
    type Clips = ProbeClips;

    fn new(_: &Create<'_, Self>) -> Result<Self> {
        Ok(Self)
    }

    fn render(&self, _: &Render<'_, Self>) -> Result<()> {
        Ok(())
    }
}

#[test]
fn ten_thousand_instances_leave_nothing_behind() {
    let effect = Host::new(Profile::reference())
        .load(&Binary::in_process(ofx::in_process!(Countless)), Countless::META.id())
        .expect("it loads");
    for _ in 0..10_000 {
        effect.create(Context::Filter, Project::new(8, 6, 1.0, 10.0)).expect("an instance");
    }
    assert_eq!(instance_count::<Countless>(), 0);
}
