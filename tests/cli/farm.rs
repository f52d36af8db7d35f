//! A render shared out among machines.

use std::time::Duration;

use super::*;

/// Runs tasks of a job as a machine of a farm does: all of them, or some.
fn openjd(folder: &Path, tasks: Option<&str>) -> Command {
    let mut command = Command::new("openjd");
    command.current_dir(folder).args(["run", "job.json", "--step", "Render", "-p"]);
    command.arg(format!("Pickup={}", env!("CARGO_BIN_EXE_pickup"))).env("PICKUP_DEVICE", "cpu");
    command.env_remove("OFX_PLUGIN_PATH").env_remove("PICKUP_RESOURCES");
    command.args(tasks.map(|tasks| ["--tasks", tasks]).into_iter().flatten());
    command
}

#[track_caller]
fn succeeds(mut command: Command) {
    let output = command.output().expect("openjd is installed");
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}

/// The frames 1 to 9 of a clip, two of them lost.
fn clip() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let frames = (1..=9).filter(|n| ![3, 7].contains(n));
    write(folder.path(), "in/%04d.png", frames.map(|n| (n, picture(n, false, Depth::U8))));
    folder
}

const REPAIR: &str = "Repair --in in/%04d.png --set quality=Draft --out";

fn bytes(folder: &Path, clip: &str) -> Vec<Vec<u8>> {
    let files = files(&folder.join(clip));
    files.iter().map(|name| fs::read(folder.join(clip).join(name)).unwrap()).collect()
}

#[test]
fn a_job_has_a_task_for_each_run_of_frames() {
    let folder = clip();
    let line = format!("submit job.json --frames-per-task 4 -- {REPAIR} farm/%04d.png --frames=2-9");
    assert!(expect(folder.path(), &line, 0).contains("2 tasks for 8 frames (2-9)"));
    let read =
        || -> serde_json::Value { serde_json::from_slice(&fs::read(folder.path().join("job.json")).unwrap()).unwrap() };
    let job = read();
    let step = &job["steps"][0];
    assert_eq!(step["parameterSpace"]["taskParameterDefinitions"][0]["range"], serde_json::json!(["2-5", "6-9"]));
    let paths: Vec<_> = job["parameterDefinitions"].as_array().unwrap().iter().map(|p| p["default"].as_str()).collect();
    assert_eq!(paths, ["pickup", "in/%04d.png", "farm/%04d.png"].map(Some), "from the template's folder");
    // What lies elsewhere has no default that the standard allows.
    fs::create_dir(folder.path().join("jobs")).unwrap();
    let said = expect(folder.path(), &format!("submit jobs/job.json -- {REPAIR} farm/%04d.png"), 0);
    assert!(said.contains(&format!("-p In={}", folder.path().join("in/%04d.png").display())), "{said}");
    let up = "Repair --in in/../in --set quality=Draft --out jobs/../farm/%04d.png";
    let said = expect(folder.path(), &format!("submit job.json -- {up}"), 0);
    let parameters = &read()["parameterDefinitions"];
    assert!(parameters[1].get("default").is_none() && said.contains("-p In="), "{said}");
    assert_eq!((&parameters[1]["objectType"], &parameters[2]["objectType"]), (&"DIRECTORY".into(), &"FILE".into()));
    for (line, word) in [
        (format!("submit job.json -- {REPAIR} farm.mov"), "sequence"),
        (format!("submit job.json -- {REPAIR} farm/%04d.png --sheet sheet.png"), "--sheet"),
        (format!("submit job.json -- {REPAIR} {{{{x}}}}/%04d.png"), "{{"),
        (format!("submit job.json -- {REPAIR} farm/%04d.png --nonsense"), "--nonsense"),
        ("submit job.json --".to_owned(), "RENDER"),
    ] {
        assert!(expect(folder.path(), &line, 2).contains(word), "{line}");
    }
    assert!(!folder.path().join("farm").exists(), "nothing is rendered yet");
}

#[test]
#[ignore = "needs openjd-cli"]
fn a_farm_makes_the_frames_that_one_machine_makes_though_it_is_killed_half_way() {
    let folder = clip();
    expect(folder.path(), &format!("render {REPAIR} alone/%04d.png"), 0);
    expect(folder.path(), &format!("submit job.json --frames-per-task 2 -- {REPAIR} farm/%04d.png"), 0);
    let mut killed = openjd(folder.path(), None).spawn().expect("openjd is installed");
    // Some frames are there, and not all.
    let started = std::time::Instant::now();
    while files(&folder.path().join("farm")).is_empty() && started.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(5));
    }
    killed.kill().unwrap();
    killed.wait().unwrap();
    let whole = bytes(folder.path(), "alone");
    assert!(files(&folder.path().join("farm")).len() < whole.len(), "it was killed before its end");
    // Two machines share what is to be done; what was done is done again.
    let share = |frames: &[&str]| {
        let tasks: Vec<_> = frames.iter().map(|frames| serde_json::json!({ "Frames": frames })).collect();
        openjd(folder.path(), Some(&serde_json::json!(tasks).to_string()))
    };
    let other = share(&["5-6", "7-8", "9"]);
    let other = std::thread::spawn(move || succeeds(other));
    succeeds(share(&["1-2", "3-4"]));
    other.join().unwrap();
    assert!(bytes(folder.path(), "farm") == whole, "the farm's frames are others");
}

#[test]
#[ignore = "needs openjd-cli"]
fn machines_that_share_a_shot_make_it_once() {
    let folder = tempfile::tempdir().unwrap();
    let shot = "Generate --size 64x64 --set prompt=smoke --set length=4 --set quality=Draft --set steps=2 --out";
    let mut alone = command(folder.path());
    alone
        .env("PICKUP_TAKES", folder.path().join("own"))
        .args(format!("render {shot} alone/%04d.png").split_whitespace());
    succeeds(alone);
    expect(folder.path(), &format!("submit job.json --takes takes --frames-per-task 2 -- {shot} farm/%04d.png"), 0);
    let machines = ["0-1", "2-3"].map(|frames| openjd(folder.path(), Some(&format!("[{{\"Frames\": \"{frames}\"}}]"))));
    let machines = machines.map(|machine| std::thread::spawn(move || succeeds(machine)));
    machines.into_iter().for_each(|machine| machine.join().unwrap());
    assert_eq!(bytes(folder.path(), "farm"), bytes(folder.path(), "alone"));
    assert_eq!(files(&folder.path().join("takes")).len(), 1, "one take was made");
}
