//! What is set for Pickup from outside: by a variable of the environment, else for the whole machine by a file that Pickup only reads.

use std::{
    env,
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use toml::{Table, Value};

/// Names the file of the machine's settings, where it is not to be the one where systems keep such files.
pub const MACHINE_FILE_VARIABLE: &str = "PICKUP_CONFIG";
/// What all variables begin with.
const PREFIX: &str = "PICKUP_";

/// One thing that can be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting(&'static str);

impl Setting {
    /// The folder of takes.
    pub const TAKES: Self = Self("TAKES");
    /// The folder of installed models.
    pub const MODELS: Self = Self("MODELS");
    /// A file that lists models, instead of this project's list.
    pub const MODEL_LIST: Self = Self("MODEL_LIST");
    /// Anything but 0: no network is used.
    pub const OFFLINE: Self = Self("OFFLINE");
    /// What motion is found on.
    pub const DEVICE: Self = Self("DEVICE");
    /// The most bytes of its memory that a GPU is asked for.
    pub const GPU_MEMORY: Self = Self("GPU_MEMORY");
    /// The most bytes of memory that a shot or a frame may take while it is made.
    pub const MEMORY: Self = Self("MEMORY");
    /// The program ffmpeg.
    pub const FFMPEG: Self = Self("FFMPEG");
    /// The program ffprobe.
    pub const FFPROBE: Self = Self("FFPROBE");
    /// How much is logged.
    pub const LOG: Self = Self("LOG");
    /// The file of the log.
    pub const LOG_FILE: Self = Self("LOG_FILE");

    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::TAKES,
        Self::MODELS,
        Self::MODEL_LIST,
        Self::OFFLINE,
        Self::DEVICE,
        Self::GPU_MEMORY,
        Self::MEMORY,
        Self::FFMPEG,
        Self::FFPROBE,
        Self::LOG,
        Self::LOG_FILE,
    ];

    /// Whether it names a file or a folder.
    #[must_use]
    pub fn names_a_path(self) -> bool {
        ![Self::OFFLINE, Self::DEVICE, Self::GPU_MEMORY, Self::MEMORY, Self::LOG].contains(&self)
    }

    /// Whether it is a number of bytes.
    #[must_use]
    pub fn is_in_bytes(self) -> bool {
        [Self::GPU_MEMORY, Self::MEMORY].contains(&self)
    }

    /// The variable of the environment.
    #[must_use]
    pub fn variable(self) -> String {
        format!("{PREFIX}{}", self.0)
    }

    /// The key in the machine's file.
    #[must_use]
    pub fn key(self) -> String {
        self.0.to_ascii_lowercase()
    }

    /// What it is set to, and by what; an empty value is none.
    #[must_use]
    pub fn get(self) -> Option<(OsString, SetBy)> {
        let named = env::var_os(self.variable()).filter(|value| !value.is_empty());
        named.map(|value| (value, SetBy::Variable)).or_else(|| {
            let machine = machine_settings().as_ref().ok()?;
            machine.get(self).map(|value| (value.into(), SetBy::Machine))
        })
    }

    /// What it is set to.
    #[must_use]
    pub fn value(self) -> Option<OsString> {
        self.get().map(|(value, _)| value)
    }

    /// What it is set to, if that is text.
    #[must_use]
    pub fn text(self) -> Option<String> {
        self.value()?.into_string().ok()
    }

    /// The file or folder that it names.
    #[must_use]
    pub fn path(self) -> Option<PathBuf> {
        self.value().map(PathBuf::from)
    }

    /// The number of bytes that it is set to; none where it is no number.
    #[must_use]
    pub fn bytes(self) -> Option<u64> {
        self.text()?.trim().replace('_', "").parse().ok()
    }

    /// Whether a switch is on: set, and not to 0.
    #[must_use]
    pub fn is_on(self) -> bool {
        self.value().is_some_and(|value| value != "0")
    }
}

/// What set a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetBy {
    /// A variable of the environment.
    Variable,
    /// The machine's file.
    Machine,
}

/// The settings of a machine, as its file has them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MachineSettings {
    table: Table,
}

