//! The command as a user runs it: what it writes, what it says, and with which code it exits.

mod beside;
mod device;
mod farm;
mod faults;
mod formats;
mod frames;
mod layers;
mod missing;
mod models;
mod provenance;

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use pickup_clips::{ClipReader, ClipWriter, Depth, Picture, Pixels, WriteOptions};
use tempfile::TempDir;

const WIDTH: usize = 64;
const HEIGHT: usize = 40;

/// Runs the command in a folder.
fn pickup(folder: &Path, line: &str) -> Output {
    command(folder).args(line.split_whitespace()).output().expect("the command starts")
}

fn command(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pickup"));
    command.current_dir(folder).env_remove("OFX_PLUGIN_PATH").env_remove("PICKUP_RESOURCES");
    command
}

/// Runs it, expects an exit code, and gives all it said.
#[track_caller]
fn expect(folder: &Path, line: &str, code: i32) -> String {
    let output = pickup(folder, line);
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "pickup {line}\n{said}");
    assert!(!said.contains("panicked"), "{said}");
    said
}

/// Something soft that moves three pixels a frame, with detail everywhere.
fn picture(frame: i64, alpha: bool, depth: Depth) -> Picture {
    let channels = if alpha { 4 } else { 3 };
    let value = |i: usize| {
        let (x, y, c) = ((i / channels % WIDTH) as f32, (i / channels / WIDTH) as f32, i % channels);
        if c == 3 {
            return 0.25 + y / 80.0;
        }
        let x = x + 3.0 * frame as f32;
        0.5 + 0.25 * (x * 0.31 + c as f32).sin() + 0.2 * (y * 0.43 + x * 0.11).sin()
    };
    let values = (0..WIDTH * HEIGHT * channels).map(value).collect();
    Picture::new(WIDTH, HEIGHT, alpha, false, Pixels::from_f32(values, depth)).unwrap()
}

fn write(folder: &Path, spec: &str, frames: impl IntoIterator<Item = (i64, Picture)>) {
    let writer = ClipWriter::create(folder.join(spec), WriteOptions::default(), &[]).unwrap();
    frames.into_iter().for_each(|(number, picture)| writer.write(number, &picture).unwrap());
    writer.finish().unwrap();
}

fn flat(value: u8) -> Picture {
    Picture::from_rgb8(WIDTH, HEIGHT, vec![value; WIDTH * HEIGHT * 3]).unwrap()
}

/// A folder with the frames 1 to 5 in `in/`.
fn with_clip() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "in/%04d.png", (1..=5).map(|n| (n, picture(n, false, Depth::U8))));
    folder
}

fn read(folder: &Path, spec: &str, frame: i64) -> Picture {
    (*ClipReader::open(folder.join(spec)).unwrap().frame(frame).unwrap()).clone()
}

/// Every file beneath a folder, hidden ones too.
fn files(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = match fs::read_dir(folder) {
        Ok(entries) => entries.map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect(),
        Err(_) => Vec::new(),
    };
    names.sort();
    names
}

#[test]
fn help_and_version_succeed() {
    let folder = tempfile::tempdir().unwrap();
    let help = expect(folder.path(), "--help", 0);
    for command in ["demo", "render", "nodes", "bundle", "install", "doctor"] {
        assert!(help.contains(command), "{help}");
        assert!(expect(folder.path(), &format!("{command} --help"), 0).contains("Usage"), "{command}");
    }
    assert!(expect(folder.path(), "--version", 0).contains(env!("CARGO_PKG_VERSION")));
}

