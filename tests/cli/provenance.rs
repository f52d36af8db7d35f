//! What is told of frames that were made.

use std::process::Command;

use super::*;

const TRAINED: &str = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia";
const COMPOSITE: &str = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia";
const ENHANCED: &str = "http://cv.iptc.org/newscodes/digitalsourcetype/algorithmicallyEnhanced";

/// Runs a line that succeeds, with takes kept in the folder.
#[track_caller]
fn run(folder: &Path, line: &str) -> String {
    let takes = folder.join("takes");
    let mut command = command(folder);
    let output = command.env("PICKUP_TAKES", takes).env("PICKUP_DEVICE", "cpu").args(line.split_whitespace()).output();
    let output = output.unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "pickup {line}\n{said}");
    said
}

/// Whether a file's bytes have a text in them.
fn has(file: &Path, text: &str) -> bool {
    fs::read(file).unwrap().windows(text.len()).any(|window| window == text.as_bytes())
}

/// The smallest shot that the embedded model makes.
const SMOKE: &str = "render Generate --size 64x64 --set prompt=smoke --set length=2 --set quality=Draft --set steps=1";

#[test]
fn made_frames_say_how_they_were_made_and_kept_ones_stay_as_they_are() {
    let folder = with_clip();
    let at = |name: &str| folder.path().join(name);
    run(folder.path(), "render Repair --in in --out told/%04d.png --set frames=3 --sidecar");
    run(folder.path(), "render Repair --in in --out untold/%04d.png --set frames=3 --unmarked");
    for number in [1, 2, 4, 5] {
        let kept = |name: &str| fs::read(at(&format!("{name}/{number:04}.png"))).unwrap();
        assert!(kept("in") == kept("told") && kept("in") == kept("untold"), "frame {number} is the clip's own");
    }
    assert!(has(&at("told/0003.png"), ENHANCED) && !has(&at("untold/0003.png"), "digitalsourcetype"));
    assert_eq!(read(folder.path(), "told/%04d.png", 3), read(folder.path(), "untold/%04d.png", 3));
    let told: serde_json::Value = serde_json::from_slice(&fs::read(at("told/provenance.json")).unwrap()).unwrap();
    assert_eq!((&told["node"], &told["frames"]), (&"org.pickup.Repair".into(), &"1-5".into()));
    let made = &told["made"][0];
    assert_eq!(
        (&made["frames"], &made["by"], &made["digital_source_type"]),
        (&"3".into(), &"motion".into(), &ENHANCED.into())
    );
    assert!(!at("untold/provenance.json").exists());
}

#[test]
fn what_a_model_made_is_told_and_stays_told_in_what_is_made_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    run(folder.path(), &format!("{SMOKE} --out smoke/%04d.png --sidecar"));
    assert!(has(&at("smoke/0001.png"), TRAINED) && has(&at("smoke/0001.png"), "Pickup: stock"));
    let told: serde_json::Value = serde_json::from_slice(&fs::read(at("smoke/provenance.json")).unwrap()).unwrap();
    let shot = &told["made"][0]["shot"];
    assert_eq!((&shot["prompt"], &shot["seed"], &shot["model"]), (&"smoke".into(), &0.into(), &"stock".into()));
    // A take says it too, by the name that the file beside the frames gives.
    let recipe = shot["recipe"].as_str().unwrap();
    assert!(run(folder.path(), &format!("takes show {recipe}")).contains("\"smoke\""));
    run(folder.path(), &format!("takes export {recipe} --out take/%04d.exr --sidecar"));
    assert!(has(&at("take/0001.exr"), TRAINED));
    let exported: serde_json::Value = serde_json::from_slice(&fs::read(at("take/provenance.json")).unwrap()).unwrap();
    assert_eq!(&exported["made"][0]["shot"], shot);
    // Slowed down, every second frame is made of what the model made.
    run(folder.path(), "render Retime --in smoke --out slow/%04d.png --set speed=50");
    assert!(has(&at("slow/0001.png"), COMPOSITE));
    // And what goes on from a clip that nobody made is the clip with something added.
    write(folder.path(), "in/%04d.png", (1..=3).map(|n| (n, picture(n, false, Depth::U8))));
    let extend = "render Extend --in in --out on/%04d.png --set tail=1 --set prompt=smoke --set steps=1";
    run(folder.path(), &format!("{extend} --set quality=Draft"));
    assert!(has(&at("on/0004.png"), COMPOSITE));
}

