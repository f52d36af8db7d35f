//! `pickup render`: a clip through a node, in a host that behaves as a profile says.

use std::{
    io::Write,
    path::{Path, PathBuf},
    sync::Arc,
};

use ofx::{
    Context, RangeD,
    host::{ClipDescriptor, ContextDescriptor, Effect, FrameSource, Instance, Message, Profile, Project},
    props::PARAM_STRING_IS_FILE_PATH,
};

use super::{
    CliError,
    args::{DeviceArg, Press, RenderArgs},
    cancel,
    job::{Job, Part, Taken, say_messages},
    output::Output,
    plugin::{Hosted, choose_context},
    progress::{self, Bar, Statuses},
    provenance::Provenance,
    repeats::repeats,
    sheet::Sheet,
    source::{Axis, ClipSource, shape},
    tell,
    values::{self, Setting},
};
use pickup_clips::{
    ClipInfo, ClipKind, ClipReader, ClipWriter, Depth, FieldOrder, ReadOptions, files_of, frame_list::FrameList,
    is_picture, lost,
};

const ERRORS_IN_PICTURE: &str = "errorsInPicture";
const MISSING_FRAMES: &str = "missingFrames";
const FOOTAGE: &str = "footage";
/// How many frames Bridge makes where nothing is set.
const BRIDGE_LENGTH: i64 = 12;
/// What nodes on a video model are told.
const PROMPT: &str = "prompt";
/// Repair's list.
const FRAMES: &str = "frames";
/// The node that makes frames at the time of the frames they replace: holes are its to fill, and each field can be made from its own.
const REPAIR: &str = "org.pickup.Repair";
/// The most frames rendered where a node, not the user, says how many there are.
const MAX_FRAMES: i64 = 1_000_000;

pub(super) fn run(args: &RenderArgs, out: &mut dyn Write) -> Result<(), CliError> {
    cancel::listen();
    if args.codec.is_some() && is_picture(&args.out) {
        return Err(CliError::Usage("--codec is for video: what is written are pictures".to_owned()));
    }
    let clips = Clips::open(args)?;
    let hosted = Hosted::open(args.bundle.as_deref(), profile(args, clips.info()))?;
    let node = hosted.node(&args.node)?;
    let rendering = Rendering::set_up(args, &clips, &node)?;
    let frames = rendering.frames()?;
    let made = rendering.write(&node.descriptor().label, &frames)?;
    // Which of the clip's frames Retime shows it does not tell where the host gives one frame alone, or others stand for missing ones.
    let stands_in = rendering
        .instance()
        .get(MISSING_FRAMES, 0.0)
        .is_some_and(|value| !matches!(&*value.to_string(), "0" | "Error"));
    let told = !rendering.retimes || (args.host.profile.temporal && !stands_in);
    writeln!(out, "{}: {}", node.descriptor().label, tell::written(&frames, told.then_some(&made), &args.out))?;
    Ok(())
}

/// The frames that a render would write, and whether its node asks a video model for frames.
pub(super) fn planned(args: &RenderArgs) -> Result<(FrameList, bool), CliError> {
    let clips = Clips::open(args)?;
    let hosted = Hosted::open(args.bundle.as_deref(), profile(args, clips.info()))?;
    let node = hosted.node(&args.node)?;
    let rendering = Rendering::set_up(args, &clips, &node)?;
    let frames = rendering.frames()?;
    Ok((frames, rendering.described.params.iter().any(|param| param.id == PROMPT)))
}

/// The clips that are read.
struct Clips {
    first: Option<Arc<ClipReader>>,
    second: Option<Arc<ClipReader>>,
    /// How many frames later than its numbers say the second one stands.
    later: i64,
}

impl Clips {
    fn open(args: &RenderArgs) -> Result<Self, CliError> {
        let options = ReadOptions { fields: args.fields.into(), layer: args.layer.clone(), ..ReadOptions::default() };
        let open = |clip: &Option<PathBuf>| {
            clip.as_ref().map(|clip| ClipReader::open_with(clip, &options).map(Arc::new)).transpose()
        };
        let (first, second) = (open(&args.input)?, open(&args.to)?);
        let mut clips = Self { first, second, later: 0 };
        clips.later = clips.follows(args);
        Ok(clips)
    }

