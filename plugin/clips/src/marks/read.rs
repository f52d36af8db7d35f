//! What files say already of how their pictures came about.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use super::DigitalSource;

/// Marks stand near a file's start or its end, in every format that is written.
const NEAR: u64 = 64 << 10;

impl DigitalSource {
    /// What a picture's or a video's file says of how it came about: the strongest term of this vocabulary near its start and its end,
    /// where IPTC's address stands in plain text, as it does in XMP. Nothing where there is none, or the file cannot be read.
    #[must_use]
    pub fn of_file(file: &Path) -> Option<Self> {
        let text = ends(file).ok()?;
        let address = b"newscodes/digitalsourcetype/";
        let after = |at: usize| &text[at + address.len()..];
        let found = text.windows(address.len()).enumerate().filter(|(_, window)| window == address);
        found.filter_map(|(at, _)| Self::begins(after(at))).max()
    }

    /// The term that a text begins with. What follows need not end it: in EXR and Matroska the next thing does.
    fn begins(text: &[u8]) -> Option<Self> {
        let all =
            [Self::AlgorithmicallyEnhanced, Self::CompositeWithTrainedAlgorithmicMedia, Self::TrainedAlgorithmicMedia];
        all.into_iter().find(|source| text.starts_with(source.term().as_bytes()))
    }
}

/// A file's first and last bytes.
fn ends(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    let mut text = Vec::new();
    Read::by_ref(&mut file).take(NEAR).read_to_end(&mut text)?;
    if length > NEAR {
        file.seek(SeekFrom::Start(length.saturating_sub(NEAR).max(NEAR)))?;
        file.take(NEAR).read_to_end(&mut text)?;
    }
    Ok(text)
}
