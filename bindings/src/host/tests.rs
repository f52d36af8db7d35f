//! A plugin in raw C style that does everything wrong: the host answers, notes it, and goes on.

use std::{
    cell::RefCell,
    ffi::{CStr, c_char, c_int, c_void},
    ptr::{null, null_mut},
    sync::{
        Arc,
        atomic::{AtomicPtr, Ordering},
    },
};

use super::*;
use crate::{
    Context, EntryPoints, Status,
    props::*,
    sys::{
        generic::{
            core::{OfxHost, OfxPlugin, OfxPropertySetHandle, OfxStatus},
            property::OfxPropertySuiteV1,
        },
        image_effect_v1::{
            image_effect::{OfxImageClipHandle, OfxImageEffectHandle, OfxImageEffectSuiteV1},
            message::{OfxMessageSuiteV1, OfxMessageSuiteV2},
            param::{OfxParamHandle, OfxParamSetHandle, OfxParameterSuiteV1},
            progress::OfxProgressSuiteV2,
            time_line::OfxTimeLineSuiteV1,
        },
    },
};

static HOST: AtomicPtr<OfxHost> = AtomicPtr::new(null_mut());

thread_local! {
    /// What render does, set by each test on its own thread.
    static RENDER: RefCell<fn(&Raw)> = const { RefCell::new(|_| ()) };
}

/// The suites, and the instance that is rendering.
struct Raw {
    effect: OfxImageEffectHandle,
    props: &'static OfxPropertySuiteV1,
    effects: &'static OfxImageEffectSuiteV1,
    params: &'static OfxParameterSuiteV1,
}

fn suite<T>(name: &CStr, version: c_int) -> Option<&'static T> {
    suite_of(HOST.load(Ordering::Relaxed), name, version)
}

fn suite_of<T>(host: *mut OfxHost, name: &CStr, version: c_int) -> Option<&'static T> {
    // SAFETY: the host struct is never freed, and a suite is a static of the type that its name and version say.
    unsafe {
        let fetch = (*host).fetchSuite?;
        fetch((*host).host, name.as_ptr(), version).cast::<T>().as_ref()
    }
}

fn raw(effect: OfxImageEffectHandle) -> Raw {
    Raw {
        effect,
        props: suite(PROPERTY_SUITE, 1).expect("every host has it"),
        effects: suite(IMAGE_EFFECT_SUITE, 1).expect("every host has it"),
        params: suite(PARAMETER_SUITE, 1).expect("every host has it"),
    }
}

impl Raw {
    fn clip(&self, name: &CStr) -> OfxImageClipHandle {
        let mut clip = null_mut();
        // SAFETY: live handles, writable results.
        let status = unsafe {
            self.effects.clipGetHandle.expect("there")(self.effect, name.as_ptr(), &raw mut clip, null_mut())
        };
        assert_eq!(status, 0);
        clip
    }

    fn image(&self, clip: OfxImageClipHandle, time: f64) -> (Status, OfxPropertySetHandle) {
        let mut image = null_mut();
        // SAFETY: a writable result; the handle may be anything.
        let status = unsafe { self.effects.clipGetImage.expect("there")(clip, time, null(), &raw mut image) };
        (Status(status), image)
    }

    fn release(&self, image: OfxPropertySetHandle) -> Status {
        // SAFETY: the handle may be anything.
        Status(unsafe { self.effects.clipReleaseImage.expect("there")(image) })
    }

    fn param(&self, name: &CStr) -> OfxParamHandle {
        let (mut set, mut param): (OfxParamSetHandle, _) = (null_mut(), null_mut());
        // SAFETY: live handles, writable results.
        unsafe {
            assert_eq!(self.effects.getParamSet.expect("there")(self.effect, &raw mut set), 0);
            self.params.paramGetHandle.expect("there")(set, name.as_ptr(), &raw mut param, null_mut());
        }
        param
    }
}

