//! Convolutions as products of matrices, on the units that cards have for these.

use crate::{Adapter, ConvWeights};

/// Matrices of 16-bit floats that a GPU multiplies at once, with sums in 32 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Matrices {
    /// Rows and columns: 8 or 16.
    pub(crate) side: u32,
    /// Threads that multiply them together, at the most: a number that divides [`THREADS`].
    pub(crate) subgroup: u32,
}

/// Threads of a group.
pub(crate) const THREADS: u32 = 128;
/// Blocks of outputs that a group makes at the most.
const MOST_BLOCKS: u32 = 4;
/// Pixels of a row that a group makes.
pub(crate) const COLUMNS: u32 = 16;

impl Matrices {
    /// Those that an adapter offers, the largest.
    pub(crate) fn of(adapter: &wgpu::Adapter) -> Option<Self> {
        let offered = adapter.features().contains(features());
        let subgroup = adapter.get_info().subgroup_max_size;
        if !offered || !THREADS.is_multiple_of(subgroup) {
            return None;
        }
        let fit = |found: &wgpu::CooperativeMatrixProperties| {
            found.ab_type == wgpu::CooperativeScalarType::F16
                && found.cr_type == wgpu::CooperativeScalarType::F32
                && [found.m_size, found.n_size, found.k_size] == [found.m_size; 3]
        };
        let sides = adapter.cooperative_matrix_properties().into_iter().filter(fit).map(|found| found.m_size);
        let most = adapter.limits().max_compute_workgroup_storage_size;
        sides.map(|side| Self { side, subgroup }).filter(|matrices| matrices.memory() <= most).max_by_key(|m| m.side)
    }

    /// Bytes of workgroup memory that the largest kernel takes; see `shaders/matrices.wgsl`.
    fn memory(self) -> u32 {
        let bytes = |side: u32, stride: u32| {
            let shape = Shape { side, stride, blocks: 1, matrices: self };
            let area = shape.span() * (shape.rows() * stride + side - stride);
            let tiles = shape.rows() * COLUMNS / self.side;
            area * (self.side + 8) * 2 + (tiles + 1) * self.side.pow(2) * 4
        };
        bytes(3, 1).max(bytes(3, 2))
    }
}

/// What of wgpu is needed for them.
pub(crate) fn features() -> wgpu::Features {
    wgpu::Features::EXPERIMENTAL_COOPERATIVE_MATRIX | wgpu::Features::SHADER_F16 | wgpu::Features::SUBGROUP
}

/// The word that wgpu asks for before it hands out what is experimental.
#[allow(unsafe_code, reason = "wgpu makes asking for an experiment unsafe")]
pub(crate) fn allowed() -> wgpu::ExperimentalFeatures {
    // SAFETY: nothing is done by it; wgpu wants it understood that its experiments may have faults of their own. Of these, one kernel uses
    // cooperative matrices, reads and writes them within its own arrays, and is tested on each GPU before its numbers are used.
    unsafe { wgpu::ExperimentalFeatures::enabled() }
}

impl Adapter {
    /// Rows and columns of the matrices of 16-bit floats that it multiplies at once; none where it has no units for that.
    #[must_use]
    pub fn matrices(&self) -> Option<u32> {
        Matrices::of(&self.inner).map(|matrices| matrices.side)
    }
}

/// What such a convolution is compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Shape {
    /// Rows and columns of its kernel.
    pub(crate) side: u32,
    pub(crate) stride: u32,
    /// Blocks of outputs that a group makes, each as many as a matrix has rows.
    pub(crate) blocks: u32,
    pub(crate) matrices: Matrices,
}

impl Shape {
    /// For so many outputs: in as few groups as may be, and those of one size.
    pub(crate) fn of(matrices: Matrices, outputs: usize, side: usize, stride: usize) -> Self {
        let blocks = (outputs as u32).div_ceil(matrices.side);
        let groups = blocks.div_ceil(MOST_BLOCKS);
        Self { side: side as u32, stride: stride as u32, blocks: blocks.div_ceil(groups), matrices }
    }

    /// Rows of pixels that a group makes: what they read has to fit its memory.
    pub(crate) fn rows(self) -> u32 {
        if self.stride == 1 { 8 } else { 4 }
    }

