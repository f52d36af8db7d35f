//! Larger models: fetched from a server that does what servers do, checked, and removed.

use std::{
    collections::HashMap,
    io::{BufRead as _, BufReader, Write as _},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::Stdio,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use sha2::{Digest as _, Sha256};

use super::*;

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// What a server does wrong with a file.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    /// Closes the connection half-way, so many times.
    Drops(usize),
    /// Says that it is larger than it is.
    SaysMore,
    /// Says that it is smaller, and sends that much.
    SaysLess,
    /// Gives the whole file where a part is asked for.
    NoParts,
    /// Gives another part than the one that is asked for.
    OtherPart,
    /// Sends to another address, which has it.
    SendsOn,
    /// Sends in a circle.
    SendsRound,
    /// Has another revision.
    OtherRevision,
    /// Has other bytes, of the right number.
    OtherBytes,
    /// Is overloaded, so many times.
    Busy(usize),
    /// Has no such file.
    Nothing,
    /// Sends slowly.
    Slow,
    /// None: it tells the size and the checksum, as Hugging Face does of large files.
    Tells,
    /// Tells another checksum than that of its bytes.
    TellsOther,
}

/// The model in the bundle, in the files that a server has of it.
struct Shipped {
    files: HashMap<String, Vec<u8>>,
}

impl Shipped {
    fn new() -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../resources/models/stock");
        let names = [
            "pickup.json",
            "text_encoder/config.json",
            "text_encoder/model.safetensors",
            "tokenizer/tokenizer.json",
            "transformer/config.json",
            "transformer/diffusion_pytorch_model.safetensors",
            "vae/config.json",
            "vae/diffusion_pytorch_model.safetensors",
        ];
        Self { files: names.map(|name| (name.to_owned(), fs::read(folder.join(name)).unwrap())).into() }
    }

    /// A list with this one model, whose small files have no public checksum.
    fn list(&self) -> String {
        let entry = |(name, bytes): (&String, &Vec<u8>)| {
            let known = name.ends_with("safetensors");
            let file = serde_json::json!({
                "repository": "pickup/test", "revision": COMMIT, "path": name, "licence": "test",
                "bytes": known.then_some(bytes.len()), "sha256": known.then(|| hex(bytes)),
            });
            (name.clone(), file)
        };
        let files: serde_json::Map<String, serde_json::Value> = self.files.iter().map(entry).collect();
        let mut places: Vec<_> = self.files.keys().map(|n| serde_json::json!({ "file": n, "to": n })).collect();
        places.sort_by_key(|place| place["to"].to_string());
        let licence =
            serde_json::json!({ "name": "Test licence", "url": "http://example.org", "says": "Do as you like." });
        let model = |name: &str| serde_json::json!({ "name": name, "title": "Tested", "gigabytes": 0.1, "needs": "little", "files": places });
        let models = [model("tested"), model("twin")];
        serde_json::json!({ "licences": { "test": licence }, "files": files, "models": models }).to_string()
    }
}

/// The SHA-256 of bytes.
fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A server of these files, on this machine alone. It ends with the process.
struct TestServer {
    address: String,
    requests: Arc<AtomicUsize>,
}

impl TestServer {
    fn new(files: HashMap<String, Vec<u8>>, faults: &[(&str, Fault)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let faults: HashMap<String, Fault> = faults.iter().map(|(name, fault)| ((*name).to_owned(), *fault)).collect();
        let (files, faults) = (Arc::new(files), Arc::new(Mutex::new(faults)));
        let requests = Arc::new(AtomicUsize::new(0));
        let counted = requests.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (files, faults, counted) = (files.clone(), faults.clone(), counted.clone());
                std::thread::spawn(move || {
                    counted.fetch_add(1, Ordering::Relaxed);
                    // A client that goes away is what some tests are about.
                    let _ = answer(stream, &files, &faults);
                });
            }
        });
        Self { address, requests }
    }
}

