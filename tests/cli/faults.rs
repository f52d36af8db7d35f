//! Disks that are full or read-only, memory that is refused, and processes that are killed: nothing is lost, and nothing wrong is shown.

use std::{
    process::{Child, Stdio},
    time::Duration,
};

use super::{models::GENERATE, *};

/// Starts a render of a clip, which takes some time.
fn start(folder: &Path, out: &str) -> Child {
    let line = format!("render Retime --in in --out {out}/%04d.png --set speed=10 --set method=blend");
    command(folder).args(line.split(' ')).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

#[test]
fn a_render_that_is_killed_leaves_whole_frames_alone_and_is_done_again() {
    let folder = with_clip();
    assert!(start(folder.path(), "whole").wait().unwrap().success());
    let bytes = |clip: &str| -> Vec<(String, Vec<u8>)> {
        let names = files(&folder.path().join(clip)).into_iter().filter(|name| name.ends_with(".png"));
        names.map(|name| (name.clone(), fs::read(folder.path().join(clip).join(name)).unwrap())).collect()
    };
    let whole = bytes("whole");
    let mut cut = 0;
    for frames in [0, 1, 2, 5, 9, 14, 20, 30] {
        let _ = fs::remove_dir_all(folder.path().join("out"));
        let mut render = start(folder.path(), "out");
        while bytes("out").len() < frames && render.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(1));
        }
        render.kill().unwrap();
        render.wait().unwrap();
        // Of a frame there is all, or nothing.
        assert!(bytes("out").iter().all(|frame| whole.contains(frame)), "after {frames} frames");
        cut += usize::from((1..whole.len()).contains(&bytes("out").len()));
    }
    assert!(cut >= 3, "{cut} of eight were killed in their midst");
    assert!(start(folder.path(), "out").wait().unwrap().success());
    assert!(bytes("out") == whole);
    assert_eq!(files(&folder.path().join("out")).len(), whole.len(), "nothing of the killed is left");
}

/// Runs lines of a shell that begin with a disk of so many kilobytes at `disk` in a folder, as a user of its own who may mount it.
/// `P` stands for the command.
#[cfg(target_os = "linux")]
fn on_small_disk(folder: &Path, kilobytes: u32, lines: &str) -> String {
    let script = format!(
        "mkdir -p disk && mount -t tmpfs -o size={kilobytes}k tmpfs disk\nP={}\n{lines}",
        env!("CARGO_BIN_EXE_pickup")
    );
    let mut shell = Command::new("unshare");
    shell
        .args(["-rm", "sh", "-ec", &script])
        .current_dir(folder)
        .env_remove("OFX_PLUGIN_PATH")
        .env_remove("PICKUP_RESOURCES");
    let output = shell.env("PICKUP_DEVICE", "cpu").output().expect("unshare is installed");
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(!said.contains("panicked"), "{said}");
    said
}

