//! Input that makes no sense: each case gives an error that names the file and what to do.

use std::fs;

use super::*;

#[test]
fn a_pattern_that_matches_nothing_tells_what_is_there() {
    let folder = Folder::new();
    sequence(&folder, "plate.%04d.png", 1..=3);
    let error = message(ClipReader::open(folder.join("shot.%04d.png")));
    assert!(error.contains("shot.%04d.png: no file matches") && error.contains("plate.####.png (3 files)"), "{error}");
    let error = message(ClipReader::open(folder.join("none/shot.%04d.png")));
    assert!(error.contains("no such file or folder"), "{error}");
}

#[test]
fn a_folder_of_several_sequences_lists_them() {
    let folder = Folder::new();
    sequence(&folder, "beauty.%04d.exr", 1..=3);
    sequence(&folder, "matte.%02d.png", 1..=2);
    let error = message(ClipReader::open(folder.join("")));
    assert!(error.contains("beauty.####.exr (3 files), matte.##.png (2 files)"), "{error}");
}

#[test]
fn a_folder_without_pictures_and_a_number_given_twice_are_named() {
    let folder = Folder::new();
    fs::write(folder.join("notes.txt"), b"x").unwrap();
    assert!(message(ClipReader::open(folder.join(""))).contains("no numbered pictures (EXR, PNG, TIFF"));
    sequence(&folder, "a.%d.png", [7]);
    sequence(&folder, "a.%04d.png", [7]);
    assert!(message(ClipReader::open(folder.join(""))).contains("frame 7 exists twice"));
}

#[test]
fn absent_and_nameless_clips_are_refused() {
    assert!(message(ClipReader::open("no/such/clip.mp4")).contains("no/such/clip.mp4: there is no such file"));
    assert!(message(ClipReader::open("no/such.png")).contains("no such file"));
    assert!(message(ClipReader::open("")).contains("no name"));
    assert!(message(ClipReader::open("shot.%04d.jp2")).contains("sequences are read from EXR, PNG, TIFF, JPEG, BMP"));
}

#[test]
fn a_picture_cut_short_is_an_error_in_every_format() {
    let folder = Folder::new();
    for name in ["a.png", "a.tif", "a.exr", "a.jpg", "a.bmp", "a.webp"] {
        let path = folder.join(name);
        let writer = ClipWriter::create(&path, WriteOptions::default(), &[]).unwrap();
        writer.write(1, &picture(1, 64, 64, false, Depth::U8)).unwrap();
        let whole = fs::read(&path).unwrap();
        for part in 1..20 {
            fs::write(&path, &whole[..whole.len() * part / 20]).unwrap();
            let error = message(ClipReader::open(&path));
            assert!(error.contains(name) && error.contains("damaged"), "{name} at {part}/20: {error}");
        }
        fs::write(&path, b"").unwrap();
        assert!(message(ClipReader::open(&path)).contains("0 bytes"));
        fs::write(&path, b"this is not a picture at all, whatever its name says").unwrap();
        assert!(message(ClipReader::open(&path)).contains(name));
    }
}

#[test]
fn flipped_bytes_never_panic() {
    let folder = Folder::new();
    for name in ["a.png", "a.tif", "a.exr", "a.jpg", "a.bmp", "a.webp"] {
        let path = folder.join(name);
        let writer = ClipWriter::create(&path, WriteOptions::default(), &[]).unwrap();
        writer.write(1, &picture(1, 9, 9, true, Depth::U8)).unwrap();
        let whole = fs::read(&path).unwrap();
        for at in (0..whole.len().min(600)).step_by(3) {
            let mut bytes = whole.clone();
            bytes[at] ^= 0xFF;
            fs::write(&path, &bytes).unwrap();
            // Damage to the pixels themselves may go unseen; what counts is that the reader comes back.
            if let Ok(reader) = ClipReader::open(&path) {
                assert!(reader.frame(1).is_ok());
            }
        }
    }
}

#[test]
fn absurd_sizes_are_refused_before_memory_is_taken() {
    let folder = Folder::new();
    let path = folder.join("a.png");
    let writer = ClipWriter::create(&path, WriteOptions::default(), &[]).unwrap();
    writer.write(1, &picture(1, 8, 8, false, Depth::U8)).unwrap();
    let mut bytes = fs::read(&path).unwrap();
    bytes[16..24].copy_from_slice(&[0x7F, 0xFF, 0xFF, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF]);
    let checksum = crc32(&bytes[12..29]).to_be_bytes();
    bytes[29..33].copy_from_slice(&checksum);
    fs::write(&path, &bytes).unwrap();
    let error = message(ClipReader::open(&path));
    assert!(error.contains("2147483647×2147483647"), "{error}");
}

