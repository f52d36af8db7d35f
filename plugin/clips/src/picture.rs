//! One picture of a clip, with its pixels as the file holds them.

use half::f16;

use super::ClipError;

/// How a sample is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Depth {
    /// 8-bit integer: 255 is white.
    U8,
    /// 16-bit integer: 65535 is white.
    U16,
    /// Half float: 1.0 is white.
    F16,
    /// Float: 1.0 is white.
    F32,
}

impl Depth {
    /// Bytes of one sample.
    pub fn bytes(self) -> usize {
        match self {
            Self::U8 => 1,
            Self::U16 | Self::F16 => 2,
            Self::F32 => 4,
        }
    }

    /// True for the two float depths, which hold values below 0 and above 1.
    pub fn is_float(self) -> bool {
        matches!(self, Self::F16 | Self::F32)
    }
}

/// Samples, interleaved, rows from the top down, no padding.
#[derive(Clone, Debug, PartialEq)]
pub enum Pixels {
    /// 8-bit integers.
    U8(Vec<u8>),
    /// 16-bit integers.
    U16(Vec<u16>),
    /// Half floats.
    F16(Vec<f16>),
    /// Floats.
    F32(Vec<f32>),
}

impl Pixels {
    /// Passes the samples on as bytes, block by block, the same on every machine.
    pub fn for_bytes(&self, mut each: impl FnMut(&[u8])) {
        fn blocks<T: Copy, const N: usize>(samples: &[T], bytes: impl Fn(T) -> [u8; N], each: &mut impl FnMut(&[u8])) {
            for block in samples.chunks(1024) {
                each(block.iter().copied().map(&bytes).collect::<Vec<_>>().as_flattened());
            }
        }
        match self {
            Self::U8(v) => each(v),
            Self::U16(v) => blocks(v, u16::to_le_bytes, &mut each),
            Self::F16(v) => blocks(v, f16::to_le_bytes, &mut each),
            Self::F32(v) => blocks(v, f32::to_le_bytes, &mut each),
        }
    }

    /// Whether all samples have the same bits; what is no number is the same as itself.
    pub fn same_bits(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::F16(a), Self::F16(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits())
            }
            (Self::F32(a), Self::F32(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits())
            }
            (a, b) => a == b,
        }
    }

    /// How many samples there are: width × height × channels.
    pub fn len(&self) -> usize {
        match self {
            Self::U8(v) => v.len(),
            Self::U16(v) => v.len(),
            Self::F16(v) => v.len(),
            Self::F32(v) => v.len(),
        }
    }

    /// True if there is not one sample.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How the samples are stored.
    pub fn depth(&self) -> Depth {
        match self {
            Self::U8(_) => Depth::U8,
            Self::U16(_) => Depth::U16,
            Self::F16(_) => Depth::F16,
            Self::F32(_) => Depth::F32,
        }
    }
}

/// Samples of a channel that is neither colour nor alpha, kept exactly as the file has them.
#[derive(Clone, Debug, PartialEq)]
pub enum PlaneSamples {
    /// Half floats.
    F16(Vec<f16>),
    /// Floats.
    F32(Vec<f32>),
    /// Whole numbers, such as object ids.
    U32(Vec<u32>),
}

impl PlaneSamples {
    /// How many samples there are: width × height.
    pub fn len(&self) -> usize {
        match self {
            Self::F16(v) => v.len(),
            Self::F32(v) => v.len(),
            Self::U32(v) => v.len(),
        }
    }

    /// True if there is not one sample.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The samples as floats; whole numbers above 2²⁴ lose their last digits.
    pub fn to_f32(&self) -> Vec<f32> {
        match self {
            Self::F16(v) => v.iter().map(|s| s.to_f32()).collect(),
            Self::F32(v) => v.clone(),
            Self::U32(v) => v.iter().map(|&s| s as f32).collect(),
        }
    }
}

/// A channel beside colour and alpha, such as depth or motion, with its name in the file.
#[derive(Clone, Debug, PartialEq)]
pub struct Plane {
    /// The channel's name, with its layer: `Z`, `diffuse.R`.
    pub name: String,
    /// Width × height samples, rows from the top down.
    pub samples: PlaneSamples,
}

