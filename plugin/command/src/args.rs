//! What can be written on the command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};
use ofx::{BitDepth, Context, host::Profile};
use pickup_clips::{Codec, Fields, Quality};

/// Fills missing frames of footage: the OpenFX bundle Pickup, hosted from the command line.
#[derive(Debug, Parser)]
#[command(name = "pickup", version)]
#[command(after_help = "\
Without a command it runs `pickup demo`.

A CLIP is an image sequence (shot.%04d.exr, shot.####.png or a folder; EXR, PNG, TIFF,
JPEG, BMP, WebP, DPX) or a video file. Videos and DPX are read and written through the
system's ffmpeg. Frame numbers are those of the sequence's files; a video counts from 1.

Exit codes: 0 done, 1 failed or cancelled, 2 wrong usage.")]
pub(super) struct Args {
    #[command(subcommand)]
    pub(super) command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Does all six jobs on sample shots, and measures those whose truth is known
    Demo(DemoArgs),
    /// Renders a clip through a node
    Render(Box<RenderArgs>),
    /// Writes a render as a job for many machines: an Open Job Description template
    Submit(SubmitArgs),
    /// Lists nodes, contexts and parameters, as a host sees them
    Nodes(Box<NodesArgs>),
    /// Makes Pickup.ofx.bundle
    Bundle(BundleArgs),
    /// Puts Pickup.ofx.bundle where hosts look for it
    Install(InstallArgs),
    /// Lists, shows, exports or removes the shots that are kept on disk
    Takes {
        #[command(subcommand)]
        command: TakesCommand,
    },
    /// Writes a few words, in any language, out as a long description for LTX-Video
    Enhance(EnhanceArgs),
    /// Lists larger models, fetches, checks or removes them
    Models {
        #[command(subcommand)]
        command: ModelsCommand,
    },
    /// Says what works on this machine, and what to do about what does not
    Doctor(DoctorArgs),
}

#[derive(Debug, Subcommand)]
pub(super) enum ModelsCommand {
    /// Lists what there is, with size, licence and needs, and what is installed
    List,
    /// Fetches one, or goes on fetching it
    Add(AddArgs),
    /// Checks every byte of one that is installed
    Verify {
        /// Its name as `list` shows it
        name: String,
    },
    /// Removes one, or what was fetched of it
    Remove {
        /// Its name as `list` shows it
        name: String,
    },
}

#[derive(Debug, clap::Args)]
pub(super) struct EnhanceArgs {
    /// What should be seen
    #[arg(required = true)]
    pub(super) words: Vec<String>,
    /// Another seed, another description
    #[arg(long, default_value_t = 0)]
    pub(super) seed: u64,
}

