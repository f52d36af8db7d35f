//! Prompts in any language.
#![no_main]

use std::{path::Path, sync::OnceLock};

use pickup::nodes::params::{look::LookParams, words::words};
use pickup_model::diffusion::Lexicon;

static LEXICON: OnceLock<Lexicon> = OnceLock::new();

libfuzzer_sys::fuzz_target!(|prompt: &str| {
    let lexicon = LEXICON.get_or_init(|| {
        let stock = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../resources/models/stock");
        Lexicon::open(&stock).expect("it makes sense").expect("there is one")
    });
    let understood = lexicon.understand(prompt);
    assert!(understood.taken.iter().all(|(word, _)| !word.is_empty()));
    let _ = (LookParams::default().or_said(prompt), words(prompt).len());
});
