//! What was seen of source frames that a video model's shots are made of. Each frame of a shot asks for all that its take is
//! named by: some dozens of frames of the source, shrunk. A hash of what the host gave is much sooner there than they are.

use parking_lot::Mutex;
use pickup_model::{Frame, Kept};
use twox_hash::XxHash3_128;

use super::{Engine, Result, memory};

/// Bytes of shrunk frames that are kept: those that a bridge of the largest models stands on.
const BUDGET: usize = 192 << 20;
/// How many frames' noise is kept.
const NOISES: usize = 64;

/// Names a source frame by all that its pixels come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Name(u128);

impl Name {
    /// The name of what `told` passes on.
    pub fn new(told: impl FnOnce(&mut dyn FnMut(&[u8]))) -> Self {
        let mut hasher = XxHash3_128::new();
        told(&mut |bytes| hasher.write(bytes));
        Self(hasher.finish_128())
    }
}

/// Name frames by the size that they were shrunk to.
type Shrunk = Kept<(Name, (usize, usize)), Frame>;

pub(super) struct Glances {
    shrunk: Mutex<Shrunk>,
    noise: Mutex<Kept<Name, f32>>,
}

impl Default for Glances {
    fn default() -> Self {
        Self { shrunk: Mutex::new(Kept::new(memory::cache(BUDGET))), noise: Mutex::new(Kept::new(NOISES)) }
    }
}

impl Glances {
    pub(super) fn forget(&self) {
        self.shrunk.lock().clear();
        self.noise.lock().clear();
    }
}

impl Engine {
    /// A source frame at a size: the one that `make` gave before, or gives now.
    ///
    /// # Errors
    /// Those of `make`.
    pub fn shrunk<E>(
        &self,
        source: Name,
        size: (usize, usize),
        make: impl FnOnce() -> Result<Frame, E>,
    ) -> Result<Frame, E> {
        if let Some(known) = self.glances.shrunk.lock().recall(&(source, size)) {
            return Ok(known);
        }
        let frame = make()?;
        self.glances.shrunk.lock().keep((source, size), frame.clone(), size_of_val(frame.pixels()));
        Ok(frame)
    }

    /// The noise of a source frame: what `measure` gave before, or gives now.
    ///
    /// # Errors
    /// Those of `measure`.
    pub fn noise<E>(&self, source: Name, measure: impl FnOnce() -> Result<f32, E>) -> Result<f32, E> {
        if let Some(known) = self.glances.noise.lock().recall(&source) {
            return Ok(known);
        }
        let noise = measure()?;
        self.glances.noise.lock().keep(source, noise, 1);
        Ok(noise)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use crate::engine::EngineError;
    use pickup_model::Encoding;

    use super::*;

    fn named(text: &str) -> Name {
        Name::new(|tell| tell(text.as_bytes()))
    }

    #[test]
    fn a_frame_is_shrunk_once_a_size() {
        let (engine, made) = (Engine::default(), Cell::new(0));
        let shrunk = |name: &str, size: (usize, usize)| {
            let make = || {
                made.set(made.get() + 1);
                Ok::<_, EngineError>(
                    Frame::new(size.0, size.1, 1, Encoding::Display, vec![0.5; size.0 * size.1]).unwrap(),
                )
            };
            engine.shrunk(named(name), size, make).unwrap()
        };
        assert!(shrunk("a", (2, 1)).same_pixels(&shrunk("a", (2, 1))));
        assert_eq!(made.get(), 1);
        shrunk("a", (1, 2));
        shrunk("b", (2, 1));
        assert_eq!(made.get(), 3);
        engine.purge();
        shrunk("a", (2, 1));
        assert_eq!(made.get(), 4);
    }

    #[test]
    fn what_failed_is_tried_again() {
        let engine = Engine::default();
        assert!(engine.noise(named("a"), || Err(EngineError::Stopped)).is_err());
        assert_eq!(engine.noise(named("a"), || Ok::<_, EngineError>(0.5)).unwrap(), 0.5);
        assert_eq!(engine.noise(named("a"), || Err(EngineError::Stopped)).unwrap(), 0.5);
    }
}
