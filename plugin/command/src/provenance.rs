//! How the frames came about that are written: marks in their files, and a file beside them that tells more.

use std::{
    cell::OnceCell,
    path::{Path, PathBuf},
};

use pickup::provenance::{Maker, Origin};
use pickup_clips::{ClipWriter, DigitalSource, Mark, Partial, frame_list::FrameList, naming, write_whole};
use serde::Serialize;

use super::{CliError, args::ProvenanceArgs, cancel, credentials::Credentials, progress};

/// What a file beside the clip is named by, so that programs know what is in it.
const SCHEMA: &str = "pickup-provenance-1";

/// What the clip's ending is replaced by in the name of the file beside it.
const ENDING: &str = "provenance.json";

/// What the files of a frame say of how it came about; nothing of one that no network made. What is made of pictures that a model
/// made has something of that model's in it: `given` is what their files say.
fn source(origin: &Origin, given: Option<DigitalSource>) -> Option<DigitalSource> {
    let own = match (origin.by, origin.with_given) {
        (Maker::Editing, _) => None,
        (Maker::Motion, _) => Some(DigitalSource::AlgorithmicallyEnhanced),
        (Maker::Model, true) => Some(DigitalSource::CompositeWithTrainedAlgorithmicMedia),
        (Maker::Model, false) => Some(DigitalSource::TrainedAlgorithmicMedia),
    };
    let of_given = given.filter(|given| given.by_a_model() && origin.with_given);
    own.max(of_given.map(|_| DigitalSource::CompositeWithTrainedAlgorithmicMedia))
}

/// What is told of the frames of a clip that is written.
pub(super) struct Provenance<'a> {
    args: &'a ProvenanceArgs,
    clip: &'a Path,
    /// The node that they came through, if they did through one.
    node: Option<&'a str>,
    credentials: Option<Credentials>,
    /// The files of the clips that are read.
    from: &'a [&'a Path],
    /// What those say of how they came about: looked up when a frame is made of them.
    given: OnceCell<Option<DigitalSource>>,
    frames: Vec<i64>,
    made: Vec<Made>,
}

/// A frame that is no clip's own.
struct Made {
    frame: i64,
    origin: Origin,
    source: Option<DigitalSource>,
}

/// What files say of how they came about: the strongest.
fn given(files: &[&Path]) -> Option<DigitalSource> {
    files.iter().filter_map(|file| DigitalSource::of_file(file)).max()
}

/// Frames that came about in one way, as the file beside the clip lists them.
#[derive(Serialize)]
struct MadeFrames<'a> {
    frames: String,
    digital_source_type: Option<String>,
    #[serde(flatten)]
    origin: &'a Origin,
}

/// The file beside the clip; docs/provenance.schema.json describes it.
#[derive(Serialize)]
struct Beside<'a> {
    schema: &'static str,
    tool: &'static str,
    node: Option<&'a str>,
    clip: String,
    frames: String,
    made: Vec<MadeFrames<'a>>,
}

impl<'a> Provenance<'a> {
    /// Of a clip that is written by `writer` from files.
    pub(super) fn new(
        args: &'a ProvenanceArgs,
        node: Option<&'a str>,
        writer: &ClipWriter,
        clip: &'a Path,
        from: &'a [&'a Path],
    ) -> Result<Self, CliError> {
        let credentials = args.credentials.then(|| Credentials::new(args)).transpose()?;
        let (given, frames, made) = (OnceCell::new(), Vec::new(), Vec::new());
        let new = Self { args, clip, node, credentials, from, given, frames, made };
        if let Some(sidecar) = new.sidecar() {
            if writer.writes(&sidecar) || writer.reads(&sidecar) {
                let name = sidecar.display();
                return Err(CliError::Usage(format!(
                    "{name}: this is a file of a clip: name another by --sidecar=FILE"
                )));
            }
            // Shows now, not after an hour's render, that it cannot be written.
            Partial::create(&sidecar)?;
        }
        Ok(new)
    }

    fn sidecar(&self) -> Option<PathBuf> {
        let named = self.args.sidecar.as_ref()?;
        Some(named.clone().unwrap_or_else(|| beside(self.clip)))
    }

    /// Adds a frame, and how it came about if it is no clip's own; gives the mark that its file gets.
    pub(super) fn add(&mut self, frame: i64, origin: Option<&Origin>) -> Option<Mark> {
        self.frames.push(frame);
        let origin = origin?;
        let source = source(origin, *self.given.get_or_init(|| given(self.from)));
        self.made.push(Made { frame, origin: origin.clone(), source });
        let source = source.filter(|_| !self.args.unmarked)?;
        Some(Mark { source, system: origin.shot.as_ref().map(|shot| format!("Pickup: {}", shot.model)) })
    }

    /// The mark of a frame that is a clip's own and is not copied with its file: what that says, or the clip's files where it has none
    /// of its own.
    pub(super) fn kept(&self, file: Option<&Path>) -> Option<Mark> {
        let said = || match file {
            Some(file) => DigitalSource::of_file(file),
            None => *self.given.get_or_init(|| given(self.from)),
        };
        let source = (!self.args.unmarked).then(said).flatten()?;
        Some(Mark { source, system: None })
    }

    /// Completes the clip, signs its files if that is asked for, and writes the file beside it.
    pub(super) fn finish(self, writer: ClipWriter) -> Result<(), CliError> {
        let marked = writer.finish()?;
        if let Some(credentials) = &self.credentials {
            for (file, mark) in &marked {
                cancel::check()?;
                credentials.sign(file, mark)?;
            }
        }
        if marked.is_empty() && self.made.iter().any(|made| made.source.is_some()) && !self.args.unmarked {
            progress::note(
                "this format has no place to say which frames were made: write another, or --sidecar beside it",
            );
        }
        self.sidecar().map_or(Ok(()), |file| self.write(&file))
    }

    fn write(&self, path: &Path) -> Result<(), CliError> {
        let mut made: Vec<(&Made, Vec<i64>)> = Vec::new();
        for next in &self.made {
            match made.iter_mut().find(|(known, _)| known.origin == next.origin) {
                Some((_, frames)) => frames.push(next.frame),
                None => made.push((next, vec![next.frame])),
            }
        }
        let made = made.into_iter().map(|(first, frames)| MadeFrames {
            frames: frames.into_iter().collect::<FrameList>().to_string(),
            digital_source_type: first.source.map(DigitalSource::uri),
            origin: &first.origin,
        });
        let beside = Beside {
            schema: SCHEMA,
            tool: concat!("Pickup ", env!("CARGO_PKG_VERSION")),
            node: self.node,
            // Not its folder, which may tell of a person or a client.
            clip: self.clip.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            frames: self.frames.iter().copied().collect::<FrameList>().to_string(),
            made: made.collect(),
        };
        let mut text = serde_json::to_string_pretty(&beside).map_err(CliError::failed)?;
        text.push('\n');
        Ok(write_whole(path, text.as_bytes())?)
    }
}

