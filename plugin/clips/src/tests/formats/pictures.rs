//! PNG, TIFF, JPEG, BMP, WebP and DPX as ffmpeg writes and reads them.

use std::fs;

use super::*;

/// JPEG decoders round their transforms and interpolate halved chroma each in their own way.
const JPEG: Must = Near(4.0);

/// Five bits become eight by rounding here, by repeating bits in ffmpeg: a level apart.
const FIVE_BITS: Must = Near(1.0);

/// Files, the options that ffmpeg makes them with, and what must come of them.
const FILES: &[(&str, &str, Must)] = &[
    ("1-bit.png", "-pix_fmt monob", Equal),
    ("grey-8.png", "-pix_fmt gray", Equal),
    ("grey-alpha-8.png", "-pix_fmt ya8", Equal),
    ("palette.png", "-pix_fmt pal8", Equal),
    ("rgb-8.png", "-pix_fmt rgb24", Equal),
    ("rgba-8.png", "-pix_fmt rgba", Equal),
    ("grey-16.png", "-pix_fmt gray16be", Equal),
    ("grey-alpha-16.png", "-pix_fmt ya16be", Equal),
    ("rgb-16.png", "-pix_fmt rgb48be", Equal),
    ("rgba-16.png", "-pix_fmt rgba64be", Equal),
    ("interlaced-8.png", "-pix_fmt rgb24 -flags +ildct", Equal),
    ("interlaced-16.png", "-pix_fmt rgba64be -flags +ildct", Equal),
    ("raw.tif", "-compression_algo raw -pix_fmt rgb24", Equal),
    ("packbits.tif", "-compression_algo packbits -pix_fmt rgb24", Equal),
    ("lzw.tif", "-compression_algo lzw -pix_fmt rgb24", Equal),
    ("deflate.tif", "-compression_algo deflate -pix_fmt rgb24", Equal),
    ("rgba-8.tif", "-pix_fmt rgba", Equal),
    ("rgb-16.tif", "-compression_algo lzw -pix_fmt rgb48le", Equal),
    ("rgba-16.tif", "-compression_algo deflate -pix_fmt rgba64le", Equal),
    ("grey-8.tif", "-pix_fmt gray", Equal),
    ("grey-alpha-8.tif", "-pix_fmt ya8", Equal),
    ("grey-16.tif", "-pix_fmt gray16le", Equal),
    ("1-bit.tif", "-pix_fmt monob", Equal),
    ("palette.tif", "-pix_fmt pal8", Fail("Convert it")),
    ("ycbcr.tif", "-pix_fmt yuv420p", Fail("Convert it")),
    ("1-bit.bmp", "-pix_fmt monob", Equal),
    ("8-bit.bmp", "-pix_fmt pal8", Equal),
    ("grey.bmp", "-pix_fmt gray", Equal),
    ("555.bmp", "-pix_fmt rgb555le", FIVE_BITS),
    ("565.bmp", "-pix_fmt rgb565le", FIVE_BITS),
    ("24-bit.bmp", "-pix_fmt bgr24", Equal),
    ("32-bit.bmp", "-pix_fmt bgra", Equal),
    ("lossless.webp", "-c:v libwebp -lossless 1 -pix_fmt bgra", Equal),
    ("8-bit.dpx", "-pix_fmt rgb24", Equal),
    ("grey-8.dpx", "-pix_fmt gray", Equal),
    ("rgba-8.dpx", "-pix_fmt rgba", Equal),
    ("10-bit.dpx", "-pix_fmt gbrp10le", Equal),
    ("10-bit-be.dpx", "-pix_fmt gbrp10be", Equal),
    ("12-bit.dpx", "-pix_fmt gbrp12le", Equal),
    ("12-bit-be.dpx", "-pix_fmt gbrp12be", Equal),
    ("grey-16.dpx", "-pix_fmt gray16be", Equal),
    ("16-bit.dpx", "-pix_fmt rgb48le", Equal),
    ("16-bit-be.dpx", "-pix_fmt rgb48be", Equal),
    ("rgba-16.dpx", "-pix_fmt rgba64le", Equal),
];

