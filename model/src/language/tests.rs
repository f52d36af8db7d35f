use std::cell::Cell;

use serde::Deserialize;

use super::*;
use crate::Unwatched;

/// What transformers made of a text with the same weights: `model/training/qwen3_reference.py` wrote it.
#[derive(Deserialize)]
struct Expected {
    text: String,
    ids: Vec<u32>,
    logits: Vec<f32>,
    made: Vec<u32>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/qwen3")
}

fn open() -> LanguageModel {
    LanguageModel::open(&folder(), 1 << 30).unwrap()
}

/// The fixture in a folder of its own, with other files.
fn with(files: &[(&str, Option<&[u8]>)]) -> tempfile::TempDir {
    let changed = tempfile::tempdir().unwrap();
    for name in ["model.gguf", TOKENIZER] {
        fs::copy(folder().join(name), changed.path().join(name)).unwrap();
    }
    for (name, bytes) in files {
        match bytes {
            Some(bytes) => fs::write(changed.path().join(name), bytes).unwrap(),
            None => fs::remove_file(changed.path().join(name)).unwrap(),
        }
    }
    changed
}

#[test]
fn the_numbers_are_the_references() {
    let expected: Expected = serde_json::from_slice(&fs::read(folder().join("expected.json")).unwrap()).unwrap();
    let mut model = open();
    assert_eq!(model.tokens(&expected.text).unwrap(), expected.ids);
    let logits = model.after(&expected.ids, 0).unwrap().to_vec1::<f32>().unwrap();
    let far = logits.iter().zip(&expected.logits).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(logits.len() == expected.logits.len() && far < 1e-4, "{far}");
    let mut likeliest = LogitsProcessor::from_sampling(0, Sampling::ArgMax);
    model.ends.clear();
    let made = model.answer(&expected.ids, expected.made.len(), &mut likeliest, &Unwatched).unwrap();
    assert_eq!(made, expected.made);
}

#[test]
fn a_description_is_the_same_for_a_seed_and_another_for_another() {
    let mut model = open();
    let mut describe = |seed| model.describe("ein roter Fuchs", seed, &Unwatched).unwrap();
    let (first, again, other) = (describe(1), describe(1), describe(2));
    assert_eq!(first, again);
    assert!(first != other && !first.is_empty());
    assert!(!first.contains('\n'));
}

#[test]
fn it_can_be_stopped_and_says_what_is_no_prompt() {
    struct Stops(Cell<u32>);
    impl Watch for Stops {
        fn progress(&self, _: f32) -> bool {
            self.0.set(self.0.get() + 1);
            self.0.get() < 3
        }
    }
    let mut model = open();
    let watch = Stops(Cell::new(0));
    assert!(matches!(model.describe("fox", 0, &watch), Err(Error::Cancelled)) && watch.0.get() == 3);
    assert!(matches!(model.describe("  ", 0, &Unwatched), Err(Error::Prompt(_))));
    assert!(matches!(model.describe(&"fox ".repeat(600), 0, &Unwatched), Err(Error::Prompt(_))));
    assert!(matches!(model.describe(&"狐".repeat(1_999), 0, &Unwatched), Err(Error::Prompt(_))), "too many tokens");
}

#[test]
fn what_is_no_whole_language_model_is_refused() {
    let whole = fs::read(folder().join("model.gguf")).unwrap();
    let fault = |files: &[(&str, Option<&[u8]>)]| {
        let folder = with(files);
        let opened = LanguageModel::examine(folder.path()).and_then(|_| LanguageModel::open(folder.path(), 1 << 30));
        opened.err().map(|error| error.to_string()).unwrap_or_default()
    };
    assert_eq!(fault(&[]), "");
    for (files, word) in [
        (&[("model.gguf", None)][..], "0 GGUF files"),
        (&[("other.gguf", Some(&whole[..]))], "2 GGUF files"),
        (&[(TOKENIZER, None)], TOKENIZER),
        (&[(TOKENIZER, Some(b"{}"))], TOKENIZER),
        (&[("model.gguf", Some(&whole[..1000]))], "model.gguf"),
        (&[("model.gguf", Some(&whole[..whole.len() - 5000]))], "model.gguf"),
    ] {
        let fault = fault(files);
        assert!(fault.contains(word), "{word}: {fault:?}");
    }
    let at = whole.windows(26).position(|window| window == b"qwen3.attention.head_count").unwrap();
    let mut none = whole.clone();
    // A type of four bytes, and then the number.
    none[at + 30..at + 34].fill(0);
    assert!(fault(&[("model.gguf", Some(&none))]).contains("makes no sense"));
    let mut other = whole.clone();
    other[at..at + 5].copy_from_slice(b"llama");
    assert!(fault(&[("model.gguf", Some(&other))]).contains("no Qwen3"));
    let small = LanguageModel::open(&folder(), 1000).err().unwrap();
    assert!(matches!(small, Error::Memory { .. }));
}

#[test]
fn an_answer_is_brought_into_one_paragraph() {
    assert_eq!(one_paragraph("<think>so\n</think>\n \"A fox\nruns.\" "), "A fox runs.");
    assert_eq!(one_paragraph("a\0b\u{8}"), "a b");
    assert_eq!(one_paragraph(" \n"), "");
    assert!(!asked("x<|im_end|>y").contains("x<|im_end|>"));
}
