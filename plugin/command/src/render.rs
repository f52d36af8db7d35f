//! `pickup render`: a clip through a node, in a host that behaves as a profile says.

use std::{
    collections::HashSet,
    io::Write,
    path::{Path, PathBuf},
    sync::Arc,
};

use ofx::{
    Context, RangeD,
    host::{
        self, ClipDescriptor, ContextDescriptor, Effect, FrameSource, HostImage, Instance, MessageKind, Profile,
        Project, RenderError, render_range,
    },
    props::PARAM_STRING_IS_FILE_PATH,
};

use super::{
    CliError,
    args::{Press, RenderArgs},
    cancel,
    plugin::{Hosted, choose_context},
    progress::{self, Bar},
    sheet::Sheet,
    source::{Axis, ClipSource, clip_depth, to_picture},
    values,
};
use pickup_clips::{
    ClipInfo, ClipReader, ClipWriter, Depth, Picture, WriteOptions, files_of, frame_list::FrameList, lost,
};

const ERRORS_IN_PICTURE: &str = "errorsInPicture";
/// The most frames rendered where a node, not the user, says how many there are.
const MAX_FRAMES: f64 = 1e6;

pub(super) fn run(args: &RenderArgs, out: &mut dyn Write) -> Result<(), CliError> {
    cancel::listen();
    let input = args.input.as_ref().map(|input| ClipReader::open(input).map(Arc::new)).transpose()?;
    let info = input.as_ref().map(|input| input.info());
    let hosted = Hosted::open(args.bundle.as_deref(), profile(args, info))?;
    let node = hosted.node(&args.node)?;
    let (context, described) = context(args, &node)?;
    let to = args.to.as_ref().map(|to| ClipReader::open(to).map(Arc::new)).transpose()?;
    let clips = match &input {
        Some(_) => Some(inputs(&described, args.to.is_some(), &node)?),
        None => needs_none(&described, &node).map(|()| None)?,
    };
    let axis = info.map_or_else(Axis::default, |info| Axis::of(&args.host.profile, info));
    if let Some(info) = info.filter(|_| axis.differs()) {
        let (first, time) = (info.first(), axis.time(info.first()));
        progress::note(&format!(
            "this host's time is {time} at frame {first}: what is set by --set is at the host's times"
        ));
    }
    let instance = node.create(context, info.map_or_else(|| empty_project(args), |info| project(info, axis)))?;
    cancel::watch(instance.cancel_handle());
    let mut sources = Vec::new();
    if let (Some((first, second)), Some(input)) = (clips, &input) {
        sources.push(connect(&instance, &first, input, axis)?);
        if let (Some(clip), Some(to)) = (second, &to) {
            sources.push(connect(&instance, &clip, to, axis)?);
        }
    }
    let told = set(args, &described, &instance, |frame| axis.time(frame.unwrap_or(info.map_or(0, ClipInfo::first))));
    check_sources(&sources)?;
    told?;
    let span = input.iter().chain(&to).map(|reader| (reader.info().first(), reader.info().last()));
    let span = span.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
    let frames = countable(frames(args, &instance, span, axis)?, axis)?;
    let depth = args.depth.map_or(info.map_or(Depth::U8, |i| i.depth), |d| clip_depth(d.into()));
    let options = info.map_or_else(WriteOptions::default, WriteOptions::like);
    let options = WriteOptions { depth: Some(depth), ..options };
    let named = named_files(&described, &instance);
    let read: Vec<&Path> =
        input.iter().chain(&to).flat_map(|reader| reader.files()).chain(named.iter().map(PathBuf::as_path)).collect();
    let writer = ClipWriter::create(&args.out, options, &read)?;
    info.iter().flat_map(|info| lost(info, &args.out)).for_each(|what| progress::note(&what));
    let keep_alpha = info.is_some_and(|i| i.has_alpha);
    let job = Job { instance: &instance, input: input.as_deref(), sources: &sources, axis, keep_alpha };
    let label = node.descriptor().label;
    let mut bar = Bar::new(label.clone());
    let mut bare = 0;
    let mut sheet = args.sheet.as_ref().map(|path| Sheet::new(path, &frames, depth, &read)).transpose()?;
    let result = job.render(&frames, &mut bar, |number, picture| {
        bare += usize::from(picture.extras().is_empty());
        sheet.iter_mut().for_each(|sheet| sheet.add(number, &picture));
        Ok(writer.write(number, &picture)?)
    });
    drop(bar);
    say_messages(&instance);
    result?;
    writer.finish()?;
    sheet.map(Sheet::write).transpose()?;
    if info.is_some_and(has_extras) && bare > 0 {
        progress::note(&format!("{bare} frames were made and have colour and alpha alone: OpenFX gives no others"));
    }
    let noun = if frames.len() == 1 { "frame" } else { "frames" };
    writeln!(out, "{label}: {} {noun} ({frames}) written to {}", frames.len(), args.out.display())?;
    Ok(())
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

/// A project as large and as long as the clip.
pub(super) fn project(info: &ClipInfo, axis: Axis) -> Project {
    let (first, last) = (axis.time(info.first()) as f64, axis.time(info.last()) as f64);
    let mut project = Project::new(info.width, info.height, first, last);
    project.size.0 *= info.pixel_aspect;
    project.extent = project.size;
    project.pixel_aspect = info.pixel_aspect;
    project.frame_rate = info.rate.as_f64();
    project
}

fn connect(
    instance: &Instance,
    clip: &ClipDescriptor,
    reader: &Arc<ClipReader>,
    axis: Axis,
) -> Result<Arc<ClipSource>, CliError> {
    let source = Arc::new(ClipSource::new(reader.clone(), axis));
    instance.connect(&clip.id, source.clone() as Arc<dyn FrameSource>)?;
    Ok(source)
}

/// Sets parameters, and presses buttons where `time` has the frame of each; none stands for the clip's first.
fn set(
    args: &RenderArgs,
    described: &ContextDescriptor,
    instance: &Instance,
    time: impl Fn(Option<i64>) -> i64,
) -> Result<(), CliError> {
    instance.go_to(time(None) as f64);
    // The command says what went wrong, and fails. The bundle need not be this version's.
    if described.params.iter().any(|param| param.id == ERRORS_IN_PICTURE) {
        instance.set(ERRORS_IN_PICTURE, "Never")?;
    }
    for setting in &args.set {
        values::apply(setting, described, instance)?;
    }
    for Press { name, frame } in &args.press {
        instance.go_to(time(*frame) as f64);
        let before = values_of(described, instance);
        instance.press(values::button(described, name)?).map_err(CliError::failed)?;
        for (id, value) in values_of(described, instance).into_iter().filter(|v| !before.contains(v)) {
            progress::note(&format!("{name} set {id}={value}"));
        }
    }
    Ok(())
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
    let Some(wanted) = &args.frames else { return Ok(FrameList::range(first, last)) };
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
    let sound = first.is_finite() && last >= first && last - first < MAX_FRAMES && first.abs() < 1e9;
    sound.then_some((first as i64, last as i64))
}

/// Whether there are channels beside colour and alpha.
fn has_extras(info: &ClipInfo) -> bool {
    info.channel_names.len() > if info.has_alpha { 4 } else { 3 }
}

/// What an instance renders, and the clips it reads.
pub(super) struct Job<'a> {
    pub(super) instance: &'a Instance,
    /// The clip whose further channels are kept.
    pub(super) input: Option<&'a ClipReader>,
    pub(super) sources: &'a [Arc<ClipSource>],
    /// Where the host's times have the frames.
    pub(super) axis: Axis,
    pub(super) keep_alpha: bool,
}

