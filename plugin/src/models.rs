//! Larger models that a user may install: which there are, under which licence, and which of them are on this machine.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
};

use pickup_clips::Setting;
use serde::{Deserialize, Serialize};

use crate::machine::{self, UserFolder};

/// The file that says what a model consists of: in its folder, and in the one where it is gathered, what is there so far.
const RECORD: &str = "installed.json";

/// The models that can be installed, and what they consist of.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelList {
    licences: BTreeMap<String, Licence>,
    files: BTreeMap<String, ModelFile>,
    models: Vec<ListedModel>,
}

/// What a file may be used for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Licence {
    /// What it is called.
    pub name: String,
    /// Where it can be read.
    pub url: String,
    /// What it asks or forbids, in a few words.
    pub says: String,
}

/// A file of a model, where its publisher ships it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelFile {
    /// The repository on Hugging Face.
    pub repository: String,
    /// Its commit, or a branch where none is pinned.
    pub revision: String,
    /// The file in it.
    pub path: String,
    /// Its size, where it is known.
    pub bytes: Option<u64>,
    /// Its SHA-256 in lower-case hexadecimal digits, where it is public.
    pub sha256: Option<String>,
    licence: String,
}

/// A model that can be installed.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListedModel {
    /// By which it is installed, and by which projects name it.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// What its files come to, in gigabytes.
    pub gigabytes: f64,
    /// The memory and the time that it takes.
    pub needs: String,
    /// What it is for.
    #[serde(default)]
    pub kind: ModelKind,
    files: Vec<Place>,
}

/// What a model is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ModelKind {
    /// It makes shots.
    #[default]
    Video,
    /// It writes prompts.
    Language,
}

/// Where a file lies in a model's folder.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Place {
    file: String,
    to: PathBuf,
}

impl ModelList {
    /// This project's list, or the one that [`Setting::MODEL_LIST`] names.
    ///
    /// # Errors
    /// In words, when that cannot be read or makes no sense.
    pub fn read() -> Result<Self, String> {
        match Setting::MODEL_LIST.path() {
            Some(path) => {
                let named = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
                let text = fs::read_to_string(&path).map_err(|error| named(&error))?;
                Self::parse(&text).map_err(|error| named(&error))
            }
            None => Self::of_project(),
        }
    }

    /// This project's list.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn of_project() -> Result<Self, String> {
        Self::parse(include_str!("../../resources/models.json"))
    }

    /// Reads a list from its text.
    ///
    /// # Errors
    /// In words, when it makes no sense.
    pub fn parse(text: &str) -> Result<Self, String> {
        let list: Self = serde_json::from_str(text).map_err(|error| format!("this is no list of models: {error}"))?;
        for model in &list.models {
            if !is_plain(Path::new(&model.name)) {
                return Err(format!("{:?} cannot be a model's name: it is to be a folder's", model.name));
            }
            for Place { file, to } in &model.files {
                let known = list.files.get(file).is_some_and(|file| list.licences.contains_key(&file.licence));
                if !known || !to.iter().all(|part| is_plain(Path::new(part))) {
                    return Err(format!("the model {} names a file or a licence that is not in the list", model.name));
                }
            }
        }
        Ok(list)
    }

    /// The models, in the order of the list.
    #[must_use]
    pub fn models(&self) -> &[ListedModel] {
        &self.models
    }

    /// A model by its name.
    #[must_use]
    pub fn model(&self, name: &str) -> Option<&ListedModel> {
        self.models.iter().find(|model| model.name == name)
    }

    /// The files of a model, each with its place in the model's folder.
    pub fn files<'a>(&'a self, model: &'a ListedModel) -> impl Iterator<Item = (&'a ModelFile, &'a Path)> {
        model.files.iter().filter_map(|place| Some((self.files.get(&place.file)?, &*place.to)))
    }

    /// The licences of a model's files, each once.
    #[must_use]
    pub fn licences(&self, model: &ListedModel) -> Vec<&Licence> {
        let mut seen = BTreeSet::new();
        let names = self.files(model).map(|(file, _)| &*file.licence).filter(|name| seen.insert(*name));
        names.filter_map(|name| self.licences.get(name)).collect()
    }
}

/// Whether a path is one name, which leads nowhere else.
fn is_plain(path: &Path) -> bool {
    let mut parts = path.components();
    matches!((parts.next(), parts.next()), (Some(std::path::Component::Normal(name)), None) if name == path.as_os_str())
        && !path.to_string_lossy().starts_with('.')
}

