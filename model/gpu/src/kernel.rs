//! The kernels by name, each compiled when it is first used.

use std::sync::Arc;

use crate::{formula::Formula, matrices::Shape};

/// A kernel, with what it is compiled for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kernel {
    /// Convolution with a square kernel, of the planes of so many maps.
    Conv { side: u32, stride: u32, maps: u32 },
    /// The same as products of matrices of 16-bit floats.
    ConvByMatrices { shape: Shape, maps: u32 },
    /// What is done place by place.
    Formula(Arc<Formula>),
    /// Bilinear resize between pixel centres, and a factor for even and for odd planes.
    Resize,
    /// Mean of each four pixels.
    Halve,
    /// Mean of the area that a pixel covers.
    Area,
    /// Local correlation.
    Correlate,
    /// Backward warp.
    Warp,
    /// Forward splatting into 64-bit sums.
    Splat,
    /// Those sums as floats.
    SplatSums,
    /// All planes as one.
    Across(Across),
    /// Mean of what lies around, across or along.
    Box { along_rows: bool },
    /// Half a turn.
    Turn,
    /// Four planes as one of twice the size.
    Shuffle,
    /// How far each place is from those beside it.
    Edge,
    /// What places take over from those so many beside them.
    Beside { steps: [i32; 2] },
    /// What of that scatters.
    Scattered,
    /// A frame from two, so many channels together.
    Mix { together: u32 },
    /// One that no driver takes.
    #[cfg(test)]
    Broken,
}

/// A function of one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Each {
    /// Times a factor, and a number more.
    Affine,
    /// Its size.
    Magnitude,
    /// Times itself.
    Square,
    /// e to that power.
    Exp,
    /// 1 / (1 + e^-v).
    Sigmoid,
    /// ln(1 + e^v), written so that a large v does not overflow.
    Softplus,
    /// Itself where positive, else so much of it.
    Leaky,
    /// A number at the least.
    AtLeast,
    /// A number at the most.
    AtMost,
    /// 1 where it is less than a number, else 0.
    IsBelow,
}

impl Each {
    /// All there are.
    #[cfg(test)]
    pub(crate) const ALL: [Self; 10] = [
        Self::Affine,
        Self::Magnitude,
        Self::Square,
        Self::Exp,
        Self::Sigmoid,
        Self::Softplus,
        Self::Leaky,
        Self::AtLeast,
        Self::AtMost,
        Self::IsBelow,
    ];

    /// Of a value `v`, with the numbers `first` and `second`.
    pub(crate) fn formula(self) -> &'static str {
        match self {
            Self::Affine => "v * first + second",
            Self::Magnitude => "abs(v)",
            Self::Square => "v * v",
            Self::Exp => "exp(v)",
            Self::Sigmoid => "1.0 / (1.0 + exp(-v))",
            Self::Softplus => "max(v, 0.0) + log(1.0 + exp(-abs(v)))",
            Self::Leaky => "max(v, v * first)",
            Self::AtLeast => "max(v, first)",
            Self::AtMost => "min(v, first)",
            Self::IsBelow => "select(0.0, 1.0, v < first)",
        }
    }
}

/// A function of two values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Both {
    /// Both together.
    Sum,
    /// The first less the second.
    Difference,
    /// The first times the second.
    Product,
    /// The first over the second.
    Quotient,
    /// The larger.
    Larger,
    /// The smaller.
    Smaller,
    /// 1 where the first is less than the second, else 0.
    IsBelow,
}

impl Both {
    /// All there are.
    #[cfg(test)]
    pub(crate) const ALL: [Self; 7] =
        [Self::Sum, Self::Difference, Self::Product, Self::Quotient, Self::Larger, Self::Smaller, Self::IsBelow];

    /// Of the values `a` and `b`.
    pub(crate) fn formula(self) -> &'static str {
        match self {
            Self::Sum => "a + b",
            Self::Difference => "a - b",
            Self::Product => "a * b",
            Self::Quotient => "a / b",
            Self::Larger => "max(a, b)",
            Self::Smaller => "min(a, b)",
            Self::IsBelow => "select(0.0, 1.0, a < b)",
        }
    }
}

