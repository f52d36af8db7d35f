//! Marks in every format that has a place for them, and files as they were where nothing is marked.

use super::*;

/// The formats of pictures; DPX is written by ffmpeg.
const PICTURES: [&str; 6] = ["png", "tif", "jpg", "webp", "exr", "bmp"];
const VIDEOS: [&str; 6] = ["mp4", "mov", "mkv", "webm", "avi", "gif"];

fn trained() -> Mark {
    Mark { source: DigitalSource::TrainedAlgorithmicMedia, system: Some("stock & co".into()) }
}

/// Writes three frames, of which the second is marked.
fn written(folder: &Folder, name: &str, mark: Option<&Mark>) -> PathBuf {
    let out = folder.join(name);
    let writer = ClipWriter::create(&out, WriteOptions::default(), &[]).unwrap();
    for frame in 1..=3 {
        let picture = picture(frame, 32, 24, false, Depth::U8);
        match frame {
            2 => writer.write_made(frame, &picture, mark).unwrap(),
            _ => writer.write(frame, &picture).unwrap(),
        }
    }
    writer.finish().unwrap();
    out
}

fn holds(file: &Path, text: &str) -> bool {
    std::fs::read(file).unwrap().windows(text.len()).any(|window| window == text.as_bytes())
}

#[test]
fn a_marked_picture_says_so_and_shows_the_same() {
    marked_pictures(&PICTURES);
}

#[test]
#[ignore = "needs ffmpeg"]
fn a_marked_dpx_says_so_and_shows_the_same() {
    marked_pictures(&["dpx"]);
}

fn marked_pictures(endings: &[&str]) {
    let folder = Folder::new();
    for ending in endings {
        let plain = written(&folder, &format!("plain-{ending}/%d.{ending}"), None);
        let marked = written(&folder, &format!("marked-{ending}/%d.{ending}"), Some(&trained()));
        let (before, after) = (ClipReader::open(&plain).unwrap(), ClipReader::open(&marked).unwrap());
        let file = |reader: &ClipReader, frame| reader.file_of(frame).unwrap().to_owned();
        for frame in [1, 3] {
            let read = |reader: &ClipReader| std::fs::read(file(reader, frame)).unwrap();
            assert_eq!(read(&before), read(&after), "{ending}: what is not made is as it was, byte for byte");
        }
        assert_eq!(before.frame(2).unwrap(), after.frame(2).unwrap(), "{ending}");
        let (told, untold) = ("digitalsourcetype/trainedAlgorithmicMedia", file(&before, 2));
        assert!(!holds(&untold, "digitalsourcetype"), "{ending}");
        let found = DigitalSource::of_file(&file(&after, 2));
        assert_eq!(found, (*ending != "bmp").then_some(DigitalSource::TrainedAlgorithmicMedia), "{ending}");
        assert_eq!(holds(&file(&after, 2), told), *ending != "bmp", "{ending}");
    }
}

#[test]
fn libraries_find_the_marks_of_pictures() {
    use image::ImageDecoder as _;
    let folder = Folder::new();
    for ending in ["png", "tif", "jpg", "webp"] {
        let marked = written(&folder, &format!("{ending}/%d.{ending}"), Some(&trained()));
        let file = ClipReader::open(&marked).unwrap().file_of(2).unwrap().to_owned();
        let xmp = if ending == "tif" {
            let mut decoder = tiff::decoder::Decoder::new(std::fs::File::open(file).unwrap()).unwrap();
            decoder.get_tag_u8_vec(tiff::tags::Tag::Unknown(700)).unwrap()
        } else {
            let reader = image::ImageReader::open(file).unwrap();
            reader.into_decoder().unwrap().xmp_metadata().unwrap().expect(ending)
        };
        let xmp = String::from_utf8(xmp).unwrap();
        assert!(xmp.contains("digitalsourcetype/trainedAlgorithmicMedia") && xmp.contains("stock &amp; co"), "{xmp}");
    }
}

#[test]
#[ignore = "needs ffmpeg"]
fn a_marked_video_says_what_all_its_frames_are_and_shows_the_same() {
    let folder = Folder::new();
    for ending in VIDEOS {
        let plain = written(&folder, &format!("plain.{ending}"), None);
        let marked = written(&folder, &format!("marked.{ending}"), Some(&trained()));
        let (before, after) = (ClipReader::open(&plain).unwrap(), ClipReader::open(&marked).unwrap());
        assert_eq!(before.info().frames.len(), 3, "{ending}");
        let (a, b) = (before.info(), after.info());
        assert_eq!(
            (&a.frames, a.rate, a.bits, &a.beside.tags),
            (&b.frames, b.rate, b.bits, &b.beside.tags),
            "{ending}"
        );
        for frame in 1..=3 {
            assert_eq!(before.frame(frame).unwrap(), after.frame(frame).unwrap(), "{ending}");
        }
        let found = DigitalSource::of_file(&marked);
        assert_eq!(found, Some(DigitalSource::CompositeWithTrainedAlgorithmicMedia), "{ending}");
        assert!(!holds(&plain, "digitalsourcetype"), "{ending}");
    }
    assert_eq!(folder.names().len(), 2 * VIDEOS.len(), "nothing is left over");
}