impl MachineSettings {
    /// Those in a file; none in one that is not there.
    ///
    /// # Errors
    /// In words, when the file cannot be read, or is no TOML of keys and single values.
    pub fn read(file: &Path) -> Result<Self, String> {
        let read = match fs::read_to_string(file) {
            Ok(text) => Self::parse(&text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error.to_string()),
        };
        read.map_err(|why| format!("{}: {why}", file.display()))
    }

    /// Those in a file's text.
    ///
    /// # Errors
    /// In words, when it is no TOML of keys and single values.
    pub fn parse(text: &str) -> Result<Self, String> {
        let table: Table = text.parse().map_err(|error: toml::de::Error| {
            let before = error.span().map_or(0, |span| span.start.min(text.len()));
            let line = 1 + text.as_bytes()[..before].iter().filter(|byte| **byte == b'\n').count();
            format!("line {line}: {}", error.message())
        })?;
        match table.iter().find(|(_, value)| text_of(value).is_none()) {
            Some((key, _)) => Err(format!("{key} is to be a text, a whole number, true or false")),
            None => Ok(Self { table }),
        }
    }

    fn get(&self, setting: Setting) -> Option<String> {
        text_of(self.table.get(&setting.key())?).filter(|text| !text.is_empty())
    }

    /// The keys in it that name no setting.
    pub fn unknown(&self) -> impl Iterator<Item = &str> {
        self.table.keys().map(String::as_str).filter(|key| Setting::ALL.iter().all(|known| known.key() != **key))
    }
}

/// A value as a variable has it.
fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Boolean(on) => Some(if *on { "1" } else { "0" }.to_owned()),
        _ => None,
    }
}

/// The settings of this machine, read once.
///
/// # Errors
/// As [`MachineSettings::read`]; nothing is then set by the file.
pub fn machine_settings() -> &'static Result<MachineSettings, String> {
    static SETTINGS: OnceLock<Result<MachineSettings, String>> = OnceLock::new();
    SETTINGS.get_or_init(|| MachineSettings::read(&machine_file()))
}

/// The file that sets what holds for all users of this machine: the one that [`MACHINE_FILE_VARIABLE`] names, else where systems keep
/// such files.
#[must_use]
pub fn machine_file() -> PathBuf {
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set(MACHINE_FILE_VARIABLE).unwrap_or_else(|| {
        let folder = if cfg!(windows) {
            set("ProgramData").unwrap_or_else(|| r"C:\ProgramData".into()).join("Pickup")
        } else if cfg!(target_os = "macos") {
            "/Library/Application Support/Pickup".into()
        } else {
            PathBuf::from("/etc/pickup")
        };
        folder.join("pickup.toml")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machines_file_sets_texts_numbers_and_switches() {
        let settings =
            MachineSettings::parse("takes = '/mnt/takes'\ngpu_memory = 4_000_000\noffline = true\nlog = ''\n").unwrap();
        assert_eq!(settings.get(Setting::TAKES).as_deref(), Some("/mnt/takes"));
        assert_eq!(settings.get(Setting::GPU_MEMORY).as_deref(), Some("4000000"));
        assert_eq!(settings.get(Setting::OFFLINE).as_deref(), Some("1"));
        assert_eq!(settings.get(Setting::LOG), None);
        assert_eq!(settings.get(Setting::DEVICE), None);
        assert_eq!(settings.unknown().count(), 0);
    }

    #[test]
    fn what_makes_no_sense_in_it_is_told() {
        assert!(MachineSettings::parse("takes = ['a']").unwrap_err().contains("takes is to be a text"));
        assert!(MachineSettings::parse("takes = 'a").unwrap_err().contains("line 1"));
        assert_eq!(
            MachineSettings::parse("take = 'a'\ndevice = 'cpu'").unwrap().unknown().collect::<Vec<_>>(),
            ["take"]
        );
        assert_eq!(MachineSettings::read(Path::new("/no/such/file")), Ok(MachineSettings::default()));
    }

    #[test]
    fn every_setting_stands_in_the_docs() {
        let docs = include_str!("../../../docs/command.md");
        for setting in Setting::ALL {
            let row = format!("| `{}`", setting.variable());
            let beside = format!(", `{}` |", setting.variable());
            assert!(docs.contains(&row) || docs.contains(&beside), "{} is not in docs/command.md", setting.variable());
        }
    }
}