/// What all planes together become.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Across {
    /// Their sum.
    Sum,
    /// Their mean.
    Mean,
    /// The largest.
    Largest,
}

impl Across {
    fn formulas(self) -> (&'static str, &'static str) {
        match self {
            Self::Sum => ("a + b", "v"),
            Self::Mean => ("a + b", "v / f32(p.channels)"),
            Self::Largest => ("max(a, b)", "v"),
        }
    }
}

impl Kernel {
    /// Its whole source: what all have in common, what it is compiled for, and its own.
    pub(crate) fn source(&self) -> String {
        let own = match self {
            Self::Formula(formula) => return formula.source(),
            Self::Conv { .. } => include_str!("shaders/conv.wgsl"),
            Self::ConvByMatrices { .. } => include_str!("shaders/matrices.wgsl"),
            Self::Resize => include_str!("shaders/resize.wgsl"),
            Self::Halve => include_str!("shaders/halve.wgsl"),
            Self::Area => include_str!("shaders/area.wgsl"),
            Self::Correlate => include_str!("shaders/correlate.wgsl"),
            Self::Warp => include_str!("shaders/warp.wgsl"),
            Self::Splat | Self::SplatSums => include_str!("shaders/splat.wgsl"),
            Self::Across(_) => include_str!("shaders/across.wgsl"),
            Self::Box { .. } => include_str!("shaders/box.wgsl"),
            Self::Turn => include_str!("shaders/turn.wgsl"),
            Self::Shuffle => include_str!("shaders/shuffle.wgsl"),
            #[cfg(test)]
            Self::Broken => "no kernel at all",
            Self::Edge => include_str!("shaders/edge.wgsl"),
            Self::Beside { .. } => include_str!("shaders/beside.wgsl"),
            Self::Scattered => include_str!("shaders/scattered.wgsl"),
            Self::Mix { .. } => include_str!("shaders/mix.wgsl"),
        };
        let around = if self.is_of_one() { include_str!("shaders/place.wgsl") } else { "" };
        let source =
            [self.enabled(), include_str!("shaders/common.wgsl"), &self.compiled_for(), own, around].join("\n");
        match self {
            Self::ConvByMatrices { shape, .. } => shape.unrolled(&source),
            _ => source,
        }
    }

    /// What of the language it needs beyond what all GPUs do.
    fn enabled(&self) -> &'static str {
        match self {
            Self::ConvByMatrices { .. } => "enable f16;\nenable wgpu_cooperative_matrix;",
            _ => "",
        }
    }

    /// Whether it makes one map of another place by place, and says no more than how.
    fn is_of_one(&self) -> bool {
        matches!(
            self,
            Self::Resize
                | Self::Halve
                | Self::Area
                | Self::Across(_)
                | Self::Box { .. }
                | Self::Turn
                | Self::Shuffle
                | Self::Edge
        )
    }

    fn compiled_for(&self) -> String {
        match *self {
            Self::Conv { side, stride, maps } => {
                let (span, chunk) = (16 * stride + side - stride, if stride == 1 { 8 } else { 2 });
                format!(
                    "const SIDE = {side}u; const STRIDE = {stride}u; const SPAN = {span}u; const CHUNK = {chunk}u;\n{}",
                    fetching(maps)
                )
            }
            Self::ConvByMatrices { shape, maps } => [shape.compiled_for(), fetching(maps)].join("\n"),
            Self::Beside { steps: [near, far] } => {
                format!("const NEAR_STEP = {near}; const FAR_STEP = {far};")
            }
            Self::Mix { together } => format!("const TOGETHER = {together}u;"),
            Self::Across(across) => {
                let (made, ended) = across.formulas();
                [function("made", "a: f32, b: f32", made), function("ended", "v: f32", ended)].join("\n")
            }
            Self::Box { along_rows } => {
                format!("const ALONG = vec2<i32>({}, {});", i32::from(along_rows), i32::from(!along_rows))
            }
            _ => String::new(),
        }
    }

    pub(crate) fn entry(&self) -> &'static str {
        match self {
            Self::Splat => "splat",
            Self::SplatSums => "sums",
            _ => "main",
        }
    }
}