impl Job<'_> {
    /// Renders the frames and gives each to `sink`, in order.
    pub(super) fn render(
        &self,
        frames: &FrameList,
        bar: &mut Bar,
        mut sink: impl FnMut(i64, Picture) -> Result<(), CliError>,
    ) -> Result<(), CliError> {
        let total = usize::try_from(frames.len()).unwrap_or(usize::MAX);
        let cancel = self.instance.cancel_handle();
        let mut done = 0;
        for range in frames.ranges() {
            // Frame numbers of lists fit; see `frame_list::MAX_FRAME`.
            let ends = (self.axis.time(*range.start()) as i32, self.axis.time(*range.end()) as i32);
            let mut stopped = None;
            let result = render_range(
                self.instance,
                host::RenderArgs::at(0.0),
                ends,
                &cancel,
                |at| bar.update(done + at.done, total),
                |time, image| {
                    let taken = self.take(time, &image).and_then(|picture| sink(self.axis.number(time), picture));
                    // The renderer has no word for this error, and stops at any.
                    taken.map_err(|error| {
                        stopped = Some(error);
                        RenderError::Cancelled
                    })
                },
            );
            if let Some(error) = stopped {
                return Err(error);
            }
            result.map_err(|error| self.explain(error))?;
            done += range.count();
        }
        Ok(())
    }

    fn take(&self, time: f64, image: &HostImage) -> Result<Picture, CliError> {
        self.check_sources()?;
        let picture = to_picture(image, self.keep_alpha)?;
        let Some(input) = self.input.filter(|input| has_extras(input.info())) else { return Ok(picture) };
        // An untouched frame keeps the channels that OpenFX does not carry.
        let Some(identity) = self.instance.is_identity(time)? else { return Ok(picture) };
        match input.frame(self.axis.number(identity.time)) {
            Ok(known) if known.size() == picture.size() => Ok(picture.with_extras(known.extras().to_vec())?),
            Err(error) if !error.is_missing() => Err(error.into()),
            _ => Ok(picture),
        }
    }

    fn check_sources(&self) -> Result<(), CliError> {
        check_sources(self.sources)
    }

    /// A frame that could not be read is the cause, whatever came of it.
    fn explain(&self, error: RenderError) -> CliError {
        match (error, self.check_sources()) {
            (RenderError::Cancelled, _) => CliError::Cancelled,
            (_, Err(cause)) => cause,
            (error, Ok(())) => error.into(),
        }
    }
}

fn check_sources(sources: &[Arc<ClipSource>]) -> Result<(), CliError> {
    match sources.iter().find_map(|s| s.broken()) {
        Some(broken) => Err(CliError::Failed(broken)),
        None => Ok(()),
    }
}

/// What the node said, each thing once. What it said of a failure is in the error already.
pub(super) fn say_messages(instance: &Instance) {
    let mut said = HashSet::new();
    for message in instance.messages() {
        let worth = matches!(message.kind, MessageKind::Warning | MessageKind::Message);
        if worth && said.insert(message.text.clone()) {
            progress::note(&message.text);
        }
    }
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
    let source = connect(instance, &first, &reader, Axis::default())?;
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
        assert_eq!(whole(0.0, 1e7), None);
    }
}
