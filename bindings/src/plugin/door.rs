//! The one door: every call of a host comes in here. It checks handles, catches panics, and turns errors into a status
//! and a message.

use std::{
    ffi::{CStr, c_char, c_void},
    panic::{AssertUnwindSafe, catch_unwind},
    time::Instant,
};

use super::{
    answers::{self, ClipPreferences, FramesNeeded},
    clip::Clips,
    context::{self, At, Changed, Create, Cx, Render, Sequence},
    describe,
    effect::Effect,
    error::{Error, Result},
    instance::{self, Instance, Shell},
    journal,
    property::c_text,
    services::{self, MessageKind},
    suites::{self, Handle},
};
use crate::{
    Context, Field, RectI, Status, props,
    sys::{
        generic::core::{OfxHost, OfxPropertySetHandle, OfxStatus},
        image_effect_v1::image_effect::OfxImageEffectHandle,
    },
};

/// `setHost` of a plugin. Some hosts call this alone, some `OfxSetHost` alone, some both.
///
/// # Safety
/// `host` must be null or point to a host that lives as long as the binary is loaded.
pub(crate) unsafe extern "C" fn set_host<E: Effect>(host: *mut OfxHost) {
    // A null host is refused: the one there is stays.
    suites::set_host::<E>(host);
}

#[derive(Clone, Copy)]
struct Call {
    handle: OfxImageEffectHandle,
    in_args: OfxPropertySetHandle,
    out_args: OfxPropertySetHandle,
}

/// `mainEntry` of an effect.
///
/// # Safety
/// As the standard asks of a host: `action` is a C string or null, the handles are the host's own or null, and the
/// host last set lives.
pub(crate) unsafe extern "C" fn main_entry<E: Effect>(
    action: *const c_char,
    handle: *const c_void,
    in_args: OfxPropertySetHandle,
    out_args: OfxPropertySetHandle,
) -> OfxStatus {
    let call = Call { handle: handle.cast_mut().cast(), in_args, out_args };
    answered_without_panic(|| {
        if action.is_null() {
            return Status::FAILED;
        }
        // SAFETY: not null, and the caller vouches that it is a C string.
        let action = unsafe { CStr::from_ptr(action) };
        let started = Instant::now();
        // SAFETY: the caller vouches for the host.
        let status = guarded(|| unsafe { act::<E>(action, call) }).unwrap_or_else(|error| {
            report::<E>(action, call.handle, &error);
            error.status()
        });
        journal::action::<E>(action, status, started.elapsed());
        status
    })
}

/// Runs the answer to a host's call; a panic becomes a status.
pub(super) fn answered_without_panic(answer: impl FnOnce() -> Status) -> OfxStatus {
    match catch_unwind(AssertUnwindSafe(answer)) {
        Ok(status) => status.0,
        Err(payload) => {
            // Dropping a payload runs foreign code, which might panic again, with nobody left to catch it.
            std::mem::forget(payload);
            Status::FAILED.0
        }
    }
}

/// The status of a result whose error is for the log alone.
pub(super) fn logged<E: Effect>(result: Result<Status>) -> Status {
    result.unwrap_or_else(|error| {
        services::log(format!("{}: {error}", E::META.label));
        error.status()
    })
}

/// Runs effect code; a panic becomes an error with its text.
fn guarded<T>(code: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(code)).unwrap_or_else(|payload| {
        let text = services::panic_text(&*payload);
        std::mem::forget(payload);
        Err(Error::Failed(format!("Internal error: {text}. Please report it")))
    })
}