#[cfg(target_os = "linux")]
#[test]
#[ignore = "needs unshare, which some machines do not allow"]
fn a_disk_that_is_full_or_read_only_takes_no_more_than_its_own() {
    const SHOT: &str =
        "render Generate --size 64x64 --set prompt=smoke --set length=5 --set quality=Draft --set steps=1";
    let folder = with_clip();
    // A sequence: those frames that fit are whole, and the one that does not is named.
    let said = on_small_disk(
        folder.path(),
        20,
        "if $P render Repair --in in --out disk/%04d.png --set frames=3; then exit 9; fi\nls -A disk\ncp disk/*.png .",
    );
    assert!(said.contains("the disk is full") && !said.contains(".part"), "{said}");
    let fitted: Vec<String> = files(folder.path()).into_iter().filter(|name| name.ends_with(".png")).collect();
    assert!((1..5).contains(&fitted.len()), "{fitted:?}");
    for name in fitted {
        assert!(fs::read(folder.path().join(&name)).unwrap() == fs::read(folder.path().join("in").join(name)).unwrap());
    }
    // Takes: the shot is made and written all the same, and nothing half stays.
    let lines = format!("export PICKUP_TAKES=disk/takes\n$P {SHOT} --out full/%04d.png\nls -AR disk");
    let said = on_small_disk(folder.path(), 40, &lines);
    assert!(!said.contains(".take") && !said.contains(".part"), "{said}");
    // A folder of takes that was filled, and is then read-only: what is there is shown, what is not is made.
    let lines = format!(
        "export PICKUP_TAKES=disk/takes\n$P {SHOT} --out first/%04d.png\nmount -o remount,ro disk\n\
         $P {SHOT} --out again/%04d.png\n$P {SHOT} --set seed=1 --out other/%04d.png\nls disk/takes"
    );
    let said = on_small_disk(folder.path(), 4_000, &lines);
    assert!(said.contains(".take"), "{said}");
    let shot = |clip: &str| -> Vec<Vec<u8>> {
        (0..5).map(|n| fs::read(folder.path().join(format!("{clip}/{n:04}.png"))).unwrap()).collect()
    };
    assert!(shot("full") == shot("first") && shot("again") == shot("first") && shot("other") != shot("first"));
    // A model that does not fit is none; with more room it goes on from there.
    let stock = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../model/tests/fixtures/qwen3");
    fs::write(folder.path().join("list.json"), super::models::small_list()).unwrap();
    let add = format!("$P models add small --accept-licence --from {}", stock.display());
    let lines = format!(
        "export PICKUP_MODELS=disk/models PICKUP_MODEL_LIST=list.json\nif {add}; then exit 9; fi\n$P models list\n\
         mount -o remount,size=4000k disk\n{add}\n$P models verify small"
    );
    let said = on_small_disk(folder.path(), 200, &lines);
    assert!(said.contains("No space left") && said.contains("small (begun"), "{said}");
    assert!(said.contains("small is whole, and can be run"), "{said}");
}

#[test]
fn what_does_not_fit_in_the_memory_that_is_allowed_is_refused_in_words() {
    let folder = with_clip();
    let render = |line: &str, memory: &str| {
        let mut command = command(folder.path());
        command.env("PICKUP_TAKES", folder.path().join("takes")).env("PICKUP_MEMORY", memory);
        let output = command.args(line.split_whitespace()).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let shot = format!("{GENERATE} --out smoke/%04d.png");
    let frame = "render Repair --in in --out out/%04d.png --set frames=3 --device cpu";
    for (line, word) in [(&*shot, "fewer frames"), (frame, "Quality")] {
        let (code, said) = render(line, "1000000");
        assert!(code == Some(1) && said.contains(word), "{said}");
        let (code, said) = render(line, "2_000_000_000");
        assert_eq!(code, Some(0), "{said}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn what_the_system_does_not_give_a_process_is_refused_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let large = |number: i64| {
        let pixels = (0..640 * 480 * 3).map(|i| (i + number as usize) as u8).collect();
        (number, Picture::from_rgb8(640, 480, pixels).unwrap())
    };
    write(folder.path(), "in/%04d.png", (1..=3).map(large));
    let shot = format!("{GENERATE} --out smoke/%04d.png");
    let frame = "render Repair --in in --out out/%04d.png --set frames=2 --device cpu";
    for (line, word) in [(&*shot, "fewer frames"), (frame, "Quality")] {
        // More than a process takes that makes nothing, and less than one that does.
        let mut command = command_in_limit(folder.path(), "250000");
        let output = command.args(line.split_whitespace()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(1) && said.contains(word), "{:?}: {said}", output.status);
    }
    assert!(command_in_limit(folder.path(), "unlimited").args(shot.split_whitespace()).status().unwrap().success());
}

/// The command, in a process that may have so many kilobytes of addresses.
#[cfg(target_os = "linux")]
fn command_in_limit(folder: &Path, kilobytes: &str) -> Command {
    let mut limited = Command::new("sh");
    limited.args(["-c", "ulimit -v \"$0\" && exec \"$@\"", kilobytes, env!("CARGO_BIN_EXE_pickup")]);
    limited.env_remove("OFX_PLUGIN_PATH").env_remove("PICKUP_RESOURCES");
    // By itself the C library takes another 64 MB of addresses for each thread that happens to find its heaps in use.
    limited.env("MALLOC_ARENA_MAX", "1");
    limited.current_dir(folder).env("PICKUP_TAKES", folder.join("takes")).env("RAYON_NUM_THREADS", "2");
    limited
}
