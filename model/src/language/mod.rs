//! A language model on this machine, which makes a long description of a few words: Qwen3 in a GGUF file, run by candle.
//!
//! LTX-Video was trained on long English captions, and follows those best.

use std::{
    fs::{self, File},
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
};

use candle_core::{
    Device, Tensor,
    quantized::gguf_file::{Content, Value},
};
use candle_transformers::{
    generation::{LogitsProcessor, Sampling},
    models::quantized_qwen3::ModelWeights,
};
use tokenizers::Tokenizer;

use crate::{Error, Result, Watch, diffusion::read_gguf, memory};

/// The tokenizer's file in a model's folder.
const TOKENIZER: &str = "tokenizer.json";
/// Words of a user's are few: more than this many characters are no prompt.
const MOST_CHARACTERS: usize = 2_000;
/// Tokens that are read and written, at the most: what the video model reads of a description is shorter.
const MOST_READ: usize = 1_536;
const MOST_WRITTEN: usize = 320;
/// How tokens are chosen: as the model card of Qwen3 has it for answers without thinking.
const SAMPLING: Sampling = Sampling::TopKThenTopP { k: 20, p: 0.8, temperature: 0.7 };

/// What the model is told to do.
const TASK: &str = "You write captions of short video clips. The user gives a few words, in any language, for a clip that does not \
                    exist yet. Answer with its caption alone: one paragraph of plain English in the present tense, of 60 to 120 words, \
                    without a title, a list or quotation marks. Begin with what happens. Then say how it moves, what it looks like, \
                    what is behind it, where the camera is and how it moves, and what the light and the colours are. Keep to what the \
                    user asked for, add only what can be seen, and tell no story, feeling or sound.";

/// A language model that is open.
pub struct LanguageModel {
    weights: ModelWeights,
    tokenizer: Tokenizer,
    /// The tokens that end an answer.
    ends: Vec<u32>,
}

impl LanguageModel {
    /// Looks at the model in a folder: a GGUF file of Qwen3, and `tokenizer.json`.
    ///
    /// # Errors
    /// When it is not whole, or another kind of model.
    pub fn examine(folder: &Path) -> Result<()> {
        tokenizer(folder)?;
        Files::open(folder).map(drop)
    }

    /// Opens the model in a folder.
    ///
    /// # Errors
    /// As [`examine`](Self::examine), and when it needs more memory than `budget` bytes.
    pub fn open(folder: &Path, budget: u64) -> Result<Self> {
        let Files { path, mut file, content, memory: needed } = Files::open(folder)?;
        memory::check("the language model", needed, budget)?;
        let (tokenizer, ends) = tokenizer(folder)?;
        // candle takes some of what a header says for granted.
        let read = || ModelWeights::from_gguf(content, &mut file, &Device::Cpu);
        let weights = match catch_unwind(AssertUnwindSafe(read)) {
            Ok(Ok(weights)) => weights,
            Ok(Err(error)) => return Err(Error::ModelUnreadable { path, reason: error.to_string() }),
            Err(_) => return Err(Error::ModelUnreadable { path, reason: "its tensors do not fit together".into() }),
        };
        Ok(Self { weights, tokenizer, ends })
    }

    /// Describes, in English, what a user says in a few words of any language: the same for the same seed.
    ///
    /// # Errors
    /// When there are no words, or too many, when nothing comes of them, or `watch` says stop.
    pub fn describe(&mut self, words: &str, seed: u64, watch: &dyn Watch) -> Result<String> {
        let words = words.trim();
        if words.is_empty() {
            return Err(Error::Prompt("there are no words to make a description of".into()));
        }
        let count = words.chars().count();
        if count > MOST_CHARACTERS {
            let text = format!("it has {count} characters: a description is made of {MOST_CHARACTERS} at the most");
            return Err(Error::Prompt(text));
        }
        let read = self.tokens(&asked(words))?;
        if read.len() > MOST_READ {
            return Err(Error::Prompt("it has too many words to make a description of".into()));
        }
        let mut choice = LogitsProcessor::from_sampling(seed, SAMPLING);
        let written = self.answer(&read, MOST_WRITTEN, &mut choice, watch)?;
        let text = self.tokenizer.decode(&written, true).map_err(|e| Error::Request(e.to_string()))?;
        let text = one_paragraph(&text);
        if text.is_empty() {
            return Err(Error::Request("the language model wrote nothing: try other words".into()));
        }
        Ok(text)
    }

    fn tokens(&self, text: &str) -> Result<Vec<u32>> {
        let encoded = self.tokenizer.encode(text, false).map_err(|e| Error::Prompt(e.to_string()))?;
        Ok(encoded.get_ids().to_vec())
    }

    /// The tokens that follow those that were read.
    fn answer(
        &mut self,
        read: &[u32],
        most: usize,
        choice: &mut LogitsProcessor,
        watch: &dyn Watch,
    ) -> Result<Vec<u32>> {
        self.weights.clear_kv_cache();
        let (mut written, mut at) = (Vec::new(), 0);
        let mut next = read.to_vec();
        while written.len() < most {
            if !watch.progress(written.len() as f32 / most as f32) {
                return Err(Error::Cancelled);
            }
            let logits = self.after(&next, at)?;
            at += next.len();
            let token = choice.sample(&logits)?;
            if self.ends.contains(&token) {
                break;
            }
            written.push(token);
            next = vec![token];
        }
        Ok(written)
    }

