//! A long day in hosts: random nodes, settings, hosts, seeks, cancels and clones, for as long as is asked for.

use std::{
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use ofx::{
    Context,
    host::{Effect, Host, HostImage, Instance, ParamKind, Profile, Project, RenderArgs, Value},
};

use super::{
    crowd::memory,
    footage::{FLOAT, clip, draw_sized, texture},
    generate::model,
    stage::{ANIMATE, BRIDGE, EXTEND, GENERATE, REPAIR, RETIME, turn},
};

const NODES: [&str; 6] = [REPAIR, RETIME, GENERATE, ANIMATE, EXTEND, BRIDGE];
const LAST: i32 = 12;
/// What memory may grow by once everything was used: caches hold what they hold.
const SLACK: u64 = 32 << 20;
/// Has Linux's C library give back what is freed at once. By itself it keeps up to 64 MB in each of many heaps (`mallopt(3)`), which
/// grow for hours and hide what a leak would be.
const GIVEN_BACK: (&str, &str) = (
    "GLIBC_TUNABLES",
    "glibc.malloc.arena_max=1:glibc.malloc.mmap_threshold=131072:glibc.malloc.trim_threshold=131072",
);

/// Numbers that look random and are the same each time (SplitMix64, Steele and others 2014).
struct Chance(u64);

impl Chance {
    fn below(&mut self, count: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) % count.max(1) as u64) as usize
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    fn of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}

/// A node at work in some host, with some settings.
struct Job {
    profile: Profile,
    node: &'static str,
    context: Context,
    size: (usize, usize),
    settings: Vec<(String, Value)>,
    times: Vec<f64>,
}

impl Job {
    fn any(chance: &mut Chance) -> Self {
        let profiles = Profile::all();
        let mut profile = chance.of(&profiles).1.clone();
        profile.clone_for_render |= chance.one_in(4);
        let node = *chance.of(&NODES);
        let size = *chance.of(&[(64, 32), (48, 48), (96, 54)]);
        let effect = Host::new(profile.clone()).load(&crate::binary(), node).expect(node);
        let context = *chance.of(&effect.contexts());
        let settings = settings(&effect, context, chance);
        let times = (0..3 + chance.below(4)).map(|_| (1 + chance.below(LAST as usize + 4)) as f64).collect();
        Self { profile, node, context, size, settings, times }
    }

    /// An instance of its own, in a host of its own.
    fn instance(&self) -> Instance {
        let effect = Host::new(self.profile.clone()).load(&crate::binary(), self.node).expect(self.node);
        let project = Project::new(self.size.0, self.size.1, 1.0, f64::from(LAST));
        let instance = effect.create(self.context, project).expect(self.node);
        for input in &effect.describe_in(self.context).expect(self.node).clips {
            if input.id != "Output" && !input.mask {
                let later = if input.id.ends_with("To") { 3.0 } else { 0.0 };
                let picture = |t: i32| draw_sized(self.size, FLOAT, |x, y| texture(x - 2.0 * t as f32 + later, y));
                instance.connect(&input.id, clip((1, LAST), |t| (t != 5).then(|| picture(t)))).expect(&input.id);
            }
        }
        for (id, value) in &self.settings {
            instance.set(id, value.clone()).unwrap_or_else(|error| panic!("{}: {id}: {error}", self.node));
        }
        instance
    }

    /// What comes at its times, one after the other: pictures, or why there are none.
    fn rendered(&self, instance: &Instance) -> Vec<Result<HostImage, String>> {
        self.times.iter().map(|time| rendered(instance, *time)).collect()
    }

    /// The same, at once, each in a thread of its own and some of them by clones.
    fn rendered_at_once(&self, instance: &Instance) -> Vec<Result<HostImage, String>> {
        thread::scope(|threads| {
            let render = |time: &f64| {
                let (time, clones) = (*time, self.profile.clone_for_render);
                threads.spawn(move || match clones.then(|| instance.clone_for_render()) {
                    Some(clone) => rendered(&clone.expect("a clone"), time),
                    None => rendered(instance, time),
                })
            };
            let threads: Vec<_> = self.times.iter().map(render).collect();
            threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
        })
    }
}

fn rendered(instance: &Instance, time: f64) -> Result<HostImage, String> {
    instance.render(RenderArgs::at(time)).map_err(|error| error.to_string())
}