/// # Safety
/// The host last set must live.
unsafe fn act<E: Effect>(action: &CStr, call: Call) -> Result<Status> {
    let descriptor = || Handle::new(call.handle).ok_or(Error::BadHandle("effect descriptor"));
    if action == props::ACTION_LOAD {
        // SAFETY: the caller vouches for the host.
        let suites = unsafe { suites::load::<E>() }?;
        // MLT takes nothing but OK for an answer.
        let loaded = E::load().map(|()| Status::OK);
        // Told after the effect was loaded, as effects set up their loggers then.
        journal::host(&suites.info);
        return loaded;
    }
    if action == props::ACTION_UNLOAD {
        E::unload();
        instance::remove_all::<E>();
        return Ok(Status::OK);
    }
    if action == props::ACTION_DESCRIBE {
        // SAFETY: the caller vouches for the host.
        return describe::describe::<E>(&*unsafe { suites::suites::<E>() }?, descriptor()?);
    }
    if action == props::ACTION_DESCRIBE_IN_CONTEXT {
        // SAFETY: the caller vouches for the host.
        let suites = unsafe { suites::suites::<E>() }?;
        let name = suites.props(call.in_args).c_string(props::PROP_CONTEXT);
        let name = name.ok_or_else(|| Error::MissingHostFeature("a context to describe in".into()))?;
        let context = Context::of_host(&name)
            .ok_or_else(|| Error::Failed(format!("This effect does not know the context {name:?}")))?;
        return describe::describe_in::<E>(&suites, descriptor()?, context);
    }
    if action == props::ACTION_CREATE_INSTANCE {
        let handle = Handle::new(call.handle).ok_or(Error::BadHandle("instance"))?;
        // SAFETY: the caller vouches for the host.
        let shell = Shell::new::<E>(unsafe { suites::suites::<E>() }?, handle)?;
        let clips = E::Clips::new();
        let effect = E::new(&Create::new(&shell, &clips))?;
        instance::insert(Instance { shell, clips, effect });
        // Resolve takes ReplyDefault for a failure, here and in destroy.
        return Ok(Status::OK);
    }
    if action == props::ACTION_DESTROY_INSTANCE {
        return instance::remove::<E>(call.handle).map(|()| Status::OK);
    }
    if INSTANCE_ACTIONS.contains(&action) {
        act_on(&*instance::get::<E>(call.handle)?, action, call)
    } else {
        Ok(Status::REPLY_DEFAULT)
    }
}

/// The actions of an instance that this crate answers; any other is the host's to do by default.
const INSTANCE_ACTIONS: &[&CStr] = &[
    props::ACTION_BEGIN_INSTANCE_CHANGED,
    props::ACTION_INSTANCE_CHANGED,
    props::ACTION_END_INSTANCE_CHANGED,
    props::ACTION_GET_REGION_OF_DEFINITION,
    props::ACTION_GET_REGIONS_OF_INTEREST,
    props::ACTION_GET_FRAMES_NEEDED,
    props::ACTION_GET_CLIP_PREFERENCES,
    props::ACTION_GET_TIME_DOMAIN,
    props::ACTION_IS_IDENTITY,
    props::ACTION_BEGIN_SEQUENCE_RENDER,
    props::ACTION_RENDER,
    props::ACTION_END_SEQUENCE_RENDER,
    props::ACTION_PURGE_CACHES,
    props::ACTION_SYNC_PRIVATE_DATA,
];

