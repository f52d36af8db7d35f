//! Words to token ids.

use std::path::Path;

use crate::{Error, Result};

/// Longer prompts are refused before they are cut into tokens.
const MOST_CHARACTERS: usize = 8_000;

/// What references pad or cut prompts to.
pub(in super::super) const MOST_TOKENS: usize = 256;

/// A prompt in tokens.
#[derive(Clone, Debug, PartialEq)]
pub(in super::super) struct Words {
    pub(in super::super) ids: Vec<u32>,
    /// What the vocabulary has no token for.
    pub(in super::super) unknown: Vec<String>,
}

/// A `tokenizer.json`.
pub(in super::super) struct Tokenizer {
    inner: tokenizers::Tokenizer,
    unknown: Option<u32>,
}

impl Tokenizer {
    /// Loads the tokenizer and checks that it is one of this text encoder: T5's ends every prompt with `eos`, and has no
    /// more tokens than the encoder has rows.
    pub(in super::super) fn load(path: &Path, vocab_size: usize, eos: usize) -> Result<Self> {
        let Self { inner, unknown } = Self::open(path)?;
        let unreadable = |reason: String| Error::ModelUnreadable { path: path.to_owned(), reason };
        let mismatch = |reason: String| Error::ModelMismatch { path: path.to_owned(), reason };
        let size = inner.get_vocab_size(true);
        if size > vocab_size {
            let reason = format!("it has {size} tokens, the text encoder only {vocab_size}: it is of another model");
            return Err(mismatch(reason));
        }
        let ids = inner.encode("a", true).map_err(|e| unreadable(e.to_string()))?.get_ids().to_vec();
        if ids.last().is_none_or(|last| *last as usize != eos) {
            return Err(mismatch(format!("it does not end a prompt with token {eos}: it is of another model")));
        }
        Ok(Self { inner, unknown })
    }

    /// Loads a tokenizer, of whichever text encoder it is.
    pub(in super::super) fn open(path: &Path) -> Result<Self> {
        let unreadable = |reason: String| Error::ModelUnreadable { path: path.to_owned(), reason };
        let bytes = std::fs::read(path).map_err(|e| unreadable(e.to_string()))?;
        let mut inner = tokenizers::Tokenizer::from_bytes(bytes).map_err(|e| unreadable(e.to_string()))?;
        // Prompts are neither padded nor cut.
        inner.with_padding(None);
        inner.with_truncation(None).map_err(|e| unreadable(e.to_string()))?;
        let unknown = inner.token_to_id("<unk>");
        Ok(Self { inner, unknown })
    }

    /// Cuts a prompt into tokens.
    pub(in super::super) fn words(&self, prompt: &str) -> Result<Words> {
        let characters = prompt.chars().count();
        if characters > MOST_CHARACTERS {
            return Err(Error::Prompt(format!("it has {characters} characters, at most {MOST_CHARACTERS} are read")));
        }
        let encoded = self.inner.encode(prompt, true).map_err(|e| Error::Prompt(e.to_string()))?;
        let ids = encoded.get_ids().to_vec();
        if ids.len() > MOST_TOKENS {
            let reason = format!("it is {} tokens long, at most {MOST_TOKENS} are read: shorten it", ids.len());
            return Err(Error::Prompt(reason));
        }
        let parts = ids.iter().zip(encoded.get_offsets()).filter(|(id, _)| Some(**id) == self.unknown);
        let unknown = parts.filter_map(|(_, (from, to))| prompt.get(*from..*to)).map(|s| s.trim().to_owned());
        let unknown: Vec<String> = unknown.filter(|s| !s.is_empty()).collect();
        let lost: usize = unknown.iter().map(|s| s.chars().count()).sum();
        let visible = prompt.chars().filter(|c| !c.is_whitespace()).count();
        if 2 * lost > visible {
            let words = unknown.join(" ");
            let reason =
                format!("the model knows too few of its words ({words}): write it in English, in plainer ones");
            return Err(Error::Prompt(reason));
        }
        Ok(Words { ids, unknown })
    }
}
