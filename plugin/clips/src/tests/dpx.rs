//! DPX: what its header tells, and its pictures by ffmpeg.

use std::fs;
use std::process::Command;

use super::*;

/// A DPX of 8×6 pixels in a layout by ffmpeg's name, which has a header of film and one of television.
fn scanned(folder: &Folder, name: &str, format: &str, transfer: u8) -> PathBuf {
    let path = folder.join(name);
    let status = Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin", "-y", "-f", "lavfi", "-i", "testsrc2=size=8x6", "-frames:v", "1"])
        .args(["-f", "image2pipe", "-c:v", "dpx", "-pix_fmt", format, "pipe:1"])
        .stdout(fs::File::create(&path).unwrap())
        .status();
    assert!(status.expect("ffmpeg starts").success());
    let mut bytes = fs::read(&path).unwrap();
    bytes[801] = transfer;
    let big = bytes.starts_with(b"SDPX");
    let number = |value: u32| if big { value.to_be_bytes() } else { value.to_le_bytes() };
    // The picture moves on to make room for the time code, 01:02:03:04.
    let samples = bytes.split_off(1664);
    bytes.resize(2048, 0xFF);
    bytes[1920..1924].copy_from_slice(&number(0x0102_0304));
    bytes[4..8].copy_from_slice(&number(2048));
    bytes[16..20].copy_from_slice(&number(2048 + samples.len() as u32));
    fs::write(&path, [bytes, samples].concat()).unwrap();
    path
}

#[test]
#[ignore = "needs ffmpeg"]
fn dpx_of_8_and_16_bits_come_back_bit_for_bit() {
    let folder = Folder::new();
    for (depth, alpha) in [(Depth::U8, false), (Depth::U8, true), (Depth::U16, false), (Depth::U16, true)] {
        let spec = folder.join(format!("{depth:?} 100%{alpha}.%04d.dpx"));
        let options = WriteOptions { pixel_aspect: 2.0, ..WriteOptions::default() };
        let writer = ClipWriter::create(&spec, options, &[]).unwrap();
        // Lines of 8 bits are filled up to four bytes.
        let written = picture(1, 19, 7, alpha, depth);
        writer.write(5, &written).unwrap();
        let reader = ClipReader::open(&spec).unwrap();
        assert_eq!(*reader.frame(5).unwrap(), written, "{depth:?} {alpha}");
        let info = reader.info();
        assert_eq!((info.pixel_aspect, info.bits), (2.0, 8 * depth.bytes() as u8));
        assert_eq!(info.colour, ColourHint::Display, "what was made of display values says video");
    }
}

#[test]
#[ignore = "needs ffmpeg"]
fn a_made_dpx_has_the_bits_and_the_curve_of_the_clips_and_a_kept_one_is_its_file() {
    let folder = Folder::new();
    let formats = [("rgb24", 8), ("rgba", 8), ("gbrp10le", 10), ("gbrp12be", 12), ("rgb48be", 16), ("rgba64le", 16)];
    for (format, bits) in formats {
        let source = scanned(&folder, &format!("{format}.dpx"), format, 1);
        let reader = ClipReader::open(&source).unwrap();
        assert_eq!(reader.info().bits, bits, "{format}");
        let picture = reader.frame(1).unwrap();
        let options = || WriteOptions::like(reader.info());
        let made = folder.join("made.dpx");
        ClipWriter::create(&made, options(), &[]).unwrap().write(1, &picture).unwrap();
        let again = ClipReader::open(&made).unwrap();
        assert_eq!((again.info().bits, *again.frame(1).unwrap() == *picture), (bits, true), "{format}");
        assert_eq!(again.info().beside.dpx.unwrap().curve(), Some("printing density"), "{format}");
        let kept = folder.join("kept.dpx");
        ClipWriter::create(&kept, options(), &[]).unwrap().write_kept(1, &picture, &source, || None).unwrap();
        assert!(fs::read(&kept).unwrap() == fs::read(&source).unwrap(), "{format}");
        let told = |out: &str| lost(reader.info(), Path::new(out), &options()).join("; ");
        assert!(told("b.dpx").contains("time code, made frames do not have"), "{}", told("b.dpx"));
        assert!(told("b.png").contains("time code, is not written"), "{}", told("b.png"));
    }
}