/// The checksum of a PNG chunk, bit by bit.
pub(super) fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |c, _| if c & 1 == 1 { c >> 1 ^ 0xEDB8_8320 } else { c >> 1 })
    })
}

#[test]
fn a_clip_whose_frames_change_size_names_the_frame_and_both_sizes() {
    let folder = Folder::new();
    let spec = sequence(&folder, "a.%04d.png", 1..=3);
    let writer = ClipWriter::create(&spec, WriteOptions::default(), &[]).unwrap();
    writer.write(2, &picture(2, 8, 5, false, Depth::U8)).unwrap();
    let reader = ClipReader::open(&spec).unwrap();
    assert!(reader.frame(3).is_ok());
    let error = reader.frame(2).unwrap_err();
    assert!(error.to_string().contains("frame 2 is 8×5 pixels, but the clip is 6×4"), "{error}");
    assert!(!error.is_missing());
}

#[test]
fn an_exr_without_colour_names_what_it_has() {
    use exr::prelude::*;
    let folder = Folder::new();
    let channel = AnyChannel::new("Z", FlatSamples::F32(vec![1.0; 4]));
    let image = Image::from_channels((2, 2), AnyChannels::sort(vec![channel].into()));
    image.write().to_file(folder.join("a.exr")).unwrap();
    let error = message(ClipReader::open(folder.join("a.exr")));
    assert!(error.contains("no colour channels") && error.contains("only Z"), "{error}");
}

#[test]
fn a_clip_never_overwrites_its_input() {
    let folder = Folder::new();
    let spec = sequence(&folder, "a.%04d.png", 1..=2);
    let reader = ClipReader::open(&spec).unwrap();
    for name in ["a.%04d.png", "a.####.png", "a.0001.png", "sub/../a.%04d.png"] {
        fs::create_dir_all(folder.join("sub")).unwrap();
        let result = ClipWriter::create(folder.join(name), WriteOptions::default(), &reader.files());
        assert!(matches!(result, Err(ClipError::OverwritesInput { .. })), "{name}: {result:?}");
    }
    let beside = ClipWriter::create(folder.join("b.%04d.png"), WriteOptions::default(), &reader.files());
    assert!(beside.is_ok());
}

#[cfg(unix)]
#[test]
fn a_link_to_the_input_is_not_written_through() {
    let folder = Folder::new();
    let reader = ClipReader::open(sequence(&folder, "a.%04d.png", 1..=2)).unwrap();
    fs::create_dir(folder.join("out")).unwrap();
    std::os::unix::fs::symlink(folder.join("a.0002.png"), folder.join("out/b.0002.png")).unwrap();
    std::os::unix::fs::symlink(folder.0.path(), folder.join("same")).unwrap();
    let through_folder = ClipWriter::create(folder.join("same/a.%04d.png"), WriteOptions::default(), &reader.files());
    assert!(matches!(through_folder, Err(ClipError::OverwritesInput { .. })));
    let writer = ClipWriter::create(folder.join("out/b.%04d.png"), WriteOptions::default(), &reader.files()).unwrap();
    let through_file = writer.write(2, &reader.frame(2).unwrap());
    assert!(matches!(through_file, Err(ClipError::OverwritesInput { .. })));
    assert!(writer.write(3, &reader.frame(2).unwrap()).is_ok());
}

#[test]
fn the_next_render_clears_away_what_a_killed_one_left() {
    let folder = Folder::new();
    for name in [".0007.png.999999-3.part", ".notes.part"] {
        fs::write(folder.join(name), b"half").unwrap();
    }
    let writer = ClipWriter::create(folder.join("%04d.png"), WriteOptions::default(), &[]).unwrap();
    writer.write(7, &picture(7, 4, 4, false, Depth::U8)).unwrap();
    assert_eq!(folder.names(), [".notes.part", "0007.png"]);
}

