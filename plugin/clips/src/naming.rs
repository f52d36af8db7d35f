//! How the frames of a sequence are named: `shot.%04d.exr`, `shot.####.png`, or a folder.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::ClipError;

/// A file format for single pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StillFormat {
    Exr,
    Png,
    Tiff,
    Jpeg,
    Bmp,
    WebP,
    Dpx,
}

/// The formats in words, for messages.
pub(super) const PICTURES: &str = "EXR, PNG, TIFF, JPEG, BMP, WebP and DPX";

impl StillFormat {
    pub(super) fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "exr" => Some(Self::Exr),
            "png" => Some(Self::Png),
            "tif" | "tiff" => Some(Self::Tiff),
            "jpg" | "jpeg" => Some(Self::Jpeg),
            "bmp" => Some(Self::Bmp),
            "webp" => Some(Self::WebP),
            "dpx" => Some(Self::Dpx),
            _ => None,
        }
    }

    pub(super) fn has_alpha(self) -> bool {
        self != Self::Jpeg
    }

    /// Whether it holds an ICC colour profile.
    pub(super) fn has_profile(self) -> bool {
        !matches!(self, Self::Exr | Self::Bmp | Self::Dpx)
    }

    /// The format that a file's first bytes tell, whatever it is called.
    pub(super) fn of_bytes(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0x76, 0x2F, 0x31, 0x01, ..] => Some(Self::Exr),
            [0x89, b'P', b'N', b'G', ..] => Some(Self::Png),
            [b'I', b'I', 42, 0, ..] | [b'M', b'M', 0, 42, ..] => Some(Self::Tiff),
            [0xFF, 0xD8, 0xFF, ..] => Some(Self::Jpeg),
            // Two letters are no proof; the four zeros are reserved.
            [b'B', b'M', _, _, _, _, 0, 0, 0, 0, ..] => Some(Self::Bmp),
            [b'S', b'D', b'P', b'X', ..] | [b'X', b'P', b'D', b'S', ..] => Some(Self::Dpx),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(Self::WebP),
            _ => None,
        }
    }
}

/// A file name with a place for the frame number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Naming {
    pub(super) folder: PathBuf,
    pub(super) prefix: String,
    pub(super) suffix: String,
    /// Numbers are filled with zeros to this width, which a minus sign is part of.
    pub(super) padding: usize,
}

/// Whether a name has a place for a frame's number.
#[must_use]
pub fn is_numbered(path: &Path) -> bool {
    matches!(Naming::parse(path), Ok(Some(_)))
}

impl Naming {
    /// Finds `%04d`, `%d` or a row of `#` in the name; `None` if there is none.
    pub(super) fn parse(spec: &Path) -> Result<Option<Self>, ClipError> {
        let bad = |reason: &str| ClipError::BadName { spec: spec.to_path_buf(), reason: reason.into() };
        let Some(name) = spec.file_name().and_then(|n| n.to_str()) else { return Ok(None) };
        let folder = spec.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_path_buf();
        let mut places = places(name);
        let Some((start, end, padding)) = places.next() else {
            if counts_folders(spec) {
                return Err(bad("the frame number belongs in the file name, not in a folder's name"));
            }
            return Ok(None);
        };
        if places.next().is_some() {
            return Err(bad("the name has two places for the frame number: leave one, such as shot.%04d.png"));
        }
        if padding > 18 {
            return Err(bad("the frame number is given too many digits: %04d is usual, 18 the most"));
        }
        Ok(Some(Self { folder, prefix: name[..start].into(), suffix: name[end..].into(), padding }))
    }

    /// The file of a frame.
    pub(super) fn path(&self, frame: i64) -> PathBuf {
        self.folder.join(format!("{}{frame:0width$}{}", self.prefix, self.suffix, width = self.padding))
    }

    /// The frame a file name stands for, if it is one of this naming.
    pub(super) fn number(&self, name: &str) -> Option<i64> {
        let digits = name.strip_prefix(&self.prefix)?.strip_suffix(&self.suffix)?;
        let frame: i64 = digits.parse().ok()?;
        // `shot.7.png` is no frame of `shot.%04d.png`, nor `shot.0007.png` one of `shot.%d.png`.
        (format!("{frame:0width$}", width = self.padding) == digits).then_some(frame)
    }