fn act_on<E: Effect>(instance: &Instance<E>, action: &CStr, call: Call) -> Result<Status> {
    let (effect, shell) = (&instance.effect, &instance.shell);
    let suites = &*shell.suites;
    let (args, out) = (suites.props(call.in_args), suites.props(call.out_args));
    let cx = Cx::of(instance);
    if action == props::ACTION_RENDER {
        let cx = Render::new(cx, &args, out)?;
        let time = cx.time();
        let result = guarded(|| effect.render(&cx));
        drop(cx);
        if result.is_err() {
            shell.blank_output(time);
        } else {
            shell.clear_error();
        }
        return result.map(|()| Status::OK);
    }
    if action == props::ACTION_BEGIN_INSTANCE_CHANGED {
        effect.begin_changed(&cx, context::reason(&args))?;
    } else if action == props::ACTION_INSTANCE_CHANGED {
        // Nuke does not render a node again that shows an error until the error is taken away.
        shell.clear_shown();
        effect.changed(&Changed::new(cx, &args))?;
    } else if action == props::ACTION_END_INSTANCE_CHANGED {
        effect.end_changed(&cx, context::reason(&args))?;
    } else if action == props::ACTION_SYNC_PRIVATE_DATA {
        effect.sync_private_data(&Changed::new(cx, &args))?;
    } else if action == props::ACTION_PURGE_CACHES {
        effect.purge_caches();
    } else if action == props::ACTION_BEGIN_SEQUENCE_RENDER {
        effect.begin_sequence(&Sequence::new(cx, &args))?;
    } else if action == props::ACTION_END_SEQUENCE_RENDER {
        effect.end_sequence(&Sequence::new(cx, &args))?;
    } else if action == props::ACTION_GET_REGION_OF_DEFINITION {
        let Some(r) = effect.region_of_definition(&At::new(cx, &args)?)? else { return Ok(Status::REPLY_DEFAULT) };
        return answered(out.set_doubles(props::PROP_REGION_OF_DEFINITION, &[r.x1, r.y1, r.x2, r.y2]));
    } else if action == props::ACTION_GET_REGIONS_OF_INTEREST {
        let Some(region) = args.rect_d(props::PROP_REGION_OF_INTEREST) else { return Ok(Status::REPLY_DEFAULT) };
        let regions = effect.regions_of_interest(&At::new(cx, &args)?, region)?;
        return answers::write_regions(&regions, &shell.clips, &out);
    } else if action == props::ACTION_GET_FRAMES_NEEDED {
        let mut frames = FramesNeeded::default();
        effect.frames_needed(&At::at_any_scale(cx, &args)?, &mut frames)?;
        return frames.write(&shell.clips, &out);
    } else if action == props::ACTION_GET_CLIP_PREFERENCES {
        let mut preferences = ClipPreferences::default();
        effect.clip_preferences(&cx, &mut preferences)?;
        return preferences.write(&shell.clips, &out);
    } else if action == props::ACTION_GET_TIME_DOMAIN {
        // The standard asks this in the General context alone; elsewhere the host knows better.
        let domain = if shell.context == Context::General { effect.time_domain(&cx)? } else { None };
        let Some(range) = domain else { return Ok(Status::REPLY_DEFAULT) };
        return answered(out.set_doubles(props::PROP_FRAME_RANGE, &[range.min, range.max]));
    } else if action == props::ACTION_IS_IDENTITY {
        let window = args.rect_i(props::PROP_RENDER_WINDOW).unwrap_or(RectI::default());
        let field = args.c_string(props::PROP_FIELD_TO_RENDER).and_then(|s| Field::from_cstr(&s));
        let same = effect.is_identity(&At::new(cx, &args)?, window, field.unwrap_or(Field::None))?;
        let Some((clip, time)) = same else { return Ok(Status::REPLY_DEFAULT) };
        let name = c_text(super::clip::slot(&shell.clips, clip)?.spec.name);
        let named = out.set_c_string(props::PROP_NAME, 0, &name);
        let timed = out.set_double(props::PROP_TIME, 0, time);
        return answered(if named == Status::OK { timed } else { named });
    }
    Ok(Status::OK)
}

/// OK if the host took the answer; else it is to do what it does by default.
fn answered(written: Status) -> Result<Status> {
    Ok(if written == Status::OK { Status::OK } else { Status::REPLY_DEFAULT })
}

/// Tells the user of an error, as fits the action: on the node for a render, so that a hundred frames do not raise a
/// hundred dialogs; in the log for what a host asks all the time.
fn report<E: Effect>(action: &CStr, handle: OfxImageEffectHandle, error: &Error) {
    let label = E::META.label;
    let text = format!("{label}: {error}");
    let asked_often = [
        props::ACTION_GET_REGION_OF_DEFINITION,
        props::ACTION_GET_REGIONS_OF_INTEREST,
        props::ACTION_GET_FRAMES_NEEDED,
        props::ACTION_GET_CLIP_PREFERENCES,
        props::ACTION_GET_TIME_DOMAIN,
        props::ACTION_IS_IDENTITY,
    ];
    if matches!(error, Error::Aborted) {
        return;
    }
    if matches!(error, Error::BadHandle(_)) || asked_often.contains(&action) {
        return services::log(text);
    }
    if let Ok(instance) = instance::get::<E>(handle) {
        let shell = &instance.shell;
        if action == props::ACTION_RENDER {
            return shell.show(MessageKind::Error, &error.to_string());
        }
        services::post(&shell.suites, shell.handle.0.cast(), MessageKind::Error, &text);
    } else if let Some(suites) = suites::current::<E>() {
        services::post(&suites, handle.cast(), MessageKind::Error, &text);
    } else {
        services::log(text);
    }
}