#[derive(Debug, clap::Args)]
pub(super) struct AddArgs {
    /// Its name as `list` shows it
    pub(super) name: String,
    /// Accepts its licence without being asked
    #[arg(long)]
    pub(super) accept_licence: bool,
    /// Takes its files from a folder instead of the network
    #[arg(long, value_name = "FOLDER")]
    pub(super) from: Option<PathBuf>,
    /// Fetches from a mirror of Hugging Face [default: HF_ENDPOINT, else https://huggingface.co]
    #[arg(long, value_name = "URL", conflicts_with = "from")]
    pub(super) endpoint: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(super) enum TakesCommand {
    /// Lists them, the one used last first
    List,
    /// Says what one holds, and what its prompt had that the model did not know
    Show {
        /// Its name as `list` shows it, or how that begins
        name: String,
    },
    /// Writes one as a clip: EXR (scene-linear), another sequence, or a video
    Export {
        /// Its name as `list` shows it, or how that begins
        name: String,
        /// The clip to write, such as shot.%04d.exr or shot.mov
        #[arg(long, value_name = "CLIP")]
        out: PathBuf,
        /// Frames a second of a video
        #[arg(long, value_name = "RATE", default_value = "24", value_parser = super::output::parse_rate)]
        rate: pickup_clips::Rate,
        #[command(flatten)]
        provenance: ProvenanceArgs,
    },
    /// Removes them all; what is needed again is made again
    Clear,
}

impl Default for Command {
    fn default() -> Self {
        Self::Demo(DemoArgs { out: DEMO_FOLDER.into(), width: DEMO_WIDTH, bundle: None })
    }
}

const DEMO_FOLDER: &str = "pickup-demo";
const DEMO_WIDTH: u16 = 640;

#[derive(Debug, clap::Args)]
pub(super) struct DemoArgs {
    /// Folder for frames and contact sheet
    #[arg(long, value_name = "DIR", default_value = DEMO_FOLDER)]
    pub(super) out: PathBuf,
    /// Width of the sample in pixels
    #[arg(long, value_name = "PIXELS", default_value_t = DEMO_WIDTH, value_parser = clap::value_parser!(u16).range(64..=3840))]
    pub(super) width: u16,
    #[arg(long, value_name = "BUNDLE", help = BUNDLE_HELP)]
    pub(super) bundle: Option<PathBuf>,
}

const BUNDLE_HELP: &str = "The bundle to host, instead of the one built beside this command or installed";

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  pickup render Repair --in plate.%04d.exr --out fixed/plate.%04d.exr --set frames=1013,1020-1022
  pickup render Retime --in shot.mov --out slow/%04d.png --set speed=0:100,48:25
  pickup render Repair --in plate/ --out fixed.mov --set frames=12 --host mlt
  pickup render Generate --out smoke/%04d.png --sheet smoke.png --set prompt='red smoke rising on black'

Frames that are missing from a sequence are missing for the node too.
`pickup nodes` lists what can be set.")]
pub(super) struct RenderArgs {
    /// The node's name or identifier, such as Repair
    pub(super) node: String,
    /// The clip to read; Generate does without
    #[arg(long = "in", value_name = "CLIP")]
    pub(super) input: Option<PathBuf>,
    /// Size of the picture where no clip is read
    #[arg(long, value_name = "WIDTHxHEIGHT", default_value = "1280x720", value_parser = parse_size, conflicts_with = "input")]
    pub(super) size: (usize, usize),
    /// A second clip to read, for nodes that go from one clip to another
    #[arg(long, value_name = "CLIP")]
    pub(super) to: Option<PathBuf>,
    /// The layer or part of EXR files that is rendered, such as diffuse; made frames have it alone, under its own name [default: R, G, B, A]
    #[arg(long, value_name = "NAME", requires = "input")]
    pub(super) layer: Option<String>,
    /// The clip to write
    #[arg(long, value_name = "CLIP")]
    pub(super) out: PathBuf,
    /// A picture to write with frames of the clip side by side, such as sheet.png or sheet.jpg
    #[arg(long, value_name = "FILE")]
    pub(super) sheet: Option<PathBuf>,
    /// Sets a parameter; NAME=FRAME:VALUE,FRAME:VALUE animates it, texts too where there are two or more
    #[arg(long, value_name = "NAME=VALUE", value_parser = super::values::Setting::parse)]
    pub(super) set: Vec<super::values::Setting>,
    /// Presses a button once everything is set, such as Find or startHere@105 [default: at the clip's first frame]
    #[arg(long, value_name = "BUTTON[@FRAME]", value_parser = Press::parse)]
    pub(super) press: Vec<Press>,
    /// Frames to render, such as 101-148 or 101-110, 120 [default: all]
    #[arg(long, value_name = "A-B", allow_hyphen_values = true, value_parser = parse_frames)]
    pub(super) frames: Option<pickup_clips::frame_list::FrameList>,
    #[arg(long, value_name = "PROFILE", default_value = "reference", value_parser = parse_profile, help = profile_help())]
    pub(super) host: NamedProfile,
    /// OpenFX context [default: general, else the first that node and host share]
    #[arg(long, value_enum)]
    pub(super) context: Option<ContextArg>,
    /// Frames rendered at once [default: as the host profile does]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(super) threads: Option<u16>,
    /// What motion is found on [default: a GPU where one is faster, unless PICKUP_DEVICE says otherwise]
    #[arg(long, value_enum)]
    pub(super) device: Option<DeviceArg>,
    /// Depth of the pictures the node gets and of the clip written [default: that of the clip read]
    #[arg(long, value_enum)]
    pub(super) depth: Option<DepthArg>,
    /// What becomes of the two fields of each picture of an interlaced video
    #[arg(long, value_enum, default_value_t)]
    pub(super) fields: FieldsArg,
    /// Leaves out frames that only repeat the one before: a video keeps the times of the others, a sequence is numbered on
    #[arg(long)]
    pub(super) without_repeats: bool,
    /// Frames a second of the video written: Retime makes the frames that it needs [default: as the clip read]
    #[arg(long, value_name = "RATE", value_parser = super::output::parse_rate)]
    pub(super) rate: Option<pickup_clips::Rate>,
    /// How a video is compressed [default: H.264 in .mp4, HEVC there for HDR, ProRes in .mov, FFV1 in .mkv and .avi, VP9 in .webm]
    #[arg(long, value_enum)]
    pub(super) codec: Option<CodecArg>,
    /// How much is lost to compression, of JPEG, H.264, HEVC, VP9 and ProRes
    #[arg(long, value_enum, default_value_t)]
    pub(super) quality: QualityArg,
    /// Whether values change between scene-linear EXR and formats that are shown as they are
    #[arg(long, value_enum, default_value_t)]
    pub(super) transfer: TransferArg,
    #[command(flatten)]
    pub(super) provenance: ProvenanceArgs,
    #[arg(long, value_name = "BUNDLE", help = BUNDLE_HELP)]
    pub(super) bundle: Option<PathBuf>,
}

impl RenderArgs {
    /// What a parameter is set to by `--set`: the last counts.
    pub(super) fn value_of(&self, name: &str) -> Option<&str> {
        self.set.iter().rev().find(|set| set.name.eq_ignore_ascii_case(name)).map(|set| &*set.value)
    }
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  pickup submit fix.json --frames-per-task 20 -- Repair --in plate.%04d.exr --out fixed/plate.%04d.exr --set frames=12,40-42
  openjd run fix.json")]
pub(super) struct SubmitArgs {
    /// The template to write
    #[arg(value_name = "JOB.json")]
    pub(super) job: PathBuf,
    /// Frames that a task renders [default: 25; all where a video model makes them, as its shot is made once]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) frames_per_task: Option<u32>,
    /// A folder that all machines see, where shots of a video model are kept
    #[arg(long, value_name = "FOLDER")]
    pub(super) takes: Option<PathBuf>,
    /// What would follow `pickup render`
    #[arg(last = true, required = true, value_name = "RENDER")]
    pub(super) render: Vec<String>,
}

/// What follows `pickup render`, by itself.
#[derive(Debug, Parser)]
#[command(name = "pickup submit JOB.json --", no_binary_name = true)]
pub(super) struct RenderLine {
    #[command(flatten)]
    pub(super) render: RenderArgs,
}

/// What is told of frames that were made.
#[derive(Debug, Default, clap::Args)]
pub(super) struct ProvenanceArgs {
    /// Leaves out what files of made frames otherwise say: that, and how, they were made
    #[arg(long)]
    pub(super) unmarked: bool,
    /// Writes which frames were made, and how, as JSON [default: beside the clip, as shot.provenance.json]
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true)]
    pub(super) sidecar: Option<Option<PathBuf>>,
    /// Signs files that have made frames in them with content credentials (C2PA), in builds that can
    #[arg(long, conflicts_with = "unmarked")]
    pub(super) credentials: bool,
    /// The chain of certificates to sign with, in PEM, your own first [default: one made for this run, which proves no name]
    #[arg(long, value_name = "FILE", requires_all = ["key", "credentials"])]
    pub(super) certificate: Option<PathBuf>,
    /// The key of the first certificate, in PEM
    #[arg(long, value_name = "FILE", requires = "certificate")]
    pub(super) key: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(super) struct NodesArgs {
    /// Prints JSON
    #[arg(long)]
    pub(super) json: bool,
    #[arg(long, value_name = "PROFILE", default_value = "reference", value_parser = parse_profile, help = profile_help())]
    pub(super) host: NamedProfile,
    #[arg(long, value_name = "BUNDLE", help = BUNDLE_HELP)]
    pub(super) bundle: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(super) struct BundleArgs {
    /// Folder to make it in
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(super) out: PathBuf,
}

#[derive(Debug, clap::Args)]
pub(super) struct InstallArgs {
    /// Folder to put it in [default: the standard folder of OpenFX plugins]
    #[arg(long, value_name = "DIR")]
    pub(super) dir: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(super) struct DoctorArgs {
    #[arg(long, value_name = "BUNDLE", help = BUNDLE_HELP)]
    pub(super) bundle: Option<PathBuf>,
    /// Instead hold the effects of a bundle, Pickup's or any other, against the OpenFX standard
    #[arg(long, value_name = "BUNDLE", conflicts_with = "bundle")]
    pub(super) strict: Option<PathBuf>,
    /// Also writes all that into a file, with the settings and the end of the log, and without paths and prompts
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "pickup-report.txt", conflicts_with = "strict")]
    pub(super) report: Option<PathBuf>,
}

/// A button to press, and the frame at which the timeline's cursor then stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Press {
    pub(super) name: String,
    pub(super) frame: Option<i64>,
}