fn describe_in(effect: OfxImageEffectHandle) {
    let r = raw(effect);
    let (mut props, mut set) = (null_mut(), null_mut());
    // SAFETY: live handles, C strings, writable results.
    unsafe {
        for clip in [SIMPLE_SOURCE_CLIP_NAME, OUTPUT_CLIP_NAME] {
            assert_eq!(r.effects.clipDefine.expect("there")(effect, clip.as_ptr(), &raw mut props), 0);
            let (name, rgba) = (PROP_SUPPORTED_COMPONENTS.as_ptr(), IMAGE_COMPONENT_RGBA.as_ptr());
            assert_eq!(r.props.propSetString.expect("there")(props, name, 0, rgba), 0);
        }
        let again = r.effects.clipDefine.expect("there")(effect, OUTPUT_CLIP_NAME.as_ptr(), &raw mut props);
        assert_eq!(Status(again), Status::EXISTS);
        assert_eq!(r.effects.getParamSet.expect("there")(effect, &raw mut set), 0);
        let define = |kind: &CStr, id: &CStr| {
            Status(r.params.paramDefine.expect("there")(set, kind.as_ptr(), id.as_ptr(), null_mut()))
        };
        assert_eq!(define(PARAM_TYPE_DOUBLE, c"amount"), Status::OK);
        assert_eq!(define(PARAM_TYPE_DOUBLE, c"amount"), Status::EXISTS);
        assert_eq!(define(c"OfxParamTypeNonsense", c"nonsense"), Status::UNKNOWN);
        let choice = define(PARAM_TYPE_STR_CHOICE, c"choice");
        assert!(choice == Status::OK || choice == Status::UNKNOWN, "as the profile has string choices or not");
    }
}

fn act(action: &CStr, effect: OfxImageEffectHandle) -> Status {
    if action == ACTION_DESCRIBE {
        let r = raw(effect);
        let mut props = null_mut();
        // SAFETY: live handles, C strings, writable results.
        unsafe {
            assert_eq!(r.effects.getPropertySet.expect("there")(effect, &raw mut props), 0);
            for (i, context) in (0..).zip([CONTEXT_FILTER, CONTEXT_GENERAL]) {
                let name = PROP_SUPPORTED_CONTEXTS.as_ptr();
                assert_eq!(r.props.propSetString.expect("there")(props, name, i, context.as_ptr()), 0);
            }
        }
    } else if action == ACTION_DESCRIBE_IN_CONTEXT {
        describe_in(effect);
    } else if action == ACTION_RENDER {
        RENDER.with_borrow(|f| f(&raw(effect)));
    } else if action == ACTION_GET_REGION_OF_DEFINITION {
        // Images may not be fetched here.
        let r = raw(effect);
        assert_eq!(r.image(r.clip(SIMPLE_SOURCE_CLIP_NAME), 1.0), (Status::FAILED, null_mut()));
        return Status::REPLY_DEFAULT;
    }
    Status::OK
}

unsafe extern "C" fn main_entry(
    action: *const c_char,
    effect: *const c_void,
    _input: OfxPropertySetHandle,
    _output: OfxPropertySetHandle,
) -> OfxStatus {
    // SAFETY: the host passes a C string.
    let action = unsafe { CStr::from_ptr(action) };
    // A failed assertion becomes a failed action, since it may not unwind into the host.
    let effect = effect.cast_mut().cast();
    std::panic::catch_unwind(|| act(action, effect)).unwrap_or(Status::FATAL).0
}

unsafe extern "C" fn set_host(host: *mut OfxHost) {
    HOST.store(host, Ordering::Relaxed);
}

struct Table(OfxPlugin);
// SAFETY: a constant.
unsafe impl Sync for Table {}

static PLUGIN: Table = Table(OfxPlugin {
    pluginApi: c"OfxImageEffectPluginAPI".as_ptr(),
    apiVersion: 1,
    pluginIdentifier: c"test.Raw".as_ptr(),
    pluginVersionMajor: 1,
    pluginVersionMinor: 2,
    setHost: Some(set_host),
    mainEntry: Some(main_entry),
});

unsafe extern "C" fn number() -> c_int {
    2
}

unsafe extern "C" fn get(index: c_int) -> *mut OfxPlugin {
    // The second is null, as from a plugin that counts wrongly.
    if index == 0 { (&raw const PLUGIN.0).cast_mut() } else { null_mut() }
}

fn instance(profile: Profile) -> Instance {
    let binary = Binary::in_process(EntryPoints { number, get, set_host: None });
    let effect = Host::new(profile).load(&binary, "test.Raw").expect("it loads");
    let instance = effect.create(Context::Filter, Project::new(2, 2, 1.0, 9.0)).expect("an instance");
    let image = Arc::new(HostImage::from_rgba(2, 2, &[0.5; 16], PixelFormat::FLOAT_RGBA).expect("small"));
    instance.connect("Source", Arc::new(MemoryClip::new(1, vec![Some(image); 9]))).expect("a clip");
    instance
}

fn render(instance: &Instance, what: fn(&Raw)) {
    RENDER.with_borrow_mut(|r| *r = what);
    instance.render(RenderArgs::at(2.0)).expect("no assertion failed in the plugin");
}

