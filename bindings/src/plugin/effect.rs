//! What an effect is: its static facts ([`Meta`]) and what it does ([`Effect`]).

use super::{
    answers::{ClipPreferences, FramesNeeded},
    clip::{Clip, Clips},
    context::{At, Changed, Create, Cx, Render, Sequence},
    error::Result,
    overlay::OverlayEntry,
    param::Params,
};
use crate::{BitDepth, ChangeReason, Components, Context, Field, RangeD, RectD, RectI, RenderSafety};

/// The 1.5 extension's styles of colour management, from least to most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColourManagement {
    /// Broad families alone (`ofx_scene_linear` and the like).
    Basic,
    /// The named colourspaces of the standard's own configuration, and the basic ones.
    Core,
    /// Every colourspace of that configuration.
    Full,
}

/// An effect's static facts.
#[derive(Clone, Copy, Debug)]
pub struct Meta {
    pub(crate) id: &'static str,
    pub(crate) label: &'static str,
    pub(crate) grouping: &'static str,
    pub(crate) description: &'static str,
    pub(crate) alone: &'static str,
    pub(crate) version: (u32, u32),
    pub(crate) contexts: &'static [Context],
    pub(crate) depths: &'static [BitDepth],
    pub(crate) components: &'static [Components],
    pub(crate) temporal: bool,
    pub(crate) safety: RenderSafety,
    pub(crate) tiles: bool,
    pub(crate) multi_resolution: bool,
    pub(crate) host_frame_threading: bool,
    pub(crate) sequential: bool,
    pub(crate) colour: Option<ColourManagement>,
    pub(crate) icons: bool,
    pub(crate) page: Option<&'static str>,
}

impl Meta {
    /// An effect by its id (reverse domain, such as `org.pickup.Repair`; kept for ever) and its name for people.
    ///
    /// It is a filter, for every depth and component, fully thread-safe, on whole frames of any resolution.
    #[must_use]
    pub const fn new(id: &'static str, label: &'static str) -> Self {
        Self {
            id,
            label,
            grouping: "",
            description: "",
            alone: "",
            version: (1, 0),
            contexts: &[Context::Filter, Context::General],
            depths: BitDepth::ALL,
            components: Components::ALL,
            temporal: false,
            safety: RenderSafety::FullySafe,
            tiles: false,
            multi_resolution: true,
            host_frame_threading: false,
            sequential: false,
            colour: None,
            icons: false,
            page: None,
        }
    }

    /// Its id.
    #[must_use]
    pub const fn id(&self) -> &'static str {
        self.id
    }

    /// Its name for people.
    #[must_use]
    pub const fn label(&self) -> &'static str {
        self.label
    }

    /// What it is used for.
    #[must_use]
    pub const fn supported_contexts(&self) -> &'static [Context] {
        self.contexts
    }

    /// Where it stands in a host's menu, such as `Time/Repair`.
    #[must_use]
    pub const fn grouping(self, grouping: &'static str) -> Self {
        Self { grouping, ..self }
    }

    /// What it does, in a sentence or two.
    #[must_use]
    pub const fn description(self, description: &'static str) -> Self {
        Self { description, ..self }
    }

    /// What a user must know in hosts that give an effect the current frame alone: said after the description, and there alone.
    #[must_use]
    pub const fn alone(self, alone: &'static str) -> Self {
        Self { alone, ..self }
    }

    /// What it says of itself in hosts that give an effect the current frame alone.
    pub(crate) fn description_alone(&self) -> String {
        [self.description, self.alone].into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(" ")
    }

    /// Its version: a new major breaks projects that use it.
    #[must_use]
    pub const fn version(self, major: u32, minor: u32) -> Self {
        Self { version: (major, minor), ..self }
    }

    /// What it is used for. Offer `Filter`, or MLT's hosts never list it.
    #[must_use]
    pub const fn contexts(self, contexts: &'static [Context]) -> Self {
        Self { contexts, ..self }
    }

    /// The depths it takes.
    #[must_use]
    pub const fn depths(self, depths: &'static [BitDepth]) -> Self {
        Self { depths, ..self }
    }

    /// The components it takes.
    #[must_use]
    pub const fn components(self, components: &'static [Components]) -> Self {
        Self { components, ..self }
    }

    /// The bundle's `Contents/Resources` has its icon, as its id with the endings `.svg` and `.png`.
    #[must_use]
    pub const fn icons(self) -> Self {
        Self { icons: true, ..self }
    }

    /// Hosts with pages of parameters, such as control surfaces have, show all of them on one of this name. No parameter may then
    /// have the id `page`.
    #[must_use]
    pub const fn page(self, label: &'static str) -> Self {
        Self { page: Some(label), ..self }
    }

    /// It fetches images at other times than the render's.
    #[must_use]
    pub const fn temporal(self) -> Self {
        Self { temporal: true, ..self }
    }

    /// How many of its renders may run at once.
    #[must_use]
    pub const fn render_safety(self, safety: RenderSafety) -> Self {
        Self { safety, ..self }
    }

    /// It can render a part of a picture.
    #[must_use]
    pub const fn tiles(self) -> Self {
        Self { tiles: true, ..self }
    }

    /// Its images must all have one size.
    #[must_use]
    pub const fn single_resolution(self) -> Self {
        Self { multi_resolution: false, ..self }
    }

    /// The host may split a frame over threads.
    #[must_use]
    pub const fn host_frame_threading(self) -> Self {
        Self { host_frame_threading: true, ..self }
    }

    /// It would rather have its frames rendered in order.
    #[must_use]
    pub const fn prefer_sequential(self) -> Self {
        Self { sequential: true, ..self }
    }

    /// It asks for the 1.5 colour management, where the host speaks it.
    #[must_use]
    pub const fn colour_management(self, style: ColourManagement) -> Self {
        Self { colour: Some(style), ..self }
    }
}