impl Press {
    fn parse(text: &str) -> Result<Self, String> {
        let Some((name, frame)) = text.rsplit_once('@') else {
            return Ok(Self { name: text.to_owned(), frame: None });
        };
        let frame = frame.parse().map_err(|_| format!("{frame:?} is no frame: write it like startHere@105"))?;
        Ok(Self { name: name.to_owned(), frame: Some(frame) })
    }
}

/// A profile with the name it goes by on the command line.
#[derive(Clone, Debug)]
pub(super) struct NamedProfile {
    pub(super) name: &'static str,
    pub(super) profile: Profile,
}

fn parse_profile(text: &str) -> Result<NamedProfile, String> {
    let found = Profile::all().into_iter().find(|(name, _)| name.eq_ignore_ascii_case(text));
    let (name, profile) = found.ok_or_else(|| format!("there is no such host; choose one of: {}", profile_names()))?;
    Ok(NamedProfile { name, profile })
}

fn profile_names() -> String {
    Profile::all().into_iter().map(|(name, _)| name).collect::<Vec<_>>().join(", ")
}

fn profile_help() -> String {
    format!("Behave as this host: {}", profile_names())
}

fn parse_size(text: &str) -> Result<(usize, usize), String> {
    let sides = text.split_once('x').and_then(|(w, h)| Some((w.parse().ok()?, h.parse().ok()?)));
    let most = pickup_clips::MAX_SIDE as usize;
    let size = sides.filter(|(w, h)| (1..=most).contains(w) && (1..=most).contains(h));
    size.ok_or_else(|| format!("write it like 1920x1080, each side from 1 to {most}"))
}