/// One picture: RGB or RGBA, and further channels beside it.
///
/// Reading a file and writing the picture back in the same format keeps every sample bit for bit
/// (JPEG and lossy video apart). The colour encoding is that of the file: nothing is converted on reading.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    width: usize,
    height: usize,
    has_alpha: bool,
    premultiplied: bool,
    pixels: Pixels,
    extras: Vec<Plane>,
}

impl Picture {
    /// A picture of `width` × `height` pixels from interleaved RGB or RGBA samples, rows from the top down.
    ///
    /// `premultiplied` says whether the colours have been multiplied by alpha; it means nothing without alpha.
    pub fn new(
        width: usize,
        height: usize,
        has_alpha: bool,
        premultiplied: bool,
        pixels: Pixels,
    ) -> Result<Self, ClipError> {
        let channels = if has_alpha { 4 } else { 3 };
        let expected = width.checked_mul(height).and_then(|n| n.checked_mul(channels));
        if width == 0 || height == 0 || expected != Some(pixels.len()) {
            let expected = if has_alpha {
                "RGBA needs four a pixel, and at least one pixel"
            } else {
                "RGB needs three a pixel, and at least one pixel"
            };
            return Err(ClipError::BadPicture { width, height, samples: pixels.len(), expected });
        }
        Ok(Self { width, height, has_alpha, premultiplied: premultiplied && has_alpha, pixels, extras: Vec::new() })
    }

    /// An 8-bit RGB picture.
    pub fn from_rgb8(width: usize, height: usize, samples: Vec<u8>) -> Result<Self, ClipError> {
        Self::new(width, height, false, false, Pixels::U8(samples))
    }

    /// The same picture with further channels beside it; replaces those it had.
    pub fn with_extras(mut self, extras: Vec<Plane>) -> Result<Self, ClipError> {
        for plane in &extras {
            if plane.samples.len() != self.width * self.height {
                return Err(ClipError::BadPicture {
                    width: self.width,
                    height: self.height,
                    samples: plane.samples.len(),
                    expected: "a further channel needs one a pixel",
                });
            }
        }
        self.extras = extras;
        Ok(self)
    }

    /// Width in pixels.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Height in pixels.
    pub fn height(&self) -> usize {
        self.height
    }

    /// Width and height in pixels.
    pub fn size(&self) -> (usize, usize) {
        (self.width, self.height)
    }

    /// 3 for RGB, 4 for RGBA: the samples of a pixel in [`Picture::pixels`].
    pub fn channels(&self) -> usize {
        if self.has_alpha { 4 } else { 3 }
    }

    /// Names of all channels: R, G, B, A if present, then the further ones.
    pub fn channel_names(&self) -> Vec<&str> {
        let main = ["R", "G", "B", "A"].into_iter().take(self.channels());
        main.chain(self.extras.iter().map(|p| p.name.as_str())).collect()
    }

    /// True if there is an alpha channel.
    pub fn has_alpha(&self) -> bool {
        self.has_alpha
    }

    /// True if the colours have been multiplied by alpha; false without alpha.
    pub fn premultiplied(&self) -> bool {
        self.premultiplied
    }

    /// How the samples are stored.
    pub fn depth(&self) -> Depth {
        self.pixels.depth()
    }

    /// The interleaved samples.
    pub fn pixels(&self) -> &Pixels {
        &self.pixels
    }

    /// The interleaved samples, taken out without a copy.
    pub fn into_pixels(self) -> Pixels {
        self.pixels
    }

    /// The channels beside colour and alpha.
    pub fn extras(&self) -> &[Plane] {
        &self.extras
    }

    /// Bytes that the samples occupy in memory.
    pub fn bytes(&self) -> usize {
        let extra = |p: &Plane| match &p.samples {
            PlaneSamples::F16(v) => v.len() * 2,
            PlaneSamples::F32(v) => v.len() * 4,
            PlaneSamples::U32(v) => v.len() * 4,
        };
        self.pixels.len() * self.depth().bytes() + self.extras.iter().map(extra).sum::<usize>()
    }

    /// The same picture with other samples of the same layout: for the conversions, which keep everything else.
    pub(super) fn with_pixels(&self, has_alpha: bool, premultiplied: bool, pixels: Pixels) -> Self {
        debug_assert_eq!(pixels.len(), self.width * self.height * if has_alpha { 4 } else { 3 });
        Self {
            width: self.width,
            height: self.height,
            has_alpha,
            premultiplied: premultiplied && has_alpha,
            pixels,
            extras: self.extras.clone(),
        }
    }
}
