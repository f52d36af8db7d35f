//! Progress, and stopping a render half-way.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use ofx::{
    Context,
    host::{CancelHandle, Profile, Progress, RenderArgs, RenderError, render_range},
};

use crate::instance;

#[test]
fn a_render_stops_when_it_is_cancelled() {
    for how in ["Progress", "Abort"] {
        let instance = instance(Profile::reference(), "test.Trouble", Context::Filter);
        instance.set("how", how).expect("a choice");
        instance.cancel_handle().cancel_after(5);
        let error = instance.render(RenderArgs::at(1.0)).expect_err("it is cancelled");
        assert!(matches!(error, RenderError::Cancelled), "{how}: {error}");
        assert!(instance.messages().is_empty(), "{how}: a cancelled render says nothing");
        let error = instance.render(RenderArgs::at(1.0)).expect_err("it stays cancelled");
        assert!(matches!(error, RenderError::Cancelled));
        instance.cancel_handle().reset();
        instance.set("how", "Mask").expect("a choice");
        instance.render(RenderArgs::at(1.0)).expect("until that is taken back");
    }
}

#[test]
fn progress_is_logged_and_called_back_step_by_step() {
    let instance = instance(Profile::reference(), "test.Trouble", Context::Filter);
    instance.set("how", "Progress").expect("a choice");
    let steps = Arc::new(AtomicUsize::new(0));
    let counted = steps.clone();
    instance.on_progress(move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
    });
    instance.cancel_handle().cancel_after(3);
    assert!(instance.render(RenderArgs::at(1.0)).is_err());
    let log = instance.progress();
    assert_eq!(log.first(), Some(&Progress::Start("developing".into())));
    assert_eq!(log.get(1), Some(&Progress::Update(0.0)));
    assert_eq!(log.last(), Some(&Progress::End));
    assert_eq!(steps.load(Ordering::Relaxed), log.len());
}

#[test]
fn another_thread_can_cancel() {
    let instance = instance(Profile::reference(), "test.Trouble", Context::Filter);
    instance.set("how", "Abort").expect("a choice");
    let cancel = instance.cancel_handle();
    std::thread::scope(|scope| {
        let render = scope.spawn(|| instance.render(RenderArgs::at(1.0)));
        cancel.cancel();
        assert!(matches!(render.join(), Ok(Err(RenderError::Cancelled))));
    });
}

#[test]
fn a_range_stops_between_frames_where_the_host_never_aborts() {
    for profile in [Profile::reference(), Profile::natron(), Profile::mlt()] {
        let name = profile.label.clone();
        let instance = instance(profile, "test.Gain", Context::Filter);
        instance.set("gain", 2.0).expect("a parameter");
        let cancel = CancelHandle::new();
        let mut done = Vec::new();
        let result = render_range(
            &instance,
            RenderArgs::at(0.0),
            (1, 10),
            &cancel,
            |_| {},
            |time, _| {
                done.push(time);
                if time == 4.0 {
                    cancel.cancel();
                }
                Ok(())
            },
        );
        assert!(matches!(result, Err(RenderError::Cancelled)), "{name}");
        assert_eq!(done, [1.0, 2.0, 3.0, 4.0], "{name}");
    }
}
