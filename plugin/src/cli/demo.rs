//! `pickup demo`: the main job on a sample shot whose lost frames are known, so that the result can be measured.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
};

use ofx::host::Profile;

use super::{
    CliError,
    args::DemoArgs,
    bundle, cancel,
    plugin::{self, Hosted},
    progress::Bar,
    render::{Job, connect_first, project, say_messages},
    sample,
};
use crate::{
    clips::{
        ClipError, ClipReader, ClipWriter, Picture, Pixels, SheetCell, WriteOptions, contact_sheet, difference, psnr,
    },
    frame_list::FrameList,
    machine,
};

/// Width of a picture on the contact sheet.
const CELL: usize = 320;

/// What is lost: a black frame, two that repeat the one before, and a torn one.
const LOST: &str = "3, 6-7, 10";

/// How much differences are magnified on the contact sheet.
const GAIN: f32 = 4.0;

pub(super) fn run(args: &DemoArgs, out: &mut dyn Write) -> Result<(), CliError> {
    cancel::listen();
    let folder = args.out.as_path();
    fs::create_dir_all(folder)
        .map_err(|e| CliError::failed(format!("{}: cannot make the folder: {e}", folder.display())))?;
    let lost = FrameList::parse(LOST).map_err(CliError::failed)?;
    writeln!(out, "Drawing a sample shot of {} frames and losing frames {lost}.", sample::FRAMES)?;
    let truth = draw(usize::from(args.width))?;
    write_all(&folder.join("true/%04d.png"), &truth)?;
    let damaged = damage(&truth, &lost)?;
    write_all(&folder.join("damaged/%04d.png"), &damaged)?;

    let bundle = match &args.bundle {
        Some(named) => named.clone(),
        None => make_bundle(folder)?,
    };
    writeln!(out, "Repairing them with {}, as Natron would host it.", bundle.display())?;
    let repaired = repair(&bundle, folder, &lost)?;
    write_all(&folder.join("repaired/%04d.png"), &repaired)?;
    write_sheet(folder, &lost, [&damaged, &repaired, &truth])?;
    report(out, &lost, [&damaged, &repaired, &truth])?;
    next_steps(out, folder, &bundle)
}