    /// How many frames later a second video stands: its frames have no numbers of their own, so it follows the first clip, after as
    /// many frames as a bridge makes.
    fn follows(&self, args: &RenderArgs) -> i64 {
        let (Some(first), Some(second)) = (&self.first, &self.second) else { return 0 };
        if second.info().kind != ClipKind::Video {
            return 0;
        }
        let set = |name: &str| args.value_of(name)?.trim().parse::<i64>().ok();
        let length = set("length").unwrap_or(BRIDGE_LENGTH).max(1);
        let axis = Axis::of(&args.host.profile, first.info());
        let stated = set("start").filter(|start| *start != 0).map(|start| axis.number(start as f64));
        let start = stated.unwrap_or(first.info().last() + 1);
        let at = start + length;
        progress::note(&format!("{}: its frame 1 is taken for frame {at}", second.name().display()));
        at - second.info().first()
    }

    /// What the clip is from which size, rate and the rest are taken.
    fn info(&self) -> Option<&ClipInfo> {
        self.first.as_ref().map(|reader| reader.info())
    }

    fn readers(&self) -> impl Iterator<Item = &ClipReader> {
        self.first.iter().chain(&self.second).map(|reader| &**reader)
    }

    /// The clips, each with how many frames later than its numbers say it stands.
    fn placed(&self) -> impl Iterator<Item = (&ClipReader, i64)> {
        self.readers().zip([0, self.later])
    }

    /// The first frame that a clip has, and the last.
    fn span(&self) -> Option<(i64, i64)> {
        let spans = self.placed().map(|(reader, later)| (reader.info().first() + later, reader.info().last() + later));
        spans.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
    }
}

/// A node that is ready to render, with its clips connected and its parameters set.
struct Rendering<'a> {
    args: &'a RenderArgs,
    clips: &'a Clips,
    described: ContextDescriptor,
    parts: Vec<Part>,
    axis: Axis,
    /// The node's id.
    node: String,
    /// The node shows the clip's frames at other times than their own.
    retimes: bool,
}

impl<'a> Rendering<'a> {
    fn set_up(args: &'a RenderArgs, clips: &'a Clips, node: &Effect) -> Result<Self, CliError> {
        let info = clips.info();
        let retimes = node.descriptor().contexts.contains(&Context::Retimer);
        if args.rate.is_some() && !retimes && info.is_some_and(|info| info.kind == ClipKind::Video) {
            return Err(CliError::Usage("a video has its rate: only Retime makes another of it".to_owned()));
        }
        let (context, described) = context(args, node)?;
        let taken = match info {
            Some(_) => Some(inputs(&described, args.to.is_some(), node)?),
            None => needs_none(&described, node).map(|()| None)?,
        };
        let axis = info.map_or_else(Axis::default, |info| Axis::of(&args.host.profile, info));
        if let Some(info) = info.filter(|_| axis.differs()) {
            let (first, time) = (info.first(), axis.time(info.first()));
            progress::note(&format!(
                "this host's time is {time} at frame {first}: what is set by --set is at the host's times"
            ));
        }
        let fields: &[Option<FieldOrder>] = match info {
            Some(info) if by_field(info, node) => &[Some(FieldOrder::Top), Some(FieldOrder::Bottom)],
            _ => &[None],
        };
        clips.readers().for_each(tell::cut);
        if let (Some(first), Some(second)) = (&clips.first, &clips.second) {
            tell::difference(first, second);
        }
        for reader in clips.readers().filter(|_| node.id() != REPAIR) {
            tell::lost_frames(reader);
        }
        let statuses = Statuses::default();
        let part = |field: &Option<FieldOrder>| {
            let project = info.map_or_else(|| empty_project(args), |info| project(info, axis, *field));
            let instance = node.create(context, project)?;
            cancel::watch(instance.cancel_handle());
            let statuses = statuses.clone();
            instance.on_message(move |message| {
                if message.is_status() {
                    statuses.tell(&message.text);
                }
            });
            let mut sources = Vec::new();
            if let (Some((first, second)), Some(input)) = (&taken, &clips.first) {
                sources.push(connect(&instance, first, input, axis, *field)?);
                if let (Some(clip), Some(to)) = (second, &clips.second) {
                    sources.push(connect(&instance, clip, to, axis.later(clips.later), *field)?);
                }
            }
            Ok(Part { instance, sources })
        };
        let parts = fields.iter().map(part).collect::<Result<Vec<Part>, CliError>>()?;
        let rendering = Self { args, clips, described, parts, axis, node: node.id().to_owned(), retimes };
        for part in &rendering.parts {
            let told = rendering.set(&part.instance);
            part.check_sources()?;
            told?;
        }
        Ok(rendering)
    }

