//! What is asked of the video model: the parameters that the nodes on it share.

use std::path::{Path, PathBuf};

use ofx::plugin::{Button, Changed, Choice as _, Effect, Error, Result};
use pickup_model::{Brief, diffusion::Understood};

use super::{camera::without_camera, look::LookParams, motion::MotionParams, source::SourceParams, words::words};
use crate::{
    colour::ColourParams,
    engine::{Model, Tweaks, engine, model_path},
    models::ModelStore,
    nodes::Quality,
    perform::{
        ButtonWatch, Common, Finish, Node, Stage, View, missing::MissingParams, sign::SignParams,
        trouble::TroubleParams,
    },
};

/// A video model, by the name that it is installed by on any machine. Hosts may hold a choice by its place among the others: a new one
/// comes last.
#[derive(ofx::Choice, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum VideoModel {
    /// The small model in the bundle, unless “Model folder” names another.
    #[default]
    #[choice(label = "As “Model folder” says")]
    Named,
    /// 2 billion weights. `pickup models add ltx-video-2b-0.9.8-distilled` installs it.
    #[choice(name = "ltx-video-2b-0.9.8-distilled", label = "LTX-Video 2B 0.9.8")]
    Ltx2b098,
    /// The same with a smaller text encoder. `pickup models add ltx-video-2b-0.9.8-distilled-t5-q8` installs it.
    #[choice(name = "ltx-video-2b-0.9.8-distilled-t5-q8", label = "LTX-Video 2B 0.9.8, T5 in 8 bits")]
    Ltx2b098Q8,
    /// An older one. `pickup models add ltx-video-2b-0.9.6-distilled` installs it.
    #[choice(name = "ltx-video-2b-0.9.6-distilled", label = "LTX-Video 2B 0.9.6")]
    Ltx2b096,
    /// 13 billion weights. `pickup models add ltx-video-13b-0.9.8-distilled` installs it.
    #[choice(name = "ltx-video-13b-0.9.8-distilled", label = "LTX-Video 13B 0.9.8")]
    Ltx13b098,
    /// The smallest of these to fetch. `pickup models add ltx-video-2b-0.9.6-distilled-q4` installs it.
    #[choice(name = "ltx-video-2b-0.9.6-distilled-q4", label = "LTX-Video 2B 0.9.6 in 4 bits")]
    Ltx2b096Q4,
    /// 13 billion weights in less memory. `pickup models add ltx-video-13b-0.9.8-distilled-q6` installs it.
    #[choice(name = "ltx-video-13b-0.9.8-distilled-q6", label = "LTX-Video 13B 0.9.8 in 6 bits")]
    Ltx13b098Q6,
}

/// Which model makes a shot, and how.
#[derive(ofx::Params, Clone, Debug, PartialEq)]
pub struct ModelParams {
    /// A larger model that you installed: it is fetched under its own licence.
    #[param(id = "videoModel", label = "Model", default = VideoModel::Named)]
    pub chosen: VideoModel,
    /// Empty for the small model in the bundle, else the name of a model that is installed, or a folder of LTX-Video (0.9.5 or later) in the layout of diffusers, or the
    /// publisher's single file. Parts are loaded in turn; what would not fit in memory is refused.
    #[param(id = "model", mlt_id = "filter.resource", label = "Model folder", text = "folder")]
    pub model: String,
    /// What should not be seen.
    #[param(id = "negativePrompt", label = "Negative prompt", animates)]
    pub negative_prompt: String,
    /// How strongly to keep away from the negative prompt; 0 leaves it to the model. 1 is not at all, and saves half the
    /// work.
    #[param(id = "guidance", label = "Guidance", default = 0.0, range = 0.0..=20.0, display = 0.0..=10.0)]
    pub guidance: f64,
    /// Steps from noise to the shot; 0 leaves it to the model.
    #[param(id = "steps", label = "Steps", default = 0, range = 0..=200, display = 0..=50)]
    pub steps: i32,
    /// What finds motion.
    #[flatten]
    pub motion: MotionParams,
}