#[test]
fn wrong_usage_exits_with_2_and_says_what_there_is() {
    let folder = with_clip();
    for (line, word) in [
        ("render Repiar --in in --out out/%04d.png", "Repair, Retime"),
        ("render Repair --in in --out out/%04d.png --set fames=3", "frames"),
        ("render Repair --in in --out out/%04d.png --set output=nothing", "Matte"),
        ("render Repair --in in --out out/%04d.png --set longestGap=many", "many"),
        ("render Repair --in in --out out/%04d.png --set longestGap=9999", "500"),
        ("render Repair --in in --out out/%04d.png --host premiere", "natron"),
        ("render Repair --in in --out out/%04d.png --context generator", "Generator"),
        ("render Repair --in in --out out/%04d.png --frames 4-9", "1 to 5"),
        ("render Repair --in in --out out/%04d.png --frames 9-4", "4-9"),
        ("render Repair --in in --to in --out out/%04d.png", "one clip"),
        ("render Repair --in in --out out/%04d.png --press Search", "find"),
        ("render Repair --in in --out out", "%04d"),
        ("nodes --host premiere", "natron"),
        ("repair", "repair"),
    ] {
        let said = expect(folder.path(), line, 2);
        assert!(said.contains(word), "pickup {line}: {said}");
    }
    assert!(files(&folder.path().join("out")).is_empty());
}

#[test]
fn keys_animate_a_parameter() {
    let folder = with_clip();
    let line = "render Retime --in in --out out/%04d.png --set speed=1:100,3:100,4:0 --frames 1-5 --set method=nearest";
    expect(folder.path(), line, 0);
    assert_eq!(read(folder.path(), "out", 2), picture(2, false, Depth::U8));
    assert_eq!(read(folder.path(), "out", 5), read(folder.path(), "out", 4));
    let said = expect(folder.path(), "render Retime --in in --out out/%04d.png --set quality=1:draft", 2);
    assert!(said.contains("cannot be animated"), "{said}");
}

#[test]
fn a_button_is_pressed_and_what_it_found_is_rendered() {
    let folder = with_clip();
    fs::write(folder.path().join("in/0003.png"), fs::read(folder.path().join("in/0002.png")).unwrap()).unwrap();
    let duplicates = "--set findTorn=off --set findBlocky=off --press find";
    let said = expect(folder.path(), &format!("render Repair --in in --out out/%04d.png {duplicates}"), 0);
    assert!(said.contains("frames=3"), "{said}");
    assert_ne!(read(folder.path(), "out", 3), read(folder.path(), "in", 3));
}

#[test]
fn a_pattern_that_matches_nothing_is_named() {
    let folder = with_clip();
    let said = expect(folder.path(), "render Repair --in in/shot.%04d.png --out out/%04d.png", 1);
    assert!(said.contains("shot.%04d.png") && said.contains("no file matches"), "{said}");
    let said = expect(folder.path(), "render Repair --in nowhere.mov --out out/%04d.png", 1);
    assert!(said.contains("nowhere.mov"), "{said}");
}

#[test]
fn a_truncated_picture_is_named_and_not_invented() {
    let folder = with_clip();
    let path = folder.path().join("in/0003.png");
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    for extra in ["", " --set automatic=on", " --host mlt", " --threads 4"] {
        let said = expect(folder.path(), &format!("render Repair --in in --out out/%04d.png{extra}"), 1);
        assert!(said.contains("0003.png") && said.contains("damaged or cut short"), "{extra}: {said}");
        assert!(!folder.path().join("out/0003.png").exists(), "{extra}");
    }
    // What the error advises.
    fs::remove_file(&path).unwrap();
    expect(folder.path(), "render Repair --in in --out out/%04d.png", 0);
    assert!(folder.path().join("out/0003.png").exists());
}

#[test]
fn a_clip_that_changes_size_is_named() {
    let folder = with_clip();
    fs::remove_file(folder.path().join("in/0004.png")).unwrap();
    write(folder.path(), "in/%04d.png", [(4, Picture::from_rgb8(8, 6, vec![9; 144]).unwrap())]);
    let said = expect(folder.path(), "render Repair --in in --out out/%04d.png", 1);
    assert!(said.contains("frame 4 is 8×6") && said.contains("64×40"), "{said}");
    assert!(!folder.path().join("out/0004.png").exists());
}