fn parse_frames(text: &str) -> Result<pickup_clips::frame_list::FrameList, String> {
    let list = pickup_clips::frame_list::FrameList::parse(text).map_err(|e| e.to_string())?;
    if list.is_empty() { Err("names no frame: write 101-148".to_owned()) } else { Ok(list) }
}

/// The standard's contexts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ContextArg {
    Filter,
    General,
    Transition,
    Generator,
    Retimer,
}

impl From<ContextArg> for Context {
    fn from(context: ContextArg) -> Self {
        match context {
            ContextArg::Filter => Self::Filter,
            ContextArg::General => Self::General,
            ContextArg::Transition => Self::Transition,
            ContextArg::Generator => Self::Generator,
            ContextArg::Retimer => Self::Retimer,
        }
    }
}

/// What becomes of fields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum FieldsArg {
    /// They stay: Repair makes each from its own, the other nodes take both for one picture
    #[default]
    Stay,
    /// A whole picture is made of each two, at the same rate
    Deinterlace,
    /// A whole picture is made of each one, at twice the rate
    Double,
    /// Film that was spread over fields becomes its own pictures again, at four fifths of the rate
    Film,
}

impl From<FieldsArg> for Fields {
    fn from(fields: FieldsArg) -> Self {
        match fields {
            FieldsArg::Stay => Self::AsStored,
            FieldsArg::Deinterlace => Self::Deinterlace,
            FieldsArg::Double => Self::Double,
            FieldsArg::Film => Self::Film,
        }
    }
}

/// The codecs of video.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum CodecArg {
    /// 8 bits, in .mp4, .mov and .mkv
    H264,
    /// 8 or 10 bits, in .mp4, .mov and .mkv
    Hevc,
    /// 10 bits, with alpha, in .mov
    Prores,
    /// 8 or 16 bits, with alpha, without loss, in .mkv and .avi
    Ffv1,
    /// 8 or 10 bits, with alpha, in .webm and .mkv
    Vp9,
}

impl From<CodecArg> for Codec {
    fn from(codec: CodecArg) -> Self {
        match codec {
            CodecArg::H264 => Self::H264,
            CodecArg::Hevc => Self::Hevc,
            CodecArg::Prores => Self::ProRes,
            CodecArg::Ffv1 => Self::Ffv1,
            CodecArg::Vp9 => Self::Vp9,
        }
    }
}

