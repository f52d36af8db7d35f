//! Larger models that a user may install: which there are, under which licence, and which of them are on this machine.

use std::{
    collections::BTreeMap,
    env, fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::machine::{self, UserFolder};

/// Names the folder of installed models, where it is not to be the system's folder of a user's data.
pub const MODELS_VARIABLE: &str = "PICKUP_MODELS";

/// Names a list to read instead of this project's: a studio's own, for instance.
pub const LIST_VARIABLE: &str = "PICKUP_MODEL_LIST";

/// The file in a model's folder that says what it consists of. It is written last.
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
    files: Vec<Place>,
}

/// Where a file lies in a model's folder.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Place {
    file: String,
    to: PathBuf,
}

impl ModelList {
    /// This project's list, or the one that [`LIST_VARIABLE`] names.
    ///
    /// # Errors
    /// In words, when that cannot be read or makes no sense.
    pub fn read() -> Result<Self, String> {
        match env::var_os(LIST_VARIABLE).filter(|path| !path.is_empty()) {
            Some(path) => {
                let named = |error: &dyn std::fmt::Display| format!("{}: {error}", Path::new(&path).display());
                let text = fs::read_to_string(&path).map_err(|error| named(&error))?;
                Self::parse(&text).map_err(|error| named(&error))
            }
            None => Self::parse(include_str!("../../resources/models.json")),
        }
    }

    fn parse(text: &str) -> Result<Self, String> {
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
        let mut names: Vec<&str> = self.files(model).map(|(file, _)| &*file.licence).collect();
        names.dedup();
        names.into_iter().filter_map(|name| self.licences.get(name)).collect()
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

    /// Where [`MODELS_VARIABLE`] says, else where this system keeps a user's data; none where it names no such place.
    #[must_use]
    pub fn of_user() -> Option<Self> {
        machine::user_folder(MODELS_VARIABLE, UserFolder::Data, "models").map(Self::new)
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
        let text = fs::read_to_string(folder.join(RECORD)).ok()?;
        let model: Installed = serde_json::from_str(&text).ok()?;
        let whole = |file: &InstalledFile| {
            fs::metadata(folder.join(&file.to)).is_ok_and(|data| data.is_file() && data.len() == file.bytes)
        };
        model.files.iter().all(whole).then_some(model)
    }

    /// The names of all that are installed.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
        let mut names: Vec<String> = names.filter(|name| self.installed(name).is_some()).collect();
        names.sort_unstable();
        names
    }

    /// Puts a model in its place whose files are all gathered.
    ///
    /// # Errors
    /// When its folder cannot be written.
    pub fn put(&self, model: &Installed) -> io::Result<()> {
        let (gathered, place) = (self.gathering(&model.name), self.path(&model.name));
        fs::write(gathered.join(RECORD), serde_json::to_string_pretty(model)?)?;
        if place.exists() {
            // Part of it is gone, or it would not be made anew.
            fs::remove_dir_all(&place)?;
        }
        fs::rename(gathered, place)
    }

    /// Removes a model, and what was gathered of it; whether there was anything.
    ///
    /// # Errors
    /// When a file cannot be removed.
    pub fn remove(&self, name: &str) -> io::Result<bool> {
        let mut removed = false;
        if is_plain(Path::new(name)) {
            for folder in [self.path(name), self.gathering(name)] {
                if folder.is_dir() {
                    // Without this file what is left of a folder is no model.
                    let _ = fs::remove_file(folder.join(RECORD));
                    fs::remove_dir_all(folder)?;
                    removed = true;
                }
            }
        }
        Ok(removed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_projects_list_makes_sense() {
        let list = ModelList::parse(include_str!("../../resources/models.json")).unwrap();
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
            files: vec![InstalledFile { to: "a/b".into(), bytes: 3, sha256: String::new(), published: false }],
        };
        fs::create_dir_all(store.gathering("m").join("a")).unwrap();
        fs::write(store.gathering("m").join("a/b"), b"abc").unwrap();
        assert!(store.installed("m").is_none(), "what is gathered is not installed");
        store.put(&model).unwrap();
        assert_eq!((store.installed("m"), store.names()), (Some(model), vec!["m".to_owned()]));
        fs::write(store.path("m").join("a/b"), b"ab").unwrap();
        assert!(store.installed("m").is_none(), "a file of it was cut");
        assert!(store.installed("../m").is_none());
        assert!(store.remove("m").unwrap() && !store.remove("m").unwrap());
    }
}
