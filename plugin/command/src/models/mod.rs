//! `pickup models`: larger models, fetched, checked and removed.

mod fetch;

use std::{
    fs::{self, File},
    io::{self, BufRead as _, IsTerminal as _, Write},
    path::{Path, PathBuf},
};

use pickup::{
    engine::{EngineError, engine},
    models::{Installed, InstalledFile, ListedModel, ModelFile, ModelKind, ModelList, ModelStore},
};
use pickup_clips::Setting;

use self::fetch::{ENDPOINT, Server, sha256_of};
use super::{
    CliError,
    args::{AddArgs, ModelsCommand},
    cancel,
    progress::{self, Bar},
};

pub(super) fn run(command: &ModelsCommand, out: &mut dyn Write) -> Result<(), CliError> {
    let store = ModelStore::of_user()
        .ok_or_else(|| CliError::failed("this system names no folder for a user's data: set PICKUP_MODELS"))?;
    match command {
        ModelsCommand::List => list(&read_list()?, &store, out),
        ModelsCommand::Add(args) => add(args, &read_list()?, &store, out),
        ModelsCommand::Verify { name } => verify(name, &store, out),
        ModelsCommand::Remove { name } => remove(name, &store, out),
    }
}

fn remove(name: &str, store: &ModelStore, out: &mut dyn Write) -> Result<(), CliError> {
    if !store.has_any(name) {
        return Err(CliError::Usage(format!("{name} is not installed: `pickup models list` shows what is")));
    }
    let _lock = lock(name, store)?;
    store.remove(name).map_err(|error| CliError::at(store.folder(), error))?;
    writeln!(out, "{name} is removed")?;
    Ok(())
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
    let installed = |out: &mut dyn Write| -> Result<bool, CliError> {
        if store.installed(name).is_none() {
            return Ok(false);
        }
        writeln!(out, "{name} is installed already; `pickup models verify {name}` checks it")?;
        Ok(true)
    };
    if installed(out)? {
        return Ok(());
    }
    if store.is_anothers(name) {
        let place = store.path(name);
        return Err(CliError::at(
            &place,
            "this was not made by `pickup models add`: move it away, or name it in “Model folder”",
        ));
    }
    accept(args, list, model, out)?;
    let from = Supply::of(args)?;
    let _lock = lock(name, store)?;
    // Another run may have installed it meanwhile.
    if installed(out)? {
        return Ok(());
    }
    let gathering = store.gathering(name);
    let unwritten = |error: io::Error| CliError::at(&gathering, error);
    fs::create_dir_all(&gathering).map_err(unwritten)?;
    let before = store.gathered(name);
    let mut gathered = Installed { name: name.to_owned(), kind: model.kind, files: Vec::new() };
    for (file, to) in list.files(model) {
        let place = gathering.join(to);
        if let Some(folder) = place.parent() {
            fs::create_dir_all(folder).map_err(unwritten)?;
        }
        let Came { sha256, published } =
            gather(file, &place, before.iter().find(|before| before.to == to), &from, store)?;
        if !published {
            progress::note(&format!("{}: its checksum is not public; what came has {sha256}", file.path));
        }
        let bytes = fs::metadata(&place).map_err(unwritten)?.len();
        gathered.files.push(InstalledFile { to: to.to_owned(), bytes, sha256, published });
        store.note(&gathered).map_err(unwritten)?;
    }
    // What cannot be run is better known now than in the middle of a job.
    examine(model.kind, &gathering).map_err(|error| {
        CliError::Failed(format!(
            "{name} came whole, and cannot be run: {error}. `pickup models remove {name}` removes it"
        ))
    })?;
    // Some systems do not rename a folder with open files in it.
    engine().purge();
    store.put(name).map_err(unwritten)?;
    match model.kind {
        ModelKind::Video => writeln!(out, "{name} is installed: choose it in “Model”, or by --set model={name}")?,
        ModelKind::Language => writeln!(out, "{name} is installed: press “Enhance”, or run `pickup enhance`")?,
    }
    Ok(())
}

/// Holds that a model can be run.
fn examine(kind: ModelKind, folder: &Path) -> Result<(), EngineError> {
    match kind {
        ModelKind::Video => engine().examine_model(folder),
        ModelKind::Language => engine().examine_language_model(folder),
    }
}

/// The right to change a model.
fn lock(name: &str, store: &ModelStore) -> Result<File, CliError> {
    let lock = store.lock(name).map_err(|error| CliError::at(store.folder(), error))?;
    lock.ok_or_else(|| CliError::Failed(format!("{name} is being changed by another run of this command")))
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
        if Setting::OFFLINE.is_on() {
            let offline = Setting::OFFLINE.variable();
            return Err(CliError::Usage(format!("{offline} is set: --from takes the files from a folder")));
        }
        let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let endpoint = args.endpoint.clone().or_else(|| set("HF_ENDPOINT")).unwrap_or_else(|| ENDPOINT.to_owned());
        Ok(Self::Server(Server::new(&endpoint, set("HF_TOKEN"))))
    }
}

/// A file that came.
struct Came {
    sha256: String,
    /// Whether that is what its publisher, or the list, told beforehand.
    published: bool,
}

/// Brings a file to its place, unless it is there as the list says, or as an earlier run noted it.
fn gather(
    file: &ModelFile,
    place: &Path,
    before: Option<&InstalledFile>,
    from: &Supply,
    store: &ModelStore,
) -> Result<Came, CliError> {
    let listed = file.sha256.is_some();
    if place.exists() {
        let (sha256, noted) = (sha256_of(place)?, before.map(|before| &before.sha256));
        if file.sha256.as_ref().or(noted).is_none_or(|known| *known == sha256) {
            return Ok(Came { sha256, published: listed || before.is_some_and(|before| before.published) });
        }
        fs::remove_file(place).map_err(|error| CliError::at(place, error))?;
    }
    let mut part = place.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    let put = |came: Came| match fs::rename(&part, place) {
        Ok(()) => Ok(came),
        Err(error) => Err(CliError::at(place, error)),
    };
    if let Some((name, other)) = of_another(file, store) {
        anew(&part)?;
        if fs::hard_link(&other, &part).is_err() {
            copy(&other, &part)?;
        }
        match checked(file, &part) {
            Ok(sha256) => return put(Came { sha256, published: true }),
            Err(_) => progress::note(&format!("{name} has a damaged file: `pickup models verify {name}` tells which")),
        }
    }
    put(match from {
        Supply::Folder(folder) => {
            let brought = in_folder(file, place, folder)?;
            anew(&part)?;
            copy(&brought, &part)?;
            Came { sha256: checked(file, &part)?, published: listed }
        }
        Supply::Server(server) => server.fetch(file, &part, &mut Bar::counting(&*file.path, "MB"))?,
    })
}

/// Takes away what an earlier run left of a file: it may be the very file of another model, by a second name, which must not be
/// written to.
fn anew(part: &Path) -> Result<(), CliError> {
    match fs::remove_file(part) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(CliError::at(part, error)),
        _ => Ok(()),
    }
}

/// The same file of a model that is installed, and that model's name.
fn of_another(file: &ModelFile, store: &ModelStore) -> Option<(String, PathBuf)> {
    let known = file.sha256.as_ref()?;
    store.all().into_iter().find_map(|(name, model)| {
        let same = model.files.iter().find(|other| other.sha256 == *known)?;
        let path = store.path(&name).join(&same.to);
        Some((name, path))
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
    examine(model.kind, &store.path(name)).map_err(CliError::failed)?;
    writeln!(out, "{name} is whole, and can be run")?;
    Ok(())
}
