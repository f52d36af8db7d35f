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

/// A video that ffmpeg draws: a test picture in motion, with what the options say.
pub(super) fn drawn(folder: &Folder, name: &str, options: &[&str]) -> PathBuf {
    let path = folder.join(name);
    let status = Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin", "-y", "-f", "lavfi", "-i", "testsrc2=size=64x48:rate=25:duration=2"])
        .args(options)
        .arg(&path)
        .status();
    assert!(status.unwrap().success(), "{name}");
    path
}

/// Reads a clip and writes it again under another name, with its sound.
fn again(folder: &Folder, from: &Path, to: &str, change: impl FnOnce(&mut WriteOptions)) -> ClipReader {
    let reader = ClipReader::open(from).unwrap();
    let info = reader.info();
    let length = info.frames.len() as f64 / info.rate.as_f64();
    let mut options = WriteOptions::like(info);
    options.sound = Some(SoundSpan { from: 0.0, length, tempo: 1.0, whole: true });
    change(&mut options);
    let writer = ClipWriter::create(folder.join(to), options, &[]).unwrap();
    info.frames.iter().for_each(|frame| writer.write(frame, &reader.frame(frame).unwrap()).unwrap());
    writer.finish().unwrap();
    ClipReader::open(folder.join(to)).unwrap()
}

#[test]
#[ignore = "needs ffmpeg"]
fn colour_tags_go_through_with_the_numbers_that_they_speak_of() {
    let folder = Folder::new();
    for (matrix, transfer, primaries, names) in [
        ("bt2020nc", "smpte2084", "bt2020", ["a.mp4", "a.mov", "a.mkv", "a.webm"].as_slice()),
        ("bt2020nc", "arib-std-b67", "bt2020", &["a.mp4", "a.mov", "a.mkv"]),
        ("smpte170m", "smpte170m", "smpte170m", &["a.mp4", "a.mov"]),
    ] {
        let params = format!("setparams=colorspace={matrix}:color_trc={transfer}:color_primaries={primaries}");
        let tags = ["-colorspace", matrix, "-color_trc", transfer, "-color_primaries", primaries];
        let options = [&["-vf", &params, "-c:v", "prores_ks", "-t", "0.2"][..], &tags].concat();
        let source = drawn(&folder, "source.mov", &options);
        for name in names {
            let (before, after) = (ClipReader::open(&source).unwrap(), again(&folder, &source, name, |_| {}));
            let (then, now) = (&before.info().beside.tags, &after.info().beside.tags);
            assert_eq!((&now.transfer, &now.primaries), (&then.transfer, &then.primaries), "{name} {transfer}");
            assert_eq!(then.wide(), transfer != "smpte170m");
            let db = psnr(&before.frame(2).unwrap(), &after.frame(2).unwrap()).unwrap();
            assert!(db > 30.0, "{name} {transfer}: {db}");
            let bits = if then.wide() { 10 } else { 8 };
            assert!(after.info().bits >= bits, "{name}: {}", after.info().bits);
        }
    }
}

/// Seconds at which each video frame of a file is shown, as ffprobe has them.
fn shown(path: &Path) -> Vec<f64> {
    let output = Command::new("ffprobe")
        .args(["-v", "error", "-select_streams", "v", "-show_entries", "frame=pts_time", "-of", "csv=p=0"])
        .arg(path)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().filter_map(|line| line.trim_end_matches(',').parse().ok()).collect()
}

#[test]
#[ignore = "needs ffmpeg"]
fn frames_keep_times_of_their_own() {
    let folder = Folder::new();
    let uneven = ["-vf", "select=not(lt(mod(n\\,7)\\,4))", "-fps_mode", "passthrough", "-c:v", "ffv1"];
    let source = drawn(&folder, "source.mkv", &uneven);
    let times = shown(&source);
    for name in ["a.mp4", "a.mov", "a.mkv"] {
        let after = again(&folder, &source, name, |_| {});
        let again = shown(&folder.join(name));
        assert_eq!(again.len(), times.len());
        let late = again.iter().zip(&times).map(|(a, b)| (a - again[0] - (b - times[0])).abs()).fold(0.0, f64::max);
        assert!(late < 0.0011, "{name}: {late}");
        assert!(after.info().beside.times.is_some(), "{name}");
        // Players stop where the container says that the film ends.
        let counted = Command::new("ffprobe")
            .args(["-v", "error", "-count_frames", "-show_entries", "stream=nb_read_frames", "-of", "csv=p=0"])
            .arg(folder.join(name))
            .output();
        assert_eq!(String::from_utf8(counted.unwrap().stdout).unwrap().trim(), times.len().to_string(), "{name}");
    }
    let held = drawn(&folder, "held.gif", &["-t", "0.3", "-final_delay", "80"]);
    for name in ["b.gif", "b.mov", "b.mp4"] {
        let after = again(&folder, &held, name, |_| {});
        let length = after.info().beside.last_length.unwrap();
        assert!((length - 0.8).abs() < 0.02, "{name}: {length}");
    }
    let told = |out: &str| {
        let info = ClipReader::open(&source).unwrap().info().clone();
        lost(&info, Path::new(out), &WriteOptions { times: None, ..WriteOptions::like(&info) }).join("; ")
    };
    assert!(told("a.gif").contains("rate varies"), "{}", told("a.gif"));
    assert!(told("a.mp4").contains("encoded again (h264)") && !told("a.mkv").contains("again"));
}