/// An effect: the struct is an instance, which hosts clone and throw away at will.
///
/// Every method but [`new`](Self::new) and [`render`](Self::render) has a default that does what the standard does by
/// itself. An error becomes a status and a message to the user; so does a panic.
pub trait Effect: Sized + Send + Sync + 'static {
    /// Its static facts.
    const META: Meta;
    /// What it draws over a viewer; see [`Overlay`](super::Overlay).
    const OVERLAY: Option<OverlayEntry> = None;
    /// Its parameters.
    type Params: Params;
    /// Its clips.
    type Clips: Clips;

    /// Makes an instance. Hosts make one per frame (MLT), so it must be cheap.
    ///
    /// # Errors
    /// When there can be no instance.
    fn new(cx: &Create<'_, Self>) -> Result<Self>;

    /// Fills the output's render window. On an error or a panic the output is filled with zeros afterwards.
    ///
    /// # Errors
    /// When there can be no picture.
    fn render(&self, cx: &Render<'_, Self>) -> Result<()>;

    /// A parameter or a clip changed; [`Changed`] tells which.
    ///
    /// # Errors
    /// Shown to the user.
    fn changed(&self, cx: &Changed<'_, Self>) -> Result<()> {
        let _ = cx;
        Ok(())
    }

    /// A group of changes starts.
    ///
    /// # Errors
    /// Shown to the user.
    fn begin_changed(&self, cx: &Cx<'_, Self>, reason: ChangeReason) -> Result<()> {
        let _ = (cx, reason);
        Ok(())
    }

    /// A group of changes ends.
    ///
    /// # Errors
    /// Shown to the user.
    fn end_changed(&self, cx: &Cx<'_, Self>, reason: ChangeReason) -> Result<()> {
        let _ = (cx, reason);
        Ok(())
    }

    /// The area of the output, in canonical coordinates; none for the host's own rule (the union of the inputs).
    ///
    /// # Errors
    /// Shown to the user.
    fn region_of_definition(&self, cx: &At<'_, Self>) -> Result<Option<RectD>> {
        let _ = cx;
        Ok(None)
    }

    /// The areas of the inputs that `region` of the output is made from; an input not named has the region itself.
    ///
    /// # Errors
    /// Shown to the user.
    fn regions_of_interest(&self, cx: &At<'_, Self>, region: RectD) -> Result<Vec<(Clip, RectD)>> {
        let _ = (cx, region);
        Ok(Vec::new())
    }

    /// The input frames that a frame is made from; an input not named has the frame itself.
    ///
    /// # Errors
    /// Shown to the user.
    fn frames_needed(&self, cx: &At<'_, Self>, frames: &mut FramesNeeded) -> Result<()> {
        let _ = (cx, frames);
        Ok(())
    }

    /// What it wants of its clips' formats.
    ///
    /// # Errors
    /// Shown to the user.
    fn clip_preferences(&self, cx: &Cx<'_, Self>, preferences: &mut ClipPreferences) -> Result<()> {
        let _ = (cx, preferences);
        Ok(())
    }

    /// The frames it has; none for the host's own rule. Asked in the General context alone.
    ///
    /// # Errors
    /// Shown to the user.
    fn time_domain(&self, cx: &Cx<'_, Self>) -> Result<Option<RangeD>> {
        let _ = cx;
        Ok(None)
    }

    /// The input frame that the output equals, where nothing is to be done.
    ///
    /// # Errors
    /// Shown to the user.
    fn is_identity(&self, cx: &At<'_, Self>, window: RectI, field: Field) -> Result<Option<(Clip, f64)>> {
        let _ = (cx, window, field);
        Ok(None)
    }

    /// A run of renders starts.
    ///
    /// # Errors
    /// Shown to the user.
    fn begin_sequence(&self, cx: &Sequence<'_, Self>) -> Result<()> {
        let _ = cx;
        Ok(())
    }

    /// A run of renders ends.
    ///
    /// # Errors
    /// Shown to the user.
    fn end_sequence(&self, cx: &Sequence<'_, Self>) -> Result<()> {
        let _ = cx;
        Ok(())
    }

    /// The host is short of memory: drop what can be made again.
    fn purge_caches(&self) {}

    /// The host is about to save: write private state into parameters.
    ///
    /// # Errors
    /// Shown to the user.
    fn sync_private_data(&self, cx: &Changed<'_, Self>) -> Result<()> {
        let _ = cx;
        Ok(())
    }

    /// The binary was loaded. MLT does so for every frame, so it must be cheap.
    ///
    /// # Errors
    /// When the effect cannot work in this host at all; it is then not offered.
    fn load() -> Result<()> {
        Ok(())
    }

    /// The binary is about to be unloaded: background threads must end.
    fn unload() {}
}