fn answer(
    mut stream: TcpStream,
    files: &HashMap<String, Vec<u8>>,
    faults: &Mutex<HashMap<String, Fault>>,
) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let path = lines.next().transpose()?.unwrap_or_default();
    let path = path.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut wanted = None;
    for line in lines.map_while(Result::ok).take_while(|line| !line.is_empty()) {
        if let Some(span) = line.to_ascii_lowercase().strip_prefix("range: bytes=") {
            let (first, last) = span.split_once('-').unwrap();
            wanted = Some((first.parse::<usize>().unwrap(), last.parse::<usize>().unwrap()));
        }
    }
    let elsewhere = path.starts_with("/elsewhere/");
    let name = path.trim_start_matches("/elsewhere/").trim_start_matches(&format!("/pickup/test/resolve/{COMMIT}/"));
    let fault = {
        let mut faults = faults.lock().unwrap();
        let now = faults.get(name).copied();
        let next = match now {
            Some(Fault::Drops(n) | Fault::Busy(n)) if n == 0 => None,
            Some(Fault::Drops(n)) => Some(Fault::Drops(n - 1)),
            Some(Fault::Busy(n)) => Some(Fault::Busy(n - 1)),
            other => other,
        };
        match next {
            Some(next) => drop(faults.insert(name.to_owned(), next)),
            None => drop(faults.remove(name)),
        }
        now.filter(|fault| !matches!(fault, Fault::Drops(0) | Fault::Busy(0)))
    };
    let Some(file) = files.get(name).filter(|_| fault != Some(Fault::Nothing)) else {
        return stream.write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    };
    let mut file = file.clone();
    match fault {
        Some(Fault::Busy(_)) => {
            return stream.write_all(b"HTTP/1.1 503 Busy\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        }
        Some(Fault::SendsOn | Fault::SendsRound) if !elsewhere || fault == Some(Fault::SendsRound) => {
            let head = format!(
                "HTTP/1.1 302 Found\r\nlocation: /elsewhere/{name}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            );
            return stream.write_all(head.as_bytes());
        }
        Some(Fault::OtherBytes) => file.iter_mut().for_each(|byte| *byte ^= 1),
        Some(Fault::SaysMore) => file.extend([0; 100]),
        Some(Fault::SaysLess) => file.truncate(file.len() - 100),
        _ => {}
    }
    let commit = if fault == Some(Fault::OtherRevision) { "f".repeat(40) } else { COMMIT.to_owned() };
    let parts = wanted.filter(|_| fault != Some(Fault::NoParts));
    let (mut first, last) = parts.unwrap_or((0, file.len() - 1));
    let last = last.min(file.len() - 1);
    if first > last {
        return stream.write_all(b"HTTP/1.1 416 No\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    }
    if fault == Some(Fault::OtherPart) && first > 0 {
        first -= 1;
    }
    let status = if parts.is_some() { "206 Partial Content" } else { "200 OK" };
    let mut head = format!(
        "HTTP/1.1 {status}\r\nx-repo-commit: {commit}\r\nconnection: close\r\ncontent-length: {}\r\n",
        last + 1 - first
    );
    if parts.is_some() {
        head += &format!("content-range: bytes {first}-{last}/{}\r\n", file.len());
    }
    if let Some(Fault::Tells | Fault::TellsOther) = fault {
        let mut sha256 = hex(&file);
        if fault == Some(Fault::TellsOther) {
            sha256 = sha256.chars().rev().collect();
        }
        head += &format!("x-linked-size: {}\r\nx-linked-etag: \"{sha256}\"\r\n", file.len());
    }
    stream.write_all((head + "\r\n").as_bytes())?;
    let body = &file[first..=last];
    let sent = if matches!(fault, Some(Fault::Drops(_))) { body.len() / 2 } else { body.len() };
    for piece in body[..sent].chunks(1 << 16) {
        if fault == Some(Fault::Slow) {
            std::thread::sleep(Duration::from_millis(2));
        }
        stream.write_all(piece)?;
    }
    stream.flush()
}

/// A folder with the list, for models to be installed in.
struct Machine {
    folder: TempDir,
    shipped: Shipped,
}

/// The smallest shot that the model makes.
pub(super) const GENERATE: &str =
    "render Generate --size 64x64 --set prompt=smoke --set length=2 --set quality=Draft --set steps=1";

const LARGE: &str = "transformer/diffusion_pytorch_model.safetensors";
const SMALL: &str = "tokenizer/tokenizer.json";

impl Machine {
    fn new() -> Self {
        let (folder, shipped) = (tempfile::tempdir().unwrap(), Shipped::new());
        fs::write(folder.path().join("list.json"), shipped.list()).unwrap();
        Self { folder, shipped }
    }

    fn command(&self, line: &str) -> Command {
        let mut command = command(self.folder.path());
        let at = |name: &str| self.folder.path().join(name);
        command.env("PICKUP_MODELS", at("models")).env("PICKUP_MODEL_LIST", at("list.json"));
        command.env("PICKUP_TAKES", at("takes")).env_remove("PICKUP_OFFLINE").env_remove("HF_ENDPOINT");
        for proxy in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] {
            command.env_remove(proxy);
        }
        command.args(line.split_whitespace());
        command
    }

    /// Runs a line, and gives its exit code and all that it said.
    fn run(&self, line: &str) -> (Option<i32>, String) {
        let output = self.command(line).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(!said.contains("panicked"), "{said}");
        (output.status.code(), said)
    }

    fn add(&self, server: &TestServer) -> (Option<i32>, String) {
        self.run(&format!("models add tested --accept-licence --endpoint {}", server.address))
    }

    fn is_installed(&self) -> bool {
        self.run("models list").1.contains("tested (installed)")
    }

    #[track_caller]
    fn is_whole(&self) {
        let (code, said) = self.run("models verify tested");
        assert_eq!(code, Some(0), "{said}");
        for (name, bytes) in &self.shipped.files {
            assert!(fs::read(self.path(name)).unwrap() == *bytes, "{name}");
        }
        assert_eq!(files(&self.folder.path().join("models")), [".tested.lock", "tested"], "nothing else is left");
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("models/tested").join(name)
    }
}

#[test]
fn a_model_is_fetched_checked_used_and_removed() {
    let machine = Machine::new();
    let server = TestServer::new(machine.shipped.files.clone(), &[]);
    let (code, said) = machine.run(&format!("models add tested --endpoint {}", server.address));
    assert!(code == Some(2) && said.contains("Test licence") && said.contains("--accept-licence"), "{said}");
    assert_eq!(server.requests.load(Ordering::Relaxed), 0, "nothing is fetched before that");
    let (code, said) = machine.add(&server);
    assert!(code == Some(0) && said.contains("its checksum is not public"), "{said}");
    machine.is_whole();
    let (code, said) = machine.run(&format!("{GENERATE} --set model=tested --out out/%04d.png --sidecar"));
    assert_eq!(code, Some(0), "{said}");
    assert!(fs::read_to_string(machine.folder.path().join("out/provenance.json")).unwrap().contains("\"tested\""));
    assert!(machine.add(&server).1.contains("installed already"));
    // A byte changes on the disk.
    let mut bytes = fs::read(machine.path(LARGE)).unwrap();
    bytes[1_000_000] ^= 1;
    fs::write(machine.path(LARGE), bytes).unwrap();
    let (code, said) = machine.run("models verify tested");
    assert!(code == Some(1) && said.contains("is damaged"), "{said}");
    assert_eq!(machine.run("models remove tested").0, Some(0));
    assert!(!machine.is_installed());
    let (code, said) = machine.run(&format!("{GENERATE} --set model=tested --out no/%04d.png"));
    assert!(code == Some(1) && said.contains("pickup models add"), "{said}");
}

#[test]
fn what_goes_by_is_waited_for() {
    for (name, fault) in [
        (LARGE, Fault::Drops(3)),
        (SMALL, Fault::Drops(1)),
        (LARGE, Fault::NoParts),
        (SMALL, Fault::NoParts),
        (LARGE, Fault::SendsOn),
        (SMALL, Fault::Busy(2)),
        (LARGE, Fault::Tells),
        (SMALL, Fault::Tells),
    ] {
        let machine = Machine::new();
        let server = TestServer::new(machine.shipped.files.clone(), &[(name, fault)]);
        let (code, said) = machine.add(&server);
        assert_eq!(code, Some(0), "{name} {fault:?}: {said}");
        assert_eq!(said.contains("tokenizer.json: its checksum is not public"), (name, fault) != (SMALL, Fault::Tells));
        machine.is_whole();
    }
}

#[test]
fn what_is_not_the_model_is_refused_and_leaves_none() {
    for (name, fault, word) in [
        (LARGE, Fault::SaysMore, "bytes, where"),
        (LARGE, Fault::SaysLess, "bytes, where"),
        (LARGE, Fault::OtherRevision, "revision"),
        (SMALL, Fault::OtherRevision, "revision"),
        (LARGE, Fault::OtherBytes, "SHA-256"),
        (LARGE, Fault::SendsRound, "without end"),
        (LARGE, Fault::Nothing, "has no"),
        (LARGE, Fault::TellsOther, "which is another"),
        (SMALL, Fault::TellsOther, "and should be"),
        (SMALL, Fault::OtherBytes, "cannot be run"),
    ] {
        let machine = Machine::new();
        let server = TestServer::new(machine.shipped.files.clone(), &[(name, fault)]);
        let (code, said) = machine.add(&server);
        assert!(code == Some(1) && said.contains(word), "{name} {fault:?}: {said}");
        assert!(!machine.is_installed() && !machine.path("").exists(), "{name} {fault:?}");
        // The server is mended. What came wrong without a checksum to tell is taken away by hand, as the message says.
        if said.contains("models remove") {
            assert_eq!(machine.run("models remove tested").0, Some(0));
        }
        let (code, said) = machine.add(&TestServer::new(machine.shipped.files.clone(), &[]));
        assert_eq!(code, Some(0), "{name} {fault:?}: {said}");
        machine.is_whole();
    }
}

#[test]
fn a_server_that_gives_other_parts_is_asked_for_the_whole() {
    let machine = Machine::new();
    let files = machine.shipped.files.clone();
    // The first run ends half-way, for good.
    let (code, said) = machine.add(&TestServer::new(files.clone(), &[(LARGE, Fault::Drops(usize::MAX))]));
    assert!(code == Some(1) && said.contains("goes on from there"), "{said}");
    let (code, said) = machine.add(&TestServer::new(files, &[(LARGE, Fault::OtherPart)]));
    assert_eq!(code, Some(0), "{said}");
    machine.is_whole();
}

#[test]
fn killed_at_any_moment_it_goes_on_and_ends_right() {
    let machine = Machine::new();
    let server = TestServer::new(
        machine.shipped.files.clone(),
        &[(LARGE, Fault::Slow), ("vae/diffusion_pytorch_model.safetensors", Fault::Slow)],
    );
    let add = format!("models add tested --accept-licence --endpoint {}", server.address);
    let mut killed = 0;
    for moment in [5, 40, 75, 110, 150, 190, 230, 280, 330, 400] {
        let mut process = machine.command(&add).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(moment));
        killed += usize::from(process.try_wait().unwrap().is_none());
        process.kill().unwrap();
        process.wait().unwrap();
        assert!(machine.is_installed() || !machine.path("").exists(), "after {moment} ms there is half a model");
    }
    assert!(killed >= 3, "{killed} of ten runs were killed");
    let (code, said) = machine.run(&add);
    assert_eq!(code, Some(0), "{said}");
    machine.is_whole();
}

#[test]
fn without_a_network_files_come_from_a_folder() {
    let machine = Machine::new();
    let at = |name: &str| machine.folder.path().join("usb").join(name);
    for (name, bytes) in &machine.shipped.files {
        fs::create_dir_all(at(name).parent().unwrap()).unwrap();
        fs::write(at(name), bytes).unwrap();
    }
    let mut wrong = fs::read(at(LARGE)).unwrap();
    wrong[7] ^= 1;
    let right = fs::read(at(LARGE)).unwrap();
    fs::write(at(LARGE), wrong).unwrap();
    let (code, said) = machine.run("models add tested --accept-licence --from usb");
    assert!(code == Some(1) && said.contains("is another file"), "{said}");
    fs::remove_file(at(LARGE)).unwrap();
    let (code, said) = machine.run("models add tested --accept-licence --from usb");
    assert!(code == Some(1) && said.contains("usb has no"), "{said}");
    fs::write(at(LARGE), right).unwrap();
    let mut offline = machine.command("models add tested --accept-licence");
    let output = offline.env("PICKUP_OFFLINE", "1").output().unwrap();
    assert!(output.status.code() == Some(2) && String::from_utf8_lossy(&output.stderr).contains("--from"));
    let mut offline = machine.command("models add tested --accept-licence --from usb");
    assert!(offline.env("PICKUP_OFFLINE", "1").output().unwrap().status.success());
    machine.is_whole();
}

#[test]
fn what_two_models_share_is_taken_from_the_first_and_never_written_to() {
    let machine = Machine::new();
    let nothing = TestServer::new(HashMap::new(), &[]);
    let whole = TestServer::new(machine.shipped.files.clone(), &[]);
    let twin =
        |server: &TestServer| machine.run(&format!("models add twin --accept-licence --endpoint {}", server.address));
    assert_eq!(machine.add(&whole).0, Some(0));
    // A run that was killed left the first one's file under another name.
    let part = machine.folder.path().join("models/.twin.part").join(format!("{LARGE}.part"));
    fs::create_dir_all(part.parent().unwrap()).unwrap();
    fs::hard_link(machine.path(LARGE), &part).unwrap();
    let (code, said) = twin(&nothing);
    assert!(code == Some(1) && said.contains("has no"), "what has no checksum in the list is not shared: {said}");
    assert_eq!(machine.run("models verify tested").0, Some(0));
    assert_eq!(twin(&whole).0, Some(0));
    assert_eq!(machine.run("models verify twin").0, Some(0));
    assert_eq!(machine.run("models remove twin").0, Some(0));
    machine.run("models verify tested");
    // The first one's is damaged: it is said, and the server is asked.
    let mut bytes = fs::read(machine.path(LARGE)).unwrap();
    bytes[1_000_000] ^= 1;
    fs::write(machine.path(LARGE), bytes).unwrap();
    let (code, said) = twin(&whole);
    assert!(code == Some(0) && said.contains("tested has a damaged file"), "{said}");
    assert_eq!(machine.run("models verify twin").0, Some(0));
}

#[test]
fn a_folder_that_is_no_installed_model_is_not_touched() {
    let machine = Machine::new();
    let server = TestServer::new(machine.shipped.files.clone(), &[]);
    fs::create_dir_all(machine.path("")).unwrap();
    fs::write(machine.path("mine"), b"abc").unwrap();
    let (code, said) = machine.add(&server);
    assert!(code == Some(1) && said.contains("move it away"), "{said}");
    assert_eq!(server.requests.load(Ordering::Relaxed), 0);
    let (code, said) = machine.run("models remove tested");
    assert!(code == Some(1) && said.contains("move it away"), "{said}");
    assert_eq!(fs::read(machine.path("mine")).unwrap(), b"abc");
}

#[test]
fn nothing_that_is_listed_here_leads_elsewhere() {
    let machine = Machine::new();
    for line in ["models add nothing --accept-licence", "models remove ../list.json", "models remove nothing"] {
        assert_eq!(machine.run(line).0, Some(2), "{line}");
    }
    assert!(machine.folder.path().join("list.json").exists());
    assert_eq!(machine.run("models verify nothing").0, Some(1));
    let mut unlisted = machine.command("models list");
    let said = String::from_utf8(unlisted.env_remove("PICKUP_MODEL_LIST").output().unwrap().stdout).unwrap();
    assert!(
        said.contains("ltx-video-2b-0.9.8-distilled (not installed)") && said.contains("LTXV Open Weights"),
        "{said}"
    );
}

/// A list of one language model, `small`, in the files of the fixture.
pub(super) fn small_list() -> String {
    let file = |path: &str| serde_json::json!({ "repository": "r", "revision": "v", "path": path, "licence": "l" });
    let list = serde_json::json!({
        "licences": { "l": { "name": "", "url": "", "says": "" } },
        "files": { "weights": file("model.gguf"), "tokenizer": file("tokenizer.json") },
        "models": [{
            "name": "small", "title": "", "gigabytes": 0.1, "needs": "", "kind": "language",
            "files": [{ "file": "tokenizer", "to": "tokenizer.json" }, { "file": "weights", "to": "model.gguf" }],
        }],
    });
    list.to_string()
}

#[test]
fn a_language_model_writes_a_few_words_out() {
    let machine = Machine::new();
    let (code, said) = machine.run("enhance ein roter Fuchs");
    assert!(code == Some(1) && said.contains("pickup models add qwen3-1.7b"), "{said}");
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../model/tests/fixtures");
    fs::write(machine.folder.path().join("list.json"), small_list()).unwrap();
    let from = format!("models add small --accept-licence --from {}", fixtures.join("qwen3").display());
    let (code, said) = machine.run(&from);
    assert!(code == Some(0) && said.contains("pickup enhance"), "{said}");
    assert_eq!(machine.run("models verify small").0, Some(0));
    let written = |seed: u64| {
        let output = machine.command(&format!("enhance ein roter Fuchs --seed {seed}")).output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    };
    let first = written(0);
    assert!(!first.is_empty() && first == written(0) && first != written(1));
    // The button of a node writes the same, where a model is chosen that follows it.
    let render = format!("{GENERATE} --set seed=0 --out out/%04d.png --press enhance");
    let (code, said) = machine.run(&render);
    assert!(code == Some(1) && said.contains("knows single words"), "{said}");
    let words = "--set model=".to_owned() + &fixtures.join("ltx/model").display().to_string();
    let mut command = machine.command(&render);
    let output = command.args(words.split(' ')).args(["--set", "prompt=ein roter Fuchs"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains(&format!("enhance set prompt={first}")), "{said}");
}

#[test]
fn two_programs_take_turns_with_the_video_model() {
    let folder = tempfile::tempdir().unwrap();
    let lock = fs::File::create(folder.path().join("pickup-model.lock")).unwrap();
    lock.lock().unwrap();
    let mut other = command(folder.path());
    for name in ["TMPDIR", "TMP", "TEMP"] {
        other.env(name, folder.path());
    }
    other
        .env("PICKUP_TAKES", folder.path().join("takes"))
        .args(format!("{GENERATE} --out smoke/%04d.png").split_whitespace());
    let (log, said) = (folder.path().join("log"), folder.path().join("said"));
    other.env("PICKUP_LOG_FILE", &log).stderr(fs::File::create(&said).unwrap());
    let mut other = other.spawn().unwrap();
    let in_both =
        |text: &str| [&log, &said].iter().all(|file| fs::read_to_string(file).is_ok_and(|t| t.contains(text)));
    let waits = || in_both("Another program is using the video model");
    while !waits() {
        assert!(other.try_wait().unwrap().is_none(), "it waits for its turn");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(files(&folder.path().join("takes")).iter().all(|name| !name.ends_with(".take")));
    drop(lock);
    assert!(other.wait().unwrap().success());
    assert_eq!(files(&folder.path().join("smoke")).len(), 2);
}