/// The frames of the sample, from 1.
fn draw(width: usize) -> Result<Vec<Arc<Picture>>, CliError> {
    let numbers: Vec<i64> = (1..=sample::FRAMES).collect();
    let share = numbers.len().div_ceil(machine::threads());
    let drawn = thread::scope(|scope| {
        let draw_share =
            |share: &'_ [i64]| share.iter().map(|n| sample::frame(*n, width)).collect::<Result<Vec<_>, _>>();
        let threads: Vec<_> = numbers.chunks(share).map(|share| scope.spawn(move || draw_share(share))).collect();
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

/// The shot as it came back from the archive.
fn damage(truth: &[Arc<Picture>], lost: &FrameList) -> Result<Vec<Arc<Picture>>, CliError> {
    let mut damaged: Vec<Arc<Picture>> = Vec::with_capacity(truth.len());
    for (number, frame) in (1..).zip(truth) {
        let before = damaged.last().cloned();
        let run = lost.range_around(number).map(|r| r.count());
        damaged.push(match (run, before) {
            (None, _) => frame.clone(),
            (Some(1), Some(before)) if number > 5 => Arc::new(torn(&before, frame)?),
            (Some(2..), Some(before)) => before,
            (Some(_), _) => Arc::new(Picture::from_rgb8(frame.width(), frame.height(), vec![0; frame.pixels().len()])?),
        });
    }
    Ok(damaged)
}

/// The upper part of one frame above noise.
fn torn(above: &Picture, like: &Picture) -> Result<Picture, ClipError> {
    let Pixels::U8(samples) = above.pixels() else { return Ok(above.clone()) };
    let row = like.width() * 3;
    let mut samples = samples.clone();
    for (y, line) in samples.chunks_exact_mut(row).enumerate().skip(like.height() * 2 / 5) {
        line.rotate_right((y * 7 % 64) * 3 % row);
        line.iter_mut().for_each(|s| *s = s.wrapping_mul(3));
    }
    Picture::from_rgb8(like.width(), like.height(), samples)
}

fn write_all(spec: &Path, frames: &[Arc<Picture>]) -> Result<(), CliError> {
    let writer = ClipWriter::create(spec, WriteOptions::default(), &[])?;
    for (number, frame) in (1..).zip(frames) {
        cancel::check()?;
        writer.write(number, frame)?;
    }
    Ok(writer.finish()?)
}

/// A bundle of its own, as an editor would install it.
fn make_bundle(folder: &Path) -> Result<PathBuf, CliError> {
    match bundle::find_library() {
        Ok(library) => bundle::make(folder, &library),
        Err(error) => plugin::installed().ok_or(error),
    }
}

/// Runs Repair on the damaged clip, read from its files as any other.
fn repair(bundle: &Path, folder: &Path, lost: &FrameList) -> Result<Vec<Arc<Picture>>, CliError> {
    let hosted = Hosted::open(Some(bundle), Profile::natron())?;
    let node = hosted.node("Repair")?;
    let context = plugin::choose_context(&node.contexts(), false)
        .ok_or_else(|| CliError::failed("Repair has no context for one clip"))?;
    let clip = folder.join("damaged/%04d.png");
    let info = ClipReader::open(&clip)?.info().clone();
    let instance = node.create(context, project(&info))?;
    cancel::watch(instance.cancel_handle());
    let (reader, source) = connect_first(&instance, &node, &clip)?;
    instance.set("frames", lost.to_string())?;
    let mut repaired = Vec::new();
    let job = Job { instance: &instance, input: Some(&reader), sources: &[source], keep_alpha: false };
    let mut bar = Bar::new("Repair");
    let result = job.render(&FrameList::range(1, sample::FRAMES), &mut bar, |_, picture| {
        repaired.push(Arc::new(picture.to_depth(info.depth)));
        Ok(())
    });
    drop(bar);
    say_messages(&instance);
    result.map(|()| repaired)
}

/// A row for each lost frame: as it was, repaired, as it should be, and what is wrong.
fn write_sheet(folder: &Path, lost: &FrameList, clips: [&[Arc<Picture>]; 3]) -> Result<(), CliError> {
    let mut cells = Vec::new();
    for number in lost.iter() {
        let [damaged, repaired, truth] = clips.map(|clip| at(clip, number));
        let (damaged, repaired, truth) = (damaged?, repaired?, truth?);
        let apart = Arc::new(difference(&repaired, &truth, GAIN)?);
        cells.push(SheetCell::new(format!("FRAME {number}: BEFORE"), damaged));
        cells.push(SheetCell::new(format!("AFTER: {:.1} DB", psnr(&repaired, &truth)?), repaired));
        cells.push(SheetCell::new("TRUE", truth));
        cells.push(SheetCell::new(format!("DIFFERENCE ×{GAIN}"), apart));
    }
    let sheet = contact_sheet(&cells, 4, CELL)?;
    let writer = ClipWriter::create(folder.join("contact-sheet.png"), WriteOptions::default(), &[])?;
    writer.write(1, &sheet)?;
    Ok(writer.finish()?)
}

fn at(clip: &[Arc<Picture>], number: i64) -> Result<Arc<Picture>, CliError> {
    let found = usize::try_from(number - 1).ok().and_then(|i| clip.get(i));
    found.cloned().ok_or_else(|| CliError::failed(format!("frame {number} was not rendered")))
}

fn report(out: &mut dyn Write, lost: &FrameList, clips: [&[Arc<Picture>]; 3]) -> Result<(), CliError> {
    let [damaged, repaired, truth] = clips;
    writeln!(out)?;
    writeln!(out, "PSNR against the true frame, in dB   repaired   neighbours blended")?;
    let (mut sum, mut blended_sum) = (0.0, 0.0);
    for number in lost.iter() {
        let true_frame = at(truth, number)?;
        let made = psnr(&*at(repaired, number)?, &true_frame)?;
        let blended = psnr(&blend(damaged, lost, number)?, &true_frame)?;
        writeln!(out, "  frame {number:<29} {made:>8.2}   {blended:>18.2}")?;
        sum += made;
        blended_sum += blended;
    }
    let count = lost.len() as f64;
    writeln!(out, "  {:<35} {:>8.2}   {:>18.2}", "mean", sum / count, blended_sum / count)?;
    let known = lost.absent_from(1..=sample::FRAMES);
    let touched: FrameList = known.iter().filter(|n| at(repaired, *n).ok() != at(truth, *n).ok()).collect();
    if !touched.is_empty() {
        return Err(CliError::failed(format!(
            "frames {touched} were not lost and came back changed: please report it"
        )));
    }
    writeln!(out, "The {} frames that were not lost came back bit for bit.", known.len())?;
    Ok(())
}

/// The nearest frames that are not lost, each weighted by how near it is: what an editor without motion would do.
fn blend(damaged: &[Arc<Picture>], lost: &FrameList, number: i64) -> Result<Picture, CliError> {
    let gap = lost.range_around(number).unwrap_or(number..=number);
    let (before, after) = (gap.start() - 1, gap.end() + 1);
    let k = (number - before) as f32 / (after - before) as f32;
    let (a, b) = (at(damaged, before)?, at(damaged, after)?);
    let mixed = a.pixels().to_f32().iter().zip(b.pixels().to_f32()).map(|(a, b)| a + (b - a) * k).collect();
    Ok(Picture::new(a.width(), a.height(), false, false, Pixels::from_f32(mixed, a.depth()))?)
}

fn next_steps(out: &mut dyn Write, folder: &Path, bundle: &Path) -> Result<(), CliError> {
    let shown = folder.display();
    writeln!(
        out,
        "
{shown}/contact-sheet.png   before, after, true and the difference
{shown}/repaired/           the shot as Repair left it
{shown}/damaged/, true/     what it was given, and what it should have found
{}   the bundle, for any OpenFX host

Try next:
  pickup render Repair --in {shown}/damaged/%04d.png --out again/%04d.png --set frames=3,6-7,10
  pickup render Retime --in {shown}/true/%04d.png --out slow/%04d.png --set speed=50
  pickup nodes
  pickup install
  pickup doctor",
        bundle.display()
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flat(value: u8) -> Arc<Picture> {
        Arc::new(Picture::from_rgb8(16, 10, vec![value; 480]).unwrap())
    }

    #[test]
    fn lost_frames_are_damaged_and_no_others() {
        let truth: Vec<_> = (1..=13).map(|n| flat(n * 10)).collect();
        let lost = FrameList::parse(LOST).unwrap();
        let damaged = damage(&truth, &lost).unwrap();
        assert_eq!(damaged[2], flat(0));
        assert_eq!((&damaged[5], &damaged[6]), (&truth[4], &truth[4]));
        assert!(damaged[9] != truth[9] && damaged[9] != truth[8]);
        for number in lost.absent_from(1..=13).iter() {
            assert_eq!(at(&damaged, number).unwrap(), at(&truth, number).unwrap());
        }
    }

    #[test]
    fn a_blend_weighs_neighbours_by_nearness() {
        let clip: Vec<_> = [0, 30, 0, 0, 60].map(flat).into();
        let lost = FrameList::parse("3-4").unwrap();
        assert_eq!(blend(&clip, &lost, 3).unwrap(), *flat(40));
        assert_eq!(blend(&clip, &lost, 4).unwrap(), *flat(50));
    }
}