    /// Sets parameters, and presses buttons with the cursor at the frame of each; none stands for the clip's first.
    fn set(&self, instance: &Instance) -> Result<(), CliError> {
        let Self { args, described, .. } = self;
        let first = self.clips.info().map_or(0, ClipInfo::first);
        let time = |frame: Option<i64>| self.axis.time(frame.unwrap_or(first)) as f64;
        instance.go_to(time(None));
        let has = |id: &str| described.params.iter().any(|param| param.id == id);
        // The command says what went wrong, and fails. The bundle need not be this version's.
        if has(ERRORS_IN_PICTURE) {
            instance.set(ERRORS_IN_PICTURE, "Never")?;
        }
        if has(MISSING_FRAMES) && self.clips.readers().any(tell::lost_any) {
            // As players show a video that lost some.
            instance.set(MISSING_FRAMES, "Hold")?;
        }
        if let (true, Some(footage)) = (has(FOOTAGE), self.clips.info().and_then(tell::footage)) {
            instance.set(FOOTAGE, footage)?;
        }
        for setting in args.device.map(DeviceArg::setting).iter().chain(&args.set) {
            values::apply(setting, described, instance)?;
        }
        self.list_holes(instance)?;
        if let (Some(rate), Some(info), true) = (args.rate, self.clips.info(), self.retimes) {
            set_rate(args, instance, rate.as_f64() / info.rate.as_f64())?;
        }
        for Press { name, frame } in &args.press {
            instance.go_to(time(*frame));
            let before = values_of(described, instance);
            instance.press(values::button(described, name)?).map_err(CliError::failed)?;
            for (id, value) in values_of(described, instance).into_iter().filter(|v| !before.contains(v)) {
                progress::note(&format!("{name} set {id}={value}"));
            }
        }
        Ok(())
    }

    /// Says why nothing was made in a host that gives one frame alone and has no words for it.
    fn tell_alone(&self) {
        const FILE: &str = "sourceFile";
        let named = self.args.value_of(FILE).is_some();
        let silent = self.parts.iter().all(|part| part.instance.messages().iter().all(Message::is_status));
        let reads_a_file = self.described.params.iter().any(|param| param.id == FILE);
        if !self.args.host.profile.temporal && !named && silent && reads_a_file && self.clips.first.is_some() {
            progress::note(
                "this host gives an effect one frame alone: name the clip's own file by --set sourceFile=FILE, without which no frame \
                 can be made of others",
            );
        }
    }

    /// Lists the frames that the clip lacks among those that Repair makes: it then announces those that it makes them from, without
    /// which some hosts give it others.
    fn list_holes(&self, instance: &Instance) -> Result<(), CliError> {
        let missing = self.clips.info().map(ClipInfo::missing).unwrap_or_default();
        if self.node != REPAIR || missing.is_empty() {
            return Ok(());
        }
        let listed = instance.get(FRAMES, 0.0).map(|value| value.to_string()).unwrap_or_default();
        // What makes no sense is for the node to complain of.
        let Ok(listed) = FrameList::parse(&listed) else { return Ok(()) };
        let all: FrameList = listed.iter().chain(missing.iter().map(|frame| self.axis.time(frame))).collect();
        Ok(instance.set(FRAMES, &*all.to_string())?)
    }

    /// The instance that speaks for all parts: they differ in the pictures they get alone.
    fn instance(&self) -> &Instance {
        &self.parts[0].instance
    }

