//! Image sequences: every format there and back, numbers, holes, threads.

use std::sync::Arc;

use super::{frame_list::FrameList, *};

fn there_and_back(name: &str, picture: &Picture) -> Picture {
    let folder = Folder::new();
    let writer = ClipWriter::create(folder.join(name), WriteOptions::default(), &[]).unwrap();
    writer.write(7, picture).unwrap();
    writer.finish().unwrap();
    let reader = ClipReader::open(folder.join(name)).unwrap();
    Arc::unwrap_or_clone(reader.frame(7).unwrap())
}

#[test]
fn each_format_keeps_what_it_can_hold_bit_for_bit() {
    let all = [Depth::U8, Depth::U16, Depth::F16, Depth::F32];
    for (name, depths) in [
        ("a.%04d.png", &all[..2]),
        ("a.%04d.tif", &[all[0], all[1], all[3]][..]),
        ("a.%04d.exr", &all[2..]),
        ("a.%04d.bmp", &all[..1]),
        ("a.%04d.webp", &all[..1]),
    ] {
        for &depth in depths {
            for alpha in [false, true] {
                let picture = picture(1, 19, 7, alpha, depth);
                assert_eq!(there_and_back(name, &picture), picture, "{name} {depth:?} alpha {alpha}");
            }
        }
    }
}

#[test]
fn tiff_keeps_both_kinds_of_alpha_apart() {
    for premultiplied in [false, true] {
        let pixels = picture(1, 3, 3, true, Depth::U16).into_pixels();
        let picture = Picture::new(3, 3, true, premultiplied, pixels).unwrap();
        assert_eq!(there_and_back("a.####.tiff", &picture), picture);
    }
}

#[test]
fn exr_keeps_further_channels_in_their_own_depth() {
    let extras = vec![
        Plane { name: "Z".into(), samples: PlaneSamples::F32((0..12).map(|i| 1e6 + i as f32).collect()) },
        Plane {
            name: "diffuse.R".into(),
            samples: PlaneSamples::F16((0..12).map(|i| f16::from_f32(i as f32)).collect()),
        },
        Plane { name: "id".into(), samples: PlaneSamples::U32((0..12).map(|i| u32::MAX - i).collect()) },
    ];
    let picture = picture(1, 4, 3, true, Depth::F16).with_extras(extras).unwrap();
    let back = there_and_back("a.%04d.exr", &picture);
    assert_eq!(back.channel_names(), ["R", "G", "B", "A", "Z", "diffuse.R", "id"]);
    assert_eq!(back, picture);
}

#[test]
fn nan_and_infinity_survive_exr() {
    let odd = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -0.0, f32::MIN_POSITIVE / 2.0, 65504.0];
    let picture = Picture::new(2, 1, false, false, Pixels::F32(odd.to_vec())).unwrap();
    let Pixels::F32(back) = there_and_back("a.%d.exr", &picture).into_pixels() else { panic!("the depth changed") };
    assert_eq!(back.map_bits(), odd.to_vec().map_bits());
}

trait MapBits {
    fn map_bits(&self) -> Vec<u32>;
}

impl MapBits for Vec<f32> {
    fn map_bits(&self) -> Vec<u32> {
        self.iter().map(|v| v.to_bits()).collect()
    }
}

#[test]
fn float_becomes_clamped_16_bit_png_and_8_bit_becomes_half_exr() {
    let float = Picture::new(1, 1, false, false, Pixels::F32(vec![-1.0, 0.5, 7.0])).unwrap();
    assert_eq!(there_and_back("a.%d.png", &float).pixels(), &Pixels::U16(vec![0, 32768, 65535]));
    let bytes = picture(1, 16, 16, false, Depth::U8);
    let back = there_and_back("a.%d.exr", &bytes);
    assert_eq!(back.depth(), Depth::F16);
    assert_eq!(back.to_depth(Depth::U8), bytes);
}

