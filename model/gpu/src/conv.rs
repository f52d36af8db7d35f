//! Convolutions.

use crate::{Gpu, GpuError, Map, gpu::Params, kernel::Kernel, map::Part};

/// The weights of a convolution as PyTorch has them: `[outputs, inputs, side, side]`, and a bias for each output.
#[derive(Clone, Copy, Debug)]
pub struct ConvWeights<'a> {
    /// Channels that it makes.
    pub outputs: usize,
    /// Channels that it takes.
    pub inputs: usize,
    /// Rows and columns of its kernel: 1, 3 or 5.
    pub side: usize,
    /// The weights.
    pub values: &'a [f32],
    /// The bias of each output.
    pub bias: &'a [f32],
    /// What a sum below zero is multiplied by, in the same pass; 1 leaves it as it is.
    pub slope: f32,
}

/// A convolution whose weights lie in a GPU's memory. Padding is with zeros, half the kernel on each side.
#[derive(Debug)]
pub struct Conv {
    /// In the order of `shaders/conv.wgsl`.
    pub(crate) weights: wgpu::Buffer,
    pub(crate) biases: wgpu::Buffer,
    pub(crate) slope: f32,
    pub(crate) outputs: usize,
    pub(crate) inputs: usize,
    pub(crate) side: usize,
    pub(crate) stride: usize,
}

/// Outputs that a group makes; see `shaders/conv.wgsl`.
pub(crate) const BLOCK: usize = 8;
/// Pixels of a group to each side.
const TILE: usize = 16;

impl Gpu {
    /// Prepares a convolution: `stride` is 1 or 2.
    ///
    /// # Errors
    /// When the numbers do not fit each other.
    pub fn conv(&self, of: ConvWeights<'_>, stride: usize) -> Result<Conv, GpuError> {
        let ConvWeights { outputs, inputs, side, values, bias, slope } = of;
        let fits = values.len() == outputs * inputs * side * side
            && bias.len() == outputs
            && matches!((side, stride), (1 | 3, 1 | 2) | (5, 1))
            && !values.is_empty();
        if !fits {
            return Err(self.misfit(
                "conv",
                format!("{} weights are no {inputs} to {outputs} channels, side {side}, stride {stride}", values.len()),
            ));
        }
        let (blocks, taps) = (outputs.div_ceil(BLOCK), side * side);
        let at = |output: usize, input: usize, tap: usize| {
            if output < outputs { values[(output * inputs + input) * taps + tap] } else { 0.0 }
        };
        let mut packed = Vec::with_capacity(blocks * BLOCK * inputs * taps);
        for block in 0..blocks {
            for (input, tap) in (0..inputs).flat_map(|input| (0..taps).map(move |tap| (input, tap))) {
                packed.extend((0..BLOCK).map(|i| at(block * BLOCK + i, input, tap)));
            }
        }
        let mut biases = bias.to_vec();
        biases.resize(blocks * BLOCK, 0.0);
        let (weights, biases) =
            (self.filled(bytemuck::cast_slice(&packed)), self.filled(bytemuck::cast_slice(&biases)));
        Ok(Conv { weights, biases, slope, outputs, inputs, side, stride })
    }

    /// Convolves a map.
    ///
    /// # Errors
    /// When it has other channels than the convolution takes, or the answer is too large.
    pub fn convolved(&self, x: &Map, conv: &Conv) -> Result<Map, GpuError> {
        let [channels, height, width] = x.shape;
        if channels != conv.inputs {
            return Err(self.misfit("conv", format!("takes {} channels, not {channels}", conv.inputs)));
        }
        let [out_height, out_width] = [height, width].map(|side| side.div_ceil(conv.stride));
        let y = self.empty([conv.outputs, out_height, out_width])?;
        let kernel = Kernel::Conv { side: conv.side as u32, stride: conv.stride as u32 };
        let params = Params { from: x.shape, to: y.shape, numbers: [conv.slope, 0.0, 0.0, 0.0], ..Params::default() };
        let buffers = [(1, x.part()), (2, Part::whole(&conv.weights)), (3, Part::whole(&conv.biases)), (4, y.part())];
        let groups = [out_width.div_ceil(TILE), out_height.div_ceil(TILE), conv.outputs.div_ceil(BLOCK)];
        let products = conv.outputs * channels * conv.side * conv.side * out_height * out_width;
        self.run(kernel, params, &buffers, groups, 2 * products as u64)?;
        Ok(y)
    }
}
