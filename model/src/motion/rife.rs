//! RIFE, with weights that a user has: "Real-Time Intermediate Flow Estimation for Video Frame Interpolation" (Huang et al., ECCV 2022),
//! as its authors publish it since (Practical-RIFE, 4.6 to 4.26).
//!
//! A file's tensors tell its layout: with an encoder or without, four or five blocks, and what they hand on to each other. From the
//! coarsest on, each block sees both pictures moved by what is known so far and corrects the flow from the wanted time to both of them;
//! a mask says what each is worth.

use std::{collections::HashMap, path::Path};

use candle_core::{DType, Device, Tensor, pickle::PthTensors};

use super::{
    apply::Plan,
    flow::Step,
    network::{Both, chain, chain_joined},
    synthesis::{PICTURES, apart},
};
use crate::{
    Error, Result,
    engine::{Conv, Engine, Map},
};

/// The slope of its leaky ReLUs.
const SLOPE: f32 = 0.2;
/// What the pictures are alike in is compared so far around a pixel.
const AROUND: usize = 2;
/// Planes of a picture.
const COLOURS: usize = 3;
/// Planes of the flow to both pictures, and with them that of the mask.
const FLOW: usize = 4;
const FOUND: usize = FLOW + 1;

/// The network.
pub(crate) struct Rife {
    engine: Engine,
    hash: u64,
    encoder: Vec<Conv>,
    blocks: Vec<Block>,
}

/// Flow to both pictures, the mask before its sigmoid, and what a block hands on to the next.
struct State {
    flow: Map,
    mask: Map,
    handed: Option<Map>,
}

struct Block {
    convs: Vec<Conv>,
    /// So many times smaller than the pictures is what it looks at.
    scale: usize,
    /// Planes that it gives beyond the flow and the mask.
    handed: usize,
}

impl Block {
    /// What it makes of planes of the pictures' size, and of the flow so far.
    fn run(&self, planes: &[&Map], flow: Option<&Map>) -> Result<Map> {
        let (height, width) = planes[0].size();
        let at = (height / self.scale, width / self.scale);
        let mut seen = planes.iter().map(|map| smaller(map, at)).collect::<Result<Vec<_>>>()?;
        if let Some(flow) = flow {
            seen.push(smaller(flow, at)?.scaled(1.0 / self.scale as f64)?);
        }
        let out = chain_joined(&self.convs, &seen.iter().collect::<Vec<_>>())?.shuffled()?.shuffled()?;
        if self.scale == 1 { Ok(out) } else { out.resized((height, width)) }
    }
}

fn smaller(map: &Map, at: (usize, usize)) -> Result<Map> {
    if map.size() == at { Ok(map.clone()) } else { map.resized(at) }
}

impl Rife {
    /// Reads the weights to an engine: a `flownet.pkl` as PyTorch writes it, or a safetensors file with the same names.
    pub(crate) fn load(path: &Path, engine: &Engine) -> Result<Self> {
        let tensors = Tensors::read(path)?;
        let encoder = tensors.encoder(engine)?;
        let features = encoder.as_ref().map_or(0, |(_, features)| *features);
        let count = (0..).take_while(|i| tensors.has(&format!("block{i}.conv0.0.0.weight"))).count();
        if ![4, 5].contains(&count) {
            return Err(tensors.mismatch(format!("it has {count} blocks, and RIFE 4.6 to 4.26 four or five")));
        }
        let mut blocks: Vec<Block> = Vec::new();
        for i in 0..count {
            let before = blocks.last().map(|block| block.handed);
            blocks.push(tensors.block(i, count, (features, before), engine)?);
        }
        let encoder = encoder.map_or_else(Vec::new, |(convs, _)| convs);
        Ok(Self { engine: engine.clone(), hash: tensors.hash, encoder, blocks })
    }

    /// A hash of the file's bytes.
    pub(crate) fn hash(&self) -> u64 {
        self.hash
    }

    /// What the sides of its pictures must be multiples of.
    pub(crate) fn alignment(&self) -> usize {
        4 << (self.blocks.len() - 1)
    }

