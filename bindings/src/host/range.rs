//! Rendering a range of frames with a host's habits: threads, clones, an instance a frame.

use std::sync::mpsc;

use super::{
    error::RenderError, image::HostImage, instance::Instance, log::CancelHandle, profiles::Profile, render::RenderArgs,
};

/// How far a range has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RangeProgress {
    /// Frames that are done.
    pub done: usize,
    /// Frames in all.
    pub total: usize,
}

/// Renders the frames `first`, `first + 1`, … up to `last`, and gives each to `sink`, in order.
///
/// Only the time of `args` is replaced. As many frames are under way at once as the profile has threads; each thread
/// renders on a clone where the profile clones instances, or on a new instance a frame where it does that.
/// `cancel` stops the frames under way, if the effect asks, and starts no more.
///
/// # Errors
/// The first frame's that failed, or the sink's; frames before it were given to the sink.
pub fn render_range(
    instance: &Instance,
    args: RenderArgs,
    (first, last): (i32, i32),
    cancel: &CancelHandle,
    mut progress: impl FnMut(RangeProgress),
    mut sink: impl FnMut(f64, HostImage) -> Result<(), RenderError>,
) -> Result<(), RenderError> {
    let profile = instance.effect().inner().host.profile().clone();
    let times: Vec<f64> = (first..=last).map(f64::from).collect();
    let total = times.len();
    let threads = profile.threads.clamp(1, total.max(1));
    let workers = workers(instance, &profile, threads)?;
    let mut done = 0;
    progress(RangeProgress { done, total });
    for chunk in times.chunks(threads) {
        for (time, image) in chunk.iter().zip(render_chunk(instance, &workers, args, chunk, cancel)) {
            sink(*time, image?)?;
            done += 1;
            progress(RangeProgress { done, total });
        }
    }
    if let Workers::Clones(clones) = &workers {
        clones.iter().for_each(|clone| instance.hear(clone));
    }
    // Some hosts render the last frame again and again; what comes of it is thrown away there too.
    for _ in 1..profile.last_frame_repeats {
        if let Some(time) = times.last() {
            render_one(instance, &workers, 0, RenderArgs { time: *time, ..args }, cancel)?;
        }
    }
    Ok(())
}

/// What the threads render on.
enum Workers {
    /// All on the instance itself.
    Shared,
    /// Each on a clone of its own.
    Clones(Vec<Instance>),
    /// Each frame on an instance of an effect loaded for it.
    Fresh,
}

fn workers(instance: &Instance, profile: &Profile, threads: usize) -> Result<Workers, RenderError> {
    if profile.instance_per_frame {
        return Ok(Workers::Fresh);
    }
    if !profile.clone_for_render {
        return Ok(Workers::Shared);
    }
    let clones = (0..threads).map(|_| instance.clone_for_render()).collect::<Result<Vec<_>, _>>()?;
    Ok(Workers::Clones(clones))
}

fn render_one(
    instance: &Instance,
    workers: &Workers,
    thread: usize,
    args: RenderArgs,
    cancel: &CancelHandle,
) -> Result<HostImage, RenderError> {
    if cancel.is_cancelled() {
        instance.cancel_handle().cancel();
        return Err(RenderError::Cancelled);
    }
    match workers {
        Workers::Shared => instance.render(args),
        Workers::Clones(clones) => clones.get(thread).unwrap_or(instance).render(args),
        Workers::Fresh => {
            let effect = instance.effect().load_again()?;
            let fresh = instance.clone_into(&effect)?;
            let result = fresh.render(args);
            instance.hear(&fresh);
            result
        }
    }
}

/// Renders a few frames at once; results in the order of the times.
fn render_chunk(
    instance: &Instance,
    workers: &Workers,
    args: RenderArgs,
    times: &[f64],
    cancel: &CancelHandle,
) -> Vec<Result<HostImage, RenderError>> {
    let at = |time: f64| RenderArgs { time, ..args };
    if let [time] = times {
        return vec![render_one(instance, workers, 0, at(*time), cancel)];
    }
    let mut results: Vec<_> = times.iter().map(|_| Err(RenderError::Cancelled)).collect();
    std::thread::scope(|scope| {
        let (sender, receiver) = mpsc::channel();
        for (i, time) in times.iter().enumerate() {
            let sender = sender.clone();
            scope.spawn(move || {
                // The receiver outlives the threads.
                let _ = sender.send((i, render_one(instance, workers, i, at(*time), cancel)));
            });
        }
        drop(sender);
        for (i, result) in receiver {
            results[i] = result;
        }
    });
    results
}