/// The file beside a clip, where none is named: of `shot.%04d.exr` it is `shot.provenance.json`.
pub(super) fn beside(clip: &Path) -> PathBuf {
    let title = naming::title(clip);
    clip.with_file_name(if title.is_empty() { ENDING.to_owned() } else { format!("{title}.{ENDING}") })
}

#[cfg(test)]
mod tests {
    use super::*;
    use pickup::provenance::MadeShot;
    use pickup_clips::WriteOptions;

    fn by_model(with_given: bool) -> Origin {
        let shot = MadeShot {
            recipe: Some("ab".into()),
            model: "stock".into(),
            weights: "w".into(),
            prompt: "smoke".into(),
            negative_prompt: String::new(),
            seed: 7,
        };
        Origin::of_shot(shot, with_given)
    }

    #[test]
    fn what_a_model_made_is_told_from_what_was_mended() {
        use DigitalSource::{
            AlgorithmicallyEnhanced as Enhanced, CompositeWithTrainedAlgorithmicMedia as Composite,
            TrainedAlgorithmicMedia as Trained,
        };
        let [edited, mended] = [Maker::Editing, Maker::Motion].map(Origin::of_given);
        let (extended, invented) = (by_model(true), by_model(false));
        let all = |given| [&edited, &mended, &extended, &invented].map(|origin| source(origin, given));
        assert_eq!(all(None), [None, Some(Enhanced), Some(Composite), Some(Trained)]);
        assert_eq!(all(Some(Enhanced)), all(None));
        assert_eq!(all(Some(Trained)), [Some(Composite), Some(Composite), Some(Composite), Some(Trained)]);
    }

    #[test]
    fn frames_of_one_origin_are_listed_together() {
        let folder = tempfile::tempdir().unwrap();
        let clip = folder.path().join("shot.%04d.exr");
        let writer = ClipWriter::create(&clip, WriteOptions::default(), &[]).unwrap();
        let args = ProvenanceArgs { sidecar: Some(None), ..ProvenanceArgs::default() };
        let mut told = Provenance::new(&args, Some("org.pickup.Extend"), &writer, &clip, &[]).unwrap();
        assert_eq!(told.add(1, None), None);
        let marks: Vec<_> = (2..=5).filter_map(|frame| told.add(frame, Some(&by_model(true)))).collect();
        assert_eq!((marks.len(), marks[0].system.as_deref()), (4, Some("Pickup: stock")));
        told.add(6, Some(&Origin::of_given(Maker::Motion)));
        told.add(8, Some(&by_model(true)));
        told.finish(writer).unwrap();
        let told = std::fs::read_to_string(folder.path().join("shot.provenance.json")).unwrap();
        let told: serde_json::Value = serde_json::from_str(&told).unwrap();
        assert_eq!((&told["clip"], &told["frames"]), (&"shot.%04d.exr".into(), &"1-6, 8".into()));
        assert_eq!((&told["made"][0]["frames"], &told["made"][1]["frames"]), (&"2-5, 8".into(), &"6".into()));
        assert_eq!(told["made"][0]["shot"]["prompt"], "smoke");
        assert!(!told.to_string().contains(&*folder.path().to_string_lossy()), "no folder is told");
        let schema = include_str!("../../../docs/provenance.schema.json");
        described(&told, &serde_json::from_str(schema).unwrap());
    }

    /// Holds a value against the parts of JSON Schema that the schema in docs has for objects: all that is required is there, and nothing
    /// that is not described.
    fn described(value: &serde_json::Value, schema: &serde_json::Value) {
        if let Some(items) = value.as_array() {
            items.iter().for_each(|item| described(item, &schema["items"]));
        }
        let Some(object) = value.as_object() else { return };
        for required in schema["required"].as_array().unwrap() {
            assert!(object.contains_key(required.as_str().unwrap()), "{required} is missing");
        }
        for (name, value) in object {
            assert!(!schema["properties"][name].is_null(), "{name} is not described");
            described(value, &schema["properties"][name]);
        }
    }

    #[test]
    fn a_file_beside_a_clip_is_called_after_it() {
        let named = |clip: &str| beside(Path::new(clip)).to_string_lossy().into_owned();
        assert_eq!(named("out/shot.%04d.exr"), "out/shot.provenance.json");
        assert_eq!(named("out/%04d.png"), "out/provenance.json");
        assert_eq!(named("a_####_b.png"), "a_b.provenance.json");
        assert_eq!(named("final.v2.mov"), "final.v2.provenance.json");
    }
}