#[test]
fn premultiplied_colours_are_divided_for_png_and_straight_ones_multiplied_for_exr() {
    let premultiplied = Picture::new(1, 1, true, true, Pixels::F32(vec![0.25, 0.5, 0.0, 0.5])).unwrap();
    let png = there_and_back("a.%d.png", &premultiplied);
    assert_eq!(png.pixels(), &Pixels::U16(vec![32768, 65535, 0, 32768]));
    assert!(!png.premultiplied());
    let exr =
        there_and_back("a.%d.exr", &Picture::new(1, 1, true, false, Pixels::F32(vec![1.0, 0.5, 0.0, 0.5])).unwrap());
    assert_eq!(exr.pixels(), &Pixels::F32(vec![0.5, 0.25, 0.0, 0.5]));
    assert!(exr.premultiplied());
}

#[test]
fn jpeg_is_close_and_drops_alpha() {
    let flat = Picture::new(16, 16, true, false, Pixels::U8([200, 100, 50, 255].repeat(256))).unwrap();
    let back = there_and_back("a.%04d.jpg", &flat);
    assert!(!back.has_alpha());
    assert!(psnr(&back, &flat).unwrap() > 40.0);
}

#[test]
fn grey_files_are_read_as_colour() {
    let folder = Folder::new();
    let grey = image::GrayImage::from_raw(2, 1, vec![10, 20]).unwrap();
    grey.save(folder.join("grey.png")).unwrap();
    let reader = ClipReader::open(folder.join("grey.png")).unwrap();
    assert_eq!(reader.frame(1).unwrap().pixels(), &Pixels::U8(vec![10, 10, 10, 20, 20, 20]));
    assert_eq!(reader.info().kind, ClipKind::Still);
}

#[test]
fn the_writer_changes_depth_and_curve_when_asked() {
    let folder = Folder::new();
    let options = WriteOptions { depth: Some(Depth::U8), transfer: Transfer::LinearToSrgb, ..WriteOptions::default() };
    let writer = ClipWriter::create(folder.join("a.png"), options, &[]).unwrap();
    writer.write(1, &Picture::new(1, 1, false, false, Pixels::F32(vec![0.18; 3])).unwrap()).unwrap();
    let back = ClipReader::open(folder.join("a.png")).unwrap().frame(1).unwrap();
    assert_eq!(back.pixels(), &Pixels::U8(vec![118; 3]));
}

#[test]
fn a_sequence_keeps_its_numbers_and_reports_its_holes() {
    let folder = Folder::new();
    let spec = sequence(&folder, "shot.%04d.png", [998, 999, 1001, 1003, 10000]);
    for name in [spec, folder.join("shot.####.png"), folder.join("")] {
        let reader = ClipReader::open(&name).unwrap();
        let info = reader.info();
        assert_eq!((info.first(), info.last()), (998, 10000));
        assert_eq!(info.missing().to_string(), "1000, 1002, 1004-9999");
        assert_eq!((info.size(), info.depth, info.rate), ((6, 4), Depth::U8, Rate::FILM));
        assert_eq!(*reader.frame(1003).unwrap(), picture(1003, 6, 4, false, Depth::U8));
        let hole = reader.frame(1002).unwrap_err();
        assert!(hole.is_missing() && hole.to_string().contains("frame 1002 is missing"), "{hole}");
        let outside = reader.frame(997).unwrap_err();
        assert!(outside.is_missing() && outside.to_string().contains("runs from 998 to 10000"), "{outside}");
    }
}

#[test]
fn negative_frames_are_written_and_read() {
    let folder = Folder::new();
    let reader = ClipReader::open(sequence(&folder, "a.%04d.png", -2..=1)).unwrap();
    assert_eq!(reader.info().frames.to_string(), "-2-1");
    assert_eq!(*reader.frame(-2).unwrap(), picture(-2, 6, 4, false, Depth::U8));
}