    /// How likely each token is to follow others, of which the first stands at a place.
    fn after(&mut self, tokens: &[u32], at: usize) -> Result<Tensor> {
        let input = Tensor::new(tokens, &Device::Cpu)?.unsqueeze(0)?;
        // Tensors that do not fit each other show only here.
        match catch_unwind(AssertUnwindSafe(|| self.weights.forward(&input, at))) {
            Ok(logits) => Ok(logits?.squeeze(0)?),
            Err(_) => Err(Error::Request("the language model cannot be run: its tensors do not fit together".into())),
        }
    }
}

/// What the model reads, in the form of Qwen3's chats; it is told that it has thought already.
fn asked(words: &str) -> String {
    // A user's words must not end their part.
    let words = words.replace("<|", "< |");
    format!(
        "<|im_start|>system\n{TASK}<|im_end|>\n<|im_start|>user\n{words}<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n"
    )
}

/// A text without thoughts, line breaks, characters that cannot be seen, and quotation marks about it.
fn one_paragraph(text: &str) -> String {
    let text = text.rsplit("</think>").next().unwrap_or_default();
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").trim_matches(['"', '“', '”', '*']).trim().to_owned()
}

fn tokenizer(folder: &Path) -> Result<(Tokenizer, Vec<u32>)> {
    let path = folder.join(TOKENIZER);
    let unreadable = |reason: String| Error::ModelUnreadable { path: path.clone(), reason };
    let bytes = fs::read(&path).map_err(|e| unreadable(e.to_string()))?;
    let tokenizer = Tokenizer::from_bytes(bytes).map_err(|e| unreadable(e.to_string()))?;
    let ends: Vec<u32> =
        ["<|im_end|>", "<|endoftext|>"].iter().filter_map(|mark| tokenizer.token_to_id(mark)).collect();
    if ends.is_empty() {
        return Err(Error::ModelMismatch {
            path,
            reason: "it has no token that ends an answer: it is not Qwen's".into(),
        });
    }
    Ok((tokenizer, ends))
}

/// The weights' file, of which the header was read.
struct Files {
    path: PathBuf,
    file: File,
    content: Content,
    memory: u64,
}

impl Files {
    fn open(folder: &Path) -> Result<Self> {
        let unreadable = |path: &Path, reason: String| Error::ModelUnreadable { path: path.to_owned(), reason };
        let entries = fs::read_dir(folder).map_err(|e| unreadable(folder, e.to_string()))?;
        let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        files.retain(|path| path.extension().is_some_and(|ending| ending == "gguf"));
        let [path] = &files[..] else {
            return Err(unreadable(folder, format!("it holds {} GGUF files, and should hold one", files.len())));
        };
        let mut file = File::open(path).map_err(|e| unreadable(path, e.to_string()))?;
        let bytes = file.metadata().map_err(|e| unreadable(path, e.to_string()))?.len();
        let mut content = read_gguf(&mut file).map_err(|reason| unreadable(path, reason))?;
        let rows = check(&content).map_err(|reason| Error::ModelMismatch { path: path.clone(), reason })?;
        // Tables are made for as many tokens as this says; far fewer are read and written.
        let most = u32::try_from(MOST_READ + MOST_WRITTEN).unwrap_or(u32::MAX);
        content.metadata.insert("qwen3.context_length".into(), Value::U32(most));
        // 0 has candle calculate in floats of 32 bits; by default it does in 16.
        content.metadata.insert("general.dtype".into(), Value::U32(0));
        // The rows of the vocabulary are widened to floats.
        Ok(Self { path: path.clone(), file, content, memory: bytes.saturating_add(rows.saturating_mul(4)) })
    }
}

/// Holds that a header is of a Qwen3 that can be run; gives the number of values in the rows of its vocabulary.
fn check(content: &Content) -> std::result::Result<u64, String> {
    let number = |key: &str| -> std::result::Result<u32, String> {
        let value = content
            .metadata
            .get(&format!("qwen3.{key}"))
            .ok_or_else(|| format!("it is no Qwen3: it has no qwen3.{key}"))?;
        value.to_u32().map_err(|_| format!("its qwen3.{key} is no number"))
    };
    let (heads, groups) = (number("attention.head_count")?, number("attention.head_count_kv")?);
    let (width, layers, size) = (number("attention.key_length")?, number("block_count")?, number("embedding_length")?);
    let sound = (1..=1024).contains(&heads)
        && (1..=heads).contains(&groups)
        && heads.is_multiple_of(groups)
        && (2..=1024).contains(&width)
        && width.is_multiple_of(2)
        && (1..=512).contains(&layers)
        && (1..=1 << 16).contains(&size);
    let rows = content.tensor_infos.get("token_embd.weight").map(|info| info.shape.elem_count() as u64);
    rows.filter(|_| sound).ok_or_else(|| "its header makes no sense".to_owned())
}

#[cfg(test)]
mod tests;
