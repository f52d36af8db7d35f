//! Lists that people write: of frames, of models, and of settings.
#![no_main]

use pickup::models::ModelList;
use pickup_clips::{MachineSettings, frame_list::FrameList};

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(list) = FrameList::parse(text) {
        // What is written is read again.
        assert_eq!(FrameList::parse(&list.to_string()).as_ref(), Ok(&list));
        let _ = (list.first(), list.last(), list.len(), list.iter().take(9).count());
    }
    if let Ok(list) = ModelList::parse(text) {
        for model in list.models() {
            let _ = (list.files(model).count(), list.licences(model).len());
        }
    }
    if let Ok(settings) = MachineSettings::parse(text) {
        let _ = settings.unknown().count();
    }
});