    /// Every file of this naming.
    pub(super) fn list(&self) -> Result<BTreeMap<i64, PathBuf>, ClipError> {
        let names = file_names(&self.folder)?;
        let found: BTreeMap<i64, PathBuf> =
            names.iter().filter_map(|n| Some((self.number(n)?, self.folder.join(n)))).collect();
        if !found.is_empty() {
            return Ok(found);
        }
        let hint = match groups(&names).first() {
            Some(group) => format!("The folder has {}", group.describe()),
            None => "The folder has no numbered pictures".into(),
        };
        let pattern = self.folder.join(format!("{}%0{}d{}", self.prefix, self.padding, self.suffix));
        Err(ClipError::NoMatch { pattern, hint })
    }
}

/// What a clip is called apart from its folder, its ending and the place of the frame number: `shot` of `out/shot.%04d.exr`.
#[must_use]
pub fn title(clip: &Path) -> String {
    let name = clip.file_stem().unwrap_or_default().to_string_lossy();
    let parts = match places(&name).next() {
        Some((start, end, _)) => [&name[..start], &name[end..]],
        None => [&name[..], ""],
    };
    let parts = parts.map(|part| part.trim_matches(['.', '_', '-', ' ']));
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("_")
}

/// Whether a folder that is not there would be called after a frame number's place.
pub(super) fn counts_folders(spec: &Path) -> bool {
    let folder = spec.parent().filter(|folder| !folder.exists());
    folder.and_then(Path::to_str).is_some_and(|folder| places(folder).next().is_some())
}

/// The name of a sequence as DaVinci Resolve writes it, with its first and last number for the place: `shot.[0001-0100].dng`; none
/// for what is no sequence.
pub fn with_span(pattern: &Path, (first, last): (i64, i64)) -> Option<PathBuf> {
    let Naming { folder, prefix, suffix, padding } = Naming::parse(pattern).ok()??;
    Some(folder.join(format!("{prefix}[{first:0padding$}-{last:0padding$}]{suffix}")))
}

/// The pattern for a name that [`with_span`] writes; none where it is no such name.
pub fn of_span(name: &Path) -> Option<PathBuf> {
    let file = name.file_name()?.to_str()?;
    let (prefix, rest) = file.rsplit_once('[')?;
    let (span, suffix) = rest.split_once(']')?;
    let (first, last) = span.split_once('-')?;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    (is_number(first) && is_number(last)).then(|| name.with_file_name(format!("{prefix}%0{}d{suffix}", first.len())))
}

/// Each place for a number: where it starts and ends, and its width.
fn places(name: &str) -> impl Iterator<Item = (usize, usize, usize)> + '_ {
    let bytes = name.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < bytes.len() {
            let start = at;
            if bytes[at] == b'#' {
                at += bytes[at..].iter().take_while(|&&b| b == b'#').count();
                return Some((start, at, at - start));
            }
            at += 1;
            if bytes[start] == b'%' {
                let digits = bytes[at..].iter().take_while(|b| b.is_ascii_digit()).count();
                if bytes.get(at + digits) == Some(&b'd') {
                    let width = name[at..at + digits].parse().unwrap_or(if digits == 0 { 1 } else { usize::MAX });
                    at += digits + 1;
                    return Some((start, at, width.max(1)));
                }
            }
        }
        None
    })
}

fn file_names(folder: &Path) -> Result<Vec<String>, ClipError> {
    let entries = fs::read_dir(folder).map_err(|e| ClipError::io(folder, "list the folder", e))?;
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|e| ClipError::io(folder, "list the folder", e))?;
        // Hidden files are thumbnails, resource forks and files still being written.
        if let Ok(name) = entry.file_name().into_string()
            && !name.starts_with('.')
        {
            names.push(name);
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// Files of one folder that differ in their number alone.
struct Group<'a> {
    prefix: &'a str,
    suffix: &'a str,
    files: Vec<(i64, &'a str)>,
    padding: usize,
}

impl Group<'_> {
    fn describe(&self) -> String {
        format!("{}{}{} ({} files)", self.prefix, "#".repeat(self.padding), self.suffix, self.files.len())
    }
}

/// The numbered pictures among the names, the largest group first.
fn groups(names: &[String]) -> Vec<Group<'_>> {
    let mut groups: BTreeMap<(&str, &str), Group<'_>> = BTreeMap::new();
    for name in names.iter().filter(|n| StillFormat::of(Path::new(n)).is_some()) {
        let Some(dot) = name.rfind('.') else { continue };
        let stem = &name[..dot];
        let digits = stem.len() - stem.trim_end_matches(|c: char| c.is_ascii_digit()).len();
        let Ok(frame) = stem[stem.len() - digits..].parse::<i64>() else { continue };
        let (prefix, suffix) = (&stem[..stem.len() - digits], &name[dot..]);
        let group =
            groups.entry((prefix, suffix)).or_insert(Group { prefix, suffix, files: Vec::new(), padding: digits });
        group.files.push((frame, name));
        group.padding = group.padding.min(digits);
    }
    let mut groups: Vec<_> = groups.into_values().collect();
    groups.sort_by_key(|g| std::cmp::Reverse(g.files.len()));
    groups
}