/// What an installed model consists of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Installed {
    /// Its name.
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub kind: ModelKind,
    /// Its files.
    pub files: Vec<InstalledFile>,
}

/// A file of an installed model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstalledFile {
    /// Its place in the model's folder.
    pub to: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// The SHA-256 of what came.
    pub sha256: String,
    /// Whether that is the one that its publisher, or the list, told beforehand.
    pub published: bool,
}

/// The models of this user.
#[derive(Clone, Debug)]
pub struct ModelStore {
    folder: PathBuf,
}

impl ModelStore {
    /// The models in a folder.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Where [`Setting::MODELS`] says, else where this system keeps a user's data; none where it names no such place.
    #[must_use]
    pub fn of_user() -> Option<Self> {
        Setting::MODELS.path().or_else(|| machine::user_folder(UserFolder::Data, "models")).map(Self::new)
    }

    /// Where they lie.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The folder of a model that is installed, or would be.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The folder in which a model's files are gathered until all are there.
    #[must_use]
    pub fn gathering(&self, name: &str) -> PathBuf {
        self.folder.join(format!(".{name}.part"))
    }

    /// What a model that is installed consists of; none where it is not, or one of its files is gone or of another size.
    #[must_use]
    pub fn installed(&self, name: &str) -> Option<Installed> {
        if !is_plain(Path::new(name)) {
            return None;
        }
        let folder = self.path(name);
        let model = read_record(&folder)?;
        let whole = |file: &InstalledFile| {
            fs::metadata(folder.join(&file.to)).is_ok_and(|data| data.is_file() && data.len() == file.bytes)
        };
        model.files.iter().all(whole).then_some(model)
    }

    /// All that are installed, by the names of their folders, in the order of these.
    #[must_use]
    pub fn all(&self) -> BTreeMap<String, Installed> {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
        names.filter_map(|name| self.installed(&name).map(|model| (name, model))).collect()
    }

    /// The names of all that are installed.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.all().into_keys().collect()
    }

    /// What is gathered of a model: as an earlier run noted it, or nothing.
    #[must_use]
    pub fn gathered(&self, name: &str) -> Vec<InstalledFile> {
        read_record(&self.gathering(name)).map(|model| model.files).unwrap_or_default()
    }

    /// Notes what is gathered of a model.
    ///
    /// # Errors
    /// When its folder cannot be written.
    pub fn note(&self, model: &Installed) -> io::Result<()> {
        fs::write(self.gathering(&model.name).join(RECORD), serde_json::to_string_pretty(model)?)
    }

    /// Whether there is anything of a model here, or in its place.
    #[must_use]
    pub fn has_any(&self, name: &str) -> bool {
        is_plain(Path::new(name)) && [self.path(name), self.gathering(name)].iter().any(|folder| folder.exists())
    }

    /// The right to change a model, until it is dropped; none while another process has it. Its file stays, as others may hold it open.
    ///
    /// # Errors
    /// When the folder of models cannot be written.
    pub fn lock(&self, name: &str) -> io::Result<Option<File>> {
        fs::create_dir_all(&self.folder)?;
        let lock = File::create(self.folder.join(format!(".{name}.lock")))?;
        // Where there are no locks, nobody waits.
        Ok((!matches!(lock.try_lock(), Err(TryLockError::WouldBlock))).then_some(lock))
    }

    /// Whether a folder stands in a model's place that no model was put in.
    #[must_use]
    pub fn is_anothers(&self, name: &str) -> bool {
        let place = self.path(name);
        place.exists() && !place.join(RECORD).is_file()
    }

    /// The folder of a language model that is installed: of several the first by name.
    #[must_use]
    pub fn language_model(&self) -> Option<PathBuf> {
        let (name, _) = self.all().into_iter().find(|(_, model)| model.kind == ModelKind::Language)?;
        Some(self.path(&name))
    }

    /// Puts a model in its place whose files are all gathered and noted.
    ///
    /// # Errors
    /// When its folder cannot be written, or another stands in its place.
    pub fn put(&self, name: &str) -> io::Result<()> {
        self.clear(name)?;
        fs::rename(self.gathering(name), self.path(name))
    }

    /// Removes a model, and what was gathered of it; whether there was anything.
    ///
    /// # Errors
    /// When a file cannot be removed, or the folder is another's.
    pub fn remove(&self, name: &str) -> io::Result<bool> {
        let gathering = self.gathering(name);
        let begun = gathering.is_dir();
        if begun {
            fs::remove_dir_all(gathering)?;
        }
        Ok(self.clear(name)? || begun)
    }

    /// Takes a model from its place, and what an earlier call left half removed; whether there was one.
    fn clear(&self, name: &str) -> io::Result<bool> {
        let (place, going) = (self.path(name), self.folder.join(format!(".{name}.gone")));
        if going.exists() {
            fs::remove_dir_all(&going)?;
        }
        if self.is_anothers(name) {
            let why = format!("{} was not made by `pickup models add`: move it away", place.display());
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, why));
        }
        if !place.exists() {
            return Ok(false);
        }
        // Half a model must not stand in its place.
        fs::rename(&place, &going)?;
        fs::remove_dir_all(going)?;
        Ok(true)
    }
}