#[test]
fn leaked_images_are_counted_and_taken_back() {
    let instance = instance(Profile::reference());
    render(&instance, |r| {
        for _ in 0..3 {
            assert_eq!(r.image(r.clip(SIMPLE_SOURCE_CLIP_NAME), 2.0).0, Status::OK);
        }
        let (_, image) = r.image(r.clip(SIMPLE_SOURCE_CLIP_NAME), 2.0);
        assert_eq!(r.release(image), Status::OK);
        assert_eq!(r.release(image), Status::BAD_HANDLE, "released twice");
    });
    assert_eq!(instance.leaked_images(), 3);
    let noted = instance.violations();
    assert!(noted.iter().any(|v| v.contains("3 image(s) not released when render returned")), "{noted:?}");
    assert!(noted.iter().any(|v| v.contains("fetched in OfxImageEffectActionGetRegionOfDefinition")), "{noted:?}");
}

#[test]
fn a_parameter_set_during_render_is_refused() {
    let instance = instance(Profile::reference());
    render(&instance, |r| {
        let set = r.params.paramSetValue.expect("there");
        // SAFETY: a double for a double.
        assert_eq!(Status(unsafe { set(r.param(c"amount"), 7.0f64) }), Status::FAILED);
    });
    assert_eq!(instance.get("amount", 2.0), Some(Value::from(0.0)));
    assert!(instance.violations().iter().any(|v| v.contains("\"amount\" set during render")));
}

#[test]
fn garbage_is_answered_with_a_status() {
    let instance = instance(Profile::reference());
    render(&instance, |r| {
        let garbage = std::ptr::without_provenance_mut::<c_void>(0x1234_5678_9abc);
        assert_eq!(r.image(garbage.cast(), 2.0), (Status::BAD_HANDLE, null_mut()));
        assert_eq!(r.image(r.effect.cast(), 2.0), (Status::BAD_HANDLE, null_mut()), "an effect is not a clip");
        assert_eq!(r.release(garbage.cast()), Status::BAD_HANDLE);
        let mut props = null_mut();
        // SAFETY: that garbage does no harm is what is tested.
        unsafe {
            let get = r.effects.getPropertySet.expect("there");
            assert_eq!(Status(get(r.effect, null_mut())), Status::VALUE);
            assert_eq!(Status(get(null_mut(), &raw mut props)), Status::BAD_HANDLE);
            let get = r.effects.clipGetHandle.expect("there");
            let mut clip = null_mut();
            assert_eq!(Status(get(r.effect, c"Nothing".as_ptr(), &raw mut clip, null_mut())), Status::UNKNOWN);
            assert_eq!(Status(get(r.effect, null(), &raw mut clip, null_mut())), Status::VALUE);
            let define = r.effects.clipDefine.expect("there");
            assert_eq!(Status(define(r.effect, c"New".as_ptr(), &raw mut props)), Status::BAD_HANDLE);
            // The host's, the instance's and an image's sets are the host's to write.
            assert_eq!(r.effects.getPropertySet.expect("there")(r.effect, &raw mut props), 0);
            let set = r.props.propSetInt.expect("there");
            assert_eq!(Status(set(props, PROP_TYPE.as_ptr(), 0, 1)), Status::VALUE);
        }
        assert!(r.param(c"nothing").is_null());
    });
}

#[test]
fn messages_of_both_versions_are_formatted_and_kept() {
    let instance = instance(Profile::reference());
    render(&instance, |r| {
        let v1: &OfxMessageSuiteV1 = suite(MESSAGE_SUITE, 1).expect("this host has it");
        let v2: &OfxMessageSuiteV2 = suite(MESSAGE_SUITE, 2).expect("this host has it");
        let (effect, id) = (r.effect.cast(), c"id".as_ptr());
        // SAFETY: C strings, and the arguments that the formats name.
        unsafe {
            let say = v1.message.expect("there");
            let text = c"%s %d of %d".as_ptr();
            let answer = say(effect, MESSAGE_WARNING.as_ptr(), id, text, c"frame".as_ptr(), 3i32, 10i32);
            assert_eq!(Status(answer), Status::OK);
            let answer = say(effect, MESSAGE_QUESTION.as_ptr(), null(), c"Go on?".as_ptr());
            assert_eq!(Status(answer), Status::REPLY_YES);
            assert_eq!(Status(say(effect, c"Nonsense".as_ptr(), id, text)), Status::VALUE);
            assert_eq!(Status(say(effect, MESSAGE_ERROR.as_ptr(), id, null())), Status::VALUE);
            let stay = v2.setPersistentMessage.expect("there");
            assert_eq!(Status(stay(effect, MESSAGE_ERROR.as_ptr(), id, c"%.1f%%".as_ptr(), 12.5f64)), Status::OK);
        }
    });
    let said: Vec<String> = instance.messages().into_iter().map(|m| m.text).collect();
    assert_eq!(said, ["frame 3 of 10", "Go on?", "12.5%"]);
    assert_eq!(instance.persistent_message().map(|m| m.text), Some("12.5%".to_owned()));
    render(&instance, |r| {
        let v2: &OfxMessageSuiteV2 = suite(MESSAGE_SUITE, 2).expect("this host has it");
        // SAFETY: a live handle.
        unsafe { v2.clearPersistentMessage.expect("there")(r.effect.cast()) };
    });
    assert_eq!(instance.persistent_message(), None);
}