#[test]
#[ignore = "needs ffmpeg"]
fn a_lost_time_stamp_is_a_missing_frame() {
    let folder = Folder::new();
    let path = drawn(&folder, "a.mkv", &["-vf", "select=not(eq(n\\,9))", "-fps_mode", "passthrough", "-c:v", "ffv1"]);
    let whole = drawn(&folder, "whole.mkv", &["-c:v", "ffv1"]);
    let (reader, whole) = (ClipReader::open(path).unwrap(), ClipReader::open(whole).unwrap());
    assert_eq!(reader.info().missing().to_string(), "10");
    assert_eq!(reader.info().rate, whole.info().rate);
    assert!(reader.frame(10).unwrap_err().is_missing());
    for frame in [30, 11, 9, 50] {
        assert_eq!(*reader.frame(frame).unwrap(), *whole.frame(frame).unwrap(), "frame {frame}");
    }
}

/// Mean loudness of each half second of a file's sound.
fn loudness(path: &Path) -> Vec<f64> {
    let output = Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin", "-i"])
        .arg(path)
        .args(["-map", "0:a:0", "-ac", "1", "-ar", "8000", "-f", "f32le", "-"])
        .output()
        .unwrap();
    let samples: Vec<f64> =
        output.stdout.chunks_exact(4).map(|b| f64::from(f32::from_le_bytes([b[0], b[1], b[2], b[3]]))).collect();
    samples.chunks(4000).map(|part| (part.iter().map(|s| s * s).sum::<f64>() / part.len() as f64).sqrt()).collect()
}

#[test]
#[ignore = "needs ffmpeg"]
fn sound_goes_with_the_frames() {
    let folder = Folder::new();
    // Silence for half a second, a tone for one, silence for half a second.
    let tone = "sine=frequency=440:duration=2,volume=enable='not(between(t,0.5,1.5))':volume=0";
    let source = drawn(&folder, "source.mov", &["-f", "lavfi", "-i", tone, "-c:v", "prores_ks", "-c:a", "pcm_s16le"]);
    let part = |from, length, tempo| SoundSpan { from, length, tempo, whole: false };
    let expect = |name: &str, span: Option<SoundSpan>, loud: &[bool]| {
        again(&folder, &source, name, |options| options.sound = span.or(options.sound));
        let heard = loudness(&folder.join(name));
        assert!(heard.len() >= loud.len() && heard.len() <= loud.len() + 1, "{name}: {heard:?}");
        for (place, loud) in loud.iter().enumerate() {
            assert_eq!(heard[place] > 0.05, *loud, "{name} {place}: {heard:?}");
        }
    };
    for name in ["a.mov", "a.mkv", "a.mp4", "a.webm", "a.avi"] {
        expect(name, None, &[false, true, true, false]);
    }
    expect("b.mov", Some(part(0.5, 1.0, 1.0)), &[true, true]);
    expect("c.mov", Some(part(-1.0, 4.0, 1.0)), &[false, false, false, true, true, false, false, false]);
    expect("d.mov", Some(part(0.0, 4.0, 0.5)), &[false, false, true, true, true, true, false, false]);
    let gif = lost(
        ClipReader::open(&source).unwrap().info(),
        Path::new("a.gif"),
        &WriteOptions { sound: Some(part(0.0, 2.0, 1.0)), ..WriteOptions::default() },
    );
    assert!(gif.iter().any(|line| line.contains("sound is not written")), "{gif:?}");
}

