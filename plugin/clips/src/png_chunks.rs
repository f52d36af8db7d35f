//! What PNG files tell of their colour and size beside a profile: chunks that made frames have too, byte for byte.

use std::sync::Arc;

use super::beside::ColourTags;

/// Those that say what the numbers stand for, and how large a pixel is (PNG, third edition, 11.3.2 and 11.3.4.3).
const KEPT: [&[u8; 4]; 6] = [b"cICP", b"mDCV", b"cLLI", b"gAMA", b"cHRM", b"pHYs"];

/// Before the first chunk.
const SIGNATURE: usize = 8;
/// The signature and the first chunk, the header.
const HEADER: usize = SIGNATURE + 25;

/// The chunks of a file before its picture, each with its name.
fn chunks(bytes: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    in_a_row(bytes.get(SIGNATURE..).unwrap_or_default())
}

fn in_a_row(mut rest: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    std::iter::from_fn(move || {
        let length = u32::from_be_bytes(*rest.first_chunk::<4>()?) as usize;
        // Length and name before it, and a checksum after.
        let chunk = rest.get(..length.checked_add(12)?)?;
        rest = &rest[chunk.len()..];
        (&chunk[4..8] != b"IDAT").then_some((&chunk[4..8], chunk))
    })
}

/// The chunks that made frames have too; none where there are none.
pub(super) fn kept(bytes: &[u8]) -> Option<Arc<[u8]>> {
    let kept: Vec<u8> =
        chunks(bytes).filter(|(name, _)| KEPT.iter().any(|kept| *kept == name)).flat_map(|c| c.1).copied().collect();
    (!kept.is_empty()).then(|| kept.into())
}

/// Whether kept chunks tell of another curve than the usual one, about sRGB's: with a gamma of 1/2.2.
pub(super) fn unusual(kept: &[u8]) -> bool {
    const USUAL: std::ops::RangeInclusive<u32> = 44_000..=47_000;
    in_a_row(kept).any(|(name, chunk)| match (name, &chunk[8..]) {
        (b"gAMA", [a, b, c, d, ..]) => !USUAL.contains(&u32::from_be_bytes([*a, *b, *c, *d])),
        _ => false,
    })
}

/// A file with chunks laid in after its header.
pub(super) fn with(mut file: Vec<u8>, chunks: &[u8]) -> Vec<u8> {
    if file.len() >= HEADER {
        file.splice(HEADER..HEADER, chunks.iter().copied());
    }
    file
}

/// What the chunk cICP says of colours, by the numbers of ITU-T H.273: those that are in use.
pub(super) fn tags(bytes: &[u8]) -> ColourTags {
    let Some((_, chunk)) = chunks(bytes).find(|(name, _)| *name == b"cICP") else { return ColourTags::default() };
    let [primaries, transfer, ..] = chunk[8..] else { return ColourTags::default() };
    let primaries = match primaries {
        1 => Some("bt709"),
        5 => Some("bt470bg"),
        6 => Some("smpte170m"),
        9 => Some("bt2020"),
        11 => Some("smpte431"),
        12 => Some("smpte432"),
        _ => None,
    };
    let transfer = match transfer {
        1 => Some("bt709"),
        8 => Some("linear"),
        13 => Some("iec61966-2-1"),
        16 => Some("smpte2084"),
        18 => Some("arib-std-b67"),
        _ => None,
    };
    ColourTags { matrix: None, transfer: transfer.map(Into::into), primaries: primaries.map(Into::into) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file with some chunks; checksums are for others to look at.
    fn file(chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
        let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
        for (name, content) in chunks {
            file.extend((content.len() as u32).to_be_bytes());
            file.extend(*name);
            file.extend(*content);
            file.extend([1, 2, 3, 4]);
        }
        file
    }

    #[test]
    fn colour_and_size_are_taken_over_and_nothing_else() {
        let header = (b"IHDR", &[0; 13][..]);
        let (pq, gamma) = ((b"cICP", &[9, 16, 0, 1][..]), (b"gAMA", &[0, 0, 177, 143][..]));
        let source = file(&[header, pq, (b"tEXt", b"title"), gamma, (b"IDAT", b"pixels"), (b"pHYs", &[0; 9])]);
        let kept = kept(&source).unwrap();
        assert_eq!(with(file(&[header, (b"IDAT", b"other")]), &kept), file(&[header, pq, gamma, (b"IDAT", b"other")]));
        let told = tags(&source);
        assert!(!unusual(&kept) && unusual(&self::kept(&file(&[header, (b"gAMA", &[0, 1, 134, 160])])).unwrap()));
        assert_eq!((told.primaries.as_deref(), told.transfer.as_deref()), (Some("bt2020"), Some("smpte2084")));
    }

    #[test]
    fn broken_files_have_none() {
        let whole = file(&[(b"IHDR", &[0; 13]), (b"cICP", &[9, 16, 0, 1])]);
        for end in 0..whole.len() {
            assert!(kept(&whole[..end]).is_none() && tags(&whole[..end]) == ColourTags::default(), "{end}");
        }
        assert!(kept(&[0xFF; 64]).is_none());
    }
}