    /// The flow from time `t` to both pictures, x before y, and what the first is worth, 0 to 1.
    /// Between blocks `step` is told how much is done, 0 to 1, and says whether to go on.
    fn run(&self, pictures: &Both, t: f64, step: &mut Step<'_>) -> Result<(Map, Map)> {
        let time = self.engine.zeros(1, pictures[0].size())?.affine(1.0, t)?;
        let features = match &self.encoder[..] {
            [] => Vec::new(),
            convs => pictures.iter().map(|p| chain(convs, p)?.shuffled()).collect::<Result<Vec<_>>>()?,
        };
        let mut state: Option<State> = None;
        for (i, block) in self.blocks.iter().enumerate() {
            if !step(i as f32 / self.blocks.len() as f32) {
                return Err(Error::Cancelled);
            }
            let moved = |of: &[Map]| match &state {
                None => Ok(of.to_vec()),
                Some(State { flow, .. }) => of
                    .iter()
                    .enumerate()
                    .map(|(i, map)| map.warped(&flow.planes(2 * i, 2)?))
                    .collect::<Result<Vec<_>>>(),
            };
            let (pictures, features) = (moved(pictures)?, moved(&features)?);
            let mut planes: Vec<&Map> = pictures.iter().chain(&features).chain([&time]).collect();
            if let Some(state) = &state {
                planes.extend([&state.mask].into_iter().chain(&state.handed));
            }
            let out = block.run(&planes, state.as_ref().map(|s| &s.flow))?;
            let (mut flow, mut mask) = (out.planes(0, FLOW)?.scaled(block.scale as f64)?, out.planes(FLOW, 1)?);
            if let Some(state) = &state {
                flow = state.flow.plus(&flow)?;
                // Without an encoder each block corrects the mask; with one it says it anew.
                if self.encoder.is_empty() {
                    mask = state.mask.plus(&mask)?;
                }
            }
            let handed = if block.handed > 0 { Some(out.planes(FOUND, block.handed)?) } else { None };
            state = Some(State { flow, mask, handed });
        }
        let State { flow, mask, .. } = state.ok_or_else(|| candle_core::Error::Msg("a network has blocks".into()))?;
        Ok((flow, mask.sigmoid()?))
    }

    /// What to do at time `t` between two pictures, of which the upper left part of a height and width is no padding. The error to
    /// expect, of which RIFE says nothing, is how far the pictures lie apart where they are moved to.
    pub(crate) fn plan(&self, pictures: &Both, size: (usize, usize), t: f64, step: &mut Step<'_>) -> Result<Plan> {
        let (flow, first) = self.run(pictures, t, step)?;
        let last = first.affine(-1.0, 1.0)?;
        let moved = [pictures[0].warped(&flow.planes(0, 2)?)?, pictures[1].warped(&flow.planes(2, 2)?)?];
        let error = apart(&[&moved[0], &moved[1]])?.box_mean(AROUND)?;
        // Moved along no other path, and not as they stand.
        let none = self.engine.zeros(PICTURES - 2, first.size())?;
        Plan::of(Map::joined(&[&flow, &flow, &first, &last, &none, &error])?.cropped(size)?)
    }
}

/// Planes that a block gives which hands on nothing: the flow, the mask, and one that nobody uses.
const WITHOUT_HANDED: usize = FOUND + 1;
/// Files that are larger are none of RIFE's weights, the largest of which take 100 MB.
const LARGEST: u64 = 1 << 30;

/// The tensors of a file, by the names that they have in PyTorch.
struct Tensors {
    path: std::path::PathBuf,
    by_name: HashMap<String, Tensor>,
    hash: u64,
}

impl Tensors {
    fn read(path: &Path) -> Result<Self> {
        let unreadable = |reason: String| Error::NotRife { path: path.to_owned(), reason };
        let about = std::fs::metadata(path).map_err(|e| unreadable(format!("it cannot be read ({e})")))?;
        if !about.is_file() || about.len() > LARGEST {
            return Err(unreadable("it is no file, or far too large".into()));
        }
        let bytes = std::fs::read(path).map_err(|e| unreadable(format!("it cannot be read ({e})")))?;
        let hash = twox_hash::XxHash64::oneshot(0, &bytes);
        let tensors = if bytes.starts_with(b"PK") {
            // candle takes some of what a pickle says for granted.
            match std::panic::catch_unwind(|| unpickled(path, bytes.len())) {
                Ok(Ok(tensors)) => tensors,
                Ok(Err(error)) => return Err(unreadable(format!("it is no whole file of PyTorch's ({error})"))),
                Err(_) => return Err(unreadable("it is no whole file of PyTorch's".into())),
            }
        } else {
            candle_core::safetensors::load_buffer(&bytes, &Device::Cpu)
                .map_err(|_| unreadable("it is neither a file of PyTorch's nor a safetensors file".into()))?
        };
        let by_name = tensors.into_iter().map(|(name, tensor)| (bare(&name).to_owned(), tensor)).collect();
        let read = Self { path: path.to_owned(), by_name, hash };
        if !read.has("block0.conv0.0.0.weight") {
            return Err(read.mismatch("it has none of RIFE's blocks".into()));
        }
        Ok(read)
    }

    fn has(&self, name: &str) -> bool {
        self.by_name.contains_key(name)
    }

