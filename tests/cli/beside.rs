//! What clips hold beside their pictures goes through a render: files, profiles, sound, time.

use std::path::PathBuf;

use pickup_clips::{Beside, FieldOrder};

use super::*;

#[test]
fn kept_frames_of_a_sequence_are_their_files_and_made_ones_have_its_profile() {
    let folder = tempfile::tempdir().unwrap();
    let beside = Beside { profile: Some(vec![7; 300].into()), ..Beside::default() };
    for spec in ["in/%04d.png", "lossy/%04d.jpg"] {
        let options = WriteOptions { beside: beside.clone(), ..WriteOptions::default() };
        let writer = ClipWriter::create(folder.path().join(spec), options, &[]).unwrap();
        (1..=5).for_each(|n| writer.write(n, &picture(n, false, Depth::U8)).unwrap());
    }
    for (from, ending) in [("in", "png"), ("lossy", "jpg")] {
        for host in ["reference", "mlt", "natron"] {
            let to = format!("{from}-{host}");
            // MLT gives a filter the current frame alone, and counts from 0.
            let which = match host {
                "mlt" => format!("--set frames=2 --set sourceFile={}", folder.path().join(from).display()),
                _ => "--set frames=3".to_owned(),
            };
            let line = format!("render Repair --in {from} --out {to}/%04d.{ending} --host {host} {which}");
            expect(folder.path(), &line, 0);
            for n in [1, 2, 4, 5] {
                let bytes = |at: &str| fs::read(folder.path().join(format!("{at}/{n:04}.{ending}"))).unwrap();
                assert!(bytes(from) == bytes(&to), "{to} {n}");
            }
            let made = ClipReader::open(folder.path().join(format!("{to}/0003.{ending}"))).unwrap();
            assert_eq!(made.info().beside.profile, beside.profile, "{to}");
        }
    }
}

#[test]
fn a_render_says_which_frames_were_made() {
    let folder = with_clip();
    let said = expect(folder.path(), "render Repair --in in --out out/%04d.png --set frames=2,4", 0);
    assert!(said.contains("5 frames (1-5) written") && said.contains("made: 2, 4;"), "{said}");
    let said = expect(folder.path(), "render Repair --in in --out none/%04d.png", 0);
    assert!(said.contains("all the clip's own"), "{said}");
    let said = expect(folder.path(), "render Repair --in in --out all/%04d.png --set frames=3 --frames 3", 0);
    assert!(!said.contains("own"), "{said}");
}

/// A video of two seconds at 25 frames a second: a tone from half a second to one and a half.
fn with_video(folder: &Path) -> PathBuf {
    let tone = "sine=frequency=440:duration=2,volume=enable='not(between(t,0.5,1.5))':volume=0";
    let path = folder.join("in.mov");
    let status = Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin", "-f", "lavfi", "-i", "testsrc2=size=64x48:rate=25:duration=2"])
        .args(["-f", "lavfi", "-i", tone, "-c:v", "prores_ks", "-c:a", "pcm_s16le"])
        .arg(&path)
        .status();
    assert!(status.expect("ffmpeg starts").success());
    path
}

/// Seconds of sound in a file, and from when to when it is heard.
fn heard(path: &Path) -> (f64, f64, f64) {
    let output = Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin", "-i"])
        .arg(path)
        .args(["-map", "0:a:0", "-ac", "1", "-ar", "1000", "-f", "f32le", "-"])
        .output()
        .unwrap();
    let samples: Vec<f32> =
        output.stdout.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]).abs()).collect();
    let loud = |sample: &f32| *sample > 0.03;
    let first = samples.iter().position(loud).unwrap_or(0);
    let last = samples.iter().rposition(loud).unwrap_or(0);
    (samples.len() as f64 / 1000.0, first as f64 / 1000.0, last as f64 / 1000.0)
}

