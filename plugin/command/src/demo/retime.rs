//! Retime on the sample shot, at half speed: it can be drawn at the moments between its frames, too.

use std::io::Write;

use super::{CliError, Demo, SheetCell, draw, mixed};
use pickup_clips::{frame_list::FrameList, psnr};

use crate::sample;

/// At half speed, this frame is the first that the clip does not have.
const FIRST: i64 = 2;

pub(super) fn run(demo: &Demo<'_>, out: &mut dyn Write) -> Result<Vec<SheetCell>, CliError> {
    let last = 2 * sample::FRAMES - 1;
    let slow =
        demo.render("Retime", Some("true/%04d.png"), &[("speed", 50.0.into())], &FrameList::range(1, last), "slow")?;
    let moments: Vec<f64> = (1..=last).map(|n| (n + 1) as f64 / 2.0).collect();
    let truth = draw(&moments, demo.width)?;
    let between: Vec<usize> = (FIRST as usize - 1..slow.len()).step_by(2).collect();
    let (mut made, mut blended) = (0.0, 0.0);
    for i in &between {
        made += psnr(&slow[*i], &truth[*i])? / between.len() as f64;
        blended += psnr(&mixed(&truth[i - 1], &truth[i + 1], 0.5)?, &truth[*i])? / between.len() as f64;
    }
    writeln!(out, "Retime   half speed: the frames between at {made:.2} dB, neighbours blended {blended:.2}")?;
    let shown = [0, 1, 2, 3].map(|i| 2 * (slow.len() / 4) + i);
    Ok(shown.map(|i| SheetCell::new(format!("RETIME 50%: AT {}", moments[i]), slow[i].clone())).into())
}
