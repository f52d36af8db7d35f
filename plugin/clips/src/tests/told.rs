//! What is told of clips whose files hold more, or otherwise, than what is written from them.

use std::fs;

use exr::prelude::{Image, IntegerBounds, SpecificChannels, Vec2, WritableImage};

use super::{videos::drawn, *};

fn told(reader: &ClipReader, out: &str) -> String {
    lost(reader.info(), Path::new(out), &WriteOptions::like(reader.info())).join("; ")
}

#[test]
fn a_made_exr_has_its_display_window_where_the_clip_has_it() {
    let folder = Folder::new();
    for frame in [1, 2] {
        let mut image = Image::from_channels((4, 2), SpecificChannels::rgb(|_| (f16::ONE, f16::ONE, f16::ONE)));
        image.attributes.display_window = IntegerBounds::new((-10, 20), (4, 2));
        image.layer_data.attributes.layer_position = Vec2(-10, 20);
        image.write().to_file(folder.join(format!("in.{frame:04}.exr"))).unwrap();
    }
    let reader = ClipReader::open(folder.join("in.%04d.exr")).unwrap();
    let made = folder.join("out.0001.exr");
    let writer = ClipWriter::create(folder.join("out.%04d.exr"), WriteOptions::like(reader.info()), &[]).unwrap();
    writer.write(1, &reader.frame(1).unwrap()).unwrap();
    let meta = exr::prelude::MetaData::read_from_file(&made, true).unwrap();
    assert_eq!(meta.headers[0].shared_attributes.display_window, IntegerBounds::new((-10, 20), (4, 2)));
    assert_eq!(meta.headers[0].own_attributes.layer_position, Vec2(-10, 20));
    assert_eq!(*ClipReader::open(made).unwrap().frame(1).unwrap(), *reader.frame(1).unwrap());
}

#[test]
fn colours_outside_rec_709_are_told_where_nothing_says_so_any_more() {
    let folder = Folder::new();
    let wide = ClipReader::open(beside::filmed(&folder, [1, 2])).unwrap();
    for out in ["a.png", "a.mov", "a.tif"] {
        assert!(told(&wide, out).contains("chromaticities are not those of Rec. 709"), "{out}: {}", told(&wide, out));
    }
    assert!(!told(&wide, "a.exr").contains("chromaticities"));
}

#[test]
fn grey_pictures_are_told_to_become_colour() {
    let folder = Folder::new();
    image::GrayImage::from_fn(4, 4, |x, _| image::Luma([x as u8])).save(folder.join("grey.png")).unwrap();
    image::RgbImage::from_fn(4, 4, |x, _| image::Rgb([x as u8; 3])).save(folder.join("colour.png")).unwrap();
    let open = |name: &str| ClipReader::open(folder.join(name)).unwrap();
    assert!(told(&open("grey.png"), "a.png").contains("are grey"));
    assert_eq!(told(&open("colour.png"), "a.png"), "");
}

#[test]
fn colour_that_video_keeps_in_less_detail_is_told() {
    let folder = Folder::new();
    let reader = ClipReader::open(sequence(&folder, "in.%04d.png", [1])).unwrap();
    let mut info = reader.info().clone();
    let mut coarser = |chroma, out: &str| {
        info.beside.chroma = chroma;
        lost(&info, Path::new(out), &WriteOptions::like(&info)).join("; ").contains("detail")
    };
    assert_eq!(["a.mp4", "a.mov", "a.mkv"].map(|out| coarser(None, out)), [true, true, false]);
    assert_eq!(["a.mp4", "a.mov"].map(|out| coarser(Some((2, 1)), out)), [true, false]);
    assert_eq!(["a.mp4", "a.mov"].map(|out| coarser(Some((2, 2)), out)), [false, false]);
}

#[test]
#[ignore = "needs ffmpeg"]
fn a_file_that_holds_more_or_less_than_its_pictures_says_so() {
    let folder = Folder::new();
    let animated = ClipReader::open(drawn(&folder, "a.png", &["-t", "0.2", "-f", "apng"])).unwrap();
    assert!(told(&animated, "b.png").contains("is an animation"), "{}", told(&animated, "b.png"));
    let still = ClipReader::open(drawn(&folder, "still.png", &["-frames:v", "1"])).unwrap();
    assert_eq!(told(&still, "b.png"), "");

    let two = drawn(&folder, "two.mkv", &["-t", "0.2", "-map", "0:v", "-map", "0:v", "-c:v", "ffv1"]);
    let two = ClipReader::open(two).unwrap();
    assert!(told(&two, "b.mkv").contains("further pictures"), "{}", told(&two, "b.mkv"));
    let full = drawn(&folder, "full.mp4", &["-t", "0.2", "-pix_fmt", "yuv422p", "-c:v", "libx264"]);
    assert_eq!(ClipReader::open(full).unwrap().info().beside.chroma, Some((2, 1)));

    let whole = drawn(&folder, "whole.mkv", &["-c:v", "ffv1"]);
    assert_eq!(ClipReader::open(&whole).unwrap().info().beside.promised, None);
    let bytes = fs::read(&whole).unwrap();
    fs::write(folder.join("cut.mkv"), &bytes[..bytes.len() / 2]).unwrap();
    assert_eq!(ClipReader::open(folder.join("cut.mkv")).unwrap().info().beside.promised, Some(50));
}

#[test]
#[ignore = "needs ffmpeg"]
fn frames_that_were_decoded_from_damaged_ones_are_named() {
    let folder = Folder::new();
    let path = drawn(
        &folder,
        "in.ts",
        &["-vf", "scale=640:480,noise=alls=30", "-c:v", "libx264", "-g", "10", "-bf", "0", "-pix_fmt", "yuv420p"],
    );
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 188 / 2 * 188;
    bytes[middle + 20..middle + 180].fill(0x5A);
    fs::write(&path, bytes).unwrap();
    let reader = ClipReader::open(&path).unwrap();
    reader.info().frames.iter().for_each(|frame| drop(reader.frame(frame)));
    let damaged = reader.damaged().unwrap();
    let first = damaged.guessed.first().expect("one frame is damaged");
    let next_key = (first - 1) / 10 * 10 + 11;
    let after: frame_list::FrameList =
        (first + 1..next_key).filter(|frame| !damaged.guessed.contains(*frame)).collect();
    assert_eq!(damaged.after, after, "{damaged:?}");
    assert!(!after.is_empty());
}