    fn mismatch(&self, reason: String) -> Error {
        Error::NotRife { path: self.path.clone(), reason }
    }

    fn get(&self, name: &str) -> Result<Tensor> {
        let tensor = self.by_name.get(name).ok_or_else(|| self.mismatch(format!("the tensor {name} is missing")))?;
        Ok(tensor.to_dtype(DType::F32)?.contiguous()?)
    }

    /// The weight and the bias of a layer whose kernel has so many rows and columns, and the planes that it takes and gives, which are
    /// counted along the axes `[takes, gives]` of the weight.
    fn layer(&self, name: &str, side: usize, [takes, gives]: [usize; 2]) -> Result<(Tensor, Tensor, [usize; 2])> {
        let (weight, bias) = (self.get(&format!("{name}.weight"))?, self.get(&format!("{name}.bias"))?);
        match weight.dims() {
            [_, _, h, w] if *h == side && *w == side && bias.dims() == [weight.dims()[gives]] => {
                let planes = [weight.dims()[takes], weight.dims()[gives]];
                Ok((weight, bias, planes))
            }
            other => Err(self.mismatch(format!("{name} is {other:?} with a bias of {:?}", bias.dims()))),
        }
    }

    fn takes(&self, name: &str, found: usize, wanted: usize) -> Result<()> {
        if found == wanted { Ok(()) } else { Err(self.mismatch(format!("{name} takes {found} planes, not {wanted}"))) }
    }

    /// A convolution of so many planes, and how many it makes.
    fn conv(
        &self,
        name: &str,
        planes: usize,
        engine: &Engine,
        stride: usize,
        slope: Option<f32>,
    ) -> Result<(Conv, usize)> {
        let (weight, bias, [takes, gives]) = self.layer(name, 3, [1, 0])?;
        self.takes(name, takes, planes)?;
        Ok((engine.conv(&weight, &bias, stride, slope)?, gives))
    }

    /// A transposed convolution that doubles a map's sides, kernel 4 and padding 1, as a convolution of which four planes become one:
    /// see [`Map::shuffled`]. Of its outputs the first ones alone; with how many there are.
    fn doubling(&self, name: &str, planes: usize, engine: &Engine, outputs: Option<usize>) -> Result<(Conv, usize)> {
        let (weight, bias, [inputs, all]) = self.layer(name, 4, [0, 1])?;
        self.takes(name, inputs, planes)?;
        let count = outputs.unwrap_or(all).min(all);
        if count == 0 {
            return Err(self.mismatch(format!("{name} gives nothing")));
        }
        let (values, biases) = (weight.flatten_all()?.to_vec1::<f32>()?, bias.to_vec1::<f32>()?);
        let mut turned = vec![0.0; 4 * count * inputs * 9];
        for (output, input, row, column) in places([count, inputs, 4, 4]) {
            // An even row is made of the row at its half by the kernel's row 1 and of the one before by row 3; an odd one of that at
            // its half by row 2 and of the next by row 0. So are columns.
            let ((odd_row, to_row), (odd_column, to_column)) = (PHASES[row], PHASES[column]);
            let phase = 4 * output + 2 * odd_row + odd_column;
            turned[((phase * inputs + input) * 3 + to_row) * 3 + to_column] =
                values[((input * all + output) * 4 + row) * 4 + column];
        }
        let weight = Tensor::from_vec(turned, (4 * count, inputs, 3, 3), &Device::Cpu)?;
        let bias: Vec<f32> = biases[..count].iter().flat_map(|bias| [*bias; 4]).collect();
        let bias = Tensor::from_vec(bias, 4 * count, &Device::Cpu)?;
        Ok((engine.conv(&weight, &bias, 1, None)?, count))
    }

    /// A convolution of so many planes times a factor for each output, and its input added to it: the same as one convolution with other
    /// weights.
    fn residual(&self, name: &str, planes: usize, engine: &Engine) -> Result<Conv> {
        let (weight, bias, [inputs, outputs]) = self.layer(&format!("{name}.conv"), 3, [1, 0])?;
        self.takes(name, inputs, planes)?;
        let beta = self.get(&format!("{name}.beta"))?;
        if inputs != outputs || beta.elem_count() != outputs {
            return Err(self.mismatch(format!("{name} is {:?}, with {:?} factors", weight.dims(), beta.dims())));
        }
        let mut values = weight.broadcast_mul(&beta.reshape((outputs, 1, 1, 1))?)?.flatten_all()?.to_vec1::<f32>()?;
        for channel in 0..outputs {
            values[(channel * inputs + channel) * 9 + 4] += 1.0;
        }
        let weight = Tensor::from_vec(values, (outputs, inputs, 3, 3), &Device::Cpu)?;
        engine.conv(&weight, &(bias * beta.flatten_all()?)?, 1, Some(SLOPE))
    }

