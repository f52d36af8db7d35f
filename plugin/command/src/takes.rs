//! `pickup takes`: the shots that are kept on disk.

use std::{io::Write, time::SystemTime};

use super::{CliError, args::TakesCommand};
use pickup::engine::Takes;

pub(super) fn run(command: &TakesCommand, out: &mut dyn Write) -> Result<(), CliError> {
    let takes = Takes::of_user();
    let Some(folder) = takes.folder() else {
        return Err(CliError::failed("this system names no folder for caches, so takes are kept in memory alone"));
    };
    match command {
        TakesCommand::List => list(&takes, out)?,
        TakesCommand::Clear => {
            let cleared = takes.clear().map_err(|e| CliError::failed(format!("{}: {e}", folder.display())))?;
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
        let name = take.path.file_stem().unwrap_or_default().to_string_lossy();
        let age = now.duration_since(take.used).unwrap_or_default().as_secs();
        writeln!(out, "{name}  {:>9}  used {} ago", megabytes(take.bytes), time(age))?;
    }
    let total = all.iter().map(|take| take.bytes).sum();
    let folder = takes.folder().map(|f| f.display().to_string()).unwrap_or_default();
    writeln!(out, "{} takes, {} in {folder}", all.len(), megabytes(total))?;
    Ok(())
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
