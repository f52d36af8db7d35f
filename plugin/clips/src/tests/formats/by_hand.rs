//! Files that no program at hand writes, put together here by their specifications.

use super::super::bad_input::crc32;

/// A PNG of palette or grey samples of 1, 2, 4 or 8 bits, whose rows are already packed.
pub(super) fn png((width, height): (u32, u32), bits: u8, palette: Option<&[u8]>, rows: &[Vec<u8>]) -> Vec<u8> {
    let chunk = |name: &[u8; 4], content: &[u8]| {
        let named = [&name[..], content].concat();
        [&(content.len() as u32).to_be_bytes()[..], &named, &crc32(&named).to_be_bytes()].concat()
    };
    let data: Vec<u8> = rows.iter().flat_map(|row| [&[0], &row[..]].concat()).collect();
    let length = data.len() as u16;
    let (a, b) = data.iter().fold((1_u32, 0_u32), |(a, b), byte| {
        let a = (a + u32::from(*byte)) % 65521;
        (a, (b + a) % 65521)
    });
    // One block that is not compressed.
    let zlib =
        [&[0x78, 1, 1][..], &length.to_le_bytes(), &(!length).to_le_bytes(), &data, &(b << 16 | a).to_be_bytes()];
    let colour = if palette.is_some() { 3 } else { 0 };
    let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[bits, colour, 0, 0, 0]].concat();
    let palette = palette.map(|palette| chunk(b"PLTE", palette)).unwrap_or_default();
    [
        b"\x89PNG\r\n\x1a\n".to_vec(),
        chunk(b"IHDR", &header),
        palette,
        chunk(b"IDAT", &zlib.concat()),
        chunk(b"IEND", &[]),
    ]
    .concat()
}

/// A big-endian TIFF of one strip: how its samples are to be taken, their bits, how many there are a pixel, and whether they are
/// whole numbers (1) or floats (3).
pub(super) fn tiff(
    (width, height): (u32, u32),
    (kind, bits, samples, numbers): (u16, u16, u16, u16),
    data: &[u8],
) -> Vec<u8> {
    let short =
        |tag: u16, value: u16| [&tag.to_be_bytes()[..], &[0, 3, 0, 0, 0, 1], &value.to_be_bytes(), &[0, 0]].concat();
    let long = |tag: u16, value: u32| [&tag.to_be_bytes()[..], &[0, 4, 0, 0, 0, 1], &value.to_be_bytes()].concat();
    // Bits of each sample stand behind the directory, as there are more than fit in an entry.
    let count = 10_u16;
    let behind = 8 + 2 + 12 * u32::from(count) + 4;
    let bits_entry = match samples {
        1 => short(258, bits),
        _ => [&258_u16.to_be_bytes()[..], &[0, 3], &u32::from(samples).to_be_bytes(), &behind.to_be_bytes()].concat(),
    };
    let offset = behind + 2 * u32::from(samples);
    let entries = [
        long(256, width),
        long(257, height),
        bits_entry,
        short(259, 1),
        short(262, kind),
        long(273, offset),
        short(277, samples),
        long(278, height),
        long(279, data.len() as u32),
        short(339, numbers),
    ];
    let all_bits: Vec<u8> = (0..samples).flat_map(|_| bits.to_be_bytes()).collect();
    [&b"MM\0*\0\0\0\x08"[..], &count.to_be_bytes(), &entries.concat(), &[0; 4], &all_bits, data].concat()
}

/// A BMP of palette samples of 4 bits, from the bottom row up, each filled up to four bytes.
pub(super) fn bmp((width, height): (u32, u32), palette: &[[u8; 4]; 16], rows: &[Vec<u8>]) -> Vec<u8> {
    let data: Vec<u8> =
        rows.iter().rev().flat_map(|row| [&row[..], &vec![0; row.len().wrapping_neg() % 4]].concat()).collect();
    let number = |value: u32| value.to_le_bytes();
    let offset = 14 + 40 + 64;
    let file = [&b"BM"[..], &number(offset + data.len() as u32), &[0; 4], &number(offset)].concat();
    let info =
        [&number(40)[..], &number(width), &number(height), &[1, 0, 4, 0], &[0; 16], &number(16), &number(0)].concat();
    [&file, &info, palette.as_flattened(), &data[..]].concat()
}

/// A JPEG of flat blocks: with four colours of ink as Adobe writes them, or with grey and a marker after each block. The only codes
/// are 0 for a difference or an end of nothing, and 10 for a difference of six bits.
pub(super) fn jpeg(width: u8, inks: bool, scan: &[u8]) -> Vec<u8> {
    let segment = |marker: u8, content: &[u8]| [&[0xFF, marker, 0, content.len() as u8 + 2], content].concat();
    let count = if inks { 4 } else { 1 };
    let each = |content: [u8; 2]| (1..=count).flat_map(|id| [&[id], &content[..]].concat()).collect::<Vec<u8>>();
    let frame = [&[8, 0, 8, 0, width, count][..], &each([0x11, 0])].concat();
    let starts: Vec<u8> = (1..=count).flat_map(|id| [id, 0]).collect();
    let codes = |class: u8, counts: [u8; 2], values: &[u8]| [&[class][..], &counts, &[0; 14], values].concat();
    [
        vec![0xFF, 0xD8],
        if inks { segment(0xEE, b"Adobe\0\x64\0\0\0\0\0") } else { segment(0xDD, &[0, 1]) },
        segment(0xDB, &[&[0, 16][..], &[1; 63]].concat()),
        segment(0xC0, &frame),
        segment(0xC4, &codes(0, [1, 1], &[0, 6])),
        segment(0xC4, &codes(0x10, [1, 0], &[0])),
        segment(0xDA, &[&[count][..], &starts, &[0, 63, 0]].concat()),
        scan.to_vec(),
        vec![0xFF, 0xD9],
    ]
    .concat()
}
