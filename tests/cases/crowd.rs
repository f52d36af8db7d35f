//! Many threads, many instances, and nothing left behind.

use ofx::{
    Context,
    host::{CancelHandle, Host, HostImage, Profile, Project, RenderArgs, live_handles, render_range},
};

use super::{
    footage::{FLOAT, clip, panning},
    stage::{REPAIR, RETIME, Stage, turn},
};

const FRAMES: i32 = 16;

fn range(profile: Profile, id: &str, setting: (&str, &str)) -> Vec<HostImage> {
    let footage = clip((1, FRAMES), |t| Some(panning(f64::from(t), FLOAT)));
    let stage = Stage::new(profile, id, Context::Filter, footage);
    stage.put(setting.0, setting.1);
    stage.forget();
    let mut frames = Vec::new();
    let result = render_range(
        &stage,
        RenderArgs::at(0.0),
        (1, FRAMES),
        &CancelHandle::new(),
        |_| {},
        |_, image| {
            frames.push(image);
            Ok(())
        },
    );
    result.unwrap_or_else(|e| panic!("{e}"));
    frames
}

#[test]
fn eight_threads_give_the_pixels_of_one() {
    for (id, setting) in [(REPAIR, ("frames", "2-14x3")), (RETIME, ("speed", "75"))] {
        let one = range(Profile::reference(), id, setting);
        for clone_for_render in [false, true] {
            let profile = Profile { threads: 8, clone_for_render, ..Profile::reference() };
            for (n, (is, should)) in range(profile, id, setting).iter().zip(&one).enumerate() {
                assert!(is.same_pixels(should), "{id}, clones {clone_for_render}: frame {}", n + 1);
            }
        }
    }
}

/// Bytes of memory that the process has in use.
#[cfg(target_os = "linux")]
fn memory() -> Option<u64> {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("Linux says how much memory is in use");
    let pages: u64 = statm.split(' ').nth(1).and_then(|n| n.parse().ok()).expect("a number of pages");
    Some(pages * 4096)
}

/// Elsewhere the handles are counted, and no more.
#[cfg(not(target_os = "linux"))]
fn memory() -> Option<u64> {
    None
}

#[test]
fn ten_thousand_instances_leave_nothing_behind() {
    const SLACK: u64 = 16 << 20;
    let _turn = turn();
    let host = Host::new(Profile::natron());
    let life = |rounds: usize| {
        for id in [REPAIR, RETIME] {
            let effect = host.load(&crate::binary(), id).expect("it loads");
            for _ in 0..rounds {
                let instance = effect.create(Context::Filter, Project::new(8, 8, 1.0, 10.0)).expect("an instance");
                instance.set("quality", "Best").expect("a parameter");
            }
        }
    };
    life(500);
    let (handles, before) = (live_handles(), memory());
    life(5_000);
    assert_eq!(live_handles(), handles);
    if let (Some(before), Some(after)) = (before, memory()) {
        assert!(after < before + SLACK, "{before} bytes of memory became {after}");
    }
}
