//! What motion is found on.

use pickup_model::engine::{Kind, adapters};

use super::*;

/// Runs a line with motion found on what the variable says.
#[track_caller]
fn on(folder: &Path, device: &str, line: &str) -> String {
    let output = command(folder).env("PICKUP_DEVICE", device).args(line.split_whitespace()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "pickup {line}\n{said}");
    said
}

/// Frames 1 to 7 in 32-bit floats.
fn clip() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "in/%04d.exr", (1..=7).map(|n| (n, picture(n, true, Depth::F32))));
    folder
}

#[test]
#[ignore = "needs a GPU, or Mesa's software Vulkan"]
fn every_node_that_makes_frames_by_motion_makes_the_same_on_a_gpu() {
    let folder = clip();
    let adapters = adapters();
    let adapter = adapters.first().expect("a GPU, or Mesa's software Vulkan");
    // Of 16-bit factors less is left.
    let (gpu, least) = (adapter.name().to_owned(), if adapter.matrices().is_some() { 50.0 } else { 60.0 });
    let rife = concat!(env!("CARGO_MANIFEST_DIR"), "/../../model/tests/fixtures/rife/4.25.pkl");
    let by_rife = format!("--set frames=4 --set motionModel={rife}");
    let jobs = [
        ("Repair", "--set frames=4", 4),
        ("Repair", &*by_rife, 4),
        ("Repair", "--set frames=4 --set quality=Draft", 4),
        ("Retime", "--set speed=50", 4),
        ("Bridge", "--set start=4 --set length=2 --set by=Motion", 5),
        ("Extend", "--set tail=3 --set by=Motion", 9),
    ];
    for (i, (node, set, frame)) in jobs.into_iter().enumerate() {
        let made = |device: &str, name: &str| {
            let out = format!("{i}{name}/%04d.exr");
            let said = on(folder.path(), device, &format!("render {node} --in in {set} --out {out}"));
            assert!(!said.contains("made on the processor"), "{node}: {said}");
            read(folder.path(), &out, frame)
        };
        let (cpu, on_gpu) = (made("cpu", "cpu"), made(&gpu, "gpu"));
        let alike = pickup_clips::psnr(&cpu, &on_gpu).unwrap();
        assert!(alike > least, "{node} {set}: {alike:.1} dB");
        // No two engines add in the same order: the same bits would be the same engine's.
        assert_ne!(cpu, on_gpu, "{node} {set}");
    }
}

#[test]
#[ignore = "needs a GPU, or Mesa's software Vulkan"]
fn two_processes_share_a_gpu() {
    let folder = clip();
    let gpu = adapters().first().expect("a GPU, or Mesa's software Vulkan").name().to_owned();
    let started = [1, 2].map(|i| {
        let line = format!("render Repair --in in --set frames=4 --set quality=Draft --out {i}/%04d.exr");
        let mut process = command(folder.path());
        process.env("PICKUP_DEVICE", &gpu).args(line.split_whitespace()).spawn().unwrap()
    });
    for mut process in started {
        assert!(process.wait().unwrap().success());
    }
    assert_eq!(read(folder.path(), "1/%04d.exr", 4), read(folder.path(), "2/%04d.exr", 4));
}

#[test]
#[ignore = "needs Mesa's software Vulkan"]
fn the_doctor_tries_software_only_where_it_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let adapters = adapters();
    let software = adapters.iter().find(|adapter| adapter.kind() == Kind::Software).expect("Mesa's software Vulkan");
    let said = on(folder.path(), "auto", "doctor");
    assert!(said.contains(software.name()) && said.contains("PICKUP_DEVICE names it"), "{said}");
    assert!(!said.contains("a frame of"), "{said}");
    let said = on(folder.path(), software.name(), "doctor");
    assert!(said.contains("kernels calculate as the CPU does") && said.contains("a frame of 160x90"), "{said}");
}

#[test]
fn where_there_is_no_such_gpu_the_processor_does_it_and_says_so() {
    let folder = clip();
    let line = |out: &str| format!("render Repair --in in --set frames=4 --out {out}/%04d.exr");
    let said = on(folder.path(), "none is called so", &line("named"));
    assert!(said.contains("made on the processor") && said.contains("“none is called so”"), "{said}");
    let said = on(folder.path(), "cpu", &line("cpu"));
    assert!(!said.contains("made on the processor"), "{said}");
    assert_eq!(read(folder.path(), "named/%04d.exr", 4), read(folder.path(), "cpu/%04d.exr", 4));
    let said = on(folder.path(), "none is called so", &format!("{} --device cpu", line("chosen")));
    assert!(!said.contains("made on the processor"), "{said}");
}