#[test]
#[ignore = "needs ffmpeg"]
fn sound_stays_beside_the_frames_it_was_recorded_with() {
    let folder = tempfile::tempdir().unwrap();
    with_video(folder.path());
    for (node, settings, expected) in [
        ("Repair", "--set frames=20", (2.0, 0.5, 1.5)),
        ("Repair", "--frames 26-50", (1.0, 0.0, 0.5)),
        ("Retime", "--set speed=50 --set method=nearest", (4.0, 1.0, 3.0)),
        ("Retime", "--set speed=50 --rate 50 --set method=nearest", (4.0, 1.0, 3.0)),
        ("Retime", "--rate 50 --set method=nearest", (2.0, 0.5, 1.5)),
        ("Retime", "--set speed=200 --set method=nearest", (1.0, 0.25, 0.75)),
        ("Retime", "--rate 24000/1001 --set method=nearest", (2.0, 0.5, 1.5)),
    ] {
        for name in ["out.mov", "out.mp4"] {
            expect(folder.path(), &format!("render {node} --in in.mov --out {name} {settings}"), 0);
            let found = heard(&folder.path().join(name));
            let apart = [found.0 - expected.0, found.1 - expected.1, found.2 - expected.2];
            assert!(apart.iter().all(|t| t.abs() < 0.12), "{node} {settings} {name}: {found:?}, not {expected:?}");
        }
    }
    // The frames that are shown as they are lie evenly, and the others do not.
    for speed in ["0:100,49:50", "1:50,50:150"] {
        let line = format!("render Retime --in in.mov --out out.mov --set method=nearest --set speed={speed}");
        let said = expect(folder.path(), &line, 0);
        assert!(said.contains("sound is not written"), "{said}");
    }
}

#[test]
#[ignore = "needs ffmpeg"]
fn a_rate_is_retimes_to_change_and_a_sequences_to_be_given() {
    let folder = with_clip();
    with_video(folder.path());
    expect(folder.path(), "render Retime --in in.mov --out out.mkv --rate 60 --set method=nearest", 0);
    let info = ClipReader::open(folder.path().join("out.mkv")).unwrap().info().clone();
    assert_eq!((info.rate.num, info.rate.den), (60, 1));
    assert!((info.frames.len() as f64 / 60.0 - 2.0).abs() < 0.05, "{}", info.frames.len());
    let said = expect(folder.path(), "render Repair --in in.mov --out out.mkv --rate 60", 2);
    assert!(said.contains("only Retime"), "{said}");
    let curve = "render Retime --in in.mov --out out.mkv --rate 60 --set speed=1:100,9:50";
    assert!(expect(folder.path(), curve, 2).contains("not with a curve"));
    expect(folder.path(), "render Repair --in in --out out.mkv --rate 12.5", 0);
    let info = ClipReader::open(folder.path().join("out.mkv")).unwrap().info().clone();
    assert_eq!((info.rate.num, info.rate.den), (25, 2));
}

#[test]
#[ignore = "needs ffmpeg"]
fn a_frame_that_a_video_lost_is_made_where_it_belongs() {
    let folder = tempfile::tempdir().unwrap();
    let status = Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin", "-f", "lavfi", "-i", "testsrc2=size=64x48:rate=25:duration=1"])
        .args(["-vf", "select=not(eq(n\\,11))", "-fps_mode", "passthrough", "-c:v", "ffv1"])
        .arg(folder.path().join("in.mkv"))
        .status();
    assert!(status.unwrap().success());
    let said = expect(folder.path(), "render Repair --in in.mkv --out out.mkv", 0);
    assert!(said.contains("25 frames (1-25)") && said.contains("made: 12;"), "{said}");
    let info = ClipReader::open(folder.path().join("out.mkv")).unwrap().info().clone();
    assert_eq!((info.frames.to_string(), info.beside.times), ("1-25".to_owned(), None));
    // A node that does not make it shows the one before, as players do, and says so.
    let said = expect(folder.path(), "render Extend --in in.mkv --out longer.mkv --set tail=2 --set by=Motion", 0);
    assert!(said.contains("lacks the frames 12:"), "{said}");
    let longer = ClipReader::open(folder.path().join("longer.mkv")).unwrap();
    assert_eq!(longer.info().frames.to_string(), "1-27");
    assert_eq!(longer.frame(12).unwrap(), longer.frame(11).unwrap());
}

/// Draws a video with ffmpeg in a folder.
fn drawn(folder: &Path, name: &str, source: &str, options: &[&str]) {
    let status = Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin", "-y", "-f", "lavfi", "-i", source])
        .args(options)
        .arg(folder.join(name))
        .status();
    assert!(status.unwrap().success(), "{name}");
}