#[test]
fn a_frame_that_stands_for_a_missing_one_says_that_motion_made_it() {
    let folder = with_clip();
    fs::remove_file(folder.path().join("in/0003.png")).unwrap();
    run(folder.path(), "render Extend --in in --out on/%04d.png --set missingFrames=Make --set tail=0 --sidecar");
    assert!(has(&folder.path().join("on/0003.png"), ENHANCED));
    let told = fs::read_to_string(folder.path().join("on/provenance.json")).unwrap();
    assert!(told.contains("\"frames\": \"3\""), "{told}");
}

#[test]
fn a_frame_that_a_model_made_keeps_its_mark_in_another_format() {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), &format!("{SMOKE} --out smoke/%04d.png"));
    for (line, marked) in [
        ("--out plain/%04d.tif", true),
        ("--out deep/%04d.png --depth float", true),
        ("--out bare/%04d.tif --unmarked", false),
    ] {
        run(folder.path(), &format!("render Repair --in smoke {line} --set frames="));
        let spec = Path::new(line.split(' ').nth(1).unwrap()).to_owned();
        let file = folder
            .path()
            .join(spec.with_file_name(spec.file_name().unwrap().to_str().unwrap().replace("%04d", "0001")));
        assert_eq!(has(&file, TRAINED), marked, "{line}");
    }
}

#[test]
fn a_sign_stands_in_the_corner_of_made_frames_alone() {
    let folder = with_clip();
    let repaired = |out: &str, set: &str| {
        run(folder.path(), &format!("render Repair --in in --out {out}/%04d.png --set frames=3 {set}"));
        [2, 3].map(|number| read(folder.path(), &format!("{out}/%04d.png"), number))
    };
    let ([kept, plain], [kept_too, signed]) = (repaired("plain", ""), repaired("signed", "--set markMade=1"));
    assert_eq!(kept, kept_too);
    let (Pixels::U8(plain), Pixels::U8(signed)) = (plain.pixels(), signed.pixels()) else { panic!("8 bits") };
    let changed: Vec<usize> = (0..WIDTH * HEIGHT).filter(|i| plain[i * 3..][..3] != signed[i * 3..][..3]).collect();
    let inside = |i: &usize| i % WIDTH < WIDTH / 2 && i / WIDTH > HEIGHT / 2;
    assert!(changed.len() > 100 && changed.iter().all(inside), "{} pixels", changed.len());
}

#[test]
fn a_file_beside_a_clip_never_replaces_one_of_the_clip() {
    let folder = with_clip();
    let whole = folder.path().join("in/0001.png").display().to_string();
    for sidecar in ["in/0001.png", "./in/0001.png", "out/../in/0001.png", &whole, "out/0002.png"] {
        let line = format!("render Repair --in in --out out/%04d.png --set frames=3 --sidecar={sidecar}");
        assert!(expect(folder.path(), &line, 2).contains("a file of a clip"), "{sidecar}");
    }
    let line = "render Repair --in in --out out/%04d.png --set frames=3 --sidecar=no/such/folder.json";
    expect(folder.path(), line, 1);
    assert!(files(&folder.path().join("out")).is_empty(), "it shows before a frame is made");
    assert_eq!(files(&folder.path().join("in")).len(), 5);
}

#[test]
#[ignore = "needs exiftool, and ffmpeg for video"]
fn exiftool_reads_the_marks_of_every_format() {
    let folder = with_clip();
    for ending in ["png", "tif", "jpg", "webp", "exr", "dpx"] {
        run(folder.path(), &format!("render Repair --in in --out {ending}/%04d.{ending} --set frames=3"));
        let file = folder.path().join(format!("{ending}/0003.{ending}"));
        assert!(exif(&file).contains(ENHANCED), "{ending}");
        assert!(!exif(&file.with_file_name(format!("0002.{ending}"))).contains("digitalsourcetype"), "{ending}");
    }
    for ending in ["mp4", "mov", "mkv", "webm", "avi", "gif"] {
        run(folder.path(), &format!("{SMOKE} --out smoke.{ending}"));
        assert!(exif(&folder.path().join(format!("smoke.{ending}"))).contains(TRAINED), "{ending}");
    }
}

