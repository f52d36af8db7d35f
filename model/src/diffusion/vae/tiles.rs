//! Decoding in tiles, for when a whole video does not fit in memory.
//!
//! Tiles overlap, and where they do they fade into each other linearly; the first tiles of a row fade into what is
//! already there, so that each border is crossed once. A tile does not see what lies beyond it, so tiling changes the
//! picture a little and is used for want of memory only.

use candle_core::{Result as CandleResult, Tensor};

/// Sizes of tiles and steps from one to the next, in pixels and frames of the video.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Tiling {
    pub(in super::super) frames: Extent,
    pub(in super::super) height: Extent,
    pub(in super::super) width: Extent,
}

/// A tile along one axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Extent {
    pub(in super::super) size: usize,
    pub(in super::super) step: usize,
}

impl Extent {
    fn overlap(self) -> usize {
        self.size - self.step
    }
}

/// Decodes latents.
type Decode<'a> = &'a dyn Fn(&Tensor) -> CandleResult<Option<Tensor>>;

impl Tiling {
    /// The publisher's: 512 pixels every 448, 16 frames every 8.
    pub(in super::super) fn usual() -> Self {
        let edge = Extent { size: 512, step: 448 };
        Self { frames: Extent { size: 16, step: 8 }, height: edge, width: edge }
    }

    /// Decodes `latents`, whose frames and pixels stand for `time` frames and `space` pixels of the video.
    pub(super) fn decode(
        &self,
        latents: &Tensor,
        by: (usize, usize),
        decode: Decode<'_>,
    ) -> CandleResult<Option<Tensor>> {
        let (count, time) = (latents.dim(0)?, by.0);
        let (size, step) = (self.frames.size / time, self.frames.step / time);
        if count <= size || step == 0 {
            return self.decode_space(latents, by.1, decode);
        }
        let (mut parts, mut previous): (Vec<Tensor>, Option<Tensor>) = (Vec::new(), None);
        for first in (0..count).step_by(step) {
            let latents = latents.narrow(0, first, (size + 1).min(count - first))?;
            let Some(mut tile) = self.decode_space(&latents, by.1, decode)? else { return Ok(None) };
            if let Some(previous) = &previous {
                // A later tile's first frame, which it takes for the first of a video, is cut by its last to be as many
                // frames as it has latents beyond the first.
                tile = tile.narrow(0, 0, tile.dim(0)? - 1)?;
                tile = blended(previous, &tile, 0, self.frames.overlap())?;
            }
            let kept = self.frames.step + usize::from(first == 0);
            parts.push(tile.narrow(0, 0, kept.min(tile.dim(0)?))?);
            previous = Some(tile);
        }
        let parts: Vec<Tensor> = parts.into_iter().filter(|p| p.elem_count() > 0).collect();
        let video = Tensor::cat(&parts, 0)?;
        Ok(Some(video.narrow(0, 0, video.dim(0)?.min((count - 1) * time + 1))?))
    }

    fn decode_space(&self, latents: &Tensor, space: usize, decode: Decode<'_>) -> CandleResult<Option<Tensor>> {
        let (_, _, height, width) = latents.dims4()?;
        let latent = |e: Extent| (e.size / space, e.step / space);
        let (down, across) = (latent(self.height), latent(self.width));
        if (height <= down.0 && width <= across.0) || down.1 == 0 || across.1 == 0 {
            return decode(latents);
        }
        let (mut rows, mut above): (Vec<Tensor>, Vec<Tensor>) = (Vec::new(), Vec::new());
        for y in (0..height).step_by(down.1) {
            let strip = latents.narrow(2, y, down.0.min(height - y))?;
            let (mut row, mut parts): (Vec<Tensor>, Vec<Tensor>) = (Vec::new(), Vec::new());
            for (i, x) in (0..width).step_by(across.1).enumerate() {
                let latents = strip.narrow(3, x, across.0.min(width - x))?.contiguous()?;
                let Some(mut tile) = decode(&latents)? else { return Ok(None) };
                if let Some(above) = above.get(i) {
                    tile = blended(above, &tile, 2, self.height.overlap())?;
                }
                if let Some(left) = row.last() {
                    tile = blended(left, &tile, 3, self.width.overlap())?;
                }
                let kept = tile.narrow(2, 0, self.height.step.min(tile.dim(2)?))?;
                parts.push(kept.narrow(3, 0, self.width.step.min(tile.dim(3)?))?.contiguous()?);
                row.push(tile);
            }
            rows.push(Tensor::cat(&parts, 3)?);
            above = row;
        }
        let video = Tensor::cat(&rows, 2)?;
        Ok(Some(video.narrow(2, 0, height * space)?.narrow(3, 0, width * space)?.contiguous()?))
    }
}

/// `tile`, whose first `overlap` along `dim` fade in over the last of `before`.
fn blended(before: &Tensor, tile: &Tensor, dim: usize, overlap: usize) -> CandleResult<Tensor> {
    let (was, is) = (before.dim(dim)?, tile.dim(dim)?);
    let overlap = overlap.min(was).min(is);
    if overlap == 0 {
        return Ok(tile.clone());
    }
    let mut shape = [1; 4];
    shape[dim] = overlap;
    let share: Vec<f32> = (0..overlap).map(|i| i as f32 / overlap as f32).collect();
    let share = Tensor::from_vec(share, &shape, tile.device())?.to_dtype(tile.dtype())?;
    let (old, new) = (before.narrow(dim, was - overlap, overlap)?, tile.narrow(dim, 0, overlap)?);
    let mixed = (&old + (new - &old)?.broadcast_mul(&share)?)?;
    if overlap == is {
        return Ok(mixed);
    }
    Tensor::cat(&[&mixed, &tile.narrow(dim, overlap, is - overlap)?], dim)
}