#[test]
fn the_input_is_never_overwritten() {
    let folder = with_clip();
    let before = fs::read(folder.path().join("in/0002.png")).unwrap();
    for out in ["in/%04d.png", "in/####.png", "in/../in/%04d.png"] {
        let said = expect(folder.path(), &format!("render Repair --in in --out {out} --set frames=2"), 1);
        assert!(said.contains("overwrite the input"), "{said}");
    }
    // Nor by a contact sheet, nor where a parameter names it.
    let first = folder.path().join("photo.png");
    fs::copy(folder.path().join("in/0001.png"), &first).unwrap();
    for line in [
        "render Repair --in in --out out/%04d.png --set frames=2 --sheet in/0002.png",
        "render Generate --size 64x36 --out photo.png --frames 0 --set firstFrame=photo.png --set prompt=snow",
        "render Bridge --in in --out photo.png --set toFile=photo.png",
    ] {
        let said = expect(folder.path(), line, 1);
        assert!(said.contains("overwrite the input"), "{line}: {said}");
    }
    assert_eq!(fs::read(&first).unwrap(), fs::read(folder.path().join("in/0001.png")).unwrap());
    assert_eq!(fs::read(folder.path().join("in/0002.png")).unwrap(), before);
    assert_eq!(files(&folder.path().join("in")).len(), 5);
}

#[test]
fn a_frame_that_no_host_can_count_is_refused() {
    let folder = with_clip();
    let far = folder.path().join("far");
    fs::create_dir(&far).unwrap();
    for number in 2_147_483_647_u64..2_147_483_649 {
        fs::copy(folder.path().join("in/0001.png"), far.join(format!("{number}.png"))).unwrap();
    }
    let said = expect(folder.path(), "render Repair --in far --out out/%d.png", 2);
    assert!(said.contains("frame 2147483648 cannot be rendered"), "{said}");
}

#[test]
fn a_missing_or_foreign_bundle_is_named() {
    let folder = with_clip();
    let said = expect(folder.path(), "nodes --bundle None.ofx.bundle", 1);
    assert!(said.contains("None.ofx.bundle"), "{said}");
    fs::write(folder.path().join("text.ofx"), "not a library").unwrap();
    let said = expect(folder.path(), "render Repair --in in --out out/%04d.png --bundle text.ofx", 1);
    assert!(said.contains("text.ofx"), "{said}");
}

#[test]
fn nodes_are_listed_for_people_and_programs() {
    let folder = tempfile::tempdir().unwrap();
    let text = expect(folder.path(), "nodes", 0);
    assert!(text.contains("Repair (org.pickup.Repair") && text.contains("Retime (org.pickup.Retime"), "{text}");
    let output = pickup(folder.path(), "nodes --json");
    let nodes: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let contexts = nodes[0]["contexts"].as_array().unwrap();
    assert!(contexts.iter().any(|c| c["context"] == "filter"));
    let parameters = contexts[0]["parameters"].as_array().unwrap();
    assert!(parameters.iter().any(|p| p["id"] == "frames" && !p["hint"].as_str().unwrap().is_empty()));
    let mlt = pickup(folder.path(), "nodes --json --host mlt");
    let nodes: serde_json::Value = serde_json::from_slice(&mlt.stdout).unwrap();
    assert_eq!(nodes[0]["contexts"].as_array().unwrap().len(), 1);
}

#[test]
fn a_bundle_is_made_installed_and_hosted() {
    let folder = with_clip();
    expect(folder.path(), "bundle --out made", 0);
    assert_eq!(files(&folder.path().join("made")), ["Pickup.ofx.bundle"]);
    let contents = folder.path().join("made/Pickup.ofx.bundle/Contents");
    assert!(contents.join("Info.plist").is_file() && contents.join("Resources/motion.safetensors").is_file());
    // A second time it replaces the first.
    fs::write(contents.join("stray"), "").unwrap();
    let said = expect(folder.path(), "install --dir made", 0);
    assert!(said.contains("OFX_PLUGIN_PATH") && !contents.join("stray").exists(), "{said}");
    let line = "render Repair --in in --out out/%04d.png --set frames=3 --bundle made/Pickup.ofx.bundle";
    expect(folder.path(), line, 0);
    fs::write(folder.path().join("file"), "").unwrap();
    let said = expect(folder.path(), "install --dir file/plugins", 1);
    assert!(said.contains("file/plugins"), "{said}");
}