/// The same, of what is compressed with loss and therefore made of something soft.
const SOFT: &[(&str, &str, Must)] = &[
    ("420.jpg", "-pix_fmt yuvj420p -q:v 2", JPEG),
    ("422.jpg", "-pix_fmt yuvj422p -q:v 2", JPEG),
    ("444.jpg", "-pix_fmt yuvj444p -q:v 2", JPEG),
    ("grey.jpg", "-pix_fmt gray -q:v 2", JPEG),
    ("lossy.webp", "-c:v libwebp -pix_fmt yuv420p -quality 90", JPEG),
    ("lossy-alpha.webp", "-c:v libwebp -pix_fmt yuva420p -quality 90", JPEG),
];

/// Those that are put together by hand, of 8×4 pixels.
fn by_hand(folder: &Folder) -> Vec<(&'static str, Must)> {
    let size = (8, 4);
    let rows = |bytes: u8| {
        (0..4).map(|y| (0..bytes).map(|x| x.wrapping_mul(89) ^ (y * 57)).collect()).collect::<Vec<Vec<u8>>>()
    };
    let palette: Vec<u8> = (0..48).map(|i| i * 5).collect();
    let samples = |count: u8| (0..count).map(|i| i.wrapping_mul(73)).collect::<Vec<u8>>();
    let colours: [[u8; 4]; 16] = std::array::from_fn(|i| [i as u8 * 16, 255 - i as u8 * 9, i as u8 * 3, 0]);
    let files = [
        ("grey-2.png", by_hand::png(size, 2, None, &rows(2)), Equal),
        ("grey-4.png", by_hand::png(size, 4, None, &rows(4)), Equal),
        ("palette-2.png", by_hand::png(size, 2, Some(&palette[..12]), &rows(2)), Equal),
        ("palette-4.png", by_hand::png(size, 4, Some(&palette), &rows(4)), Equal),
        ("big-endian-8.tif", by_hand::tiff(size, (2, 8, 3, 1), &samples(96)), Equal),
        ("big-endian-16.tif", by_hand::tiff(size, (2, 16, 3, 1), &samples(192)), Equal),
        ("white-is-zero.tif", by_hand::tiff(size, (0, 8, 1, 1), &samples(32)), Equal),
        ("cmyk.tif", by_hand::tiff(size, (5, 8, 4, 1), &samples(128)), Near(1.0)),
        ("signed.tif", by_hand::tiff(size, (2, 8, 3, 2), &samples(96)), Fail("Convert it")),
        ("inks.jpg", by_hand::jpeg(8, true, &[0b1010_0000, 0b0000_0101, 0b1000_0011]), JPEG),
        ("restarts.jpg", by_hand::jpeg(16, false, &[0b1010_0000, 0b0111_1111, 0xFF, 0xD0, 0b0011_1111]), Equal),
        ("4-bit.bmp", by_hand::bmp(size, &colours, &rows(4)), Equal),
    ];
    files.map(|(name, bytes, must)| fs::write(folder.join(name), bytes).map(|()| (name, must)).unwrap()).into()
}

#[test]
#[ignore = "needs ffmpeg"]
fn pictures_have_the_pixels_that_ffmpeg_finds_in_them() {
    let folder = sources();
    let mut found = Found::default();
    let mut names = by_hand(&folder);
    for (files, source) in [(FILES, "noise.png"), (SOFT, "soft.png")] {
        for (name, options, must) in files {
            ffmpeg(&folder, &format!("-i {source} {options} -frames:v 1 -update 1 {name}"));
            names.push((name, *must));
        }
    }
    for (name, must) in names {
        found.note(name, must, compare(&folder.join(name), |like| by_ffmpeg(&folder, name, ("", SCALING), like)));
    }
    found.settle();
}