impl ModelParams {
    /// The model, opened on the first use.
    ///
    /// # Errors
    /// When there is none that can be run.
    fn open(&self, quality: Quality) -> Result<Model> {
        let tweaks = Tweaks {
            steps: usize::try_from(self.steps).ok().filter(|n| *n > 0),
            guidance: (self.guidance > 0.0).then_some(self.guidance),
            pixels: match quality {
                Quality::Draft => 0.25,
                Quality::Normal => 1.0,
                Quality::Best => 2.0,
            },
        };
        Ok(engine().model(&self.path()?, tweaks)?)
    }

    /// Whether it is the small model in the bundle.
    #[must_use]
    pub fn is_embedded(&self) -> bool {
        self.named().is_empty()
    }

    /// A prompt in the model's words: the one in the bundle knows few, and a lexicon of others.
    #[must_use]
    pub fn understood(&self, prompt: &str) -> Understood {
        if self.is_embedded() {
            return engine().understood(prompt);
        }
        Understood { prompt: prompt.to_owned(), taken: Vec::new() }
    }

    /// The name of an installed model, or a folder or file; nothing for the one in the bundle.
    fn named(&self) -> &str {
        match self.chosen {
            VideoModel::Named => self.model.trim(),
            chosen => VideoModel::OPTIONS[chosen.index()].name,
        }
    }

    fn path(&self) -> Result<PathBuf> {
        let named = self.named();
        if named.is_empty() {
            return Ok(model_path()?);
        }
        if let Some(store) = ModelStore::of_user().filter(|store| store.installed(named).is_some()) {
            return Ok(store.path(named));
        }
        if self.chosen != VideoModel::Named || !(Path::new(named).exists() || named.contains(['/', '\\'])) {
            let text = format!(
                "The model {named} is not installed on this machine: run `pickup models add {named}`, or choose another"
            );
            return Err(Error::Failed(text));
        }
        Ok(PathBuf::from(named))
    }
}

/// How much moves in a shot.
#[derive(ofx::Choice, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Motion {
    /// As much as the prompt says.
    #[default]
    #[choice(label = "As the prompt says")]
    Prompt,
    /// Little, and slowly.
    Gentle,
    /// Much, and fast.
    Strong,
}

/// What should be made.
#[derive(ofx::Params, Clone, Debug, PartialEq)]
pub struct PromptParams {
    /// What should be seen: what it is, its colour, which way and how fast it moves, on what background. The model in the bundle takes
    /// other words of English for its own, and words of fifteen other languages; LTX-Video knows English.
    #[param(id = "prompt", label = "Prompt", text = "multi", animates)]
    pub prompt: String,
    /// Has a language model write the prompt out as the long English description that LTX-Video was trained on, from words of any
    /// language. You see it, and change what you like. `pickup models add qwen3-1.7b` installs one; nothing leaves this machine.
    #[param(id = "enhance", label = "Enhance")]
    pub enhance: Button,
    /// How much moves: gentle and strong are said to the model after the prompt, as “slowly” and “fast”.
    #[param(id = "motion", label = "Motion strength", default = Motion::Prompt)]
    pub motion: Motion,
    /// The same seed makes the same shot.
    #[param(id = "seed", label = "Seed", default = 0, range = 0..=2_147_483_647, display = 0..=1000)]
    pub seed: i32,
    /// Another shot of the same prompt.
    #[param(id = "newSeed", label = "New seed")]
    pub new_seed: Button,
}

impl PromptParams {
    /// What the model of a node is told.
    #[must_use]
    pub fn brief(&self, take: &TakeParams) -> Brief {
        self.understood(take).asked(take)
    }

    /// What the model is told where it is to make something on black, to be laid over a picture that its camera does not move.
    #[must_use]
    pub fn over_black(&self, take: &TakeParams) -> Brief {
        let understood = self.understood(take);
        Self { prompt: without_camera(&understood.prompt), ..understood }.with_black().asked(take)
    }

    /// What the model is told where it is to make something on black.
    #[must_use]
    pub fn on_black(&self, take: &TakeParams) -> Brief {
        self.understood(take).with_black().asked(take)
    }