    /// Outputs that a group makes.
    pub(crate) fn outputs(self) -> usize {
        (self.blocks * self.matrices.side) as usize
    }

    /// Pixels of a row that a group reads.
    fn span(self) -> u32 {
        COLUMNS * self.stride + self.side - self.stride
    }

    /// Matrices of pixels that a subgroup makes one after another, where subgroups are as large as they may be.
    fn rounds(self) -> u32 {
        (self.rows() * COLUMNS / self.matrices.side).div_ceil(THREADS / self.matrices.subgroup)
    }

    /// What stands before its source.
    pub(crate) fn compiled_for(self) -> String {
        let Self { side, stride, blocks, matrices } = self;
        let (t, span, rows) = (matrices.side, self.span(), self.rows());
        let kinds = [("Left", "f16", "A"), ("Right", "f16", "B"), ("Sums", "f32", "C")]
            .map(|(name, scalar, role)| format!("alias {name} = coop_mat{t}x{t}<{scalar}, {role}>;"));
        format!(
            "const SIDE = {side}u; const STRIDE = {stride}u; const SPAN = {span}u; const ROWS = {rows}u;\n\
             const T = {t}u; const BLOCKS = {blocks}u; const THREADS = {THREADS}u;\n{}",
            kinds.join("\n")
        )
    }

    /// A kernel's source with what is repeated in it.
    pub(crate) fn unrolled(self, source: &str) -> String {
        repeated(&repeated(source, 'r', self.rounds()), 'b', self.blocks)
    }

    /// Weights in the order of the kernel.
    pub(crate) fn packed(self, of: ConvWeights<'_>) -> Vec<half::f16> {
        let ConvWeights { outputs, inputs, side, values, .. } = of;
        let (t, taps) = (self.matrices.side as usize, side * side);
        let at = |output: usize, input: usize, tap: usize| {
            let is_there = output < outputs && input < inputs;
            half::f16::from_f32(if is_there { values[(output * inputs + input) * taps + tap] } else { 0.0 })
        };
        let mut packed = Vec::new();
        for first in (0..outputs).step_by(self.outputs()) {
            for (inputs, tap) in (0..inputs).step_by(t).flat_map(|input| (0..taps).map(move |tap| (input, tap))) {
                for output in first..first + self.outputs() {
                    packed.extend((inputs..inputs + t).map(|input| at(output, input, tap)));
                }
            }
        }
        packed
    }

    /// Biases in the order of the kernel.
    pub(crate) fn biases(self, bias: &[f32]) -> Vec<f32> {
        let rows = bias.len().next_multiple_of(self.outputs());
        let across = self.matrices.side as usize;
        (0..rows).flat_map(|row| std::iter::repeat_n(bias.get(row).copied().unwrap_or(0.0), across)).collect()
    }
}

/// A text in which all that stands between `//each x` and `//end x` is repeated so often, with its number for each `{x}`.
fn repeated(text: &str, by: char, count: u32) -> String {
    let (begin, end, number) = (format!("//each {by}\n"), format!("//end {by}\n"), format!("{{{by}}}"));
    let mut made = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(&begin) {
        let (inner, after) = after.split_once(&end).unwrap_or((after, ""));
        made.push_str(before);
        (0..count).for_each(|i| made.push_str(&inner.replace(&number, &i.to_string())));
        rest = after;
    }
    made + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_repeated_stands_as_often_as_it_says() {
        let text = "a\n//each r\nb{r}\n//each b\nc{r}{b}\n//end b\n//end r\nd\n";
        assert_eq!(repeated(&repeated(text, 'r', 2), 'b', 2), "a\nb0\nc00\nc01\nb1\nc10\nc11\nd\n");
    }

    #[test]
    fn outputs_are_shared_among_as_few_groups_as_may_be() {
        let matrices = Matrices { side: 16, subgroup: 32 };
        let blocks = |outputs| Shape::of(matrices, outputs, 3, 1).blocks;
        assert_eq!([3, 24, 48, 64, 96, 130].map(blocks), [1, 2, 3, 4, 3, 3]);
    }
}