    /// What makes features of a picture, and how many; none where the layout has no encoder.
    fn encoder(&self, engine: &Engine) -> Result<Option<(Vec<Conv>, usize)>> {
        let known = ENCODERS.iter().find(|names| names.iter().all(|name| self.has(&format!("{name}.weight"))));
        let Some([first, between @ .., last]) = known.copied() else { return Ok(None) };
        // The one of two layers has no activation.
        let slope = if between.is_empty() { None } else { Some(SLOPE) };
        let (conv, mut planes) = self.conv(first, COLOURS, engine, 2, slope)?;
        let mut convs = vec![conv];
        for name in between {
            let (conv, gives) = self.conv(name, planes, engine, 1, slope)?;
            convs.push(conv);
            planes = gives;
        }
        let (doubling, features) = self.doubling(last, planes, engine, None)?;
        convs.push(doubling);
        Ok(Some((convs, features)))
    }

    /// A block, by its number of so many; `before` is what the one before it hands on.
    fn block(
        &self,
        i: usize,
        count: usize,
        (features, before): (usize, Option<usize>),
        engine: &Engine,
    ) -> Result<Block> {
        let name = format!("block{i}");
        let last = format!("{name}.lastconv.0");
        let (_, _, [_, gives]) = self.layer(&last, 4, [0, 1])?;
        if gives < 4 * FOUND {
            return Err(self.mismatch(format!("{last} gives {gives} planes, fewer than {}", 4 * FOUND)));
        }
        // Nobody takes what the last one hands on.
        let handed = if gives > 4 * WITHOUT_HANDED && i + 1 < count { gives / 4 - FOUND } else { 0 };
        let seen = 2 * (COLOURS + features) + 1 + before.map_or(0, |handed| 1 + handed + FLOW);
        let (conv, planes) = self.conv(&format!("{name}.conv0.0.0"), seen, engine, 2, Some(SLOPE))?;
        let (other, planes) = self.conv(&format!("{name}.conv0.1.0"), planes, engine, 2, Some(SLOPE))?;
        let mut convs = vec![conv, other];
        let residuals = format!("{name}.convblock.");
        let ending =
            |part: &str| self.by_name.keys().filter(|key| key.starts_with(&residuals) && key.ends_with(part)).count();
        // One of which a part is missing is named.
        for k in 0..ending(".beta").max(ending(".conv.weight")).max(1) {
            convs.push(self.residual(&format!("{residuals}{k}"), planes, engine)?);
        }
        convs.push(self.doubling(&last, planes, engine, Some(4 * (FOUND + handed)))?.0);
        Ok(Block { convs, scale: 1 << (count - 1 - i), handed })
    }
}

/// A tensor's name without the wrapper in which RIFE was trained.
fn bare(name: &str) -> &str {
    name.strip_prefix("module.").unwrap_or(name)
}

/// The tensors of a file of PyTorch's of so many bytes that are the network's: it may hold those of its teacher, too.
fn unpickled(path: &Path, bytes: usize) -> candle_core::Result<HashMap<String, Tensor>> {
    let file = PthTensors::new(path, None)?;
    let (mut tensors, mut left) = (HashMap::new(), bytes);
    for (name, info) in file.tensor_infos() {
        if !["block", "encode"].iter().any(|part| bare(name).starts_with(part)) {
            continue;
        }
        // Memory is taken for what a shape says.
        let values = info.layout.dims().iter().try_fold(1_usize, |values, side| values.checked_mul(*side));
        left = values
            .and_then(|values| left.checked_sub(values))
            .ok_or_else(|| candle_core::Error::Msg(format!("{name} is larger than the file")))?;
        tensors.extend(file.get(name)?.map(|tensor| (name.clone(), tensor)));
    }
    Ok(tensors)
}

/// For each row of a kernel of four: whether it makes odd rows, and its place among three.
const PHASES: [(usize, usize); 4] = [(1, 2), (0, 1), (1, 1), (0, 0)];

/// The layers of the encoders there are, the last of which doubles.
const ENCODERS: [&[&str]; 3] = [
    &["encode.cnn0", "encode.cnn1", "encode.cnn2", "encode.cnn3"],
    &["encode.0", "encode.2", "encode.4", "encode.6"],
    &["encode.0", "encode.1"],
];

/// Every place of four axes.
fn places([a, b, c, d]: [usize; 4]) -> impl Iterator<Item = (usize, usize, usize, usize)> {
    (0..a * b * c * d).map(move |i| (i / (b * c * d), i / (c * d) % b, i / d % c, i % d))
}

#[cfg(test)]
mod tests;
