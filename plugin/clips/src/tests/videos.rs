//! Videos through ffmpeg. These need ffmpeg on the path: `cargo test -- --ignored`.

use std::fs;
use std::process::Command;

use super::*;

fn write_video(folder: &Folder, name: &str, frames: i64, size: (usize, usize), alpha: bool, depth: Depth) -> PathBuf {
    let path = folder.join(name);
    let options = WriteOptions { rate: Rate { num: 30000, den: 1001 }, ..WriteOptions::default() };
    let writer = ClipWriter::create(&path, options, &[]).unwrap();
    for frame in 1..=frames {
        writer.write(frame, &picture(frame, size.0, size.1, alpha, depth)).unwrap();
    }
    writer.finish().unwrap();
    path
}

#[test]
#[ignore = "needs ffmpeg"]
fn ffv1_keeps_every_bit_in_both_depths_with_and_without_alpha() {
    let folder = Folder::new();
    for depth in [Depth::U8, Depth::U16] {
        for alpha in [false, true] {
            let path = write_video(&folder, "a.mkv", 5, (33, 17), alpha, depth);
            let reader = ClipReader::open(&path).unwrap();
            assert_eq!(reader.info().frames.to_string(), "1-5");
            assert_eq!(reader.info().rate, Rate { num: 30000, den: 1001 });
            for frame in [4, 1, 5, 2, 3] {
                let expected = picture(frame, 33, 17, alpha, depth);
                assert!(*reader.frame(frame).unwrap() == expected, "frame {frame} {depth:?} alpha {alpha}");
            }
        }
    }
    assert_eq!(folder.names(), ["a.mkv"]);
}

#[test]
#[ignore = "needs ffmpeg"]
fn what_a_video_holds_beside_its_pictures_is_told_where_it_is_lost() {
    let folder = Folder::new();
    let plain = ClipReader::open(write_video(&folder, "plain.mkv", 12, (32, 16), false, Depth::U8)).unwrap();
    assert_eq!(plain.info().beside, Beside::default());
    assert!(lost(plain.info(), Path::new("a.mp4")).is_empty());

    let status = Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin", "-f", "lavfi", "-i", "testsrc=size=64x48:rate=25:duration=1"])
        .args(["-f", "lavfi", "-i", "sine=duration=1", "-vf", "setfield=tff,select=not(eq(mod(n\\,5)\\,2))"])
        .args(["-fps_mode", "passthrough", "-c:v", "libx264", "-flags", "+ildct+ilme", "-c:a", "flac"])
        .args(["-colorspace", "bt2020nc", "-color_trc", "smpte2084", "-color_primaries", "bt2020"])
        .arg(folder.join("full.mkv"))
        .status();
    assert!(status.unwrap().success());
    let full = ClipReader::open(folder.join("full.mkv")).unwrap();
    let expected = Beside {
        sound: true,
        interlaced: true,
        uneven: true,
        wide: Some("bt2020nc, smpte2084, bt2020".into()),
        ..Beside::default()
    };
    assert_eq!(full.info().beside, expected);
    let told = lost(full.info(), Path::new("a.mp4"));
    assert_eq!(told.len(), 4, "{told:?}");
    for (line, word) in told.iter().zip(["sound", "interlaced", "rate varies", "smpte2084"]) {
        assert!(line.contains(word), "{line}");
    }
    assert_eq!(lost(full.info(), Path::new("a.%d.png")).len(), 2, "pictures have no sound and no rate");
}

#[test]
#[ignore = "needs ffmpeg"]
fn mp4_and_mov_come_back_close_in_brightness_and_colour() {
    let folder = Folder::new();
    let ramp = |frame: i64| {
        let sample = |i: usize| [(i % 64 * 4) as u8, (i / 64 * 4) as u8, (frame * 20) as u8];
        Picture::from_rgb8(64, 64, (0..64 * 64).flat_map(sample).collect()).unwrap()
    };
    for name in ["a.mp4", "a.mov"] {
        let writer = ClipWriter::create(folder.join(name), WriteOptions::default(), &[]).unwrap();
        (1..=4).for_each(|f| writer.write(f, &ramp(f)).unwrap());
        writer.finish().unwrap();
        let reader = ClipReader::open(folder.join(name)).unwrap();
        assert_eq!((reader.info().last(), reader.info().size()), (4, (64, 64)));
        for frame in 1..=4 {
            let db = psnr(&reader.frame(frame).unwrap(), &ramp(frame)).unwrap();
            assert!(db > 36.0, "{name} frame {frame}: {db}");
        }
    }
}

#[test]
#[ignore = "needs ffmpeg"]
fn an_abandoned_video_leaves_no_file_and_a_failed_one_keeps_the_old() {
    let folder = Folder::new();
    fs::write(folder.join("a.mkv"), b"old").unwrap();
    let writer = ClipWriter::create(folder.join("a.mkv"), WriteOptions::default(), &[]).unwrap();
    writer.write(1, &picture(1, 8, 8, false, Depth::U8)).unwrap();
    drop(writer);
    let writer = ClipWriter::create(folder.join("a.mkv"), WriteOptions::default(), &[]).unwrap();
    assert!(message(writer.finish()).contains("no frame was written"));
    assert_eq!(folder.names(), ["a.mkv"]);
    assert_eq!(fs::read(folder.join("a.mkv")).unwrap(), b"old");
}