#[test]
fn outputs_that_cannot_be_are_refused_at_once() {
    let folder = Folder::new();
    fs::write(folder.join("file"), b"x").unwrap();
    for (name, word) in [
        ("", "this is a folder"),
        ("new/", "this is a folder"),
        ("a.%04d", "format is told by the ending"),
        ("a.doc", "format is told by the ending"),
        ("a.%04d.mp4", "a video is one file"),
        ("a.%04d.%d.png", "two places"),
        ("file/a.%04d.png", "a file, not a folder"),
        ("file/sub/a.%04d.png", "a file, not a folder"),
    ] {
        let error = message(ClipWriter::create(folder.join(name), WriteOptions::default(), &[]));
        assert!(error.contains(word), "{name}: {error}");
    }
    assert_eq!(folder.names(), ["file"]);
}

#[test]
fn a_folder_without_permission_is_named_as_such() {
    let denied = ClipError::io(Path::new("out/a.png"), "write the file", std::io::ErrorKind::PermissionDenied.into());
    assert_eq!(
        denied.to_string(),
        "out/a.png: not allowed to write the file. Change the permissions of the file or folder, or choose another"
    );
}

#[test]
fn a_file_that_is_called_what_it_is_not_is_read_for_what_it_is() {
    let folder = Folder::new();
    for (is, called) in [("jpg", "png"), ("png", "jpg"), ("tif", "exr"), ("exr", "tif"), ("png", "tif")] {
        let right = folder.join(format!("{is}.{is}"));
        let writer = ClipWriter::create(&right, WriteOptions::default(), &[]).unwrap();
        writer.write(1, &picture(1, 8, 8, false, Depth::U8)).unwrap();
        writer.finish().unwrap();
        let wrong = folder.join(format!("{is}-as.{called}"));
        fs::copy(&right, &wrong).unwrap();
        let read = |path| ClipReader::open(path).unwrap().frame(1).unwrap();
        assert_eq!(read(&wrong).pixels().to_f32(), read(&right).pixels().to_f32(), "{is} as {called}");
    }
}

#[test]
fn a_folder_is_never_called_after_a_frame_number() {
    let folder = Folder::new();
    let error = message(ClipWriter::create(folder.join("%04d/a.%04d.png"), WriteOptions::default(), &[]));
    assert!(error.contains("belongs in the file name") && !folder.join("%04d").exists(), "{error}");
}

#[test]
fn a_single_file_takes_a_single_frame() {
    let folder = Folder::new();
    let writer = ClipWriter::create(folder.join("a.png"), WriteOptions::default(), &[]).unwrap();
    writer.write(5, &picture(5, 2, 2, false, Depth::U8)).unwrap();
    let error = message(writer.write(6, &picture(6, 2, 2, false, Depth::U8)));
    assert!(error.contains("one picture, which is frame 5"), "{error}");
}

#[test]
fn samples_that_do_not_fit_the_size_make_no_picture() {
    let error = message(Picture::from_rgb8(2, 2, vec![0; 11]));
    assert!(error.contains("2×2") && error.contains("11 samples"), "{error}");
    assert!(Picture::from_rgb8(0, 2, vec![]).is_err());
    assert!(Picture::from_rgb8(usize::MAX, usize::MAX, vec![]).is_err());
}

#[test]
fn a_video_without_ffmpeg_tells_what_to_install() {
    let folder = Folder::new();
    fs::write(folder.join("a.mp4"), b"x").unwrap();
    let nowhere = Tools::at(folder.join("no-ffmpeg"), folder.join("no-ffprobe"));
    let read = ReadOptions { tools: nowhere.clone(), ..ReadOptions::default() };
    let error = message(ClipReader::open_with(folder.join("a.mp4"), &read));
    assert!(
        error.contains("a.mp4: video and DPX files need ffprobe") && error.contains("sudo apt install ffmpeg"),
        "{error}"
    );
    let options = WriteOptions { tools: nowhere, ..WriteOptions::default() };
    let error = message(ClipWriter::create(folder.join("b.mkv"), options, &[]));
    assert!(error.contains("b.mkv: video and DPX files need ffmpeg"), "{error}");
    assert_eq!(folder.names(), ["a.mp4"]);
}

#[test]
fn an_empty_video_is_refused_without_ffmpeg() {
    let folder = Folder::new();
    fs::write(folder.join("a.mp4"), b"").unwrap();
    let read = ReadOptions { tools: Tools::at("no-such-ffmpeg", "no-such-ffprobe"), ..ReadOptions::default() };
    assert!(message(ClipReader::open_with(folder.join("a.mp4"), &read)).contains("a.mp4: the file is empty"));
}
