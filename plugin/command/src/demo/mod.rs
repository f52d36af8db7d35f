//! `pickup demo`: each node's job on a shot drawn by our own code, or on one that the embedded model makes; measured
//! where the truth is known.

mod repair;
mod retime;
mod shots;

use std::{
    fs,
    io::Write,
    ops::RangeInclusive,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::Instant,
};

use ofx::host::{Profile, Project, Value};

use super::{
    CliError,
    args::{DemoArgs, ProvenanceArgs},
    bundle, cancel,
    job::{Job, Part, say_messages},
    plugin::{self, Hosted},
    progress::Bar,
    provenance::Provenance,
    render::{connect_first, project},
    sample,
    sheet::{CELL, COLUMNS},
    source::Axis,
};
use pickup::machine;
use pickup_clips::{
    ClipReader, ClipWriter, Depth, Picture, Pixels, SheetCell, WriteOptions, contact_sheet, frame_list::FrameList,
};

/// How the pictures of a clip are called.
const PICTURES: &str = "%04d.png";

type Pictures = Vec<Arc<Picture>>;

pub(super) fn run(args: &DemoArgs, out: &mut dyn Write) -> Result<(), CliError> {
    cancel::listen();
    let started = Instant::now();
    let folder = args.out.as_path();
    fs::create_dir_all(folder)
        .map_err(|e| CliError::failed(format!("{}: cannot make the folder: {e}", folder.display())))?;
    let bundle = match &args.bundle {
        Some(named) => named.clone(),
        None => make_bundle(folder)?,
    };
    writeln!(out, "Hosting {} as Natron would.", bundle.display())?;
    let width = usize::from(args.width);
    let demo = Demo { bundle, folder, width, sample: draw_sample(width)? };
    let mut cells = repair::run(&demo, out)?;
    cells.extend(retime::run(&demo, out)?);
    cells.extend(shots::run(&demo, out)?);
    demo.write("contact-sheet.png", &[Arc::new(contact_sheet(&cells, COLUMNS, CELL)?)])?;
    next_steps(out, &demo, started.elapsed().as_secs())
}

/// What all jobs share.
struct Demo<'a> {
    bundle: PathBuf,
    folder: &'a Path,
    width: usize,
    /// The sample shot as it truly is.
    sample: Pictures,
}

impl Demo<'_> {
    /// Renders frames of a node, of a clip in the demo's folder or of none, and writes them into a folder of it, numbered from 1.
    fn render(
        &self,
        node: &str,
        clip: Option<&str>,
        set: &[(&str, Value)],
        frames: &FrameList,
        to: &str,
    ) -> Result<Pictures, CliError> {
        let hosted = Hosted::open(Some(&self.bundle), Profile::natron())?;
        let node = hosted.node(node)?;
        let label = node.descriptor().label;
        let (context, _) = plugin::choose_context(&node, false, false)?
            .ok_or_else(|| CliError::failed(format!("{label} has no context for one clip")))?;
        let clip = clip.map(|clip| self.folder.join(clip));
        let (instance, connected) = match &clip {
            Some(clip) => {
                let info = ClipReader::open(clip)?.info().clone();
                let instance = node.create(context, project(&info, Axis::default(), None))?;
                let connected = connect_first(&instance, &node, clip)?;
                (instance, Some(connected))
            }
            None => {
                let project = Project::new(self.width, self.width * 9 / 16, 0.0, 0.0);
                (node.create(context, project)?, None)
            }
        };
        cancel::watch(instance.cancel_handle());
        for (id, value) in set {
            instance.set(id, value.clone())?;
        }
        let mut made = Vec::new();
        let (input, source) = connected.unzip();
        let clips: Vec<(&ClipReader, i64)> = input.iter().map(|reader| (&**reader, 0)).collect();
        let parts = [Part { instance, sources: source.into_iter().collect() }];
        let job = Job { parts: &parts, clips: &clips, axis: Axis::default(), keep_alpha: false, retimes: false };
        let clip = self.folder.join(to).join(PICTURES);
        let read: Vec<&Path> = input.iter().flat_map(|reader| reader.files()).collect();
        let writer = ClipWriter::create(&clip, WriteOptions::default(), &read)?;
        let told = ProvenanceArgs::default();
        let mut provenance = Provenance::new(&told, Some(node.id()), &writer, &clip, &read)?;
        let mut bar = Bar::new(label);
        let result = job.render(frames, &mut bar, |taken| {
            let picture = Arc::new(taken.picture.to_rgb().to_depth(Depth::U8));
            let number = made.len() as i64 + 1;
            let mark = provenance.add(number, taken.origin.as_ref());
            match taken.file {
                Some(file) => writer.write_kept(number, &picture, file, || provenance.kept(Some(file)))?,
                None => writer.write_made(number, &picture, mark.as_ref())?,
            }
            made.push(picture);
            Ok(())
        });
        drop(bar);
        say_messages(&parts);
        result?;
        provenance.finish(writer)?;
        Ok(made)
    }

    /// Writes pictures that [`Demo::render`] wrote into a folder again, as they are, numbered from 1.
    fn write_again(&self, from: &str, numbers: RangeInclusive<i64>, spec: &str) -> Result<(), CliError> {
        let reader = ClipReader::open(self.folder.join(from).join(PICTURES))?;
        let writer = ClipWriter::create(self.folder.join(spec), WriteOptions::default(), &reader.files())?;
        for (to, number) in (1..).zip(numbers) {
            let picture = reader.frame(number)?;
            match reader.file_of(number) {
                Some(file) => writer.write_kept(to, &picture, file, || None)?,
                None => writer.write(to, &picture)?,
            }
        }
        writer.finish()?;
        Ok(())
    }

    /// Writes pictures, numbered from 1, where `spec` says in the demo's folder.
    fn write(&self, spec: &str, frames: &[Arc<Picture>]) -> Result<(), CliError> {
        let writer = ClipWriter::create(self.folder.join(spec), WriteOptions::default(), &[])?;
        for (number, frame) in (1..).zip(frames) {
            cancel::check()?;
            writer.write(number, frame)?;
        }
        writer.finish()?;
        Ok(())
    }
}

