//! `pickup doctor --report`: what a report of a fault needs, in one file, with nothing private in it.

use std::{fs, path::Path, time::SystemTime};

use pickup::{
    engine::{EMBEDDED, Takes, WEIGHTS},
    journal, machine,
    models::ModelStore,
};
use pickup_clips::{SetBy, Setting, machine_file, write_whole};

use super::CliError;

/// The last lines of the log that are told.
const LINES: usize = 400;

/// Writes a report, with what the doctor found.
pub(super) fn write(file: &Path, found: &str) -> Result<(), CliError> {
    let now = humantime::format_rfc3339_seconds(SystemTime::now());
    // As in GNU/Linux, which is no path.
    let system = machine::system().replace('/', " ");
    let mut text = format!("# Pickup, {now}\n\nsystem: {system}\n\n{found}");
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
            let value = value.to_string_lossy();
            // A folder's name may be private: quotations are left out of a report.
            let value = if setting.names_a_path() { format!("\"{value}\"") } else { value.into_owned() };
            told.push(format!("{}{by}: {value}", setting.variable()));
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
/// A path may have anything in it, colons too. So all goes from where one begins to the line's last colon, after which stands what is
/// wrong with it; and a part of a line between colons goes that has a name of a file in it which begins no path.
fn public(text: &str) -> String {
    let ends = if text.ends_with('\n') { "\n" } else { "" };
    text.lines().map(|line| public_line(&unquoted(line))).collect::<Vec<_>>().join("\n") + ends
}

/// Whether a line is what the doctor says of files that every bundle has.
fn is_of_the_bundle(line: &str) -> bool {
    let told = line.strip_prefix("ok").map_or("", str::trim_start);
    told.starts_with(&format!("weights {WEIGHTS}, ")) || told.starts_with(&format!("video model {EMBEDDED}, "))
}

fn public_line(line: &str) -> String {
    if is_of_the_bundle(line) {
        return line.to_owned();
    }
    if let Some(at) = path_begins(line) {
        let (before, path) = line.split_at(at);
        return match path.rsplit_once(": ") {
            Some((path, why)) => format!("{}{}: {}", public_parts(before), hidden(path), public_line(why)),
            None => format!("{}{}", public_parts(before), hidden(path)),
        };
    }
    public_parts(line)
}

fn public_parts(line: &str) -> String {
    let part = |part: &str| if names_a_file(part) { hidden(part) } else { part.to_owned() };
    line.split(": ").map(part).collect::<Vec<_>>().join(": ")
}

/// Whether a text has a word in it that may name a file or a folder.
fn names_a_file(text: &str) -> bool {
    let word = |word: &str| {
        let word = word.trim_matches(|c: char| !c.is_alphanumeric());
        let ending = word.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
        word.contains(['/', '\\']) || ending.is_some_and(|ending| ENDINGS.contains(&&*ending))
    };
    text.split_whitespace().any(word)
}

/// A line without what stands between quotation marks, straight or curly ones.
fn unquoted(line: &str) -> String {
    let (mut text, mut inside, mut before) = (String::new(), false, ' ');
    for character in line.chars() {
        // One that is escaped stands inside a quotation.
        let escaped = inside && std::mem::replace(&mut before, character) == '\\';
        if escaped {
            continue;
        }
        match character {
            '"' if !inside => text += "\"…\"",
            '“' if !inside => text += "“…”",
            '"' | '“' | '”' => {}
            other if !inside => text.push(other),
            _ => {}
        }
        inside = match character {
            '"' => !inside,
            '“' => true,
            '”' => false,
            _ => inside,
        };
    }
    text
}

/// Where a path begins that names its folder from the root, from home, or from here.
fn path_begins(line: &str) -> Option<usize> {
    let starts = |at: usize| {
        let (before, rest) = line.split_at(at);
        let apart = before.chars().next_back().is_none_or(|c| !c.is_alphanumeric() && !matches!(c, '.' | '/' | '<'));
        let mut next = rest.chars();
        let drive = next.next().is_some_and(|c| c.is_ascii_alphabetic())
            && next.next() == Some(':')
            && matches!(next.next(), Some('\\' | '/'));
        apart && (drive || ["/", "~/", "./", "../", "\\\\"].iter().any(|start| rest.starts_with(start)))
    };
    line.char_indices().map(|(at, _)| at).find(|at| starts(*at))
}

/// Endings of files that Pickup reads or writes.
const ENDINGS: [&str; 25] = [
    "exr",
    "png",
    "tif",
    "tiff",
    "jpg",
    "jpeg",
    "dpx",
    "bmp",
    "webp",
    "gif",
    "mov",
    "mp4",
    "mkv",
    "webm",
    "avi",
    "mxf",
    "safetensors",
    "gguf",
    "json",
    "toml",
    "take",
    "log",
    "txt",
    "ofx",
    "bundle",
];

/// What stands for a path: its ending alone, if that is a known one.
fn hidden(path: &str) -> String {
    let ending = path.trim_end().rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    if ENDINGS.contains(&&*ending) { format!("<a path, .{ending}>") } else { "<a path>".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_quotations_are_not_told() {
        for (told, public_one) in [
            ("/home/ann/Secret Film/shot.%04d.exr: there is no such file", "<a path, .exr>: there is no such file"),
            ("/p/Film: Secret Title/a.exr: gone", "<a path, .exr>: gone"),
            ("/home/ann.smith", "<a path>"),
            ("file:///home/ann/x", "file:<a path>"),
            ("Repair: secret show/film.mov: no such file", "Repair: <a path, .mov>: no such file"),
            ("Repair: Secret Film.MOV: no such file", "Repair: <a path, .mov>: no such file"),
            (r"Repair: C:\Users\ann\a b.mov", "Repair: <a path, .mov>"),
            ("the word \"dragon\" is unknown", "the word \"…\" is unknown"),
            ("The model took “Drache” for “dragon”.", "The model took “…” for “…”."),
            (r#"an "escaped \"quotation\" here" too"#, r#"an "…" too"#),
            ("an end \"of a quotation", "an end \"…\""),
            ("at ~/x, and so on: /mnt/y: gone", "at <a path>: gone"),
            (r"from \\server\share\x.png", "from <a path, .png>"),
            ("in ../plates", "in <a path>"),
            (
                "2026-11-29T07:10:51.123Z 12 INFO  Repair: OfxActionLoad: OK in 0.10 ms",
                "2026-11-29T07:10:51.123Z 12 INFO  Repair: OfxActionLoad: OK in 0.10 ms",
            ),
            ("a frame of 640x360 at 3:2, Mesa 22.3.6", "a frame of 640x360 at 3:2, Mesa 22.3.6"),
        ] {
            assert_eq!(public(told), public_one);
        }
        let ours = "ok       weights motion.safetensors, 4.9 MB\nok       video model models/stock, opened in 6 ms";
        assert_eq!(public(ours), ours);
        assert_eq!(public("ok       found Secret models/stock"), "<a path>");
        assert_eq!(public("a\n/b\n"), "a\n<a path>\n");
    }
}