    /// Tells the user what words of the prompt the model of a node takes for others.
    pub fn tell_taken<N: Node>(&self, take: &TakeParams, stage: &Stage<'_, '_, N>) {
        stage.tell_taken(&take.model.understood(&self.prompt).taken);
    }

    /// These, with the prompt in the words of the model that is to follow it.
    fn understood(&self, take: &TakeParams) -> Self {
        Self { prompt: take.model.understood(&self.prompt).prompt, ..self.clone() }
    }

    /// These, with black as what is behind what the prompt asks for.
    fn with_black(self) -> Self {
        let said = self.prompt.trim();
        let black = words(said).iter().any(|(word, _)| word == "black");
        let prompt = if said.is_empty() || black { said.to_owned() } else { format!("{said}, on black") };
        Self { prompt, ..self }
    }

    /// What a model is told whose words the prompt is in.
    fn asked(&self, take: &TakeParams) -> Brief {
        Brief {
            prompt: self.told(),
            negative_prompt: take.model.understood(&take.model.negative_prompt).prompt.trim().to_owned(),
            seed: u64::try_from(self.seed).unwrap_or_default(),
            ..Brief::default()
        }
    }

    /// The prompt with what the motion's strength adds to it.
    fn told(&self) -> String {
        let prompt = self.prompt.trim();
        match self.motion {
            _ if prompt.is_empty() => String::new(),
            Motion::Prompt => prompt.to_owned(),
            Motion::Gentle => format!("{prompt}, moving slowly"),
            Motion::Strong => format!("{prompt}, moving fast"),
        }
    }

    /// Another seed, or a longer prompt for the model of a node, when its button was pressed.
    ///
    /// # Errors
    /// When the host refuses it, or no description can be made.
    pub fn changed<E: Effect>(&self, take: &TakeParams, cx: &Changed<'_, E>) -> Result<()> {
        if cx.is(Self::NEW_SEED) {
            return cx.set(Self::SEED, other_seed(self.seed));
        }
        if !cx.is(Self::ENHANCE) {
            return Ok(());
        }
        if take.model.is_embedded() {
            return Err(Error::Failed(KNOWS_WORDS.into()));
        }
        let watch = ButtonWatch::new(cx.progress("Enhance: writing the prompt"));
        let seed = u64::try_from(self.seed).unwrap_or_default();
        cx.set(Self::PROMPT, engine().describe(&self.prompt, seed, &watch)?)
    }
}

/// A seed unlike the one before: the next of a row that visits every seed there is (Hull and Dobell 1962).
fn other_seed(seed: i32) -> i32 {
    let next = (i64::from(seed) * 1_103_515_245 + 12_345) & 0x7FFF_FFFF;
    i32::try_from(next).unwrap_or_default()
}

/// What the output shows.
#[derive(ofx::Choice, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Output {
    /// What was made, among the source's own frames.
    #[default]
    Result,
    /// White where a frame was made, black where nothing or the source is shown.
    Matte,
}

/// What is shown of a made shot, by which model, and how: the parameters that every node on the video model has.
#[derive(ofx::Params, Clone, Debug, PartialEq)]
pub struct TakeParams {
    /// What the output shows.
    #[param(id = "output", label = "Output", default = Output::Result)]
    pub output: Output,
    /// How much work a frame is worth. The video model makes frames of a quarter, one or two times the pixels that it is at
    /// home at; they are then scaled to the output.
    #[param(id = "quality", label = "Quality", default = Quality::Normal)]
    pub quality: Quality,
    /// What is done to made frames afterwards, the same however they were made.
    #[group(label = "Look", open = false)]
    pub look: LookParams,
    /// The model.
    #[group(id = "advanced", label = "Advanced", open = false)]
    pub model: ModelParams,
    /// Colour.
    #[group(label = "Colour", open = false)]
    pub colour: ColourParams,
}

impl TakeParams {
    /// The model, opened on the first use.
    ///
    /// # Errors
    /// When there is none that can be run.
    pub fn open(&self) -> Result<Model> {
        self.model.open(self.quality)
    }