/// Frames of the sample shot at moments of it, which need not be whole.
fn draw(moments: &[f64], width: usize) -> Result<Pictures, CliError> {
    let share = moments.len().div_ceil(machine::threads());
    let drawn = thread::scope(|scope| {
        let draw_share =
            |share: &'_ [f64]| share.iter().map(|at| sample::frame(*at, width)).collect::<Result<Vec<_>, _>>();
        let threads: Vec<_> = moments.chunks(share).map(|share| scope.spawn(move || draw_share(share))).collect();
        threads.into_iter().map(thread::ScopedJoinHandle::join).collect::<Vec<_>>()
    });
    let mut frames = Vec::new();
    for share in drawn {
        let share =
            share.map_err(|_| CliError::failed("drawing the sample failed: this is a bug, please report it"))?;
        frames.extend(share?.into_iter().map(Arc::new));
    }
    Ok(frames)
}

/// The whole sample shot.
fn draw_sample(width: usize) -> Result<Pictures, CliError> {
    draw(&(1..=sample::FRAMES).map(|n| n as f64).collect::<Vec<_>>(), width)
}

/// A bundle of its own, as an editor would install it.
fn make_bundle(folder: &Path) -> Result<PathBuf, CliError> {
    match bundle::find_library() {
        Ok(library) => bundle::make(folder, &library),
        Err(error) => plugin::installed().ok_or(error),
    }
}

/// Two pictures mixed, in the numbers they hold.
fn mixed(a: &Picture, b: &Picture, share: f32) -> Result<Picture, CliError> {
    let mixed = a.pixels().to_f32().iter().zip(b.pixels().to_f32()).map(|(a, b)| a + (b - a) * share).collect();
    Ok(Picture::new(a.width(), a.height(), false, false, Pixels::from_f32(mixed, a.depth()))?)
}

fn next_steps(out: &mut dyn Write, demo: &Demo<'_>, seconds: u64) -> Result<(), CliError> {
    let shown = demo.folder.display();
    let pickup = std::env::args().next().unwrap_or_else(|| "pickup".to_owned());
    writeln!(
        out,
        "
Done in {seconds} s. Look at {shown}/contact-sheet.png; each job's frames lie beside it.
{}   the bundle, for any OpenFX host

Try next:
  {pickup} render Generate --out snow/%04d.png --set prompt='falling snow, blowing to the left, on black'
  {pickup} render Repair --in {shown}/damaged/%04d.png --out again/%04d.png --set frames=3,6-7,10
  {pickup} render Extend --in {shown}/generated/%04d.png --out longer/%04d.png --set tail=48 --set prompt='{}'
  {pickup} nodes
  {pickup} install
  {pickup} doctor",
        demo.bundle.display(),
        shots::SMOKE
    )?;
    Ok(())
}