#[test]
fn doctor_finds_the_bundle_sound_and_broken_weights_broken() {
    let folder = tempfile::tempdir().unwrap();
    let said = expect(folder.path(), "doctor", 0);
    assert!(said.contains("OK: Pickup works here") && said.contains("Repair described in"), "{said}");
    expect(folder.path(), "bundle", 0);
    let said = expect(folder.path(), "doctor --strict Pickup.ofx.bundle", 0);
    assert!(said.contains("org.pickup.Bridge") && said.contains("OK:") && !said.contains("FAULT"), "{said}");
    let said = expect(folder.path(), "doctor --strict .", 1);
    assert!(said.contains("it is a folder"), "{said}");
    let weights = folder.path().join("Pickup.ofx.bundle/Contents/Resources/motion.safetensors");
    let whole = fs::read(&weights).unwrap();
    fs::write(&weights, &whole[..whole.len() / 3]).unwrap();
    let said = expect(folder.path(), "doctor --bundle Pickup.ofx.bundle", 1);
    assert!(said.contains("BROKEN") && said.contains("motion.safetensors"), "{said}");
    fs::remove_file(&weights).unwrap();
    let said = expect(folder.path(), "doctor --bundle Pickup.ofx.bundle", 1);
    assert!(said.contains("motion.safetensors") && said.contains("could not be read"), "{said}");
}

#[test]
fn a_report_tells_what_happened_and_nothing_private() {
    let folder = with_clip();
    let (log, machine) = (folder.path().join("pickup.log"), folder.path().join("machine.toml"));
    let run = |line: &str| {
        let mut command = command(folder.path());
        command.env("PICKUP_LOG_FILE", &log).env("PICKUP_CONFIG", &machine).env_remove("PICKUP_TAKES");
        let output = command.args(line.split_whitespace()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        (output.status.code(), said)
    };
    fs::write(&machine, "takes = 'shared takes'\nlog = 'debug'\nfps = 25\nmemory = '8 GB'\n").unwrap();
    assert_eq!(run("render Repair --in in --out out/%04d.png --set frames=3 --host natron").0, Some(0));
    run("render Repair --in in --out out/%04d.png --set frames=3 --set sourceFile=/secret/film.mov --host mlt");
    run("render Repair --in in --out out/%04d.png --set frames=3 --set sourceFile=hidden/film.mov --host mlt");
    let mut generate = command(folder.path());
    generate
        .env("PICKUP_LOG_FILE", &log)
        .env("PICKUP_CONFIG", &machine)
        .env("PICKUP_TAKES", folder.path().join("takes"));
    generate.args("render Generate --size 64x64 --set length=2 --set steps=1 --out g/%04d.png".split(' '));
    assert!(generate.args(["--set", "prompt=roter Rauch zyzzyva"]).output().unwrap().status.success());
    let logged = fs::read_to_string(&log).unwrap();
    assert!(logged.contains("zyzzyva"), "{logged}");
    for word in ["host Natron (fr.inria.Natron) 2.5", "Repair: OfxImageEffectActionRender: OK in", "/secret/film.mov"] {
        assert!(logged.contains(word), "{word} in {logged}");
    }
    assert!(logged.matches("ActionIsIdentity:").count() > 3, "each is told of");
    let (code, said) = run("doctor --report");
    assert!(code == Some(0) && said.contains("read it before you send it"), "{said}");
    assert!(said.contains("PICKUP_TAKES for the whole machine: \"shared takes\""), "{said}");
    assert!(said.contains("no setting is called fps"), "{said}");
    assert!(said.contains("PICKUP_MEMORY is to be a number of bytes"), "{said}");
    let report = fs::read_to_string(folder.path().join("pickup-report.txt")).unwrap();
    for word in ["host Natron", "OK: Pickup works here", "ActionRender", "system: ", "models: none"] {
        assert!(report.contains(word), "{word} in {report}");
    }
    let private = folder.path().display().to_string();
    assert!(!report.contains("system: <"), "{report}");
    for private in ["secret", "hidden", "zyzzyva", "Rauch", "shared takes", &private] {
        assert!(!report.contains(private), "{private} in {report}");
    }
    fs::write(&machine, "takes = [1]").unwrap();
    let (code, said) = run("doctor");
    assert!(code == Some(1) && said.contains("machine.toml: takes is to be a text"), "{said}");
    fs::write(&machine, "log = 'off'").unwrap();
    fs::remove_file(&log).unwrap();
    run("render Repair --in in --out out/%04d.png --set frames=3");
    assert!(!log.exists());
}

#[test]
fn a_video_model_that_is_broken_or_missing_fails_the_render_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    expect(folder.path(), "bundle", 0);
    let model = folder.path().join("Pickup.ofx.bundle/Contents/Resources/models/stock");
    let weights = model.join("transformer/diffusion_pytorch_model.safetensors");
    let whole = fs::read(&weights).unwrap();
    let line = "render Generate --out out/%04d.png --set prompt=snow --bundle Pickup.ofx.bundle";
    fs::write(&weights, &whole[..whole.len() / 3]).unwrap();
    for line in [line, "doctor --bundle Pickup.ofx.bundle"] {
        let said = expect(folder.path(), line, 1);
        assert!(said.contains("diffusion_pytorch_model.safetensors"), "{said}");
    }
    fs::remove_dir_all(&model).unwrap();
    let said = expect(folder.path(), line, 1);
    assert!(said.contains("install the bundle again"), "{said}");
    assert!(files(&folder.path().join("out")).is_empty());
}