#[test]
#[ignore = "needs ffmpeg"]
fn densities_go_to_exr_as_they_are_and_video_by_its_curve() {
    let folder = Folder::new();
    let exr = Path::new("out.exr");
    for (transfer, word) in [(0, "do not say"), (1, "printing density"), (2, "linear"), (3, "logarithmic")] {
        let reader = ClipReader::open(scanned(&folder, "a.dpx", "gbrp10be", transfer)).unwrap();
        let info = reader.info();
        assert_eq!((info.colour, usual_transfer(info, exr)), (ColourHint::Unknown, Transfer::AsIs), "{transfer}");
        let told = lost(info, exr, &WriteOptions::like(info)).join("; ");
        assert!(told.contains(word) && told.contains("scene-linear"), "{told}");
        assert!(!lost(info, Path::new("b.dpx"), &WriteOptions::like(info)).join("; ").contains(word));
    }
    let video = ClipReader::open(scanned(&folder, "a.dpx", "gbrp10be", 6)).unwrap();
    assert_eq!(usual_transfer(video.info(), exr), Transfer::SrgbToLinear);
    // What was scene-linear says so where its numbers are kept, and not where they are encoded.
    for (transfer, curve) in [(Transfer::AsIs, "linear"), (Transfer::LinearToSrgb, "video")] {
        let options = WriteOptions { transfer, ..WriteOptions::default() };
        let out = folder.join("linear.dpx");
        ClipWriter::create(&out, options, &[]).unwrap().write(1, &picture(1, 4, 4, false, Depth::F32)).unwrap();
        assert_eq!(ClipReader::open(out).unwrap().info().beside.dpx.unwrap().curve(), Some(curve));
    }
}

/// The header of a DPX of 64×48 pixels, 16 bits, without its picture.
fn header() -> Vec<u8> {
    let mut bytes = vec![0; 2048];
    bytes[..4].copy_from_slice(b"SDPX");
    for (at, value) in [(4, 2048_u32), (772, 64), (776, 48)] {
        bytes[at..at + 4].copy_from_slice(&value.to_be_bytes());
    }
    (bytes[800], bytes[803]) = (50, 16);
    bytes
}

#[test]
fn a_dpx_that_makes_no_sense_is_refused_before_ffmpeg_is_asked() {
    let folder = Folder::new();
    let whole = [header(), vec![0; 64 * 48 * 6]].concat();
    let mut mirrored = whole.clone();
    mirrored[769] = 1;
    let mut absurd = whole.clone();
    absurd[772..780].copy_from_slice(&[0x7F; 8]);
    let nowhere = Tools::at("/no/ffmpeg", "/no/ffprobe");
    let path = folder.join("a.0001.dpx");
    let cases = [
        (&whole[..900], "damaged"),
        (&whole[..whole.len() - 1], "the picture's end is missing"),
        (&mirrored[..], "mirrored"),
        (&absurd[..], "2139062143×2139062143"),
        (&b"not a DPX at all"[..], "damaged"),
        (&whole[..], "video and DPX files need ffmpeg, which was not found"),
    ];
    for (bytes, word) in cases {
        fs::write(&path, bytes).unwrap();
        let read = ReadOptions { tools: nowhere.clone(), ..ReadOptions::default() };
        let error = message(ClipReader::open_with(folder.join("a.%04d.dpx"), &read));
        assert!(error.contains("a.0001.dpx") && error.contains(word), "{word}: {error}");
    }
    let options = WriteOptions { tools: nowhere, ..WriteOptions::default() };
    let error = message(ClipWriter::create(folder.join("b.%04d.dpx"), options, &[]));
    assert!(error.contains("sudo apt install ffmpeg"), "{error}");
}

#[test]
#[ignore = "needs ffmpeg"]
fn flipped_bytes_in_a_dpx_never_panic() {
    let folder = Folder::new();
    let whole = fs::read(scanned(&folder, "a.dpx", "rgb48be", 2)).unwrap();
    for at in (0..32).chain(768..830).step_by(5) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0xFF;
        fs::write(folder.join("b.dpx"), &bytes).unwrap();
        if let Ok(reader) = ClipReader::open(folder.join("b.dpx")) {
            assert!(reader.frame(1).is_ok());
        }
    }
}