    /// The frames to render.
    fn frames(&self) -> Result<FrameList, CliError> {
        let frames = countable(frames(self.args, self.instance(), self.clips.span(), self.axis)?, self.axis)?;
        let Some(clip) = self.clips.first.as_ref().filter(|_| self.args.without_repeats) else { return Ok(frames) };
        if self.node != REPAIR {
            return Err(CliError::Usage(
                "--without-repeats goes with Repair: other nodes could put new frames in the place of repeats"
                    .to_owned(),
            ));
        }
        let repeats = repeats(clip)?;
        progress::note(&match repeats.len() {
            0 => "no frame repeats the one before".to_owned(),
            1 => format!("one frame that repeats the one before is left out: {repeats}"),
            count => format!("{count} frames that repeat the one before are left out: {repeats}"),
        });
        Ok(frames.iter().filter(|frame| !repeats.contains(*frame)).collect())
    }

    /// Renders and writes the frames, and gives those that are not a clip's own.
    fn write(&self, label: &str, frames: &FrameList) -> Result<FrameList, CliError> {
        let Self { args, clips, parts, axis, retimes, .. } = self;
        let (info, instance) = (clips.info(), self.instance());
        let options = Output { args, info, instance, frames, axis: *axis, retimes: *retimes }.options();
        let depth = options.depth.unwrap_or(Depth::U8);
        let named = named_files(&self.described, instance);
        let read: Vec<&Path> =
            clips.readers().flat_map(ClipReader::files).chain(named.iter().map(PathBuf::as_path)).collect();
        let told = info.map_or_else(Vec::new, |info| lost(info, &args.out, &options));
        let writer = ClipWriter::create(&args.out, options, &read)?;
        if let Some(sheet) = args.sheet.as_ref().filter(|sheet| writer.writes(sheet)) {
            let name = sheet.display();
            return Err(CliError::Usage(format!(
                "{name}: --out writes a frame there: name another file for the sheet"
            )));
        }
        let mut provenance = Provenance::new(&args.provenance, Some(&self.node), &writer, &args.out, &read)?;
        let mut sheet = args.sheet.as_ref().map(|path| Sheet::new(path, frames, depth, &read)).transpose()?;
        told.iter().for_each(|what| progress::note(what));
        if parts.len() == 1 && info.is_some_and(|info| info.beside.fields.is_some()) {
            progress::note(tell::FIELDS_MIXED);
        }
        let readers: Vec<&ClipReader> = clips.readers().collect();
        let keep_alpha = info.is_some_and(|i| i.has_alpha);
        let placed: Vec<(&ClipReader, i64)> = clips.placed().collect();
        let job = Job { parts, clips: &placed, axis: *axis, keep_alpha, retimes: *retimes };
        let mut bar = Bar::new(label);
        let (mut made, mut unlike) = (Vec::new(), Vec::new());
        let renumbered = args.without_repeats && is_picture(&args.out);
        let (first, mut place) = (frames.first().unwrap_or(0), 0);
        let result = job.render(frames, &mut bar, |Taken { number, picture, kept, file, origin }| {
            made.extend((!kept).then_some(number));
            unlike.extend((kept && info.is_some_and(|info| tell::is_unlike(info, &picture))).then_some(number));
            sheet.iter_mut().for_each(|sheet| sheet.add(number, &picture, kept));
            let number = if renumbered { first + place } else { number };
            place += 1;
            let mark = provenance.add(number, origin.as_ref());
            match file {
                Some(file) => writer.write_kept(number, &picture, file, || provenance.kept(Some(file)))?,
                None if kept => writer.write_made(number, &picture, provenance.kept(None).as_ref())?,
                None => writer.write_made(number, &picture, mark.as_ref())?,
            }
            Ok(())
        });
        drop(bar);
        say_messages(parts);
        result?;
        self.tell_alone();
        provenance.finish(writer)?;
        sheet.map(Sheet::write).transpose()?;
        readers.iter().for_each(|reader| tell::damage(reader));
        tell::unlike(&unlike.into_iter().collect());
        if let Some(info) = info.filter(|_| !made.is_empty()) {
            tell::extras(info, made.len(), args.layer.as_deref());
        }
        Ok(made.into_iter().collect())
    }
}

/// Whether the fields of a clip go through a node apart.
fn by_field(info: &ClipInfo, node: &Effect) -> bool {
    info.beside.fields.is_some() && info.height.is_multiple_of(2) && node.id() == REPAIR
}

