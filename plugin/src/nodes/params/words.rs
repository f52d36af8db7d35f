//! The words of a prompt.

use std::ops::Range;

/// A prompt's words in lower case, and where they stand in it.
#[must_use]
pub fn words(prompt: &str) -> Vec<(String, Range<usize>)> {
    let ends = |c: char| !c.is_alphanumeric();
    let mut words = Vec::new();
    let mut start = 0;
    for part in prompt.split_inclusive(ends) {
        let word = part.trim_end_matches(ends);
        if !word.is_empty() {
            words.push((word.to_lowercase(), start..start + word.len()));
        }
        start += part.len();
    }
    words
}
