//! Bad input and impatient users: an error in words, or a stop, and the node goes on.

use std::sync::Arc;

use ofx::{
    Context, Status,
    host::{Calls, NullImage, Profile, RenderArgs, RenderError},
};

use super::{
    footage::{FLOAT, assert_same, clip, pan_with, panning},
    stage::{ANIMATE, BRIDGE, EXTEND, REPAIR, RETIME, Stage},
};

#[test]
fn a_cancelled_render_stops_and_the_next_one_is_whole() {
    for (id, setting) in [(REPAIR, ("frames", "5")), (RETIME, ("speed", "50"))] {
        let time = if id == REPAIR { 5.0 } else { 4.0 };
        let stage = Stage::new(Profile::reference(), id, Context::Filter, pan_with(|_| None));
        stage.put(setting.0, setting.1);
        let right = stage.at(time);
        let cancelled = |what: &str| {
            let result = stage.render(RenderArgs::at(time));
            assert!(matches!(result, Err(RenderError::Cancelled)), "{id} {what}: {:?}", result.err());
            stage.cancel_handle().reset();
        };
        stage.forget();
        stage.cancel_handle().cancel();
        cancelled("before it began");
        for polls in [0, 1, 3] {
            stage.forget();
            stage.cancel_handle().cancel_after(polls);
            cancelled(&format!("after {polls} polls"));
        }
        assert!(stage.messages().is_empty(), "a stop is no error");
        stage.forget();
        assert!(stage.at(time).same_pixels(&right), "{id}");
    }
}

#[test]
fn renders_that_wait_for_their_turn_stop_too() {
    let stage = Stage::repair(pan_with(|_| None), "2-8x2");
    stage.forget();
    stage.cancel_handle().cancel_after(4);
    let stopped = std::thread::scope(|scope| {
        let instance = &*stage;
        let renders = [2.0, 4.0, 6.0, 8.0].map(|t| scope.spawn(move || instance.render(RenderArgs::at(t))));
        let results = renders.map(|r| r.join().expect("no panic"));
        let right = |r: &Result<_, _>| matches!(r, Ok(_) | Err(RenderError::Cancelled));
        assert!(results.iter().all(right), "{:?}", results.map(|r| r.err()));
        results.iter().filter(|r| r.is_err()).count()
    });
    assert!(stopped >= 2, "four questions are too few for three frames");
    stage.cancel_handle().reset();
    stage.at(8.0);
}

#[test]
fn no_picture_at_all_is_an_error_and_no_crash() {
    for null_image in [NullImage::Fails, NullImage::NullHandle, NullImage::NullData] {
        for id in [REPAIR, RETIME] {
            let profile = Profile {
                null_image,
                looks_connected: true,
                calls: Calls { identity: false, frames_needed: false, ..Calls::ALL },
                ..Profile::reference()
            };
            let holes = clip((1, 10), |t| (t == 1).then(|| panning(1.0, FLOAT)));
            let stage = Stage::new(profile, id, Context::General, holes);
            stage.put(if id == REPAIR { "frames" } else { "sourceFrame" }, "7");
            if id == RETIME {
                stage.put("by", "Source frame");
                stage.put("sourceFrame", "7.5");
            }
            // Repair finds frame 1 far away and holds it only if the gap may be so long.
            if id == REPAIR {
                stage.put("longestGap", "2");
            }
            let said = stage.error_at(7.0);
            assert!(said.contains('7'), "{null_image:?} {id}: {said}");
        }
    }
}

#[test]
fn a_hole_that_is_not_filled_is_an_error_that_names_it() {
    let profile = Profile { calls: Calls { identity: false, ..Calls::ALL }, ..Profile::reference() };
    for id in [RETIME, EXTEND, ANIMATE, BRIDGE] {
        let holed = clip((1, 10), |t| (t != 4).then(|| panning(f64::from(t), FLOAT)));
        let stage = Stage::new(profile.clone(), id, Context::Filter, holed);
        [("still", "1"), ("length", "2"), ("start", "8")]
            .iter()
            .filter(|(id, _)| stage.get(id, 0.0).is_some())
            .for_each(|(id, value)| stage.put(id, value));
        let said = stage.error_at(4.0);
        assert!(said.contains("no frame 4") && said.contains("Repair"), "{id}: {said}");
        assert_same(&stage.at(5.0), &panning(5.0, FLOAT), &format!("{id}: the next frame"));
    }
}

#[test]
fn a_host_without_optional_suites_gets_its_frames_and_its_errors() {
    // As bare as a host may be, but with neighbouring frames: then there is work to do without messages or progress.
    let bare = Profile { temporal: true, missing: Vec::new(), ..Profile::bare() };
    let byte = ofx::host::PixelFormat::new(ofx::BitDepth::Byte, ofx::Components::Rgba);
    let footage = || clip((1, 10), move |t| Some(panning(f64::from(t), byte)));
    for (id, setting, time) in [(REPAIR, ("frames", "5"), 5.0), (RETIME, ("speed", "50"), 4.0)] {
        let stage = Stage::new(bare.clone(), id, Context::Filter, footage());
        stage.put(setting.0, setting.1);
        let made = stage.at(time);
        assert!(made.to_rgba().iter().any(|v| *v > 0.0));
        let right = Stage::same_with(stage, footage(), id, setting).at(time);
        assert!(made.same_pixels(&right), "{id}: the same as in a host with everything");
    }
    let stage = Stage::new(bare, REPAIR, Context::Filter, footage());
    stage.put("frames", "nonsense");
    let error = stage.render(RenderArgs::at(5.0)).expect_err("the list makes no sense");
    assert!(matches!(error, RenderError::Failed { status: Status::FAILED, .. }), "{error}");
}

impl Stage {
    /// The same in the reference host, once the older stage is gone.
    fn same_with(older: Self, clip: Arc<ofx::host::MemoryClip>, id: &str, setting: (&str, &str)) -> Self {
        drop(older);
        let stage = Self::new(Profile::reference(), id, Context::Filter, clip);
        stage.put(setting.0, setting.1);
        stage
    }
}
