//! Interlaced video: what becomes of its fields when it is read, and a picture's two fields apart and together.

use std::path::Path;
use std::sync::Arc;

use super::ClipError;
use super::beside::FieldOrder;
use super::picture::{Picture, Pixels};
use super::probe::Probe;
use super::reader::Rate;

/// What becomes of the fields of an interlaced video when it is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fields {
    /// Each picture stays the two fields that it is.
    #[default]
    AsStored,
    /// A whole picture is made of each two fields, at the same rate.
    Deinterlace,
    /// A whole picture is made of each field, at twice the rate.
    Double,
    /// Film that was spread over fields: its own pictures, at four fifths of the rate.
    Film,
}

impl Fields {
    /// ffmpeg's filters.
    pub(super) fn filter(self, order: Option<FieldOrder>) -> Option<String> {
        let parity = match order {
            Some(FieldOrder::Top) => "tff",
            Some(FieldOrder::Bottom) => "bff",
            None => "auto",
        };
        match self {
            Self::AsStored => None,
            Self::Deinterlace => Some(format!("bwdif=mode=send_frame:parity={parity}:deint=all")),
            Self::Double => Some(format!("bwdif=mode=send_field:parity={parity}:deint=all")),
            // What is left of single fields at cuts is made whole; then the one of five that is there twice is left out.
            Self::Film => Some(format!(
                "fieldmatch=order={parity}:combmatch=full,bwdif=mode=send_frame:deint=interlaced,decimate"
            )),
        }
    }

    fn rate(self, rate: Rate) -> Rate {
        let times = |num: u32, den: u32| Rate { num: rate.num * num, den: rate.den * den }.reduced();
        match self {
            Self::AsStored | Self::Deinterlace => rate,
            Self::Double => times(2, 1),
            Self::Film => times(4, 5),
        }
    }

    /// What is known of a video once this was done to its fields. `count` finds out how many pictures there are then.
    pub(super) fn apply(
        self,
        path: &Path,
        probe: &mut Probe,
        count: impl FnOnce() -> Result<i64, ClipError>,
    ) -> Result<(), ClipError> {
        match self {
            Self::AsStored => return Ok(()),
            Self::Deinterlace => {}
            Self::Double => {
                probe.numbers = probe.numbers.iter().flat_map(|n| [2 * n - 1, 2 * n]).collect();
                probe.beside.times = probe.beside.times.as_deref().map(|times| halved(times, probe.rate));
            }
            Self::Film => {
                let gaps = probe.numbers.last().is_some_and(|last| *last > probe.numbers.len() as i64);
                if gaps || probe.beside.times.is_some() {
                    let what = "film is found in fields that follow each other evenly, and here frames are lost or unevenly spaced: \
                                repair the clip first";
                    return Err(ClipError::unsupported(path, what));
                }
                probe.numbers = (1..=count()?).collect();
            }
        }
        probe.rate = self.rate(probe.rate);
        probe.beside.fields = None;
        Ok(())
    }
}

/// Times with one more half-way to the next of each.
fn halved(times: &[f64], rate: Rate) -> Arc<[f64]> {
    let end = times.last().map(|last| last + 1.0 / rate.as_f64());
    let next = times.iter().copied().skip(1).chain(end);
    times.iter().zip(next).flat_map(|(from, to)| [*from, (from + to) / 2.0]).collect()
}

/// The samples of every second row, from row `first` on.
fn rows<T: Copy>(samples: &[T], stride: usize, first: usize) -> Vec<T> {
    samples.chunks_exact(stride).skip(first).step_by(2).flatten().copied().collect()
}

fn woven<T: Copy>(top: &[T], bottom: &[T], stride: usize) -> Vec<T> {
    top.chunks_exact(stride).zip(bottom.chunks_exact(stride)).flat_map(|(a, b)| [a, b]).flatten().copied().collect()
}

impl Picture {
    /// Every second row: from the top row on, or from the second.
    pub fn field(&self, order: FieldOrder) -> Result<Self, ClipError> {
        let (stride, first) = (self.width() * self.channels(), usize::from(order == FieldOrder::Bottom));
        let pixels = match self.pixels() {
            Pixels::U8(v) => Pixels::U8(rows(v, stride, first)),
            Pixels::U16(v) => Pixels::U16(rows(v, stride, first)),
            Pixels::F16(v) => Pixels::F16(rows(v, stride, first)),
            Pixels::F32(v) => Pixels::F32(rows(v, stride, first)),
        };
        let height = (self.height() + 1 - first) / 2;
        Self::new(self.width(), height, self.has_alpha(), self.premultiplied(), pixels)
    }

    /// The picture of which these are the fields. Both must have one size and kind.
    pub fn weave(top: &Self, bottom: &Self) -> Result<Self, ClipError> {
        let stride = top.width() * top.channels();
        let bad = || ClipError::BadPicture {
            width: top.width(),
            height: top.height() * 2,
            samples: top.pixels().len() + bottom.pixels().len(),
            expected: "two fields of one size, depth and kind",
        };
        if (top.size(), top.has_alpha()) != (bottom.size(), bottom.has_alpha()) {
            return Err(bad());
        }
        let pixels = match (top.pixels(), bottom.pixels()) {
            (Pixels::U8(a), Pixels::U8(b)) => Pixels::U8(woven(a, b, stride)),
            (Pixels::U16(a), Pixels::U16(b)) => Pixels::U16(woven(a, b, stride)),
            (Pixels::F16(a), Pixels::F16(b)) => Pixels::F16(woven(a, b, stride)),
            (Pixels::F32(a), Pixels::F32(b)) => Pixels::F32(woven(a, b, stride)),
            _ => return Err(bad()),
        };
        Self::new(top.width(), top.height() * 2, top.has_alpha(), top.premultiplied(), pixels)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_come_apart_and_together() {
        let picture = Picture::from_rgb8(2, 4, (0..24).collect()).unwrap();
        let (top, bottom) = (picture.field(FieldOrder::Top).unwrap(), picture.field(FieldOrder::Bottom).unwrap());
        assert_eq!(top.pixels(), &Pixels::U8((0..6).chain(12..18).collect()));
        assert_eq!(bottom.pixels(), &Pixels::U8((6..12).chain(18..24).collect()));
        assert_eq!(Picture::weave(&top, &bottom).unwrap(), picture);
        assert!(Picture::weave(&top, &Picture::from_rgb8(2, 1, vec![0; 6]).unwrap()).is_err());
    }

    #[test]
    fn a_field_begins_half_way_to_the_next_picture() {
        assert_eq!(*halved(&[0.0, 0.04, 0.12], Rate { num: 25, den: 1 }), [0.0, 0.02, 0.04, 0.08, 0.12, 0.14]);
    }

    #[test]
    fn film_has_four_fifths_of_the_rate() {
        let ntsc = Rate { num: 30000, den: 1001 };
        assert_eq!(Fields::Film.rate(ntsc), Rate { num: 24000, den: 1001 });
        assert_eq!(Fields::Double.rate(Rate { num: 25, den: 1 }), Rate { num: 50, den: 1 });
    }
}