fn profile(args: &RenderArgs, input: Option<&ClipInfo>) -> Profile {
    let mut profile = args.host.profile.clone();
    // A node that is not asked for the picture cannot tell from its parameters that there is none, and would say that
    // its output is its input's hole.
    if input.is_some_and(|input| !input.missing().is_empty()) {
        profile.calls.identity = false;
    }
    if let Some(threads) = args.threads {
        profile.threads = usize::from(threads);
    }
    if let Some(depth) = args.depth {
        profile.depths = vec![depth.into()];
    }
    profile
}

fn context(args: &RenderArgs, node: &Effect) -> Result<(Context, ContextDescriptor), CliError> {
    if let Some(context) = args.context {
        let context = context.into();
        if context == Context::Retimer {
            return Err(CliError::Usage(
                "a retimer is driven by its host, and this command drives none: leave out --context, and set the speed"
                    .to_owned(),
            ));
        }
        return Ok((context, node.describe_in(context)?));
    }
    let looks_connected = profile(args, None).looks_connected;
    choose_context(node, args.to.is_some(), looks_connected)?.ok_or_else(|| {
        let (label, host) = (node.descriptor().label, args.host.name);
        let clips = if args.to.is_some() { "two clips" } else { "one clip" };
        CliError::Usage(format!("{label} has no context for {clips} in the host {host}: see `pickup nodes`"))
    })
}

/// The node's clips for `--in` and `--to`.
fn inputs(
    described: &ContextDescriptor,
    two: bool,
    node: &Effect,
) -> Result<(ClipDescriptor, Option<ClipDescriptor>), CliError> {
    let label = node.descriptor().label;
    let mut clips = described.clips.iter().filter(|c| c.id != "Output" && !c.mask).cloned();
    let first = clips.next().ok_or_else(|| CliError::Usage(format!("{label} takes no clip in this context")))?;
    let second = clips.next();
    match (&second, two) {
        (None, true) => Err(CliError::Usage(format!("{label} takes one clip: leave out --to"))),
        (Some(clip), false) if !clip.optional => {
            Err(CliError::Usage(format!("{label} goes from one clip to another: name the second with --to")))
        }
        _ => Ok((first, second)),
    }
}

/// Whether a node does something without a clip.
fn needs_none(described: &ContextDescriptor, node: &Effect) -> Result<(), CliError> {
    match described.clips.iter().find(|c| c.id != "Output" && !c.optional) {
        None => Ok(()),
        Some(_) => Err(CliError::Usage(format!("{} works on a clip: name it with --in", node.descriptor().label))),
    }
}

/// A project of the size that was asked for; how long it is the node says.
fn empty_project(args: &RenderArgs) -> Project {
    let (width, height) = args.size;
    Project::new(width, height, 0.0, 0.0)
}

/// A project as large and as long as the clip, or as one field of it.
pub(super) fn project(info: &ClipInfo, axis: Axis, field: Option<FieldOrder>) -> Project {
    let (first, last) = (axis.time(info.first()) as f64, axis.time(info.last()) as f64);
    let (width, height, aspect) = shape(info, field);
    let mut project = Project::new(width, height, first, last);
    project.size.0 *= aspect;
    project.extent = project.size;
    project.pixel_aspect = aspect;
    project.frame_rate = info.rate.as_f64();
    project
}

fn connect(
    instance: &Instance,
    clip: &ClipDescriptor,
    reader: &Arc<ClipReader>,
    axis: Axis,
    field: Option<FieldOrder>,
) -> Result<Arc<ClipSource>, CliError> {
    let source = Arc::new(ClipSource::new(reader.clone(), axis, field));
    instance.connect(&clip.id, source.clone() as Arc<dyn FrameSource>)?;
    Ok(source)
}

/// Has Retime show the clip `times` as often in a second, at the speed that is set.
fn set_rate(args: &RenderArgs, instance: &Instance, times: f64) -> Result<(), CliError> {
    const SPEED: &str = "speed";
    let curve = |setting: &&Setting| setting.name.eq_ignore_ascii_case(SPEED) && setting.value.contains(':');
    let speed = instance.get(SPEED, 0.0).and_then(|value| value.to_string().parse::<f64>().ok());
    match (speed, args.set.iter().find(curve)) {
        (Some(speed), None) => Ok(instance.set(SPEED, speed / times)?),
        _ => {
            Err(CliError::Usage("--rate goes with one speed, not with a curve: set the curve for that rate".to_owned()))
        }
    }
}

