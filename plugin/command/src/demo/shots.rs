//! The jobs of the video model, and Bridge over a jump cut of the sample shot.

use std::{io::Write, sync::Arc, time::Instant};

use ofx::host::Value;

use super::{CliError, Demo, Pictures, SheetCell, mixed};
use crate::{
    sample,
    sheet::{COLUMNS, spread},
};
use pickup_clips::{Picture, frame_list::FrameList, psnr};

pub(super) const SMOKE: &str = "red smoke rising on black";
const DRIFT: &str = "red smoke drifting to the right on black";
/// Frames of a made shot, and of the part of it that Extend is given.
const LENGTH: i64 = 33;
const GIVEN: i64 = 17;

pub(super) fn run(demo: &Demo<'_>, out: &mut dyn Write) -> Result<Vec<SheetCell>, CliError> {
    let mut cells = bridge(demo, out)?;
    let text = |text: &str| Value::from(text);
    let made = timed(
        demo,
        out,
        &Shot {
            node: "Generate",
            said: format!("“{SMOKE}”"),
            clip: None,
            set: &[("prompt", text(SMOKE))],
            frames: FrameList::range(0, LENGTH - 1),
            folder: "generated",
        },
    )?;
    cells.extend(row("GENERATE", &made));
    demo.write_again("generated", LENGTH..=LENGTH, "still.png")?;
    let animated = timed(
        demo,
        out,
        &Shot {
            node: "Animate",
            said: format!("its last frame, “{DRIFT}”"),
            clip: Some("still.png"),
            set: &[("prompt", text(DRIFT)), ("by", text("Video model"))],
            frames: FrameList::range(1, LENGTH),
            folder: "animated",
        },
    )?;
    cells.extend(row("ANIMATE", &animated));
    let given = usize::try_from(GIVEN).unwrap_or_default();
    demo.write_again("generated", 1..=GIVEN, "given/%04d.png")?;
    let extended = timed(
        demo,
        out,
        &Shot {
            node: "Extend",
            said: format!("its first {GIVEN} frames"),
            clip: Some("given/%04d.png"),
            set: &[("prompt", text(SMOKE)), ("tail", 24.into())],
            frames: FrameList::range(1, GIVEN + 24),
            folder: "extended",
        },
    )?;
    if extended[..given] != made[..given] {
        return Err(CliError::failed("Extend changed frames that it was given: please report it"));
    }
    cells.extend(row("EXTEND", &extended));
    Ok(cells)
}

/// A job of the video model.
struct Shot<'a> {
    node: &'static str,
    said: String,
    clip: Option<&'a str>,
    set: &'a [(&'a str, Value)],
    frames: FrameList,
    folder: &'static str,
}

fn timed(demo: &Demo<'_>, out: &mut dyn Write, shot: &Shot<'_>) -> Result<Pictures, CliError> {
    let started = Instant::now();
    let made = demo.render(shot.node, shot.clip, shot.set, &shot.frames, shot.folder)?;
    let seconds = started.elapsed().as_secs_f64();
    writeln!(out, "{:<8} {}: {} frames in {seconds:.1} s", shot.node, shot.said, made.len())?;
    Ok(made)
}

/// A shot from its first frame to its last, as a row of the contact sheet: numbered as its files are, from 1.
fn row(label: &str, frames: &[Arc<Picture>]) -> Vec<SheetCell> {
    let places = spread(frames.len(), COLUMNS);
    places.map(|i| SheetCell::new(format!("{label}: FRAME {}", i + 1), frames[i].clone())).collect()
}

/// Leads over a jump cut: the sample shot with frames taken out of its middle.
fn bridge(demo: &Demo<'_>, out: &mut dyn Write) -> Result<Vec<SheetCell>, CliError> {
    let (before, count) = (5, 2);
    let after = before + count + 1;
    let truth = &demo.sample;
    let at = |number: i64| &truth[usize::try_from(number - 1).unwrap_or_default()];
    let mut frames: Pictures = truth[..usize::try_from(before).unwrap_or_default()].to_vec();
    // As it lies on a timeline: black where the frames are to come.
    let black = Picture::from_rgb8(at(1).width(), at(1).height(), vec![0; at(1).pixels().len()])?;
    frames.resize(frames.len() + count as usize, Arc::new(black));
    frames.extend((after..=sample::FRAMES).map(|n| at(n).clone()));
    demo.write("jump/%04d.png", &frames)?;
    let set = [("start", Value::from(before as i32 + 1)), ("length", (count as i32).into())];
    let bridged =
        demo.render("Bridge", Some("jump/%04d.png"), &set, &FrameList::range(1, sample::FRAMES), "bridged")?;
    let (mut made, mut blended) = (0.0, 0.0);
    for number in before + 1..after {
        let share = (number - before) as f32 / (after - before) as f32;
        made += psnr(&bridged[number as usize - 1], at(number))? / count as f64;
        blended += psnr(&mixed(at(before), at(after), share)?, at(number))? / count as f64;
    }
    writeln!(out, "Bridge   {count} frames over a jump cut, by motion: {made:.2} dB, neighbours blended {blended:.2}")?;
    let cell = |n: i64| SheetCell::new(format!("BRIDGE: FRAME {n}"), bridged[n as usize - 1].clone());
    Ok((before..=after).map(cell).collect())
}
