//! EXR, TIFF, JPEG, WebP and DPX as OpenImageIO writes and reads them.

use std::fs;

use super::*;

/// Files, what they are made of, the options that oiiotool makes them with, which of their channels are looked at, and what must
/// come of them.
const FILES: &[(&str, &str, &str, &str, Must)] = &[
    ("none.exr", "noise.exr", "-d half --compression none", RGBA, Equal),
    ("rle.exr", "noise.exr", "-d half --compression rle", RGBA, Equal),
    ("zip.exr", "noise.exr", "-d half --compression zip", RGBA, Equal),
    ("zips.exr", "noise.exr", "-d half --compression zips", RGBA, Equal),
    ("piz.exr", "noise.exr", "-d half --compression piz", RGBA, Equal),
    ("pxr24.exr", "noise.exr", "-d half --compression pxr24", RGBA, Equal),
    ("b44.exr", "noise.exr", "-d half --compression b44", RGBA, Equal),
    ("b44a.exr", "noise.exr", "-d half --compression b44a", RGBA, Equal),
    ("dwaa.exr", "noise.exr", "-d half --compression dwaa", RGBA, Equal),
    ("dwab.exr", "noise.exr", "-d half --compression dwab", RGBA, Equal),
    ("none-float.exr", "noise.exr", "-d float --compression none", RGBA, Equal),
    ("rle-float.exr", "noise.exr", "-d float --compression rle", RGBA, Equal),
    ("zip-float.exr", "noise.exr", "-d float --compression zip", RGBA, Equal),
    ("piz-float.exr", "noise.exr", "-d float --compression piz", RGBA, Equal),
    ("pxr24-float.exr", "noise.exr", "-d float --compression pxr24", RGBA, Equal),
    ("b44-float.exr", "noise.exr", "-d float --compression b44", RGBA, Equal),
    ("tiled.exr", "noise.exr", "-d half --tile 16 16", RGBA, Equal),
    ("tiled-float.exr", "noise.exr", "-d float --tile 16 16 --compression piz", RGBA, Equal),
    ("opaque.exr", "noise.exr", "--ch R,G,B -d half", RGB, Equal),
    ("grey.exr", "noise.exr", "--ch R --chnames Y -d half", GREY, Equal),
    ("mixed.exr", "noise.exr", "-d half -d A=float", RGBA, Equal),
    (
        "parts.exr",
        "noise.exr",
        "--attrib oiio:subimagename a noise.exr --attrib oiio:subimagename b --siappend -d half",
        RGBA,
        Equal,
    ),
    ("window.exr", "noise.exr", "-d half --origin +5-3 --fullsize 40x30+0+0", RGBA, Equal),
    ("cropped.exr", "noise.exr", "-d half --fullsize 20x10+4+4", RGBA, Equal),
    ("moved.exr", "noise.exr", "-d half --origin +100+50 --fullsize 33x21+100+50", RGBA, Equal),
    ("luminance.exr", "noise.exr", "--ch R,G,B --chnames Y,RY,BY -d half", RGB, Fail("no colour channels")),
    ("none.tif", "noise.png", "-d uint8 --compression none", RGBA, Equal),
    ("lzw.tif", "noise.png", "-d uint8 --compression lzw", RGBA, Equal),
    ("zip.tif", "noise.png", "-d uint8 --compression zip", RGBA, Equal),
    ("packbits.tif", "noise.png", "-d uint8 --compression packbits", RGBA, Equal),
    ("lzw-16.tif", "noise.png", "-d uint16 --compression lzw", RGBA, Equal),
    ("zip-16.tif", "noise.png", "-d uint16 --compression zip", RGBA, Equal),
    ("straight.tif", "noise.png", "-d uint16 --attrib oiio:UnassociatedAlpha 1", RGBA, Equal),
    ("float.tif", "noise.exr", "-d float --compression zip", RGBA, Equal),
    ("float-none.tif", "noise.exr", "-d float --compression none", RGBA, Equal),
    ("float-lzw.tif", "noise.exr", "--ch R,G,B -d float --compression lzw", RGB, Equal),
    ("from-half.tif", "noise.exr", "--ch R,G,B -d half --compression none", RGB, Equal),
    ("tiles.tif", "noise.png", "--ch R,G,B -d uint8 --tile 16 16", RGB, Equal),
    ("tiles-float.tif", "noise.exr", "--ch R,G,B -d float --tile 16 16", RGB, Equal),
    ("planes.tif", "noise.png", "--ch R,G,B -d uint8 --planarconfig separate", RGB, Equal),
    ("planes-16.tif", "noise.png", "--ch R,G,B -d uint16 --planarconfig separate --compression none", RGB, Equal),
    ("grey.tif", "noise.png", "--ch R -d uint8", GREY, Equal),
    ("grey-16.tif", "noise.png", "--ch R -d uint16", GREY, Equal),
    ("grey-float.tif", "noise.exr", "--ch R -d float", GREY, Equal),
    ("progressive.jpg", "soft.png", "--ch R,G,B -d uint8 --attrib jpeg:progressive 1", RGB, Near(2.1)),
    ("444.jpg", "soft.png", "--ch R,G,B -d uint8 --attrib jpeg:subsampling 4:4:4", RGB, Near(2.0)),
    ("grey.jpg", "soft.png", "--ch R -d uint8", GREY, Near(1.0)),
    ("lossy.webp", "soft.png", "--ch R,G,B -d uint8", RGB, Near(2.0)),
    ("8-bit.bmp", "noise.png", "--ch R,G,B -d uint8", RGB, Equal),
    ("8-bit.dpx", "noise.png", "--ch R,G,B -d uint8", RGB, Equal),
    ("10-bit.dpx", "noise.png", "--ch R,G,B -d uint10", RGB, Near(0.01)),
    ("12-bit.dpx", "noise.png", "--ch R,G,B -d uint12", RGB, Near(0.01)),
    ("16-bit.dpx", "noise.png", "--ch R,G,B -d uint16", RGB, Equal),
];