#[test]
fn weights_that_are_missing_or_broken_fail_the_render_and_say_so() {
    let folder = with_clip();
    expect(folder.path(), "bundle", 0);
    let weights = folder.path().join("Pickup.ofx.bundle/Contents/Resources/motion.safetensors");
    let line = "render Repair --in in --out out/%04d.png --set frames=3 --bundle Pickup.ofx.bundle";
    fs::write(&weights, b"nonsense").unwrap();
    let said = expect(folder.path(), line, 1);
    assert!(said.contains("motion.safetensors"), "{said}");
    fs::remove_file(&weights).unwrap();
    let said = expect(folder.path(), line, 1);
    assert!(said.contains("weights"), "{said}");
    assert!(!folder.path().join("out/0003.png").exists());
}

#[test]
fn a_list_that_makes_no_sense_is_explained() {
    let folder = with_clip();
    let said = expect(folder.path(), "render Repair --in in --out out/%04d.png --set frames=3-", 1);
    assert!(said.contains("both ends"), "{said}");
}

#[test]
fn the_demo_does_all_six_jobs_and_measures_those_it_can() {
    let folder = tempfile::tempdir().unwrap();
    let said = expect(folder.path(), "demo --out demo --width 128", 0);
    assert!(said.contains("PSNR") && said.contains("bit for bit") && said.contains("contact-sheet.png"), "{said}");
    for node in ["Repair", "Retime", "Bridge", "Generate", "Animate", "Extend"] {
        assert!(said.lines().any(|line| line.starts_with(node)), "{node}: {said}");
    }
    for (clip, frames) in [
        ("damaged", 13),
        ("repaired", 13),
        ("true", 13),
        ("slow", 25),
        ("bridged", 13),
        ("generated", 33),
        ("animated", 33),
        ("extended", 41),
    ] {
        assert_eq!(files(&folder.path().join("demo").join(clip)).len(), frames, "{clip}");
    }
    let sheet = ClipReader::open(folder.path().join("demo/contact-sheet.png")).unwrap();
    assert!(sheet.info().width > 4 * 320 && sheet.info().height > 9 * 180);
}

