//! `pickup enhance`: a few words written out as a description.

use std::{cell::RefCell, io::Write};

use pickup::engine::engine;
use pickup_model::Watch;

use super::{CliError, args::EnhanceArgs, cancel, progress::Bar};

pub(super) fn run(args: &EnhanceArgs, out: &mut dyn Write) -> Result<(), CliError> {
    cancel::listen();
    let watch = Writing(RefCell::new(Bar::counting("Enhance", "%")));
    let description = engine().describe(&args.words.join(" "), args.seed, &watch);
    drop(watch);
    cancel::check()?;
    writeln!(out, "{}", description.map_err(CliError::failed)?)?;
    Ok(())
}

/// Shows how far a description is, until the user stops it.
struct Writing(RefCell<Bar>);

impl Watch for Writing {
    fn progress(&self, done: f32) -> bool {
        self.0.borrow_mut().update((done * 100.0) as usize, 100);
        cancel::check().is_ok()
    }
}