#[test]
fn the_formats_tell_colour_and_alpha() {
    let folder = Folder::new();
    for (name, depth, colour, premultiplied) in
        [("a.png", Depth::U16, ColourHint::Display, false), ("a.exr", Depth::F16, ColourHint::Linear, true)]
    {
        let writer = ClipWriter::create(folder.join(name), WriteOptions::default(), &[]).unwrap();
        writer.write(1, &picture(1, 5, 3, true, depth)).unwrap();
        let reader = ClipReader::open(folder.join(name)).unwrap();
        let info = reader.info();
        assert_eq!((info.colour, info.has_alpha, info.premultiplied, info.depth), (colour, true, premultiplied, depth));
        assert_eq!(info.channel_names, ["R", "G", "B", "A"]);
    }
}

#[test]
fn pixel_aspect_survives_exr() {
    let folder = Folder::new();
    let options = WriteOptions { pixel_aspect: 2.0, ..WriteOptions::default() };
    let writer = ClipWriter::create(folder.join("a.%d.exr"), options, &[]).unwrap();
    writer.write(1, &picture(1, 4, 4, false, Depth::F16)).unwrap();
    assert_eq!(ClipReader::open(folder.join("a.%d.exr")).unwrap().info().pixel_aspect, 2.0);
}

#[test]
fn a_photo_that_a_camera_stored_lying_is_read_upright() {
    let folder = Folder::new();
    // Exif as cameras write it: a TIFF header, and one entry, Orientation = 6: turn a quarter clockwise.
    let exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
    let (lying, photo) = (folder.join("lying.jpg"), folder.join("photo.jpg"));
    let writer = ClipWriter::create(&lying, WriteOptions::default(), &[]).unwrap();
    writer.write(1, &picture(1, 6, 4, false, Depth::U8)).unwrap();
    let bytes = std::fs::read(&lying).unwrap();
    let length = u16::try_from(exif.len() + 2).unwrap().to_be_bytes();
    std::fs::write(&photo, [&bytes[..2], &[0xFF, 0xE1], &length, exif, &bytes[2..]].concat()).unwrap();

    let read = |path: &Path| ClipReader::open(path).unwrap().frame(1).unwrap();
    let (lying, upright) = (read(&lying), read(&photo));
    assert_eq!(upright.size(), (4, 6));
    let (Pixels::U8(lying), Pixels::U8(upright)) = (lying.pixels(), upright.pixels()) else { panic!("8 bits") };
    for (x, y) in (0..6).flat_map(|y| (0..4).map(move |x| (x, y))) {
        // The row at the bottom becomes the column at the left.
        let (at, from) = ((y * 4 + x) * 3, ((3 - x) * 6 + y) * 3);
        assert_eq!(upright[at..at + 3], lying[from..from + 3], "({x}, {y})");
    }
}

#[test]
fn a_name_as_long_as_file_systems_take_is_written() {
    let folder = Folder::new();
    let spec = sequence(&folder, &format!("{}.%04d.png", "a".repeat(240)), 1..=2);
    assert_eq!(ClipReader::open(spec).unwrap().info().frames, FrameList::range(1, 2));
    assert_eq!(folder.names().len(), 2);
}

#[test]
fn an_exr_is_read_into_its_display_window() {
    use exr::prelude::*;
    let folder = Folder::new();
    // A 3×2 data window at (1, -1) of a 4×3 display: its top row lies outside, its bottom row at y 0.
    let samples = FlatSamples::F32((1..=6).map(|v| v as f32).collect());
    let channel = AnyChannel::new("Y", samples);
    let attributes = LayerAttributes { layer_position: Vec2(1, -1), ..LayerAttributes::default() };
    let layer = Layer::new((3, 2), attributes, Encoding::UNCOMPRESSED, AnyChannels::sort(vec![channel].into()));
    let window = ImageAttributes::new(IntegerBounds::from_dimensions((4, 3)));
    let image = Image::empty(window).with_layer(layer);
    image.write().to_file(folder.join("a.exr")).unwrap();
    let reader = ClipReader::open(folder.join("a.exr")).unwrap();
    let told = lost(reader.info(), Path::new("b.exr"), &WriteOptions::like(reader.info()));
    assert!(told.iter().any(|line| line.contains("overscan") && line.contains("made ones do not")), "{told:?}");
    let back = reader.frame(1).unwrap();
    let mut expected = vec![0.0; 36];
    expected[3..12].copy_from_slice(&[4.0, 4.0, 4.0, 5.0, 5.0, 5.0, 6.0, 6.0, 6.0]);
    assert_eq!((back.size(), back.pixels()), ((4, 3), &Pixels::F32(expected)));
}

