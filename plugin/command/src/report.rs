//! `pickup doctor --report`: what a report of a fault needs, in one file, with nothing private in it.

use std::{fs, path::Path, time::SystemTime};

use pickup::{engine::Takes, journal, machine, models::ModelStore};
use pickup_clips::{SetBy, Setting, machine_file, write_whole};

use super::CliError;

/// The last lines of the log that are told.
const LINES: usize = 400;

/// Writes a report, with what the doctor found.
pub(super) fn write(file: &Path, found: &str) -> Result<(), CliError> {
    let now = humantime::format_rfc3339_seconds(SystemTime::now());
    let mut text = format!("# Pickup, {now}\n\nsystem: {}\n\n{found}", machine::system());
    text += "\n# Takes and models\n\n";
    text += &kept();
    text += "\n# The end of the log\n\n";
    text += &log();
    Ok(write_whole(file, public(&text).as_bytes())?)
}

/// What is set, and by what.
pub(super) fn settings() -> Vec<String> {
    let mut told = Vec::new();
    if machine_file().exists() {
        told.push(format!("for the whole machine by {}", machine_file().display()));
    }
    for setting in Setting::ALL {
        if let Some((value, by)) = setting.get() {
            let by = if by == SetBy::Machine { " for the whole machine" } else { "" };
            told.push(format!("{}{by}: {}", setting.variable(), value.to_string_lossy()));
        }
    }
    told
}

fn kept() -> String {
    let takes = Takes::of_user().list();
    let bytes: u64 = takes.iter().map(|take| take.bytes).sum();
    let models = ModelStore::of_user().map(|store| store.names().join(", ")).unwrap_or_default();
    let models = if models.is_empty() { "none" } else { &models };
    format!("takes: {} of {:.1} MB\nmodels: {models}\n", takes.len(), bytes as f64 / 1e6)
}

fn log() -> String {
    let Some(file) = journal::file() else { return "none is written\n".to_owned() };
    let read =
        |file: &Path| fs::read(file).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let text = read(&journal::before(&file)) + &read(&file);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(LINES)..].iter().map(|line| format!("{line}\n")).collect()
}

/// A text without names of folders and files, and without what stands in quotation marks, such as words of a prompt.
///
/// A path may have anything in it, so all goes from where one begins to a colon and a space, or the end of the line.
fn public(text: &str) -> String {
    let line = |line: &str| {
        let line = unquoted(line);
        let Some(at) = path_begins(&line) else { return line };
        let (before, path) = line.split_at(at);
        match path.split_once(": ") {
            Some((path, after)) => format!("{before}{}: {}", hidden(path), public(after)),
            None => format!("{before}{}", hidden(path)),
        }
    };
    let ends = if text.ends_with('\n') { "\n" } else { "" };
    text.lines().map(line).collect::<Vec<_>>().join("\n") + ends
}

/// A line without what stands between straight quotation marks.
fn unquoted(line: &str) -> String {
    let mut parts = line.split('"');
    let mut text = parts.next().unwrap_or_default().to_owned();
    while parts.next().is_some() {
        text += "\"…\"";
        text += parts.next().unwrap_or_default();
    }
    text
}

/// Where a path begins that names its folder from the root, from home, or from here.
fn path_begins(line: &str) -> Option<usize> {
    let starts = |at: usize| {
        let (before, rest) = line.split_at(at);
        let apart =
            before.chars().next_back().is_none_or(|c| !c.is_alphanumeric() && !matches!(c, '.' | '/' | ':' | '<'));
        let mut next = rest.chars();
        let drive = next.next().is_some_and(|c| c.is_ascii_alphabetic())
            && next.next() == Some(':')
            && matches!(next.next(), Some('\\' | '/'));
        apart && (drive || ["/", "~/", "./", "../", "\\\\"].iter().any(|start| rest.starts_with(start)))
    };
    line.char_indices().map(|(at, _)| at).find(|at| starts(*at))
}

/// What stands for a path: its ending alone.
fn hidden(path: &str) -> String {
    let ending = path.rsplit('.').next().unwrap_or_default();
    let plain = ending.len() <= 5 && ending.len() < path.len() && ending.chars().all(|c| c.is_ascii_alphanumeric());
    if plain { format!("<a path, .{ending}>") } else { "<a path>".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_quotations_are_not_told() {
        for (told, public_one) in [
            ("/home/ann/Secret Film/shot.%04d.exr: there is no such file", "<a path, .exr>: there is no such file"),
            (r"Repair: C:\Users\ann\a b.mov", "Repair: <a path, .mov>"),
            ("the word \"dragon\" is unknown", "the word \"…\" is unknown"),
            ("an end \"of a quotation", "an end \"…\""),
            ("at ~/x, and so on: /mnt/y: gone", "at <a path>: <a path>: gone"),
            (r"from \\server\share\x.png", "from <a path, .png>"),
            ("in ../plates", "in <a path>"),
            (
                "2026-11-29T07:10:51.123Z 12 INFO  Repair: OfxActionLoad: OK in 0.10 ms",
                "2026-11-29T07:10:51.123Z 12 INFO  Repair: OfxActionLoad: OK in 0.10 ms",
            ),
            ("12 frames/s at 1920x1080, 3:2, “Model folder”", "12 frames/s at 1920x1080, 3:2, “Model folder”"),
        ] {
            assert_eq!(public(told), public_one);
        }
        assert_eq!(public("a\n/b\n"), "a\n<a path>\n");
    }
}