const RGB: &str = "0,1,2";
const RGBA: &str = "0,1,2,3";
const GREY: &str = "0,0,0";

/// The samples of an uncompressed little-endian TIFF of floats with one strip after the other.
fn floats(tiff: &[u8]) -> Vec<f32> {
    let number = |at: usize, bytes: usize| tiff[at..at + bytes].iter().rev().fold(0, |n, b| n << 8 | usize::from(*b));
    assert!(tiff.starts_with(b"II*\0"));
    let directory = number(4, 4);
    let values = |tag: usize| -> Vec<usize> {
        let entry = (0..number(directory, 2)).map(|i| directory + 2 + 12 * i).find(|at| number(*at, 2) == tag).unwrap();
        let (size, count) = (if number(entry + 2, 2) == 3 { 2 } else { 4 }, number(entry + 4, 4));
        let at = if size * count <= 4 { entry + 8 } else { number(entry + 8, 4) };
        (0..count).map(|i| number(at + size * i, size)).collect()
    };
    assert_eq!((values(258)[0], values(259)), (32, vec![1]), "32 bits, not compressed");
    let strips = values(273).into_iter().zip(values(279));
    let bytes: Vec<u8> = strips.flat_map(|(at, length)| tiff[at..at + length].to_vec()).collect();
    bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
}

/// A file's first picture as OpenImageIO reads it, whole in its display window, in the depth of ours.
fn by_oiio(folder: &Folder, name: &str, channels: &str, like: &Picture) -> Pixels {
    // Otherwise it multiplies what a file says is not.
    let straight = if like.premultiplied() { "" } else { "--iconfig oiio:UnassociatedAlpha 1" };
    let line = format!(
        "{straight} -i {name} --subimage 0 --croptofull --scanline --eraseattrib tiff:.* --ch {channels} -d float --compression none --planarconfig contig -o theirs.tif"
    );
    run(folder, "oiiotool", line.split_whitespace());
    Pixels::from_f32(floats(&fs::read(folder.join("theirs.tif")).unwrap()), Depth::F32).to_depth(like.depth())
}

#[test]
#[ignore = "needs ffmpeg and oiiotool"]
fn pictures_have_the_pixels_that_openimageio_finds_in_them() {
    let folder = sources();
    let mut found = Found::default();
    for (name, samples, channels) in [("half.tif", 3, RGB), ("half-alpha.tif", 4, RGBA), ("half-grey.tif", 1, GREY)] {
        let kind = if samples == 1 { 1 } else { 2 };
        // Every kind of half float but those that are no numbers.
        let halves: Vec<u8> = (0..8 * 4 * samples).flat_map(|i| (i * 241 + 7_u16).to_be_bytes()).collect();
        fs::write(folder.join(name), by_hand::tiff((8, 4), (kind, 16, samples, 3), &halves)).unwrap();
        found.note(name, Equal, compare(&folder.join(name), |like| by_oiio(&folder, name, channels, like)));
    }
    for (name, source, options, channels, must) in FILES {
        run(&folder, "oiiotool", format!("{source} {options} -o {name}").split_whitespace());
        found.note(name, *must, compare(&folder.join(name), |like| by_oiio(&folder, name, channels, like)));
    }
    found.settle();
}