/// How much is lost to compression.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum QualityArg {
    /// Small files, in which the loss can be seen
    Low,
    /// As is usual for watching
    Medium,
    /// For further work: the loss is hard to see
    #[default]
    High,
}

impl From<QualityArg> for Quality {
    fn from(quality: QualityArg) -> Self {
        match quality {
            QualityArg::Low => Self::Low,
            QualityArg::Medium => Self::Medium,
            QualityArg::High => Self::High,
        }
    }
}

/// What happens to the curve of values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum TransferArg {
    /// The picture looks the same: scene-linear values are encoded by sRGB for PNG, JPEG and video, and the other way round
    #[default]
    Auto,
    /// The numbers stay the same
    Keep,
}

/// The standard's depths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum DepthArg {
    /// 8-bit integers
    Byte,
    /// 16-bit integers
    Short,
    /// 16-bit floats
    Half,
    /// 32-bit floats
    Float,
}

/// What motion is found on, by the label of the node's choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum DeviceArg {
    /// A GPU where one is faster
    Auto,
    /// The processor
    Cpu,
    /// The strongest GPU
    Gpu,
}

impl DeviceArg {
    /// The setting of a node's parameter.
    pub(super) fn setting(self) -> super::values::Setting {
        let value = match self {
            Self::Auto => "Automatic",
            Self::Cpu => "Processor",
            Self::Gpu => "GPU",
        };
        super::values::Setting { name: "device".to_owned(), value: value.to_owned() }
    }
}

impl From<DepthArg> for BitDepth {
    fn from(depth: DepthArg) -> Self {
        match depth {
            DepthArg::Byte => Self::Byte,
            DepthArg::Short => Self::Short,
            DepthArg::Half => Self::Half,
            DepthArg::Float => Self::Float,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    fn parse(line: &str) -> Result<Args, clap::Error> {
        Args::try_parse_from(line.split(' '))
    }

    #[test]
    fn the_declaration_is_sound() {
        Args::command().debug_assert();
    }

    #[test]
    fn no_command_is_the_demo() {
        let args = parse("pickup").unwrap();
        assert!(matches!(args.command.unwrap_or_default(), Command::Demo(d) if d.out.as_os_str() == "pickup-demo"));
    }

    #[test]
    fn render_takes_clips_settings_and_a_host() {
        let line = "pickup render Repair --in a.%04d.png --out b.%04d.png --set frames=3,6-7 --set output=matte \
                    --press find --press startHere@-4 --frames -3-12 --host MLT --context filter --threads 4 --depth half";
        let Some(Command::Render(args)) = parse(line).unwrap().command else { panic!("render") };
        assert_eq!(args.set.len(), 2);
        assert_eq!(args.press[0], Press { name: "find".to_owned(), frame: None });
        assert_eq!(args.press[1], Press { name: "startHere".to_owned(), frame: Some(-4) });
        assert_eq!(args.frames.unwrap().to_string(), "-3-12");
        assert_eq!(args.host.name, "mlt");
        assert_eq!(args.context.map(Context::from), Some(Context::Filter));
        assert_eq!((args.threads, args.depth.map(BitDepth::from)), (Some(4), Some(BitDepth::Half)));
    }

    #[test]
    fn wrong_usage_is_code_2_and_says_what_is_right() {
        for (line, word) in [
            ("pickup render Repair --in a.png --out b.png --host premiere", "natron"),
            ("pickup render Repair --in a.png --out b.png --set frames", "NAME=VALUE"),
            ("pickup render Repair --in a.png --out b.png --frames 9-3", "3-9"),
            ("pickup render Repair --in a.png --out b.png --threads 0", "1..=256"),
            ("pickup render Repair --in a.png --out b.png --depth ten", "half"),
            ("pickup render Repair --in a.png", "--out"),
            ("pickup render Repair --in a.png --out b.png --press find@x", "startHere@105"),
            ("pickup render Generate --out b.png --size 1920", "1920x1080"),
            ("pickup render Repair --in a.png --out b.png --size 8x8", "--in"),
            ("pickup rendr", "rendr"),
        ] {
            let error = parse(line).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{line}");
            assert!(error.to_string().contains(word), "{line}: {error}");
        }
    }

    #[test]
    fn help_and_version_are_no_errors() {
        for line in ["pickup --help", "pickup --version", "pickup render --help", "pickup help doctor"] {
            assert_eq!(parse(line).unwrap_err().exit_code(), 0, "{line}");
        }
    }
}