fn values_of(described: &ContextDescriptor, instance: &Instance) -> Vec<(String, String)> {
    let value = |id: &str| instance.get(id, 0.0).map(|v| (id.to_owned(), v.to_string()));
    described.params.iter().filter_map(|p| value(&p.id)).collect()
}

/// The frames to render, all of which the output has: from the first that a clip has to the last, unless the node says
/// otherwise.
fn frames(args: &RenderArgs, instance: &Instance, span: Option<(i64, i64)>, axis: Axis) -> Result<FrameList, CliError> {
    let domain = instance.time_domain()?.and_then(whole_frames);
    let domain = domain.map(|(first, last)| (axis.number(first as f64), axis.number(last as f64)));
    let (first, last) = match (domain, span, &args.frames) {
        (Some(domain), ..) => domain,
        (None, Some(span), _) => span,
        // A node without a clip goes on for ever, for all that the command can tell.
        (None, None, Some(frames)) => return Ok(frames.clone()),
        (None, None, None) => return Err(CliError::Usage("name the frames to render with --frames".into())),
    };
    let Some(wanted) = &args.frames else {
        if last - first < MAX_FRAMES {
            return Ok(FrameList::range(first, last));
        }
        return Err(CliError::Usage(format!(
            "that makes {} frames: name those that you want with --frames",
            last - first + 1
        )));
    };
    let outside = [wanted.first(), wanted.last()].into_iter().flatten().find(|f| *f < first || *f > last);
    match outside {
        None => Ok(wanted.clone()),
        Some(frame) => {
            Err(CliError::Usage(format!("--frames {wanted}: frame {frame} is outside, there are {first} to {last}")))
        }
    }
}

/// The frames, if this host can count them.
fn countable(frames: FrameList, axis: Axis) -> Result<FrameList, CliError> {
    let beyond = |frame: &i64| i32::try_from(axis.time(*frame)).is_err();
    match [frames.first(), frames.last()].into_iter().flatten().find(beyond) {
        None => Ok(frames),
        Some(frame) => Err(CliError::Usage(format!(
            "frame {frame} cannot be rendered: hosts count from -2147483648 to 2147483647. Number the clip lower"
        ))),
    }
}

/// The files that parameters name and the node reads: what is written must not be one of them.
fn named_files(described: &ContextDescriptor, instance: &Instance) -> Vec<PathBuf> {
    let files =
        described.params.iter().filter(|param| param.string_mode.as_bytes() == PARAM_STRING_IS_FILE_PATH.to_bytes());
    let named = files.filter_map(|param| instance.get(&param.id, 0.0)).map(|value| value.to_string());
    named.filter(|file| !file.trim().is_empty()).flat_map(|file| files_of(Path::new(file.trim()))).collect()
}

/// The whole frames in a node's time domain, if it says anything that can be rendered.
fn whole_frames(domain: RangeD) -> Option<(i64, i64)> {
    let (first, last) = (domain.min.ceil(), domain.max.floor());
    let sound = first.is_finite() && last.is_finite() && last >= first && first.abs() < i64::MAX as f64 / 2.0;
    sound.then_some((first as i64, last as i64))
}

/// A clip's source, connected to the first input of an instance.
pub(super) fn connect_first(
    instance: &Instance,
    node: &Effect,
    clip: &Path,
) -> Result<(Arc<ClipReader>, Arc<ClipSource>), CliError> {
    let described = node.describe_in(instance.context())?;
    let (first, _) = inputs(&described, false, node)?;
    let reader = Arc::new(ClipReader::open(clip)?);
    let source = connect(instance, &first, &reader, Axis::default(), None)?;
    Ok((reader, source))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_is_taken_as_whole_frames_if_it_makes_sense() {
        let whole = |min, max| whole_frames(RangeD { min, max });
        assert_eq!(whole(1.0, 24.0), Some((1, 24)));
        assert_eq!(whole(-0.5, 2.5), Some((0, 2)));
        assert_eq!(whole(0.2, 0.8), None);
        assert_eq!(whole(f64::NEG_INFINITY, 5.0), None);
        assert_eq!(whole(f64::NAN, f64::NAN), None);
        assert_eq!(whole(0.0, f64::INFINITY), None);
    }
}
