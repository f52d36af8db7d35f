//! The kernels by name, each compiled when it is first used.

/// A kernel, with the constants that it is compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kernel {
    /// Convolution with a square kernel.
    Conv { side: u32, stride: u32 },
    /// Bilinear resize between pixel centres.
    Resize,
    /// Mean of each four pixels.
    Halve,
    /// Local correlation.
    Correlate,
    /// Backward warp.
    Warp,
    /// Forward splatting into 64-bit sums.
    Splat,
    /// Those sums as floats.
    SplatSums,
}

impl Kernel {
    /// Its whole source: what all have in common, its constants, and its own.
    pub(crate) fn source(self) -> String {
        let own = match self {
            Self::Conv { .. } => include_str!("shaders/conv.wgsl"),
            Self::Resize => include_str!("shaders/resize.wgsl"),
            Self::Halve => include_str!("shaders/halve.wgsl"),
            Self::Correlate => include_str!("shaders/correlate.wgsl"),
            Self::Warp => include_str!("shaders/warp.wgsl"),
            Self::Splat | Self::SplatSums => include_str!("shaders/splat.wgsl"),
        };
        [include_str!("shaders/common.wgsl"), &self.constants(), own].join("\n")
    }

    fn constants(self) -> String {
        match self {
            Self::Conv { side, stride } => {
                let (span, chunk) = (16 * stride + side - stride, if stride == 1 { 8 } else { 2 });
                format!("const SIDE = {side}u; const STRIDE = {stride}u; const SPAN = {span}u; const CHUNK = {chunk}u;")
            }
            _ => String::new(),
        }
    }

    pub(crate) fn entry(self) -> &'static str {
        match self {
            Self::Splat => "splat",
            Self::SplatSums => "sums",
            _ => "main",
        }
    }
}