#[test]
#[ignore = "needs ffmpeg"]
fn each_field_is_made_from_its_own_and_the_flag_stays() {
    let folder = tempfile::tempdir().unwrap();
    // A ground that moves evenly, at 50 fields a second.
    let moving = "testsrc2=size=96x64:rate=50:duration=0.8,crop=64:48:'mod(n,24)':8";
    let fields = ["-vf", "tinterlace=interleave_top,setfield=tff", "-c:v", "ffv1", "-flags", "+ildct", "-top", "1"];
    drawn(folder.path(), "in.mkv", moving, &fields);
    let said = expect(folder.path(), "render Repair --in in.mkv --out out.mkv --set frames=8", 0);
    assert!(said.contains("made: 8;") && !said.contains("mix"), "{said}");
    let (before, after) = ["in.mkv", "out.mkv"].map(|name| ClipReader::open(folder.path().join(name)).unwrap()).into();
    assert_eq!(after.info().beside.fields, before.info().beside.fields);
    assert!(before.info().beside.fields.is_some());
    for order in [FieldOrder::Top, FieldOrder::Bottom] {
        let field = |clip: &ClipReader, n| clip.frame(n).unwrap().field(order).unwrap();
        let near = |other: &Picture| pickup_clips::psnr(other, &field(&before, 8)).unwrap();
        let made = near(&field(&after, 8));
        let neighbour = near(&field(&before, 7)).max(near(&field(&before, 9)));
        assert!(made > neighbour + 3.0, "{order:?}: {made}, the nearer neighbour {neighbour}");
    }
    assert!(
        expect(folder.path(), "render Extend --in in.mkv --out longer.mkv --set tail=1 --set by=Motion", 0)
            .contains("mix them")
    );
    expect(folder.path(), "render Repair --in in.mkv --out whole.mkv --fields double", 0);
    let whole = ClipReader::open(folder.path().join("whole.mkv")).unwrap().info().clone();
    assert_eq!((whole.frames.len(), whole.rate.num, whole.beside.fields), (40, 50, None));
}

#[test]
#[ignore = "needs ffmpeg"]
fn film_comes_out_of_the_fields_that_it_was_spread_over() {
    let folder = tempfile::tempdir().unwrap();
    let moving = "testsrc2=size=64x48:rate=24000/1001:duration=2";
    drawn(folder.path(), "film.mkv", moving, &["-c:v", "ffv1"]);
    let spread = ["-vf", "format=yuv444p,telecine=pattern=23", "-c:v", "ffv1", "-flags", "+ildct", "-top", "1"];
    drawn(folder.path(), "in.mkv", moving, &spread);
    expect(folder.path(), "render Repair --in in.mkv --out out.mkv --fields film", 0);
    let (film, out) = ["film.mkv", "out.mkv"].map(|name| ClipReader::open(folder.path().join(name)).unwrap()).into();
    assert_eq!((out.info().rate, out.info().frames.len()), (film.info().rate, film.info().frames.len()));
    for n in [3, 17, 30] {
        let near = pickup_clips::psnr(&film.frame(n).unwrap(), &out.frame(n).unwrap()).unwrap();
        assert!(near > 35.0, "{n}: {near}");
    }
}

#[test]
#[ignore = "needs ffmpeg"]
fn repeats_are_left_out_and_the_others_keep_their_times() {
    let folder = tempfile::tempdir().unwrap();
    let moving = "testsrc2=size=320x240:rate=25:duration=1,crop=160:120:'n*4':'n*2',loop=3:1:9,setpts=N/25/TB";
    drawn(folder.path(), "in.mkv", moving, &["-c:v", "libx264", "-crf", "18"]);
    let said = expect(folder.path(), "render Repair --in in.mkv --out out.mkv --without-repeats", 0);
    assert!(said.contains("3 frames that repeat") && said.contains("10-12"), "{said}");
    let out = ClipReader::open(folder.path().join("out.mkv")).unwrap().info().clone();
    // Read again, a gap in even times is a hole.
    assert_eq!((out.frames.len(), out.missing().to_string()), (25, "10-12".to_owned()));
    expect(folder.path(), "render Repair --in in.mkv --out out/%d.png --without-repeats", 0);
    assert_eq!(ClipReader::open(folder.path().join("out")).unwrap().info().frames.to_string(), "1-25");
}