#[test]
fn a_contact_sheet_is_written_beside_the_clip() {
    let folder = with_clip();
    let line = "render Repair --in in --out out/%04d.png --sheet sheet.jpg --set frames=3";
    expect(folder.path(), line, 0);
    let sheet = ClipReader::open(folder.path().join("sheet.jpg")).unwrap();
    // The frame that was made, between its neighbours.
    assert!((3 * 320..4 * 320).contains(&sheet.info().width));
    let line = "render Repair --in in --out out/%04d.png --sheet sheet.gif --set frames=3";
    expect(folder.path(), line, 2);
}

/// A disk with room for the names of files and nothing in them.
#[cfg(unix)]
#[test]
fn a_file_that_does_not_fit_leaves_nothing_behind() {
    let folder = with_clip();
    // The bundle is there from now on, and needs no room.
    expect(folder.path(), "nodes", 0);
    let script = format!(
        "trap '' XFSZ; ulimit -f 1; exec {} render Repair --in in --out out/%04d.png",
        env!("CARGO_BIN_EXE_pickup")
    );
    let output = Command::new("sh").args(["-c", &script]).current_dir(folder.path()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("0001.png"), "{said}");
    assert!(files(&folder.path().join("out")).is_empty(), "{:?}", files(&folder.path().join("out")));
}

#[cfg(unix)]
#[test]
fn an_interrupted_render_stops_with_whole_frames_alone() {
    let folder = with_clip();
    let mut render = command(folder.path());
    render.args("render Retime --in in --out out/%04d.png --set speed=1 --set method=blend".split(' '));
    let mut render = render.stderr(std::process::Stdio::piped()).stdout(std::process::Stdio::null()).spawn().unwrap();
    while files(&folder.path().join("out")).iter().filter(|n| n.ends_with(".png")).count() < 2 {
        assert!(render.try_wait().unwrap().is_none(), "it ended before it was interrupted");
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    let interrupt = Command::new("kill").args(["-INT", &render.id().to_string()]).status().unwrap();
    assert!(interrupt.success());
    let output = render.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("cancelled"), "{said}");
    let written = files(&folder.path().join("out"));
    assert!(written.len() < 400 && written.iter().all(|n| !n.starts_with('.')), "{written:?}");
    for n in written.iter().filter_map(|n| n.strip_suffix(".png")?.parse().ok()) {
        assert_eq!(read(folder.path(), "out", n).size(), (WIDTH, HEIGHT));
    }
}

/// A model of random weights, of which diffusers wrote the files.
fn model() -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../model/tests/fixtures/ltx/model").display().to_string()
}

