//! `pickup models`: larger models, fetched, checked and removed.

mod fetch;

use std::{
    fs::{self, File},
    io::{self, BufRead as _, IsTerminal as _, Write},
    path::{Path, PathBuf},
};

use pickup::{
    engine::engine,
    models::{Installed, InstalledFile, ListedModel, ModelFile, ModelList, ModelStore},
};

use self::fetch::{ENDPOINT, Server, sha256_of};
use super::{
    CliError,
    args::{AddArgs, ModelsCommand},
    cancel,
    progress::{self, Bar},
};

/// Keeps the command from the network where it is set to anything but 0.
const OFFLINE_VARIABLE: &str = "PICKUP_OFFLINE";

pub(super) fn run(command: &ModelsCommand, out: &mut dyn Write) -> Result<(), CliError> {
    let store = ModelStore::of_user()
        .ok_or_else(|| CliError::failed("this system names no folder for a user's data: set PICKUP_MODELS"))?;
    match command {
        ModelsCommand::List => list(&read_list()?, &store, out),
        ModelsCommand::Add(args) => add(args, &read_list()?, &store, out),
        ModelsCommand::Verify { name } => verify(name, &store, out),
        ModelsCommand::Remove { name } => {
            let removed = store.remove(name);
            if removed.map_err(|error| CliError::at(store.folder(), error))? {
                writeln!(out, "{name} is removed")?;
                return Ok(());
            }
            Err(CliError::Usage(format!("{name} is not installed: `pickup models list` shows what is")))
        }
    }
}

fn read_list() -> Result<ModelList, CliError> {
    ModelList::read().map_err(CliError::Failed)
}

fn list(list: &ModelList, store: &ModelStore, out: &mut dyn Write) -> Result<(), CliError> {
    for model in list.models() {
        let state = match (store.installed(&model.name), store.gathering(&model.name).exists()) {
            (Some(_), _) => "installed",
            (None, true) => "begun: `add` goes on",
            (None, false) => "not installed",
        };
        let licences: Vec<&str> = list.licences(model).iter().map(|licence| &*licence.name).collect();
        writeln!(out, "{} ({state})", model.name)?;
        writeln!(out, "    {}; {:.1} GB; {}", model.title, model.gigabytes, licences.join(", "))?;
        writeln!(out, "    {}", model.needs)?;
    }
    for name in store.names().iter().filter(|name| list.model(name).is_none()) {
        writeln!(out, "{name} (installed, and not in the list any more)")?;
    }
    writeln!(out, "Installed models are in {}. The bundle has a small one of its own.", store.folder().display())?;
    Ok(())
}

fn add(args: &AddArgs, list: &ModelList, store: &ModelStore, out: &mut dyn Write) -> Result<(), CliError> {
    cancel::listen();
    let name = &*args.name;
    let Some(model) = list.model(name) else {
        let names: Vec<&str> = list.models().iter().map(|model| &*model.name).collect();
        return Err(CliError::Usage(format!("there is no model {name}: choose one of {}", names.join(", "))));
    };
    if store.installed(name).is_some() {
        writeln!(out, "{name} is installed already; `pickup models verify {name}` checks it")?;
        return Ok(());
    }
    accept(args, list, model, out)?;
    let gathering = store.gathering(name);
    let unwritten = |error: io::Error| CliError::at(&gathering, error);
    fs::create_dir_all(&gathering).map_err(unwritten)?;
    let lock = File::create(store.folder().join(format!(".{name}.lock"))).map_err(unwritten)?;
    if matches!(lock.try_lock(), Err(fs::TryLockError::WouldBlock)) {
        return Err(CliError::Failed(format!("{name} is being installed by another run of this command")));
    }
    let from = Supply::of(args)?;
    let mut files = Vec::new();
    for (file, to) in list.files(model) {
        let place = gathering.join(to);
        if let Some(folder) = place.parent() {
            fs::create_dir_all(folder).map_err(unwritten)?;
        }
        let sha256 = gather(file, &place, &from, store)?;
        let published = file.sha256.is_some();
        if !published {
            progress::note(&format!("{}: its checksum is not public; what came has {sha256}", file.path));
        }
        let bytes = fs::metadata(&place).map_err(unwritten)?.len();
        files.push(InstalledFile { to: to.to_owned(), bytes, sha256, published });
    }
    // What cannot be run is better known now than in the middle of a job.
    engine().examine_model(&gathering).map_err(|error| {
        CliError::Failed(format!(
            "{name} came whole, and cannot be run: {error}. `pickup models remove {name}` removes it"
        ))
    })?;
    // Some systems do not rename a folder with open files in it.
    engine().purge();
    store.put(&Installed { name: name.to_owned(), files }).map_err(unwritten)?;
    drop(lock);
    // Another run that waits for it makes its own.
    let _ = fs::remove_file(store.folder().join(format!(".{name}.lock")));
    writeln!(out, "{name} is installed: choose it in “Model”, or by --set model={name}")?;
    Ok(())
}