#[test]
#[ignore = "needs ffmpeg"]
fn frames_that_a_decoder_had_to_guess_are_named() {
    let folder = tempfile::tempdir().unwrap();
    // By one thread: several do not write the same bytes every time.
    let options = ["-c:v", "libx264", "-threads", "1", "-g", "25", "-x264-params", "slices=4"];
    drawn(folder.path(), "in.ts", "testsrc2=size=320x240:rate=25:duration=2", &options);
    assert!(!expect(folder.path(), "render Repair --in in.ts --out out.mkv", 0).contains("damaged"));
    let mut bytes = fs::read(folder.path().join("in.ts")).unwrap();
    // Not all that is wrong is noticed by a decoder: it is wrong in several places.
    let eighth = bytes.len() / 8;
    bytes.chunks_mut(eighth).skip(1).for_each(|part| part.iter_mut().take(60).for_each(|byte| *byte = 0x5A));
    fs::write(folder.path().join("in.ts"), bytes).unwrap();
    let said = expect(folder.path(), "render Repair --in in.ts --out out.mkv", 0);
    assert!(said.contains("data are damaged for these frames: ") && said.contains("--set \"frames="), "{said}");
}

#[cfg(unix)]
#[test]
#[ignore = "needs ffmpeg"]
fn a_video_that_does_not_fit_is_an_error_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    drawn(folder.path(), "in.mkv", "testsrc2=size=128x96:rate=25:duration=1", &["-c:v", "ffv1"]);
    let whole = |name: &str| {
        expect(folder.path(), &format!("render Repair --in in.mkv --out {name}"), 0);
        fs::metadata(folder.path().join(name)).unwrap().len()
    };
    for name in ["out.mkv", "out.mov"] {
        // The last bytes alone do not fit: ffmpeg says so, and ends well. What is written takes blocks of 1024 bytes.
        let blocks = whole(name) / 1024 - 4;
        fs::remove_file(folder.path().join(name)).unwrap();
        let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" render Repair --in in.mkv --out {name}");
        let output = Command::new("bash")
            .args(["-c", &script, env!("CARGO_BIN_EXE_pickup")])
            .current_dir(folder.path())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{name}: {said}");
        assert!(!folder.path().join(name).exists(), "{name}: {said}");
    }
}

#[test]
#[ignore = "needs ffmpeg"]
fn a_video_that_is_cut_short_says_how_much_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let options = ["-c:v", "libx264", "-movflags", "+faststart"];
    drawn(folder.path(), "whole.mp4", "testsrc2=size=128x96:rate=25:duration=2", &options);
    let bytes = fs::read(folder.path().join("whole.mp4")).unwrap();
    fs::write(folder.path().join("in.mp4"), &bytes[..bytes.len() * 6 / 10]).unwrap();
    let output = pickup(folder.path(), "render Repair --in in.mp4 --out out.mkv");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("cut short") || said.contains("promises"), "{said}");
}

#[test]
#[ignore = "needs ffmpeg"]
fn a_second_video_follows_the_bridge() {
    let folder = tempfile::tempdir().unwrap();
    let moving = "testsrc2=size=160x120:rate=25:duration=1";
    drawn(folder.path(), "a.mkv", moving, &["-frames:v", "8", "-c:v", "ffv1", "-pix_fmt", "bgr0"]);
    drawn(
        folder.path(),
        "b.mkv",
        moving,
        &["-vf", "trim=start_frame=10:end_frame=16", "-c:v", "ffv1", "-pix_fmt", "bgr0"],
    );
    let line = "render Bridge --in a.mkv --to b.mkv --set by=Motion --set length=2";
    let said = expect(folder.path(), &format!("{line} --out out.mkv"), 0);
    assert!(said.contains("frame 1 is taken for frame 11") && said.contains("16 frames (1-16)"), "{said}");
    assert!(said.contains("made: 9-10;"), "{said}");
    let open = |name: &str| ClipReader::open(folder.path().join(name)).unwrap();
    assert_eq!(open("out.mkv").frame(8).unwrap(), open("a.mkv").frame(8).unwrap());
    assert_eq!(open("out.mkv").frame(11).unwrap(), open("b.mkv").frame(1).unwrap());
    let said = expect(folder.path(), &format!("{line} --set start=6 --out cut.mkv"), 0);
    assert!(said.contains("13 frames (1-13)") && said.contains("made: 6-7;"), "{said}");
}
