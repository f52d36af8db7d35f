//! Many threads, many instances, and nothing left behind.

use std::sync::atomic::{AtomicUsize, Ordering};

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

#[test]
fn sixteen_threads_and_an_unload_in_the_middle_show_nothing_wrong() {
    const THREADS: usize = 16;
    let _turn = turn();
    let should = range(Profile::reference(), REPAIR, ("frames", "2-14x3"));
    let effect = Host::new(Profile::reference()).load(&crate::binary(), REPAIR).expect("it loads");
    let rendered = AtomicUsize::new(0);
    std::thread::scope(|threads| {
        for thread in 0..THREADS {
            let (effect, should, rendered) = (&effect, &should, &rendered);
            threads.spawn(move || {
                let project = Project::new(should[0].width(), should[0].height(), 1.0, f64::from(FRAMES));
                for round in 0.. {
                    // Refused once the effect is unloaded.
                    let Ok(instance) = effect.create(Context::Filter, project) else { return };
                    let footage = clip((1, FRAMES), |t| Some(panning(f64::from(t), FLOAT)));
                    let ready = instance.connect("Source", footage).and_then(|()| instance.set("frames", "2-14x3"));
                    if ready.is_err() || round == 3 {
                        return;
                    }
                    for t in (1..=FRAMES).cycle().skip(thread).take(FRAMES as usize) {
                        let Ok(image) = instance.render(RenderArgs::at(f64::from(t))) else { return };
                        assert!(image.same_pixels(&should[t as usize - 1]), "frame {t}");
                        rendered.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
        while rendered.load(Ordering::Relaxed) < 3 * THREADS {
            std::thread::yield_now();
        }
        effect.unload_early();
    });
    drop(effect);
    let again = range(Profile::reference(), REPAIR, ("frames", "2-14x3"));
    assert!(again.iter().zip(&should).all(|(is, should)| is.same_pixels(should)), "it works when it is loaded again");
}

/// Bytes of memory that the process has in use.
#[cfg(target_os = "linux")]
pub(super) fn memory() -> Option<u64> {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("Linux says how much memory is in use");
    let pages: u64 = statm.split(' ').nth(1).and_then(|n| n.parse().ok()).expect("a number of pages");
    Some(pages * 4096)
}

/// Elsewhere the handles are counted, and no more.
#[cfg(not(target_os = "linux"))]
pub(super) fn memory() -> Option<u64> {
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
