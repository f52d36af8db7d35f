//! What pictures hold beside their pixels: in files that are copied, in files that are made, and told where it is lost.

use std::fs;

use exr::prelude::{Image, LayerAttributes, SpecificChannels, Text, WritableImage as _};
use image::ImageEncoder as _;

use super::*;

fn profiled(folder: &Folder, name: &str) -> PathBuf {
    let path = folder.join(name);
    let options = WriteOptions {
        beside: Beside { profile: Some(vec![1; 200].into()), ..Beside::default() },
        ..WriteOptions::default()
    };
    let writer = ClipWriter::create(&path, options, &[]).unwrap();
    writer.write(1, &picture(1, 6, 4, false, Depth::U8)).unwrap();
    path
}

#[test]
fn a_colour_profile_goes_into_every_format_that_holds_one() {
    let folder = Folder::new();
    for name in ["a.png", "a.jpg", "a.tif", "a.webp"] {
        let reader = ClipReader::open(profiled(&folder, name)).unwrap();
        assert_eq!(reader.info().beside.profile.as_deref(), Some(&[1; 200][..]), "{name}");
        let told = |out: &str, transfer| {
            let options = WriteOptions { transfer, ..WriteOptions::like(reader.info()) };
            lost(reader.info(), Path::new(out), &options).join("; ")
        };
        assert_eq!(told("b.png", Transfer::AsIs), "");
        for none in ["b.exr", "b.bmp"] {
            assert!(told(none, Transfer::AsIs).contains("profile"), "{name} to {none}");
        }
        assert!(told("b.png", Transfer::LinearToSrgb).contains("profile"), "{name}");
    }
}

#[test]
fn a_kept_frame_is_its_file_unless_something_is_changed() {
    let folder = Folder::new();
    let photo = folder.join("photo.jpg");
    let mut bytes = Vec::new();
    let encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, 60);
    encoder.write_image(&[90; 300], 10, 10, image::ExtendedColorType::Rgb8).unwrap();
    // A comment, which no decoder hands on.
    let comment = [&[0xFF, 0xFE, 0, 9][..], b"my cat\0"].concat();
    let bytes = [&bytes[..2], &comment, &bytes[2..]].concat();
    fs::write(&photo, &bytes).unwrap();
    let reader = ClipReader::open(&photo).unwrap();
    let kept = |name: &str, options: WriteOptions| {
        let writer = ClipWriter::create(folder.join(name), options, &[]).unwrap();
        writer.write_kept(1, &reader.frame(1).unwrap(), reader.file_of(1).unwrap(), || None).unwrap();
        fs::read(folder.join(name)).unwrap() == bytes
    };
    let like = || WriteOptions::like(reader.info());
    assert!(kept("a.jpg", like()));
    assert!(kept("a.jpeg", WriteOptions { depth: Some(Depth::U8), ..like() }));
    assert!(!kept("b.jpg", WriteOptions { transfer: Transfer::LinearToSrgb, ..like() }));
    assert!(!kept("b.png", like()));
    assert!(fs::read(folder.join("b.png")).unwrap().starts_with(b"\x89PNG"), "another format is written as that");

    // What lies is not copied beside made frames that stand.
    let exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
    let length = u16::try_from(exif.len() + 2).unwrap().to_be_bytes();
    let lying = folder.join("lying.jpg");
    fs::write(&lying, [&bytes[..2], &[0xFF, 0xE1], &length, exif, &bytes[2..]].concat()).unwrap();
    let lying = ClipReader::open(&lying).unwrap();
    let writer = ClipWriter::create(folder.join("c.jpg"), WriteOptions::like(lying.info()), &[]).unwrap();
    writer.write_kept(1, &lying.frame(1).unwrap(), lying.file_of(1).unwrap(), || None).unwrap();
    assert!(!fs::read(folder.join("c.jpg")).unwrap().windows(4).any(|four| four == b"Exif"));
}

/// EXR files of frames, with a time code of 25 frames a second, an owner, and a focus that differs.
pub(super) fn filmed(folder: &Folder, frames: impl IntoIterator<Item = u8>) -> PathBuf {
    for frame in frames {
        let channels = SpecificChannels::rgb(|_| (f16::ONE, f16::ONE, f16::ONE));
        let mut image = Image::from_channels((4, 2), channels);
        image.layer_data.attributes = LayerAttributes {
            owner: Some("the studio".into()),
            focus: Some(f32::from(frame)),
            ..LayerAttributes::default()
        };
        image.layer_data.attributes.other.insert("show".into(), exr::prelude::AttributeValue::Text("one".into()));
        let mut code = exr::prelude::attribute::TimeCode::from_tv60_time(0, 0);
        (code.hours, code.seconds, code.frame) = (1, frame / 25, frame % 25);
        image.attributes.time_code = Some(code);
        image.attributes.chromaticities = Some(exr::prelude::attribute::Chromaticities {
            red: (0.708, 0.292).into(),
            green: (0.17, 0.797).into(),
            blue: (0.131, 0.046).into(),
            white: (0.3127, 0.329).into(),
        });
        image.write().to_file(folder.join(format!("in.{frame:04}.exr"))).unwrap();
    }
    folder.join("in.%04d.exr")
}

