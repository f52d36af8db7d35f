//! Convolutions.

use crate::{
    Gpu, GpuError, Map,
    gpu::Params,
    kernel::{FIRST_MAP, Kernel, MOST_MAPS},
    map::{Made, Part, Value},
    matrices::{COLUMNS, Shape},
    point::Asked,
};

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
    /// How it is made as products of matrices, if it is.
    pub(crate) shape: Option<Shape>,
    /// In the order of `shaders/conv.wgsl`, or of `shaders/matrices.wgsl`.
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
        // The largest kernel compares pictures: that takes all of the bits.
        let shape = self.matrices.filter(|_| side < 5).map(|matrices| Shape::of(matrices, outputs, side, stride));
        let (weights, biases) = match shape {
            Some(shape) => (self.filled(bytemuck::cast_slice(&shape.packed(of))), shape.biases(bias)),
            None => (self.filled(bytemuck::cast_slice(&packed(of))), padded(bias)),
        };
        let biases = self.filled(bytemuck::cast_slice(&biases));
        Ok(Conv { shape, weights, biases, slope, outputs, inputs, side, stride })
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
        let maps = self.one_after_another(x)?;
        let y = self.empty([conv.outputs, out_height, out_width])?;
        let count = maps.len() as u32;
        let (kernel, [columns, rows, outputs]) = match conv.shape {
            Some(shape) => {
                let kernel = Kernel::ConvByMatrices { shape, maps: count };
                (kernel, [COLUMNS as usize, shape.rows() as usize, shape.outputs()])
            }
            None => {
                let kernel = Kernel::Conv { side: conv.side as u32, stride: conv.stride as u32, maps: count };
                (kernel, [TILE, TILE, BLOCK])
            }
        };
        let mut params =
            Params { from: x.shape, to: y.shape, numbers: [conv.slope, 0.0, 0.0, 0.0], ..Params::default() };
        let mut buffers = vec![(1, Part::whole(&conv.weights)), (2, Part::whole(&conv.biases)), (3, y.part())];
        let mut first = 0;
        for (i, map) in maps.iter().enumerate() {
            if i > 0 {
                params.parts[i - 1] = first;
            }
            buffers.push((FIRST_MAP + i as u32, map.part()));
            first += map.shape[0];
        }
        let groups = [out_width.div_ceil(columns), out_height.div_ceil(rows), conv.outputs.div_ceil(outputs)];
        let products = conv.outputs * channels * conv.side * conv.side * out_height * out_width;
        self.run(kernel, params, &buffers, groups, 2 * products as u64)?;
        Ok(y.into())
    }

    /// The maps whose planes a map has, where it was asked for as several together: these need not be copied into one. The smallest are
    /// where they are more than a kernel reads.
    fn one_after_another(&self, x: &Map) -> Result<Vec<Made>, GpuError> {
        let Value::Asked(Asked::Joined(maps)) = x.value() else { return Ok(vec![self.held(x)?]) };
        let mut together: Vec<Vec<&Map>> = maps.iter().map(|map| vec![map]).collect();
        let planes = |maps: &[&Map]| maps.iter().map(|map| map.shape[0]).sum::<usize>();
        while together.len() > MOST_MAPS {
            let two = |i: &usize| planes(&together[*i]) + planes(&together[*i + 1]);
            let smallest = (0..together.len() - 1).min_by_key(two).unwrap_or_default();
            let next = together.remove(smallest + 1);
            together[smallest].extend(next);
        }
        let made = |maps: &Vec<&Map>| match maps[..] {
            [one] => self.held(one),
            _ => self.held(&self.joined(maps)?),
        };
        together.iter().map(made).collect()
    }
}

/// Weights in the order of `shaders/conv.wgsl`.
fn packed(ConvWeights { outputs, inputs, side, values, .. }: ConvWeights<'_>) -> Vec<f32> {
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
    packed
}

/// Biases in the order of `shaders/conv.wgsl`.
fn padded(bias: &[f32]) -> Vec<f32> {
    let mut padded = bias.to_vec();
    padded.resize(bias.len().next_multiple_of(BLOCK), 0.0);
    padded
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Kind, adapters, matrices::Matrices};

    /// Values from -1 to 1.
    fn noise(count: usize, seed: u32) -> Vec<f32> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 23) as f32 - 1.0
        };
        (0..count).map(|_| next()).collect()
    }

    #[test]
    #[ignore = "needs a GPU with matrix units, or Mesa's software Vulkan from 26 on"]
    fn matrices_of_16_bit_floats_make_what_32_bit_ones_do_but_for_their_last_bits() {
        let adapter = adapters().into_iter().find(|adapter| adapter.matrices().is_some());
        let adapter = adapter.expect("a GPU with matrix units, or Mesa's software Vulkan from 26 on");
        let (plain, by_matrices) = (Gpu::open(&adapter).unwrap(), Gpu::open_with_matrices(&adapter).unwrap());
        let mut ways = vec![by_matrices];
        if adapter.kind() == Kind::Software {
            // Most cards have them of 16; this one does not offer those, and multiplies them all the same.
            let mut larger = Gpu::open_with_matrices(&adapter).unwrap();
            larger.matrices = larger.matrices.map(|matrices| Matrices { side: 16, ..matrices });
            ways.push(larger);
        }
        // Channels and sizes that fill no matrix and no group, and one that does.
        for (inputs, outputs, side, stride, [height, width]) in [
            (3, 24, 3, 2, [37, 53]),
            (24, 24, 3, 1, [19, 33]),
            (133, 96, 1, 1, [9, 17]),
            (40, 70, 3, 1, [8, 16]),
            (17, 3, 3, 1, [23, 7]),
            (16, 16, 1, 2, [21, 40]),
        ] {
            let (values, bias) = (noise(outputs * inputs * side * side, 1), noise(outputs, 2));
            let x = noise(inputs * height * width, 3);
            let made = |gpu: &Gpu| {
                let weights = ConvWeights { outputs, inputs, side, values: &values, bias: &bias, slope: 0.1 };
                let conv = gpu.conv(weights, stride).unwrap();
                assert_eq!(conv.shape.is_some(), gpu.has_matrices());
                gpu.read(&gpu.convolved(&gpu.map([inputs, height, width], &x).unwrap(), &conv).unwrap()).unwrap()
            };
            let expected = made(&plain);
            let largest = expected.iter().fold(0.0_f32, |most, v| most.max(v.abs()));
            for way in &ways {
                let apart = expected.iter().zip(made(way)).map(|(a, b)| (a - b).abs());
                let off = apart.fold(0.0_f32, f32::max) / largest;
                // Of 11 bits a factor keeps all but the 2048th part, and few of many factors err the same way.
                let what = format!("{inputs} to {outputs}, side {side}, stride {stride}, {:?}", way.matrices);
                assert!(off > 0.0 && off < 1e-3, "{what}: {off}");
            }
        }
    }
}
