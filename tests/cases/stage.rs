//! One node in one host, with a clip connected.

use std::{ops::Deref, sync::Arc};

use ofx::{
    Context,
    host::{FrameSource, Host, HostImage, Instance, Profile, Project, RenderArgs},
};
use parking_lot::{ReentrantMutex, ReentrantMutexGuard};

pub(crate) const REPAIR: &str = "org.pickup.Repair";
pub(crate) const RETIME: &str = "org.pickup.Retime";
pub(crate) const GENERATE: &str = "org.pickup.Generate";
pub(crate) const ANIMATE: &str = "org.pickup.Animate";
pub(crate) const EXTEND: &str = "org.pickup.Extend";
pub(crate) const BRIDGE: &str = "org.pickup.Bridge";

/// A plugin has one host a process, so cases take turns.
static TURN: ReentrantMutex<()> = ReentrantMutex::new(());

/// Takes the turn, where a case does without a [`Stage`].
pub(crate) fn turn() -> ReentrantMutexGuard<'static, ()> {
    TURN.lock()
}

/// An instance of a node. When it goes, it must not have broken the standard.
pub(crate) struct Stage {
    // Dropped in this order: the next case's host may come only when this one's instance is gone.
    instance: Instance,
    _turn: ReentrantMutexGuard<'static, ()>,
}

impl Deref for Stage {
    type Target = Instance;

    fn deref(&self) -> &Instance {
        &self.instance
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert_eq!(self.instance.violations(), Vec::<String>::new(), "the node broke the standard");
            assert_eq!(self.instance.leaked_images(), 0, "the node kept images");
        }
    }
}

impl Stage {
    /// A node in a host, at work on a clip; the project is as large and as long as the clip.
    pub(crate) fn new(profile: Profile, id: &str, context: Context, clip: Arc<dyn FrameSource>) -> Self {
        let (range, area) = (clip.range(), clip.region(clip.range().min));
        let (width, height) = ((area.x2 - area.x1) as usize, (area.y2 - area.y1) as usize);
        let stage = Self::empty(profile, id, context, Project::new(width, height, range.min, range.max));
        stage.instance.connect("Source", clip).expect("a clip named Source");
        stage
    }

    /// A node in a host, with nothing connected.
    pub(crate) fn empty(profile: Profile, id: &str, context: Context, project: Project) -> Self {
        let turn = turn();
        let host = profile.label.clone();
        let effect = Host::new(profile).load(&crate::binary(), id).unwrap_or_else(|e| panic!("{host}: {e}"));
        let instance = effect.create(context, project).unwrap_or_else(|e| panic!("{id} in {host}: {e}"));
        Self { instance, _turn: turn }
    }

    /// Repair as a filter in the reference host, with a list of frames.
    pub(crate) fn repair(clip: Arc<dyn FrameSource>, frames: &str) -> Self {
        let stage = Self::new(Profile::reference(), REPAIR, Context::Filter, clip);
        stage.put("frames", frames);
        stage
    }

    /// Retime as a filter in the reference host.
    pub(crate) fn retime(clip: Arc<dyn FrameSource>, settings: &[(&str, &str)]) -> Self {
        let stage = Self::new(Profile::reference(), RETIME, Context::Filter, clip);
        settings.iter().for_each(|(id, value)| stage.put(id, value));
        stage
    }

    #[track_caller]
    pub(crate) fn put(&self, id: &str, value: &str) {
        self.set(id, value).unwrap_or_else(|e| panic!("{id} = {value}: {e}"));
    }

    #[track_caller]
    pub(crate) fn at(&self, time: f64) -> HostImage {
        self.render(RenderArgs::at(time)).unwrap_or_else(|e| panic!("{e}"))
    }

    /// What a render that must fail says.
    #[track_caller]
    pub(crate) fn error_at(&self, time: f64) -> String {
        self.put("errorsInPicture", "Never");
        match self.render(RenderArgs::at(time)) {
            Ok(_) => panic!("frame {time} was rendered, and should have been refused"),
            Err(error) => error.to_string(),
        }
    }

    /// Whether a frame was made, by the node's own matte.
    #[track_caller]
    pub(crate) fn is_made(&self, time: f64) -> bool {
        self.put("output", "Matte");
        let matte = self.at(time);
        self.put("output", "Result");
        let values: Vec<f32> = matte.to_rgba().chunks_exact(4).map(|p| p[0]).collect();
        assert!(values.iter().all(|v| *v == values[0]), "a matte is even");
        assert!(values[0] == 0.0 || values[0] == 1.0, "a matte is black or white");
        values[0] == 1.0
    }

    /// Forgets what was made, so that the next frame is made anew.
    pub(crate) fn forget(&self) {
        self.effect().purge_caches(Some(&self.instance)).expect("the caches can be dropped");
    }
}