#[test]
fn progress_and_time_line_answer() {
    let instance = instance(Profile::reference());
    render(&instance, |r| {
        let progress: &OfxProgressSuiteV2 = suite(PROGRESS_SUITE, 2).expect("this host has it");
        let timeline: &OfxTimeLineSuiteV1 = suite(TIME_LINE_SUITE, 1).expect("this host has it");
        let (effect, mut time, mut first, mut last) = (r.effect.cast(), 0.0, 0.0, 0.0);
        // SAFETY: live handles, C strings, writable results.
        unsafe {
            assert_eq!(progress.progressStart.expect("there")(effect, c"work".as_ptr(), c"".as_ptr()), 0);
            assert_eq!(progress.progressUpdate.expect("there")(effect, 0.5), 0);
            assert_eq!(Status(progress.progressUpdate.expect("there")(null_mut(), 0.5)), Status::BAD_HANDLE);
            assert_eq!(progress.progressEnd.expect("there")(effect), 0);
            assert_eq!((timeline.getTime.expect("there")(effect, &raw mut time), time), (0, 2.0));
            assert_eq!(timeline.getTimeBounds.expect("there")(effect, &raw mut first, &raw mut last), 0);
            assert_eq!((first, last), (1.0, 9.0));
        }
    });
    assert_eq!(instance.progress(), [Progress::Start("work".into()), Progress::Update(0.5), Progress::End]);
}

#[test]
fn each_profile_has_the_suites_it_says() {
    for (name, profile) in Profile::all() {
        let suites = profile.suites;
        let instance = instance(profile);
        let has = |suite_name, version| suite::<c_void>(suite_name, version).is_some();
        assert_eq!(has(MEMORY_SUITE, 1), suites.memory, "{name}");
        assert_eq!(has(MULTI_THREAD_SUITE, 1), suites.multithread, "{name}");
        assert_eq!(has(TIME_LINE_SUITE, 1), suites.timeline, "{name}");
        assert_eq!(has(PROGRESS_SUITE, 2), suites.progress == 2, "{name}");
        assert_eq!(has(MESSAGE_SUITE, 1), suites.message != MessageSuite::None, "{name}");
        assert_eq!(has(PARAMETRIC_PARAMETER_SUITE, 1), suites.parametric, "{name}");
        let v2 = suite::<OfxMessageSuiteV2>(MESSAGE_SUITE, 2);
        assert_eq!(v2.is_some_and(|s| s.message.is_some()), suites.message == MessageSuite::V2, "{name}");
        assert_eq!(v2.is_some_and(|s| s.message.is_none()), suites.message == MessageSuite::V2Null, "{name}");
        assert!(!has(PROPERTY_SUITE, 2) && !has(c"OfxNonsenseSuite", 1), "{name}");
        // Once the instance is gone another test's host may take this one's place.
        let host = HOST.load(Ordering::Relaxed);
        drop(instance);
        let gone = suite_of::<c_void>(host, PROPERTY_SUITE, 1);
        assert!(gone.is_none(), "{name}: a host that is gone fetches nothing");
    }
}

#[test]
fn other_times_are_refused_without_temporal_access_and_ignored_by_mlt() {
    let bare = instance(Profile::bare());
    render(&bare, |r| {
        assert_eq!(r.image(r.clip(SIMPLE_SOURCE_CLIP_NAME), 3.0), (Status::FAILED, null_mut()));
        assert_eq!(r.image(r.clip(SIMPLE_SOURCE_CLIP_NAME), 2.0).0, Status::OK);
    });
    drop(bare);
    let mlt = instance(Profile::mlt());
    render(&mlt, |r| {
        assert_eq!(r.image(r.clip(SIMPLE_SOURCE_CLIP_NAME), 3.0).0, Status::OK, "the current frame, and no word of it");
    });
}