#[test]
#[ignore = "needs ffmpeg"]
fn a_video_takes_rising_frames_of_one_size_and_mp4_even_ones() {
    let folder = Folder::new();
    let writer = ClipWriter::create(folder.join("a.mkv"), WriteOptions::default(), &[]).unwrap();
    writer.write(10, &picture(1, 8, 8, false, Depth::U8)).unwrap();
    assert!(message(writer.write(10, &picture(1, 8, 8, false, Depth::U8))).contains("frame 10 came after frame 10"));
    assert!(message(writer.write(11, &picture(1, 8, 6, false, Depth::U8))).contains("frame 11 is 8×6"));
    writer.write(12, &picture(2, 8, 8, false, Depth::U8)).unwrap();
    writer.finish().unwrap();
    let reader = ClipReader::open(folder.join("a.mkv")).unwrap();
    assert_eq!(reader.info().frames.to_string(), "1-2");
    assert_eq!(*reader.frame(2).unwrap(), picture(2, 8, 8, false, Depth::U8));
    let writer = ClipWriter::create(folder.join("odd.mp4"), WriteOptions::default(), &[]).unwrap();
    assert!(message(writer.write(1, &picture(1, 9, 8, false, Depth::U8))).contains("even width and height, not 9×8"));
    let clash = ClipWriter::create(folder.join("a.mkv"), WriteOptions::default(), &reader.files());
    assert!(matches!(clash, Err(ClipError::OverwritesInput { .. })));
}

#[test]
#[ignore = "needs ffmpeg"]
fn what_is_no_video_is_refused_and_one_cut_short_ends_with_an_error() {
    let folder = Folder::new();
    fs::write(folder.join("text.mp4"), b"To whom it may concern: this is a letter.").unwrap();
    let error = message(ClipReader::open(folder.join("text.mp4")));
    assert!(error.contains("text.mp4: this is not a video that ffmpeg can read"), "{error}");
    let path = write_video(&folder, "a.mp4", 12, (64, 64), false, Depth::U8);
    let whole = fs::read(&path).unwrap();
    // The index stands first and promises all frames; the pictures behind it are cut.
    fs::write(&path, &whole[..whole.len() * 2 / 3]).unwrap();
    let result = ClipReader::open(&path).and_then(|reader| (1..=12).try_for_each(|f| reader.frame(f).map(drop)));
    assert!(message(result).contains("a.mp4"));
}

#[test]
#[ignore = "needs ffmpeg"]
fn frames_far_apart_and_many_threads_get_the_right_pictures() {
    let folder = Folder::new();
    let path = write_video(&folder, "a.mkv", 40, (16, 8), false, Depth::U8);
    let reader = ClipReader::open_with(&path, &Tools::default(), 2000).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let reader = &reader;
            scope.spawn(move || {
                for i in 0..10 {
                    let frame = (thread * 17 + i * 13) % 40 + 1;
                    assert_eq!(*reader.frame(frame).unwrap(), picture(frame, 16, 8, false, Depth::U8), "frame {frame}");
                }
            });
        }
    });
}

/// The claim that known frames of a video are those that ffmpeg itself decodes, rounded accurately, and by BT.709 where a clip of
/// high definition says nothing, on real footage.
#[test]
#[ignore = "needs ffmpeg, and footage in $PICKUP_SHARED/footage"]
fn real_footage_equals_a_plain_decode_bit_for_bit() {
    let shared = std::env::var_os("PICKUP_SHARED").expect("PICKUP_SHARED names the folder that holds footage/");
    let untagged = "setparams=colorspace=bt709";
    for (name, filter) in [
        ("bigbuckbunny.mp4", untagged),
        ("cups.mp4", "null"),
        ("juggle.mp4", "null"),
        ("bedroom.mp4", "null"),
        ("walk.mkv", "null"),
    ] {
        let path = Path::new(&shared).join("footage").join(name);
        let folder = Folder::new();
        let status = Command::new("ffmpeg")
            .args(["-v", "error", "-nostdin", "-i"])
            .arg(&path)
            .args(["-vf", filter, "-sws_flags", "bicubic+accurate_rnd+full_chroma_int"])
            .args(["-fps_mode", "passthrough", "-compression_level", "1"])
            .arg(folder.join("%04d.png"))
            .status();
        assert!(status.unwrap().success());
        let plain = ClipReader::open(folder.join("%04d.png")).unwrap();
        let reader = ClipReader::open(&path).unwrap();
        assert_eq!(reader.info().frames, plain.info().frames, "{name}");
        let last = reader.info().last();
        // Forward through the start, the very end, then back into the middle.
        for frame in (1..=12).chain([last, last / 2, last / 2 - 1, 3]) {
            assert!(reader.frame(frame).unwrap() == plain.frame(frame).unwrap(), "{name} frame {frame}");
        }
        assert!(reader.frame(last + 1).unwrap_err().is_missing());
    }
}
