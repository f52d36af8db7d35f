//! Repair on the sample shot, whose lost frames are known, so that the result can be measured.

use std::{io::Write, sync::Arc};

use super::{CliError, Demo, Pictures, SheetCell, mixed};
use crate::sample;
use pickup_clips::{ClipError, Picture, Pixels, difference, frame_list::FrameList, psnr};

/// What is lost: a black frame, two that repeat the one before, and a torn one.
const LOST: &str = "3, 6-7, 10";

/// How much differences are magnified on the contact sheet.
const GAIN: f32 = 4.0;

pub(super) fn run(demo: &Demo<'_>, out: &mut dyn Write) -> Result<Vec<SheetCell>, CliError> {
    let lost = FrameList::parse(LOST).map_err(CliError::failed)?;
    let truth = &demo.sample;
    demo.write("true/%04d.png", truth)?;
    let damaged = damage(truth, &lost)?;
    demo.write("damaged/%04d.png", &damaged)?;
    let set = [("frames", lost.to_string().into())];
    let repaired =
        demo.render("Repair", Some("damaged/%04d.png"), &set, &FrameList::range(1, sample::FRAMES), "repaired")?;
    let clips = [&damaged[..], &repaired, truth];
    report(out, &lost, clips)?;
    cells(&lost, clips)
}

/// The shot as it came back from the archive.
fn damage(truth: &[Arc<Picture>], lost: &FrameList) -> Result<Pictures, CliError> {
    let mut damaged: Pictures = Vec::with_capacity(truth.len());
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

/// A row for each lost frame: as it was, repaired, as it should be, and what is wrong.
fn cells(lost: &FrameList, clips: [&[Arc<Picture>]; 3]) -> Result<Vec<SheetCell>, CliError> {
    let mut cells = Vec::new();
    for number in lost.iter() {
        let [damaged, repaired, truth] = clips.map(|clip| at(clip, number));
        let (damaged, repaired, truth) = (damaged?, repaired?, truth?);
        let apart = Arc::new(difference(&repaired, &truth, GAIN)?);
        cells.push(SheetCell::new(format!("REPAIR {number}: BEFORE"), damaged));
        cells.push(SheetCell::new(format!("AFTER: {:.1} DB", psnr(&repaired, &truth)?), repaired));
        cells.push(SheetCell::new("TRUE", truth));
        cells.push(SheetCell::new(format!("DIFFERENCE ×{GAIN}"), apart));
    }
    Ok(cells)
}

fn at(clip: &[Arc<Picture>], number: i64) -> Result<Arc<Picture>, CliError> {
    let found = usize::try_from(number - 1).ok().and_then(|i| clip.get(i));
    found.cloned().ok_or_else(|| CliError::failed(format!("frame {number} was not rendered")))
}

fn report(out: &mut dyn Write, lost: &FrameList, clips: [&[Arc<Picture>]; 3]) -> Result<(), CliError> {
    let [damaged, repaired, truth] = clips;
    let frames = sample::FRAMES;
    writeln!(out, "Repair   a shot of {frames} frames with frames {lost} lost; PSNR against the true ones, in dB:")?;
    writeln!(out, "  {:<35} {:>8}   {:>18}", "", "repaired", "neighbours blended")?;
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
    writeln!(out, "  The {} frames that were not lost came back bit for bit.", known.len())?;
    Ok(())
}

/// The nearest frames that are not lost, each weighted by how near it is: what an editor without motion would do.
fn blend(damaged: &[Arc<Picture>], lost: &FrameList, number: i64) -> Result<Picture, CliError> {
    let gap = lost.range_around(number).unwrap_or(number..=number);
    let (before, after) = (gap.start() - 1, gap.end() + 1);
    let k = (number - before) as f32 / (after - before) as f32;
    let (a, b) = (at(damaged, before)?, at(damaged, after)?);
    mixed(&a, &b, k)
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