/// Shows what the model may be used for, and asks.
fn accept(args: &AddArgs, list: &ModelList, model: &ListedModel, out: &mut dyn Write) -> Result<(), CliError> {
    writeln!(out, "{}: {:.1} GB", model.title, model.gigabytes)?;
    for licence in list.licences(model) {
        writeln!(out, "{}, {}\n    {}", licence.name, licence.url, licence.says)?;
    }
    if args.accept_licence {
        return Ok(());
    }
    if !io::stdin().is_terminal() {
        return Err(CliError::Usage("--accept-licence says that you accept these, where nobody can be asked".into()));
    }
    write!(out, "Do you accept? [y/N] ")?;
    out.flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    if matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes") { Ok(()) } else { Err(CliError::Cancelled) }
}

/// Where files come from.
enum Supply {
    Server(Server),
    Folder(PathBuf),
}

impl Supply {
    fn of(args: &AddArgs) -> Result<Self, CliError> {
        if let Some(folder) = &args.from {
            return Ok(Self::Folder(folder.clone()));
        }
        let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        if set(OFFLINE_VARIABLE).is_some_and(|value| value != "0") {
            return Err(CliError::Usage(format!("{OFFLINE_VARIABLE} is set: --from takes the files from a folder")));
        }
        let endpoint = args.endpoint.clone().or_else(|| set("HF_ENDPOINT")).unwrap_or_else(|| ENDPOINT.to_owned());
        Ok(Self::Server(Server::new(&endpoint, set("HF_TOKEN"))))
    }
}

/// Brings a file to its place, unless it is there, and gives its SHA-256.
fn gather(file: &ModelFile, place: &Path, from: &Supply, store: &ModelStore) -> Result<String, CliError> {
    if place.exists() {
        let sha256 = sha256_of(place)?;
        if file.sha256.as_ref().is_none_or(|known| *known == sha256) {
            return Ok(sha256);
        }
        fs::remove_file(place).map_err(|error| CliError::at(place, error))?;
    }
    let mut part = place.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    let sha256 = match (of_another(file, store), from) {
        (Some(other), _) => {
            // Both are this command's: nobody changes one of them.
            if fs::hard_link(&other, &part).is_err() {
                copy(&other, &part)?;
            }
            checked(file, &part)?
        }
        (None, Supply::Folder(folder)) => {
            copy(&in_folder(file, place, folder)?, &part)?;
            checked(file, &part)?
        }
        (None, Supply::Server(server)) => server.fetch(file, &part, &mut Bar::counting(&*file.path, "MB"))?,
    };
    fs::rename(&part, place).map_err(|error| CliError::at(place, error))?;
    Ok(sha256)
}

/// The same file of a model that is installed.
fn of_another(file: &ModelFile, store: &ModelStore) -> Option<PathBuf> {
    let known = file.sha256.as_ref()?;
    store.names().iter().filter_map(|name| store.installed(name)).find_map(|model| {
        let same = model.files.iter().find(|other| other.sha256 == *known)?;
        Some(store.path(&model.name).join(&same.to))
    })
}

/// A file that the user brought, by the name that it has at its publisher's, or in the model's folder.
fn in_folder(file: &ModelFile, place: &Path, folder: &Path) -> Result<PathBuf, CliError> {
    let path = Path::new(&file.path);
    let names = [Some(path.as_os_str()), path.file_name(), place.file_name()];
    let found = names.into_iter().flatten().map(|name| folder.join(name)).find(|found| found.is_file());
    found.ok_or_else(|| {
        let (folder, ModelFile { repository, revision, path, .. }) = (folder.display(), file);
        CliError::Failed(format!(
            "{folder} has no {path}: it is to be had at {ENDPOINT}/{repository}/resolve/{revision}/{path}"
        ))
    })
}

fn copy(from: &Path, to: &Path) -> Result<(), CliError> {
    fs::copy(from, to).map(drop).map_err(|error| CliError::at(from, error))
}

/// The SHA-256 of a file that was brought, if it is the right one.
fn checked(file: &ModelFile, part: &Path) -> Result<String, CliError> {
    let sha256 = sha256_of(part)?;
    if let Some(known) = file.sha256.as_ref().filter(|known| **known != sha256) {
        let _ = fs::remove_file(part);
        return Err(CliError::Failed(format!("{} is another file: its SHA-256 is {sha256}, not {known}", file.path)));
    }
    Ok(sha256)
}

fn verify(name: &str, store: &ModelStore, out: &mut dyn Write) -> Result<(), CliError> {
    cancel::listen();
    let Some(model) = store.installed(name) else {
        return Err(CliError::Failed(format!(
            "{name} is not installed, or a file of it is gone: `pickup models add {name}`"
        )));
    };
    for file in &model.files {
        let path = store.path(name).join(&file.to);
        if sha256_of(&path)? != file.sha256 {
            let path = path.display();
            return Err(CliError::Failed(format!(
                "{path} is damaged: `pickup models remove {name}`, then `pickup models add {name}`"
            )));
        }
        let than = if file.published { "as published" } else { "as it came; its checksum is not public" };
        writeln!(out, "{}: {than}", file.to.display())?;
    }
    engine().examine_model(&store.path(name)).map_err(CliError::failed)?;
    writeln!(out, "{name} is whole, and can be run")?;
    Ok(())
}