    /// The video model, where it is the one to ask though another way is open: one that the user named, or the one in the bundle where
    /// it knows every word of the prompt. If it is not for its words, the user is told.
    ///
    /// # Errors
    /// When there is none that can be run.
    pub fn suited<N: Node>(&self, stage: &Stage<'_, '_, N>, brief: &Brief) -> Result<Option<Model>> {
        if self.model.is_embedded() && brief.prompt.is_empty() {
            return Ok(None);
        }
        let model = self.open()?;
        if !self.model.is_embedded() || model.understands(&brief.prompt) {
            return Ok(Some(model));
        }
        stage.warn(NOT_UNDERSTOOD);
        Ok(None)
    }

    /// The parameters that are the same for all nodes, of one with these.
    #[must_use]
    pub fn common<'a>(
        &'a self,
        source: Option<&'a SourceParams>,
        missing: &MissingParams,
        (trouble, sign): (&'a TroubleParams, &SignParams),
    ) -> Common<'a> {
        let view = if self.output == Output::Matte { View::Matte } else { View::Frames };
        Common {
            view,
            quality: self.quality,
            motion: &self.model.motion,
            colour: &self.colour,
            source,
            missing: missing.frames,
            trouble,
            marks_made: sign.mark_made,
        }
    }

    /// How a made frame is shown beside frames of so much noise; a look that the brief's prompt names is one.
    #[must_use]
    pub fn finish(&self, brief: &Brief, noise: Option<f32>) -> Finish<'_> {
        Finish { look: self.look.or_said(&brief.prompt), colour: &self.colour, noise }
    }
}

/// Why a prompt is not written out.
const KNOWS_WORDS: &str = "The model in the bundle knows single words, and does not follow a long description: choose a larger one \
                           in “Model” first";

/// Why a prompt is not followed.
const NOT_UNDERSTOOD: &str = "The model in the bundle does not know all that the prompt asks for, so motion makes these frames. \
                              Use words that it knows, set “Made by” to “Video model”, or name a larger model in “Model \
                              folder”";

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::models::{ModelKind, ModelList};

    #[test]
    fn every_model_that_can_be_installed_can_be_chosen() {
        let list = ModelList::of_project().unwrap();
        let video = list.models().iter().filter(|model| model.kind == ModelKind::Video);
        let listed: BTreeSet<&str> = video.map(|model| &*model.name).collect();
        let options: BTreeSet<&str> = VideoModel::OPTIONS[1..].iter().map(|option| option.name).collect();
        assert_eq!(options, listed);
        assert!(!ModelParams { chosen: VideoModel::Ltx13b098, ..ModelParams::default() }.is_embedded());
    }

    #[test]
    fn the_strength_of_motion_is_said_after_the_prompt() {
        let take = TakeParams::default();
        let params = |prompt: &str, motion| PromptParams { prompt: prompt.into(), motion, ..PromptParams::default() };
        assert_eq!(params(" snow ", Motion::Prompt).brief(&take).prompt, "snow");
        assert_eq!(params("snow", Motion::Gentle).brief(&take).prompt, "snow, moving slowly");
        assert_eq!(params("snow", Motion::Strong).brief(&take).prompt, "snow, moving fast");
        assert_eq!(params("", Motion::Strong).brief(&take).prompt, "", "an empty prompt stays one");
        assert_eq!(params("Push in, snow", Motion::Gentle).over_black(&take).prompt, "snow, on black, moving slowly");
        assert_eq!(params("snow on Black", Motion::Prompt).over_black(&take).prompt, "snow on Black");
        assert_eq!(params("pan left", Motion::Strong).over_black(&take).prompt, "");
    }

    #[test]
    fn new_seeds_do_not_come_back_soon() {
        let mut seeds: Vec<i32> = std::iter::successors(Some(0), |s| Some(other_seed(*s))).take(1000).collect();
        assert!(seeds.iter().all(|s| *s >= 0));
        seeds.sort_unstable();
        seeds.dedup();
        assert_eq!(seeds.len(), 1000);
    }
}