fn read_record(folder: &Path) -> Option<Installed> {
    serde_json::from_str(&fs::read_to_string(folder.join(RECORD)).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_projects_list_makes_sense() {
        let list = ModelList::of_project().unwrap();
        for model in list.models() {
            assert_eq!(list.files(model).count(), model.files.len());
            assert!(list.licences(model)[0].says.len() > 40, "{}", model.name);
            let known: u64 = list.files(model).filter_map(|(file, _)| file.bytes).sum();
            assert!(model.gigabytes * 1e9 >= known as f64 * 0.99, "{}: its size is told too small", model.name);
            for (file, _) in list.files(model) {
                let digits = |text: &str| {
                    text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit() && !b.is_ascii_uppercase())
                };
                assert!(file.sha256.as_deref().is_none_or(digits), "{}", file.path);
            }
        }
    }

    #[test]
    fn a_list_that_leads_out_of_its_folder_is_refused() {
        let list = |name: &str, to: &str| {
            let text = serde_json::json!({
                "licences": { "l": { "name": "", "url": "", "says": "" } },
                "files": { "f": { "repository": "r", "revision": "v", "path": "p", "licence": "l" } },
                "models": [{ "name": name, "title": "", "gigabytes": 1.0, "needs": "", "files": [{ "file": "f", "to": to }] }],
            });
            ModelList::parse(&text.to_string())
        };
        assert!(list("m", "a/b.bin").is_ok());
        for (name, to) in
            [("../m", "a"), ("m", "../a"), ("m", "/etc/a"), (".m", "a"), ("m", ".a"), ("", "a"), ("m/n", "a")]
        {
            assert!(list(name, to).is_err(), "{name:?} {to:?}");
        }
        assert!(ModelList::parse("{}").is_err());
    }

    #[test]
    fn half_a_model_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let store = ModelStore::new(folder.path().join("models"));
        assert!(store.names().is_empty() && store.installed("m").is_none());
        let model = Installed {
            name: "m".into(),
            kind: ModelKind::Language,
            files: vec![InstalledFile { to: "a/b".into(), bytes: 3, sha256: String::new(), published: false }],
        };
        fs::create_dir_all(store.gathering("m").join("a")).unwrap();
        fs::write(store.gathering("m").join("a/b"), b"abc").unwrap();
        assert!(store.installed("m").is_none(), "what is gathered is not installed");
        assert!(store.gathered("m").is_empty(), "nothing is noted");
        store.note(&model).unwrap();
        assert_eq!(store.gathered("m"), model.files);
        store.put("m").unwrap();
        assert_eq!((store.installed("m"), store.names()), (Some(model), vec!["m".to_owned()]));
        assert_eq!(store.language_model(), Some(store.path("m")));
        fs::write(store.path("m").join("a/b"), b"ab").unwrap();
        assert_eq!(store.language_model(), None);
        assert!(store.installed("m").is_none(), "a file of it was cut");
        assert!(store.installed("../m").is_none() && !store.has_any("../m") && store.has_any("m"));
        assert!(store.remove("m").unwrap() && !store.remove("m").unwrap());
        // What was half removed is no model, and does not come back.
        fs::create_dir_all(folder.path().join("models/.m.gone/a")).unwrap();
        assert!(!store.remove("m").unwrap() && !folder.path().join("models/.m.gone").exists());
    }

    #[test]
    fn a_folder_that_the_user_made_stays() {
        let folder = tempfile::tempdir().unwrap();
        let store = ModelStore::new(folder.path().to_owned());
        fs::create_dir_all(store.path("mine")).unwrap();
        fs::write(store.path("mine").join("weights"), b"abc").unwrap();
        assert!(store.is_anothers("mine") && store.remove("mine").unwrap_err().to_string().contains("move it away"));
        fs::create_dir_all(store.gathering("mine")).unwrap();
        assert!(store.put("mine").is_err());
        assert_eq!(fs::read(store.path("mine").join("weights")).unwrap(), b"abc");
    }
}