#[test]
#[ignore = "needs ffmpeg"]
fn what_a_video_says_of_itself_goes_into_the_next() {
    let folder = Folder::new();
    let told = ["-metadata", "title=The walk", "-timecode", "01:02:03:04", "-c:v", "prores_ks", "-t", "0.2"];
    let source = drawn(&folder, "source.mov", &told);
    let say = |name: &str| {
        let output = Command::new("ffprobe")
            .args(["-v", "error", "-show_entries", "format_tags:stream_tags", "-of", "compact"])
            .arg(folder.join(name))
            .output();
        String::from_utf8(output.unwrap().stdout).unwrap()
    };
    for (name, from_start) in [("a.mov", true), ("a.mp4", true), ("a.mkv", true), ("b.mov", false)] {
        let after = again(&folder, &source, name, |options| options.from_start = from_start);
        let said = say(name);
        assert!(said.contains("The walk"), "{name}: {said}");
        assert_eq!(said.contains("01:02:03:04"), from_start, "{name}: {said}");
        assert_eq!(after.info().frames.len(), 5, "{name}");
    }
    let chapters = folder.join("chapters.txt");
    fs::write(&chapters, ";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=100\ntitle=one\n").unwrap();
    let chapters = chapters.to_str().unwrap();
    let divided = drawn(&folder, "chapters.mkv", &["-i", chapters, "-map_metadata", "1", "-t", "0.2", "-c:v", "ffv1"]);
    let divided = ClipReader::open(divided).unwrap();
    let told = lost(divided.info(), Path::new("a.mkv"), &WriteOptions::like(divided.info()));
    assert!(told.iter().any(|line| line.starts_with("chapters of the input")), "{told:?}");
    let source = ClipReader::open(source).unwrap();
    let told = |out: &str| lost(source.info(), Path::new(out), &WriteOptions::like(source.info())).join("; ");
    assert!(told("a.mov").contains("begins at another frame"));
    for out in ["a.png", "a.gif"] {
        assert!(told(out).contains("time code of the video") && told(out).contains("title and date"), "{}", told(out));
    }
}

#[test]
#[ignore = "needs ffmpeg"]
fn alpha_of_webm_is_read_and_written() {
    let folder = Folder::new();
    let source = drawn(
        &folder,
        "source.mov",
        &["-vf", "format=yuva444p10,geq=lum='lum(X,Y)':a='X*4'", "-c:v", "prores_ks", "-t", "0.2"],
    );
    let after = again(&folder, &source, "a.webm", |_| {});
    let before = ClipReader::open(&source).unwrap();
    assert!(before.info().has_alpha && after.info().has_alpha);
    let alpha =
        |picture: &Picture| picture.to_depth(Depth::U8).pixels().to_f32().chunks(4).map(|p| p[3]).collect::<Vec<_>>();
    let (then, now) = (alpha(&before.frame(2).unwrap()), alpha(&after.frame(2).unwrap()));
    let off = then.iter().zip(&now).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(off < 0.04, "{off}");
}

#[test]
#[ignore = "needs ffmpeg"]
fn a_codec_is_chosen_where_the_container_has_it() {
    let folder = Folder::new();
    let source = drawn(&folder, "source.mov", &["-c:v", "prores_ks", "-t", "0.2"]);
    for (name, codec, bits) in [
        ("a.mp4", Codec::Hevc, 10),
        ("a.mov", Codec::Hevc, 10),
        ("a.mkv", Codec::Hevc, 10),
        ("a.mov", Codec::H264, 8),
        ("a.mkv", Codec::Vp9, 10),
        ("a.avi", Codec::Ffv1, 16),
        ("a.gif", Codec::Gif, 8),
    ] {
        let after = again(&folder, &source, name, |options| options.codec = Some(codec));
        assert_eq!((after.info().bits, after.info().frames.len()), (bits, 5), "{name} {codec:?}");
    }
    let sizes = [Quality::Low, Quality::Medium, Quality::High].map(|quality| {
        again(&folder, &source, "a.mp4", |options| options.quality = quality);
        fs::metadata(folder.join("a.mp4")).unwrap().len()
    });
    assert!(sizes.is_sorted() && sizes[0] < sizes[2], "{sizes:?}");
    let options = WriteOptions { codec: Some(Codec::ProRes), ..WriteOptions::default() };
    let error = message(ClipWriter::create(folder.join("a.webm"), options, &[]));
    assert!(error.contains("prores is not written there: choose vp9"), "{error}");
}

#[test]
#[ignore = "needs ffmpeg"]
fn what_a_phone_recorded_lying_stands_with_the_shape_of_its_pixels() {
    let folder = Folder::new();
    let lying = drawn(&folder, "lying.mp4", &["-vf", "setsar=2", "-t", "0.2"]);
    let status = Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin", "-display_rotation", "90", "-i"])
        .arg(&lying)
        .args(["-c", "copy"])
        .arg(folder.join("standing.mp4"))
        .status();
    // Older builds of ffmpeg cannot turn a copy by that option; then by the stream's tag.
    if !status.unwrap().success() {
        let status = Command::new("ffmpeg")
            .args(["-v", "error", "-nostdin", "-y", "-i"])
            .arg(&lying)
            .args(["-c", "copy", "-metadata:s:v", "rotate=90"])
            .arg(folder.join("standing.mp4"))
            .status();
        assert!(status.unwrap().success());
    }
    let standing = ClipReader::open(folder.join("standing.mp4")).unwrap();
    assert_eq!(standing.info().size(), (48, 64));
    assert!((standing.info().pixel_aspect - 0.5).abs() < 1e-6, "{}", standing.info().pixel_aspect);
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
    let reader = ClipReader::open_with(&path, &ReadOptions { cache_bytes: 2000, ..ReadOptions::default() }).unwrap();
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