#[test]
fn a_made_exr_has_what_is_the_clips_and_its_own_time_code() {
    let folder = Folder::new();
    let reader = ClipReader::open(filmed(&folder, [20, 21, 22, 24, 26, 50])).unwrap();
    let options = WriteOptions::like(reader.info());
    let told = lost(reader.info(), Path::new("out.%04d.exr"), &options);
    assert!(told.len() == 1 && told[0].contains("of single frames"), "{told:?}");
    assert!(lost(reader.info(), Path::new("a.png"), &options)[0].contains("time code"));
    let writer = ClipWriter::create(folder.join("out.%04d.exr"), options, &[]).unwrap();
    for frame in [20, 25] {
        writer.write(frame, &reader.frame(20).unwrap()).unwrap();
        let path = folder.join(format!("out.{frame:04}.exr"));
        let meta = exr::prelude::MetaData::read_from_file(path, true).unwrap();
        let (image, layer) = (&meta.headers[0].shared_attributes, &meta.headers[0].own_attributes);
        let code = image.time_code.unwrap();
        let frames = i64::from(code.seconds) * 25 + i64::from(code.frame);
        assert_eq!((code.hours, frames), (1, frame));
        assert_eq!(image.chromaticities.unwrap().red, (0.708, 0.292).into());
        assert_eq!(layer.owner, Some(Text::from("the studio")));
        assert_eq!(layer.focus, None, "that is a frame's own");
        let show = layer.other.get(&Text::from("show")).or(image.other.get(&Text::from("show")));
        assert_eq!(show, Some(&exr::prelude::AttributeValue::Text("one".into())));
    }
}

#[test]
fn a_curve_changes_between_light_and_what_is_shown_where_that_is_known() {
    let folder = Folder::new();
    let info = |name: &str, depth| {
        let writer = ClipWriter::create(folder.join(name), WriteOptions::default(), &[]).unwrap();
        writer.write(1, &picture(1, 4, 4, false, depth)).unwrap();
        ClipReader::open(folder.join(name)).unwrap().info().clone()
    };
    let (light, shown) = (info("a.exr", Depth::F16), info("a.png", Depth::U8));
    let usual = |info: &ClipInfo, out: &str| usual_transfer(info, Path::new(out));
    assert_eq!(usual(&light, "b.exr"), Transfer::AsIs);
    assert_eq!(usual(&light, "b.tif"), Transfer::AsIs);
    assert_eq!(usual(&shown, "b.mp4"), Transfer::AsIs);
    for out in ["b.png", "b.jpg", "b.mp4", "b.mov"] {
        assert_eq!(usual(&light, out), Transfer::LinearToSrgb, "{out}");
    }
    assert_eq!(usual(&shown, "b.exr"), Transfer::SrgbToLinear);
    let mut unknown = shown.clone();
    unknown.beside.tags.transfer = Some("smpte2084".into());
    assert_eq!(usual(&unknown, "b.exr"), Transfer::AsIs);

    // 0.18 of the light of white is 118 of 255 on a display.
    let grey = Picture::new(1, 1, false, false, Pixels::F32(vec![0.18; 3])).unwrap();
    let options = WriteOptions { transfer: Transfer::LinearToSrgb, depth: Some(Depth::F32), ..WriteOptions::default() };
    let writer = ClipWriter::create(folder.join("grey.png"), options, &[]).unwrap();
    writer.write(1, &grey).unwrap();
    let back = ClipReader::open(folder.join("grey.png")).unwrap().frame(1).unwrap();
    assert_eq!(back.to_depth(Depth::U8).pixels(), &Pixels::U8(vec![118; 3]));
    // Eight bits that become light are told apart still.
    let all = Picture::new(256, 1, false, false, Pixels::U8((0..=255).flat_map(|v| [v; 3]).collect())).unwrap();
    let options = WriteOptions { transfer: Transfer::SrgbToLinear, depth: Some(Depth::U8), ..WriteOptions::default() };
    let writer = ClipWriter::create(folder.join("all.exr"), options, &[]).unwrap();
    writer.write(1, &all).unwrap();
    let light = ClipReader::open(folder.join("all.exr")).unwrap().frame(1).unwrap();
    assert_eq!(light.to_transfer(Transfer::LinearToSrgb).to_depth(Depth::U8).pixels(), all.pixels());
}

#[test]
fn a_tiff_that_lies_is_read_upright_and_not_copied_lying() {
    use tiff::{encoder::TiffEncoder, encoder::colortype::RGB8, tags::Tag};
    let folder = Folder::new();
    let path = folder.join("lying.tif");
    let Pixels::U8(samples) = picture(1, 6, 4, false, Depth::U8).into_pixels() else { panic!("8 bits") };
    let mut file = std::io::Cursor::new(Vec::new());
    let mut encoder = TiffEncoder::new(&mut file).unwrap();
    let mut image = encoder.new_image::<RGB8>(6, 4).unwrap();
    // A quarter clockwise, as in Exif.
    image.encoder().write_tag(Tag::Orientation, 6_u16).unwrap();
    image.write_data(&samples).unwrap();
    fs::write(&path, file.into_inner()).unwrap();
    let reader = ClipReader::open(&path).unwrap();
    assert_eq!(reader.info().size(), (4, 6));
    let upright = reader.frame(1).unwrap();
    let Pixels::U8(read) = upright.pixels() else { panic!("8 bits") };
    // The pixel at the lower left becomes the one at the upper left.
    assert_eq!(read[..3], samples[3 * 6 * 3..3 * 6 * 3 + 3]);
    let writer = ClipWriter::create(folder.join("b.tif"), WriteOptions::like(reader.info()), &[]).unwrap();
    writer.write_kept(1, &upright, &path, || None).unwrap();
    assert_eq!(*ClipReader::open(folder.join("b.tif")).unwrap().frame(1).unwrap(), *upright);
    assert_ne!(fs::read(folder.join("b.tif")).unwrap(), fs::read(&path).unwrap());
}
