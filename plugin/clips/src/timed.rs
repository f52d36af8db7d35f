//! Frames with times of their own, on their way to ffmpeg: a Matroska stream of uncompressed pictures, since a raw stream has
//! none. By RFC 8794 (EBML) and RFC 9559 (Matroska); one cluster a frame, so that any time can be said.

/// Nanoseconds in a tick of the stream.
const TICK: u64 = 1000;

/// An element: its identifier, its size in eight bytes, and what it holds.
fn element(id: u32, content: &[u8]) -> Vec<u8> {
    let mut bytes = start(id, content.len() as u64);
    bytes.extend_from_slice(content);
    bytes
}

/// The beginning of an element that holds `size` bytes.
fn start(id: u32, size: u64) -> Vec<u8> {
    let id = id.to_be_bytes();
    let mut bytes = id[id.iter().position(|byte| *byte != 0).unwrap_or(3)..].to_vec();
    // The first bit set of the size tells how many bytes it takes: here eight.
    bytes.extend((size | 1 << 56).to_be_bytes());
    bytes
}

fn number(id: u32, value: u64) -> Vec<u8> {
    element(id, &value.to_be_bytes())
}

fn text(id: u32, value: &str) -> Vec<u8> {
    element(id, value.as_bytes())
}

/// What stands before the frames of a size, in the pixel format that `fourcc` names.
pub(super) fn header((width, height): (usize, usize), fourcc: [u8; 4]) -> Vec<u8> {
    const EBML: u32 = 0x1A45_DFA3;
    const SEGMENT: u32 = 0x1853_8067;
    const INFO: u32 = 0x1549_A966;
    const TRACKS: u32 = 0x1654_AE6B;
    let doctype =
        [number(0x42F2, 4), number(0x42F3, 8), text(0x4282, "matroska"), number(0x4287, 4), number(0x4285, 2)];
    let info = [number(0x002A_D7B1, TICK), text(0x4D80, "pickup"), text(0x5741, "pickup")];
    let video = [number(0xB0, width as u64), number(0xBA, height as u64), element(0x002E_B524, &fourcc)];
    let track = [
        number(0xD7, 1),
        number(0x73C5, 1),
        number(0x83, 1),
        text(0x86, "V_UNCOMPRESSED"),
        element(0xE0, &video.concat()),
    ];
    let mut bytes = element(EBML, &doctype.concat());
    // A size of all ones: not known yet.
    bytes.extend(start(SEGMENT, (1 << 56) - 1));
    bytes.extend(element(INFO, &info.concat()));
    bytes.extend(element(TRACKS, &element(0xAE, &track.concat())));
    bytes
}

/// What stands before the samples of a frame that begins at a time in seconds.
pub(super) fn frame(seconds: f64, size: usize) -> Vec<u8> {
    const CLUSTER: u32 = 0x1F43_B675;
    const BLOCK_START: [u8; 4] = [0x81, 0, 0, 0x80];
    let time = number(0xE7, (seconds.max(0.0) * 1e9 / TICK as f64).round() as u64);
    let block = start(0xA3, (BLOCK_START.len() + size) as u64);
    let mut bytes = start(CLUSTER, (time.len() + block.len() + BLOCK_START.len() + size) as u64);
    bytes.extend(time);
    bytes.extend(block);
    bytes.extend(BLOCK_START);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_element_is_identifier_size_and_content() {
        assert_eq!(element(0xE7, &[7]), [0xE7, 1, 0, 0, 0, 0, 0, 0, 1, 7]);
        assert_eq!(start(0x002A_D7B1, (1 << 56) - 1)[..4], [0x2A, 0xD7, 0xB1, 1]);
    }

    #[test]
    fn a_frame_says_its_time_in_microseconds_and_its_size() {
        let bytes = frame(0.24, 12);
        assert_eq!(bytes[12..29], number(0xE7, 240_000));
        assert_eq!(bytes.len() + 12, 12 + 17 + 9 + 4 + 12);
    }
}
