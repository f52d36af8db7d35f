//! Moving and mixing a host's own pixels.

use crate::{Gpu, GpuError, Map, gpu::Params, kernel::Kernel, map::Made, ops::groups};

/// A picture in the machine's memory: rows of pixels, the channels of a pixel side by side.
#[derive(Clone, Copy, Debug)]
pub struct Pixels<'a> {
    /// The same for equal pictures alone: one that was sent a short while ago is not sent again.
    pub name: u64,
    /// `height * width * channels` values.
    pub data: &'a [f32],
    /// Rows.
    pub height: usize,
    /// Pixels of a row.
    pub width: usize,
    /// Values of a pixel.
    pub channels: usize,
}

/// Planes of what [`Gpu::mixed`] is told: four flows, six worths, the error to expect.
const SAID: usize = 4 * 2 + 6 + 1;
/// Floating-point operations for each value that is made: four times 16 taps, and reading what is told.
const EACH: usize = 4 * 16 * 2 + SAID * 9;

/// Pictures that a GPU keeps: those of a gap, or of the next one in a row, for each of two clips.
const KEPT: usize = 4;
/// Bytes of them beyond which a GPU keeps no more than the two that it works on.
const MOST: u64 = 1 << 30;

/// The pictures that were used last, the newest at the end.
#[derive(Debug, Default)]
pub(crate) struct Pictures(Vec<(u64, Map)>);

impl Pictures {
    fn recall(&mut self, name: u64, shape: [usize; 3]) -> Option<Map> {
        let at = self.0.iter().position(|(known, map)| *known == name && map.shape == shape)?;
        let found = self.0.remove(at);
        self.0.push(found.clone());
        Some(found.1)
    }

    fn keep(&mut self, name: u64, map: Map) {
        // Another thread may have sent the same.
        self.0.retain(|(known, _)| *known != name);
        self.0.push((name, map));
        let bytes = |kept: &[(u64, Map)]| kept.iter().map(|(_, map)| map.bytes()).sum::<u64>();
        while self.0.len() > KEPT || self.0.len() > 2 && bytes(&self.0) > MOST {
            self.0.remove(0);
        }
    }

    /// Lets go of all.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}

impl Gpu {
    /// A picture on the GPU, sent now or a short while ago.
    fn picture(&self, shape: [usize; 3], pixels: Pixels<'_>) -> Result<Map, GpuError> {
        if let Some(map) = self.pictures.lock().recall(pixels.name, shape) {
            return Ok(map);
        }
        let map = self.map(shape, pixels.data)?;
        self.pictures.lock().keep(pixels.name, map.clone());
        Ok(map)
    }

    /// The frame between two, and how sure of each pixel one may be, 0 to 1.
    ///
    /// `said` holds, at any size: four flows in pixels of that size, x before y, to the first frame and to the last by turns; what
    /// each of the four is worth that they fetch (by cubic convolution, a = -0.75), and what the frames are worth as they stand; and
    /// the error to expect, of which `scale` leaves 1/e of certainty.
    ///
    /// # Errors
    /// When the frames are not of one size, the planes are not so many, or something failed since the last reading.
    pub fn mixed(&self, said: &Map, frames: [Pixels<'_>; 2], scale: f32) -> Result<(Vec<f32>, Vec<f32>), GpuError> {
        let Pixels { height, width, channels, .. } = frames[0];
        let fits = |frame: &Pixels<'_>| {
            let size = [frame.height, frame.width, frame.channels];
            size == [height, width, channels] && frame.data.len() == height * width * channels
        };
        if said.shape[0] != SAID || !frames.iter().all(fits) || frames[0].data.is_empty() {
            return Err(self.misfit("mix", format!("{:?} does not mix two of {height}x{width}x{channels}", said.shape)));
        }
        let shape = [channels, height, width];
        let [first, last] = frames.map(|frame| self.picture(shape, frame));
        let [said, first, last] = [self.held(said)?, self.held(&first?)?, self.held(&last?)?];
        let (y, sure) = (self.empty(shape)?, self.empty([1, height, width])?);
        let together = if matches!(channels, 3 | 4) { channels as u32 } else { 1 };
        let params = Params { from: said.shape, to: shape, numbers: [scale, 0.0, 0.0, 0.0], ..Params::default() };
        let buffers = [&said, &first, &last, &y, &sure].map(Made::part);
        let bound = [1, 2, 3, 4, 5].map(|binding| (binding, buffers[binding as usize - 1]));
        let operations = (height * width * channels * EACH) as u64;
        self.run(Kernel::Mix { together }, params, &bound, groups(height, width, 1), operations)?;
        Ok((self.read(&y.into())?, self.read(&sure.into())?))
    }
}
