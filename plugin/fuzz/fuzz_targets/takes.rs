//! Files of takes.
#![no_main]

use std::{cell::OnceCell, fs};

use pickup::engine::Takes;
use pickup_model::{Brief, Recipe, Shot};
use tempfile::TempDir;

thread_local! {
    static FOLDER: OnceCell<TempDir> = const { OnceCell::new() };
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let recipe = Recipe::new(&Shot::new().missing(0.0), &Brief::default(), "fuzz", "fuzz");
    FOLDER.with(|folder| {
        let folder = folder.get_or_init(|| tempfile::tempdir().expect("a folder")).path();
        fs::write(folder.join(format!("{recipe}.take")), bytes).expect("a file");
        let takes = Takes::new(Some(folder.to_owned()));
        let _ = (takes.notes(recipe), takes.frame(recipe, 0), takes.frame(recipe, 1));
        for listed in takes.list() {
            let _ = listed.open().map(|mut file| (file.size(), file.count(), file.frame(0).is_ok()));
        }
    });
});
