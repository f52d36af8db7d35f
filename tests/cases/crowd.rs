//! Many threads, many instances, and nothing left behind.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use ofx::{
    Context,
    host::{CancelHandle, Host, HostImage, Profile, Project, RenderArgs, live_handles, render_range},
};

use super::{
    footage::{FLOAT, clip, draw_sized, panning, texture},
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
    let project = Project::new(should[0].width(), should[0].height(), 1.0, f64::from(FRAMES));
    let instances: Vec<_> = (0..THREADS)
        .map(|_| {
            let instance = effect.create(Context::Filter, project).expect("an instance");
            let footage = clip((1, FRAMES), |t| Some(panning(f64::from(t), FLOAT)));
            instance.connect("Source", footage).expect("a clip");
            instance.set("frames", "2-14x3").expect("a list");
            instance
        })
        .collect();
    let (rendered, refused, unloaded) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicBool::new(false));
    std::thread::scope(|threads| {
        let mut all = Vec::new();
        for (thread, instance) in instances.iter().enumerate() {
            let (should, rendered, refused, unloaded) = (&should, &rendered, &refused, &unloaded);
            all.push(threads.spawn(move || {
                for t in (1..=FRAMES).cycle().skip(thread) {
                    let Ok(image) = instance.render(RenderArgs::at(f64::from(t))) else {
                        assert!(unloaded.load(Ordering::SeqCst), "nothing is refused before");
                        refused.fetch_add(1, Ordering::Relaxed);
                        return;
                    };
                    assert!(image.same_pixels(&should[t as usize - 1]), "frame {t}");
                    rendered.fetch_add(1, Ordering::Relaxed);
                }
            }));
        }
        while rendered.load(Ordering::Relaxed) < 3 * THREADS && all.iter().any(|thread| !thread.is_finished()) {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        unloaded.store(true, Ordering::SeqCst);
        effect.unload_early();
    });
    assert!(rendered.into_inner() >= 3 * THREADS);
    assert_eq!(refused.into_inner(), THREADS, "who is at work is told");
    drop((instances, effect));
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
#[cfg(target_os = "linux")]
fn the_memory_of_a_frame_is_given_back_when_nothing_is_rendered() {
    let footage = clip((1, 4), |t| Some(draw_sized((640, 360), FLOAT, |x, y| texture(x - 4.0 * t as f32, y))));
    let stage = Stage::repair(footage, "2");
    let begun = std::time::Instant::now();
    let _ = stage.at(2.0);
    let used = memory().expect("a number");
    // Beside what is kept of pairs and frames.
    while memory().expect("a number") + (64 << 20) > used {
        assert!(begun.elapsed() < std::time::Duration::from_secs(60), "{used} bytes are still in use");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
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