pub(crate) fn function(name: &str, takes: &str, formula: &str) -> String {
    format!("fn {name}({takes}) -> f32 {{ return {formula}; }}")
}

/// Maps whose planes a convolution takes one after another, at the most: `parts` of its parameters says where each but the first begins.
pub(crate) const MOST_MAPS: usize = 5;
/// Where the first of them is bound; the others follow.
pub(crate) const FIRST_MAP: u32 = 4;

/// The value of a channel at a place of its plane, for a convolution of so many maps.
fn fetching(maps: u32) -> String {
    let bound = (0..maps).map(|i| {
        let binding = FIRST_MAP + i;
        format!("@group(0) @binding({binding}) var<storage, read> x{i}: array<f32>;\n")
    });
    let from = (0..maps).rev().map(|map| match map.checked_sub(1) {
        None => "return x0[channel * p.height * p.width + place];".to_owned(),
        Some(part) => {
            let begin = format!("p.parts[{part}]");
            format!("if channel >= {begin} {{ return x{map}[(channel - {begin}) * p.height * p.width + place]; }}")
        }
    });
    let (bound, from) = (bound.collect::<String>(), from.collect::<Vec<_>>().join(" "));
    format!("{bound}fn fetched(channel: u32, place: u32) -> f32 {{ {from} }}")
}

#[cfg(test)]
mod tests {
    use wgpu::naga::{
        front::wgsl,
        valid::{Capabilities, ValidationFlags, Validator},
    };

    use super::*;
    use crate::{formula, matrices::Matrices};

    /// Every kernel there is.
    fn all() -> Vec<Kernel> {
        let mut all = vec![
            Kernel::Resize,
            Kernel::Halve,
            Kernel::Area,
            Kernel::Correlate,
            Kernel::Warp,
            Kernel::Splat,
            Kernel::SplatSums,
            Kernel::Turn,
            Kernel::Shuffle,
            Kernel::Edge,
            Kernel::Beside { steps: [2, 5] },
            Kernel::Scattered,
        ];
        let convs = [(1, 1, 1), (1, 2, 2), (3, 1, 5), (3, 2, 3), (5, 1, 1)];
        all.extend(convs.map(|(side, stride, maps)| Kernel::Conv { side, stride, maps }));
        all.extend(formula::tests::all().into_iter().map(|formula| Kernel::Formula(formula.into())));
        for matrices in [Matrices { side: 8, subgroup: 8 }, Matrices { side: 16, subgroup: 64 }] {
            let of = |(outputs, side, stride, maps)| Kernel::ConvByMatrices {
                shape: Shape::of(matrices, outputs, side, stride),
                maps,
            };
            all.extend([(3, 1, 1, 1), (96, 3, 1, 5), (24, 3, 2, 2)].map(of));
        }
        all.extend([false, true].map(|along_rows| Kernel::Box { along_rows }));
        all.extend([1, 3, 4].map(|together| Kernel::Mix { together }));
        all.extend([Across::Sum, Across::Mean, Across::Largest].map(Kernel::Across));
        all
    }

    #[test]
    fn every_kernel_is_valid() {
        for kernel in all() {
            let source = kernel.source();
            let module = wgsl::parse_str(&source)
                .unwrap_or_else(|error| panic!("{kernel:?}: {}", error.emit_to_string(&source)));
            assert!(module.entry_points.iter().any(|entry| entry.name == kernel.entry()), "{kernel:?}");
            let needed = match kernel {
                Kernel::ConvByMatrices { .. } => {
                    Capabilities::COOPERATIVE_MATRIX | Capabilities::SHADER_FLOAT16 | Capabilities::SUBGROUP
                }
                _ => Capabilities::empty(),
            };
            let mut validator = Validator::new(ValidationFlags::all(), needed);
            validator.validate(&module).unwrap_or_else(|error| panic!("{kernel:?}: {}", error.emit_to_string(&source)));
        }
    }
}
