//! Weights in the type of their file, widened to f32 a block at a time.

use std::ops::Range;

use candle_core::{CpuStorage, Result, bail};
use half::{bf16, f16, slice::HalfFloatSliceExt};
use pulp::Arch;

/// A contiguous run of weights.
#[derive(Clone, Copy)]
pub(super) enum WeightSlice<'a> {
    F32(&'a [f32]),
    F16(&'a [f16]),
    BF16(&'a [bf16]),
}

impl<'a> WeightSlice<'a> {
    pub(super) fn new(storage: &'a CpuStorage, (start, end): (usize, usize)) -> Result<Self> {
        Ok(match storage {
            CpuStorage::F32(w) => Self::F32(&w[start..end]),
            CpuStorage::F16(w) => Self::F16(&w[start..end]),
            CpuStorage::BF16(w) => Self::BF16(&w[start..end]),
            _ => bail!("weights must be f32, f16 or bf16"),
        })
    }

    /// Whether the weights are f32 as they stand, so that [`Self::widened`] needs no room.
    pub(super) fn is_wide(&self) -> bool {
        matches!(self, Self::F32(_))
    }

    /// A part of the weights in f32, in `room` if they must be widened.
    pub(super) fn widened<'r>(&self, part: Range<usize>, room: &'r mut [f32]) -> &'r [f32]
    where
        'a: 'r,
    {
        let len = part.len();
        match self {
            Self::F32(w) => return &w[part],
            Self::F16(w) => w[part].convert_to_f32_slice(&mut room[..len]),
            Self::BF16(w) => {
                let (w, room) = (&w[part], &mut room[..len]);
                Arch::new().dispatch(
                    #[inline(always)]
                    || {
                        for (to, w) in room.iter_mut().zip(w) {
                            *to = f32::from_bits(u32::from(w.to_bits()) << 16);
                        }
                    },
                );
            }
        }
        &room[..len]
    }
}
