//! `pickup takes`: the shots that are kept on disk.

use std::{io::Write, path::Path, time::SystemTime};

use super::{
    CliError,
    args::{ProvenanceArgs, TakesCommand},
    provenance::Provenance,
};
use pickup::{
    engine::{Listed, TakeFile, Takes},
    provenance::{MadeShot, Maker, Origin},
};
use pickup_clips::{ClipWriter, Depth, Picture, Pixels, Rate, Transfer, WriteOptions};

pub(super) fn run(command: &TakesCommand, out: &mut dyn Write) -> Result<(), CliError> {
    let takes = Takes::of_user();
    let Some(folder) = takes.folder() else {
        return Err(CliError::failed("this system names no folder for caches, so takes are kept in memory alone"));
    };
    match command {
        TakesCommand::List => list(&takes, out)?,
        TakesCommand::Show { name } => show(&named(&takes, name)?, out)?,
        TakesCommand::Export { name, out: clip, rate, provenance } => {
            let count = export(&named(&takes, name)?, clip, *rate, provenance)?;
            writeln!(out, "{count} frames written to {}", clip.display())?;
        }
        TakesCommand::Clear => {
            let cleared = takes.clear().map_err(|error| CliError::at(folder, error))?;
            writeln!(out, "{cleared} takes removed from {}", folder.display())?;
        }
    }
    Ok(())
}

fn list(takes: &Takes, out: &mut dyn Write) -> Result<(), CliError> {
    let mut all = takes.list();
    all.sort_by_key(|take| std::cmp::Reverse(take.used));
    let now = SystemTime::now();
    for take in &all {
        let name = take.name();
        let age = now.duration_since(take.used).unwrap_or_default().as_secs();
        writeln!(out, "{name}  {:>9}  used {} ago", megabytes(take.bytes), time(age))?;
    }
    let total = all.iter().map(|take| take.bytes).sum();
    let folder = takes.folder().map(|f| f.display().to_string()).unwrap_or_default();
    writeln!(out, "{} takes, {} in {folder}", all.len(), megabytes(total))?;
    Ok(())
}

/// The one take whose name begins so.
fn named(takes: &Takes, start: &str) -> Result<Listed, CliError> {
    let mut found = takes.named(start);
    match (found.len(), found.pop()) {
        (1, Some(take)) => Ok(take),
        (0, _) => Err(CliError::Usage(format!("there is no take {start}: `pickup takes list` shows them"))),
        (count, _) => Err(CliError::Usage(format!("{count} takes begin with {start:?}: write more of the name"))),
    }
}

fn opened(take: &Listed) -> Result<TakeFile, CliError> {
    take.open().map_err(|error| CliError::failed(format!("the take {}: {error}", take.path.display())))
}

fn show(take: &Listed, out: &mut dyn Write) -> Result<(), CliError> {
    let file = opened(take)?;
    let (width, height) = file.size();
    writeln!(out, "{}: {} frames of {width}x{height}, {}", take.name(), file.count(), megabytes(take.bytes))?;
    if let Some(shot) = file.notes().origin.as_ref().and_then(|origin| origin.shot.as_ref()) {
        let MadeShot { model, prompt, seed, .. } = shot;
        writeln!(out, "made by the model {model} from the prompt {prompt:?} and the seed {seed}")?;
    }
    let unknown = &file.notes().unknown_words;
    if !unknown.is_empty() {
        writeln!(out, "words that the model did not know: {}", unknown.join(", "))?;
    }
    writeln!(out, "{}", take.path.display())?;
    Ok(())
}

/// Writes a take as a clip from frame 1 on; how many frames it has.
fn export(take: &Listed, clip: &Path, rate: Rate, told: &ProvenanceArgs) -> Result<usize, CliError> {
    let mut file = opened(take)?;
    let origin = origin(take, &file);
    let (width, height) = file.size();
    // EXR is taken for scene-linear by all that reads it.
    let exr = clip.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("exr"));
    let (transfer, depth) = if exr { (Transfer::SrgbToLinear, Depth::F16) } else { (Transfer::AsIs, Depth::U16) };
    let options = WriteOptions { rate, transfer, ..WriteOptions::default() };
    let writer = ClipWriter::create(clip, options, &[]).map_err(CliError::failed)?;
    let mut provenance = Provenance::new(told, None, &writer, clip, &[])?;
    for place in 0..file.count() {
        let frame = file.frame(place);
        let frame = frame.map_err(|error| CliError::failed(format!("frame {place} of {}: {error}", take.name())))?;
        let pixels = Pixels::from_f32(frame.pixels().to_vec(), depth);
        let picture = Picture::new(width, height, false, false, pixels).map_err(CliError::failed)?;
        let number = place as i64 + 1;
        let mark = provenance.add(number, Some(&origin));
        writer.write_made(number, &picture, mark.as_ref()).map_err(CliError::failed)?;
    }
    provenance.finish(writer)?;
    Ok(file.count())
}

/// How a take came about. All are the video model's; those of older versions do not say more.
fn origin(take: &Listed, file: &TakeFile) -> Origin {
    let told = file.notes().origin.clone().unwrap_or_else(|| Origin { shot: None, ..Origin::of_given(Maker::Model) });
    Origin { shot: told.shot.map(|shot| MadeShot { recipe: Some(take.name()), ..shot }), ..told }
}

fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

fn time(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_said_in_the_unit_that_fits() {
        let said = [5, 90, 7_300, 260_000].map(time);
        assert_eq!(said, ["5 s", "1 min", "2 h", "3 days"]);
    }
}