/// The one sequence of a folder.
pub(super) fn list_folder(folder: &Path) -> Result<BTreeMap<i64, PathBuf>, ClipError> {
    let names = file_names(folder)?;
    let groups = groups(&names);
    match groups.as_slice() {
        [] => Err(ClipError::BadName {
            spec: folder.to_path_buf(),
            reason: format!(
                "the folder has no numbered pictures ({PICTURES}): name a folder that has, or a single file"
            ),
        }),
        [group] => {
            let mut found: BTreeMap<i64, PathBuf> = BTreeMap::new();
            for &(frame, name) in &group.files {
                let path = folder.join(name);
                if let Some(first) = found.insert(frame, path.clone()) {
                    return Err(ClipError::SameNumber { frame, first, second: path });
                }
            }
            Ok(found)
        }
        several => Err(ClipError::MixedFolder {
            folder: folder.to_path_buf(),
            found: several.iter().map(Group::describe).collect(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn naming(spec: &str) -> Naming {
        Naming::parse(Path::new(spec)).unwrap().unwrap()
    }

    #[test]
    fn printf_and_hash_patterns_name_the_same_files() {
        for spec in ["out/a.%04d.png", "out/a.####.png"] {
            assert_eq!(naming(spec).path(7), Path::new("out/a.0007.png"));
            assert_eq!(naming(spec).path(12345), Path::new("out/a.12345.png"));
            assert_eq!(naming(spec).path(-7), Path::new("out/a.-007.png"));
        }
        assert_eq!(naming("%d.exr").path(7), Path::new("./7.exr"));
        assert_eq!(naming("a#.exr").path(70), Path::new("./a70.exr"));
    }

    #[test]
    fn a_name_without_a_place_is_not_a_pattern() {
        for spec in ["a.png", "50%.mp4", "%s.png", "%04x.png"] {
            assert_eq!(Naming::parse(Path::new(spec)).unwrap(), None, "{spec}");
        }
    }

    #[test]
    fn impossible_patterns_are_refused() {
        for (spec, word) in [
            ("a.%04d.%d.png", "two places"),
            ("a.##.%d.png", "two places"),
            ("a.%99d.png", "too many digits"),
            ("a.%99999999999999999999999d.png", "too many digits"),
            ("no-such-%03d/a.png", "not in a folder"),
        ] {
            let error = Naming::parse(Path::new(spec)).unwrap_err().to_string();
            assert!(error.contains(word), "{spec}: {error}");
        }
    }

    #[test]
    fn a_span_of_numbers_stands_for_a_pattern() {
        let resolve = with_span(Path::new("in/shot.%04d.dng"), (1, 100)).unwrap();
        assert_eq!(resolve, Path::new("in/shot.[0001-0100].dng"));
        assert_eq!(of_span(&resolve).unwrap(), Path::new("in/shot.%04d.dng"));
        assert_eq!(of_span(Path::new("a[b].[7-12].exr")).unwrap(), Path::new("a[b].%01d.exr"));
        for other in ["shot.mov", "shot[1].mov", "shot.[1-].mov", "shot.[a-b].mov", "shot]1-2[.mov"] {
            assert_eq!(of_span(Path::new(other)), None, "{other}");
        }
        assert_eq!(with_span(Path::new("shot.mov"), (1, 2)), None);
    }

    #[test]
    fn padding_tells_frames_apart() {
        assert_eq!(naming("a.%04d.png").number("a.0007.png"), Some(7));
        assert_eq!(naming("a.%04d.png").number("a.12345.png"), Some(12345));
        assert_eq!(naming("a.%04d.png").number("a.-007.png"), Some(-7));
        for foreign in ["a.7.png", "a.00007.png", "a.+007.png", "a.0007.exr", "b.0007.png", "a.png", "a.x.png"] {
            assert_eq!(naming("a.%04d.png").number(foreign), None, "{foreign}");
        }
        assert_eq!(naming("a.%d.png").number("a.7.png"), Some(7));
        assert_eq!(naming("a.%d.png").number("a.0007.png"), None);
    }
}