/// What exiftool says of a file.
fn exif(file: &Path) -> String {
    let output = Command::new("exiftool").arg(file).output().expect("exiftool is installed");
    assert!(output.status.success(), "{}", file.display());
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[cfg(not(feature = "c2pa"))]
#[test]
fn a_build_without_credentials_says_how_to_get_one_with_them() {
    let folder = with_clip();
    let line = "render Repair --in in --out out/%04d.png --set frames=3 --credentials";
    assert!(expect(folder.path(), line, 2).contains("--features c2pa"));
    assert!(files(&folder.path().join("out")).is_empty());
}

#[cfg(feature = "c2pa")]
mod credentials {
    use std::io::Cursor;

    use c2pa::{Reader, ValidationState};

    use super::*;

    /// Whether credentials hold for a file's bytes, and what they say; nothing where there are none.
    fn read(ending: &str, bytes: &[u8], beside: Option<&[u8]>) -> Option<(ValidationState, String)> {
        let stream = Cursor::new(bytes.to_vec());
        let reader = match beside {
            Some(beside) => Reader::default().with_manifest_data_and_stream(beside, "application/octet-stream", stream),
            None => Reader::default().with_stream(ending, stream),
        };
        reader.ok().map(|reader| (reader.validation_state(), reader.json()))
    }

    #[test]
    #[ignore = "needs ffmpeg for video"]
    fn credentials_hold_for_what_was_written_and_for_nothing_else() {
        let folder = with_clip();
        let mut files = Vec::new();
        for ending in ["png", "tif", "jpg", "webp", "exr"] {
            let line = format!("render Repair --in in --out {ending}/%04d.{ending} --set frames=3 --credentials");
            assert!(run(folder.path(), &line).contains("not by whom"));
            files.push((folder.path().join(format!("{ending}/0003.{ending}")), ENHANCED));
            let kept = folder.path().join(format!("{ending}/0002.{ending}"));
            assert!(!has(&kept, "c2pa") && !kept.with_extension("c2pa").exists(), "{ending}");
        }
        for ending in ["mp4", "mov", "gif", "mkv", "avi"] {
            run(folder.path(), &format!("{SMOKE} --out smoke.{ending} --credentials"));
            files.push((folder.path().join(format!("smoke.{ending}")), TRAINED));
        }
        for (file, source) in files {
            let ending = file.extension().unwrap().to_string_lossy().into_owned();
            let beside = fs::read(format!("{}.c2pa", file.display())).ok();
            assert_eq!(beside.is_some(), ["exr", "mkv", "avi"].contains(&&*ending), "{ending}");
            let bytes = fs::read(&file).unwrap();
            let (state, said) = read(&ending, &bytes, beside.as_deref()).expect(&ending);
            assert_eq!(state, ValidationState::Valid, "{ending}");
            assert!(said.contains(source) && said.contains("signingCredential.untrusted"), "{said}");
            // A key's identifier is an octet string in that of its extension (RFC 5280, 4.2.1.2), which not all readers look at.
            let credentials = beside.as_deref().unwrap_or(&bytes);
            let torn = [0x06, 0x03, 0x55, 0x1D, 0x0E, 0x04, 0x14];
            assert!(
                !credentials.windows(torn.len()).any(|window| window == torn),
                "{ending}: a malformed key identifier"
            );
            // A byte changes: of the picture, or of the credentials themselves, which leave room for more.
            let changed = (1..20).filter(|part| {
                let mut other = bytes.clone();
                other[part * bytes.len() / 20] ^= 0x55;
                read(&ending, &other, beside.as_deref()).is_none_or(|(state, _)| state == ValidationState::Invalid)
            });
            let changed = changed.count();
            assert!(changed >= if beside.is_some() { 19 } else { 3 }, "{ending}: {changed} of 19 changes are seen");
        }
    }
}