#[test]
fn a_shot_is_generated_without_a_clip_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let takes = folder.path().join("takes");
    let generate = |out: &str, more: &[&str]| {
        let mut command = command(folder.path());
        command.env("PICKUP_TAKES", &takes).args(["render", "Generate", "--size", "64x32", "--out", out]);
        command.args(["--set", "prompt=a red fox runs", "--set", "length=5", "--set", "steps=2"]);
        let output = command.args(["--set", &format!("model={}", model())]).args(more).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    assert_eq!(generate("a/%04d.png", &[]), (Some(0), String::new()));
    assert_eq!(files(&folder.path().join("a")), ["0000.png", "0001.png", "0002.png", "0003.png", "0004.png"]);
    assert_eq!(generate("b/%04d.png", &["--context", "generator", "--frames", "0-4"]).0, Some(0));
    for frame in 0..5 {
        let [a, b] = ["a", "b"].map(|clip| read(folder.path(), &format!("{clip}/%04d.png"), frame));
        assert_eq!(a.pixels(), b.pixels());
    }
    let listed = |line: &[&str]| {
        let output = command(folder.path()).env("PICKUP_TAKES", &takes).arg("takes").args(line).output().unwrap();
        assert!(output.status.success());
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let list = listed(&["list"]);
    assert!(list.contains("1 takes"));
    let name = &list[..12];
    let shown = listed(&["show", name]);
    assert!(shown.contains("5 frames of 64x32"), "{shown}");
    for (out, close) in [("taken/%04d.png", 45.0), ("taken/%04d.exr", 30.0)] {
        assert!(listed(&["export", name, "--out", out]).contains("5 frames written"));
        let first = read(folder.path(), out, 1);
        assert_eq!(first.size(), (64, 32));
        let rendered = read(folder.path(), "a/%04d.png", 0);
        let alike = pickup_clips::psnr(&first, &rendered).unwrap();
        // EXR holds linear light, the rendered frame is as it is shown.
        assert!(if out.ends_with("png") { alike > close } else { alike < close }, "{out}: {alike:.1} dB");
    }
    let output = command(folder.path()).env("PICKUP_TAKES", &takes).args(["takes", "show", "zz"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("there is no take zz"));
    assert!(listed(&["clear"]).contains("1 takes removed"));
    assert!(listed(&["list"]).contains("0 takes"));
    let (code, said) = generate("c/%04d.png", &["--context", "generator"]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("--frames"), "{said}");
}

#[test]
fn two_processes_make_one_take() {
    let folder = tempfile::tempdir().unwrap();
    let takes = folder.path().join("takes");
    let start = |out: &str| {
        let mut command = command(folder.path());
        command.env("PICKUP_TAKES", &takes).args(["render", "Generate", "--size", "64x32", "--out", out]);
        command.args(["--set", "prompt=snow at dawn", "--set", "length=9", "--set", "steps=12"]);
        command.args(["--set", &format!("model={}", model())]).spawn().unwrap()
    };
    let mut both = [start("a/%04d.png"), start("b/%04d.png")];
    assert!(both.iter_mut().all(|child| child.wait().unwrap().success()));
    assert_eq!(files(&takes).len(), 1);
    for frame in 0..9 {
        let [a, b] = ["a", "b"].map(|clip| read(folder.path(), &format!("{clip}/%04d.png"), frame));
        assert_eq!(a.pixels(), b.pixels());
    }
}

#[test]
fn a_node_that_works_on_a_clip_asks_for_one() {
    let folder = tempfile::tempdir().unwrap();
    let said = expect(folder.path(), "render Repair --out b.png", 2);
    assert!(said.contains("--in"), "{said}");
}

#[test]
fn where_takes_cannot_be_kept_a_shot_is_made_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    // A file stands where the folder should be: not even root can write into it.
    let blocked = folder.path().join("blocked");
    fs::write(&blocked, b"").unwrap();
    let mut command = command(folder.path());
    command.env("PICKUP_TAKES", &blocked).args(["render", "Generate", "--size", "64x32", "--out", "a/%04d.png"]);
    command.args(["--set", "prompt=a fox", "--set", "length=9", "--set", "steps=2", "--threads", "3"]);
    let output = command.args(["--set", &format!("model={}", model())]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(files(&folder.path().join("a")).len(), 9);
}

#[test]
fn a_process_killed_at_work_leaves_nothing_that_is_taken_for_a_take() {
    let folder = tempfile::tempdir().unwrap();
    let takes = folder.path().join("takes");
    let start = |steps: &str| {
        let mut command = command(folder.path());
        command.env("PICKUP_TAKES", &takes).args(["render", "Generate", "--size", "64x32", "--out", "a/%04d.png"]);
        command.args(["--set", "prompt=a fox", "--set", "length=9", "--set", &format!("steps={steps}")]);
        command.args(["--set", &format!("model={}", model())]).stderr(std::process::Stdio::null()).spawn().unwrap()
    };
    let mut killed = start("200");
    let lock = |path: &String| path.ends_with(".lock");
    while !takes.is_dir() || !files(&takes).iter().any(lock) {
        assert!(killed.try_wait().unwrap().is_none(), "it works until it is killed");
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    killed.kill().unwrap();
    killed.wait().unwrap();
    assert!(files(&takes).iter().all(|file| !file.ends_with(".take")));
    // The lock of the killed is free: the same shot is made, and nobody waits.
    assert!(start("200").wait().unwrap().success());
    assert_eq!(files(&takes).iter().filter(|file| file.ends_with(".take")).count(), 1);
}