/// Settings of a node, some of them not as they are by default. What the video model is asked for stays small.
fn settings(effect: &Effect, context: Context, chance: &mut Chance) -> Vec<(String, Value)> {
    let described = effect.describe_in(context).expect("a context that it has");
    let mut settings = Vec::new();
    for param in &described.params {
        let (low, high) = (param.display_min.first().copied(), param.display_max.first().copied());
        let value = match (&*param.id, param.kind) {
            ("videoModel" | "device", _) => continue,
            ("model", _) => Value::from(model()),
            ("steps", _) => Value::from(2),
            ("length" | "tail" | "head", _) => Value::from(chance.below(5) as i32 + 2),
            ("prompt", _) => Value::from(*chance.of(&["", "snow", "a red fox runs"])),
            ("frames", ParamKind::String) => Value::from(*chance.of(&["", "3-4", "2, 9-10", "1-12", "x"])),
            _ if !chance.one_in(3) => continue,
            (_, ParamKind::Boolean) => Value::from(chance.one_in(2)),
            (_, ParamKind::Choice) => Value::from(chance.below(param.choices.len()) as i32),
            (_, ParamKind::Integer) => {
                let (low, high) = (low.unwrap_or(0.0) as i32, high.unwrap_or(10.0) as i32);
                Value::from(low + chance.below((high - low).unsigned_abs() as usize + 1) as i32)
            }
            (_, ParamKind::Double) => {
                let (low, high) = (low.unwrap_or(0.0), high.unwrap_or(1.0));
                Value::from(low + (high - low) * chance.below(101) as f64 / 100.0)
            }
            _ => continue,
        };
        settings.push((param.id.clone(), value));
    }
    settings
}

/// Renders that are cancelled half-way, or of a preview, before the frames that count.
fn disturb(instance: &Instance, chance: &mut Chance) {
    let cancel = instance.cancel_handle();
    for _ in 0..chance.below(3) {
        let time = (1 + chance.below(LAST as usize)) as f64;
        cancel.cancel_after(chance.below(6) as u32);
        let interactive = chance.one_in(2);
        // Whatever comes of it.
        let _ = instance.render(RenderArgs { interactive, draft: chance.one_in(3), ..RenderArgs::at(time) });
        cancel.reset();
    }
    if chance.one_in(5) {
        instance.effect().purge_caches(Some(instance)).expect("caches can be dropped");
    }
}

#[test]
#[ignore = "takes as long as PICKUP_SOAK_SECONDS says"]
fn a_long_day_shows_nothing_wrong_and_leaves_nothing_behind() {
    // In a process of its own: the C library reads how it is to keep memory when a process starts.
    if std::env::var(GIVEN_BACK.0).is_ok_and(|tunables| tunables == GIVEN_BACK.1) {
        return long_day();
    }
    let mut tests = Command::new(std::env::current_exe().expect("the tests are a file"));
    tests.env(GIVEN_BACK.0, GIVEN_BACK.1).args(["a_long_day_shows_nothing_wrong", "--ignored", "--nocapture"]);
    let ran = tests.stderr(Stdio::inherit()).output().expect("it runs again");
    let told = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success() && told.contains("1 passed"), "{told}");
}

fn long_day() {
    let _turn = turn();
    let seconds = std::env::var("PICKUP_SOAK_SECONDS").expect("PICKUP_SOAK_SECONDS says how long");
    let long = Duration::from_secs(seconds.parse().expect("a number of seconds"));
    let (began, mut chance) = (Instant::now(), Chance(1));
    let (mut jobs, mut frames, mut errors, mut warm) = (0, 0, 0, None);
    while began.elapsed() < long {
        let job = Job::any(&mut chance);
        let instance = job.instance();
        disturb(&instance, &mut chance);
        let is = job.rendered_at_once(&instance);
        drop(instance);
        // By itself, in another instance, with nothing kept.
        let alone = job.instance();
        alone.effect().purge_caches(Some(&alone)).expect("caches can be dropped");
        for ((time, is), should) in job.times.iter().zip(is).zip(job.rendered(&alone)) {
            let Job { node, profile, settings, .. } = &job;
            let told = format!("job {jobs}: {node} in {} at {time} with {settings:?}", profile.label);
            match (is, should) {
                (Ok(is), Ok(should)) => assert!(is.same_pixels(&should), "{told}: other pixels"),
                // What was said of a node already is not said again, so the words may differ.
                (Err(is), Err(should)) => {
                    assert!(!(is + &should).contains("Internal error"), "{told}: {should}");
                    errors += 1;
                }
                (is, should) => panic!("{told}: {:?}, and alone {:?}", is.err(), should.err()),
            }
            frames += 1;
        }
        jobs += 1;
        let now = memory();
        match (warm, now) {
            (None, Some(now)) if began.elapsed() > long / 3 => warm = Some(now),
            (Some(warm), Some(now)) => assert!(now < warm + SLACK, "job {jobs}: {warm} bytes became {now}"),
            _ => {}
        }
    }
    eprintln!("{jobs} jobs, {frames} frames, {errors} errors, memory {warm:?} to {:?}", memory());
    assert!(frames > 20 && errors < frames / 3, "{errors} of {frames} frames are errors");
    assert_eq!(warm.is_some(), cfg!(target_os = "linux"), "memory is looked at");
}