#[test]
fn eight_threads_read_and_write_the_same_as_one() {
    let folder = Folder::new();
    let spec = sequence(&folder, "a.%04d.png", 1..=24);
    let reader =
        ClipReader::open_with(&spec, &ReadOptions { cache_bytes: 6 * 4 * 3 * 2, ..ReadOptions::default() }).unwrap();
    let writer = ClipWriter::create(folder.join("out/b.%04d.png"), WriteOptions::default(), &reader.files()).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let (reader, writer) = (&reader, &writer);
            scope.spawn(move || {
                for frame in (1..=24).filter(|f| f % 8 == thread) {
                    writer.write(frame, &reader.frame(frame).unwrap()).unwrap();
                }
            });
        }
    });
    for frame in 1..=24 {
        let (a, b) = (folder.join(format!("a.{frame:04}.png")), folder.join(format!("out/b.{frame:04}.png")));
        assert_eq!(std::fs::read(a).unwrap(), std::fs::read(b).unwrap(), "frame {frame}");
    }
}

#[test]
fn other_files_in_the_folder_are_no_frames() {
    let folder = Folder::new();
    let spec = sequence(&folder, "a.%04d.png", 1..=2);
    for name in ["notes.txt", ".a.0003.png", "a.0003.png.part", "a.3.png", "poster.png"] {
        std::fs::write(folder.join(name), b"x").unwrap();
    }
    assert_eq!(ClipReader::open(&spec).unwrap().info().frames.to_string(), "1-2");
}

#[test]
fn bmp_and_webp_take_8_bits_and_straight_alpha_from_deeper_pictures() {
    for name in ["a.%d.bmp", "a.%d.webp"] {
        let float = Picture::new(1, 1, true, true, Pixels::F32(vec![0.25, 0.5, -1.0, 0.5])).unwrap();
        assert_eq!(there_and_back(name, &float).pixels(), &Pixels::U8(vec![128, 255, 0, 128]), "{name}");
    }
}

#[test]
fn an_animated_webp_is_refused_and_not_taken_for_a_still() {
    let folder = Folder::new();
    let still = folder.join("a.webp");
    let writer = ClipWriter::create(&still, WriteOptions::default(), &[]).unwrap();
    writer.write(1, &picture(1, 4, 2, false, Depth::U8)).unwrap();
    // The still's picture as the one frame of an animation, by the container's specification.
    let file = std::fs::read(&still).unwrap();
    let chunk = |name: &[u8; 4], content: &[u8]| {
        let length = u32::try_from(content.len()).unwrap().to_le_bytes();
        let padding = vec![0; content.len() % 2];
        [&name[..], &length, content, &padding].concat()
    };
    let size = [3, 0, 0, 1, 0, 0];
    let frame = chunk(b"ANMF", &[&[0; 6][..], &size, &[40, 0, 0, 0], &file[12..]].concat());
    let extended = chunk(b"VP8X", &[&[2, 0, 0, 0][..], &size].concat());
    let chunks = [b"WEBP".to_vec(), extended, chunk(b"ANIM", &[0; 6]), frame].concat();
    let animated = folder.join("animated.webp");
    std::fs::write(&animated, chunk(b"RIFF", &chunks)).unwrap();
    let error = message(ClipReader::open(&animated));
    assert!(error.contains("animated.webp: this WebP is animated") && error.contains("GIF"), "{error}");
}
