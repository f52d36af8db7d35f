//! Looking for better flows than a network found.

use crate::{Across, Conv, Each, Gpu, GpuError, Map, conv::BLOCK, gpu::Params, kernel::Kernel, map::Made, ops::groups};

/// When a place takes over another's motion; see [`Gpu::taken_over`].
#[derive(Clone, Copy, Debug)]
pub struct TakeOver {
    /// A place is lost where its flow leaves more than so much of its grain.
    pub misfit: f32,
    /// What is taken over leads further than this from where its own does,
    pub far: f32,
    /// and leaves less than so much of the difference;
    pub share: f32,
    /// what is told from elsewhere less than so much, of a place that is lost or not.
    pub told_share: f32,
    /// So many places away, across, along and aslant, are tried.
    pub steps: [i32; 2],
    /// At least so many of the eight neighbours go the same way then,
    pub neighbours: usize,
    /// to within so much.
    pub like: f32,
}

/// Places that are compared with all others at once.
const SOUGHT_AT_ONCE: usize = 256;

impl Gpu {
    /// How far each place is from the four beside it, the sum of squares over the planes, in all of the square of nine about it, by four.
    ///
    /// # Errors
    /// When the map is too large for one pass.
    pub fn grain(&self, x: &Map) -> Result<Map, GpuError> {
        let [channels, height, width] = x.shape;
        let params = Params { to: [1, height, width], ..Params::default() };
        let edges = self.of_one(Kernel::Edge, x, params, channels * height * width * 12)?;
        self.each(&self.box_mean(&edges, 1)?, Each::Affine, [9.0 / 4.0, 0.0])
    }

    /// The sum of all squares of what stands in the square of `reach` places to each side about each place.
    ///
    /// # Errors
    /// When the map is too large for one pass.
    pub fn squares(&self, x: &Map, reach: usize) -> Result<Map, GpuError> {
        let squares = self.across(&self.each(x, Each::Square, [0.0; 2])?, Across::Sum)?;
        let places = (2 * reach + 1).pow(2) as f32;
        self.each(&self.box_mean(&squares, reach)?, Each::Affine, [places, 0.0])
    }

    /// Where a flow leads to nothing alike, by the features of both frames in the square of `reach` places to each side: the difference
    /// that it leaves, if that is more than `misfit` times the place's grain, also of any place as near as `far` to where it leads;
    /// and how much more it is. `[2, H, W]`, -1 and 0 of all other places.
    ///
    /// # Errors
    /// When the maps do not fit each other.
    pub fn lost(
        &self,
        [one, other]: [&Map; 2],
        flow: &Map,
        reach: u32,
        [misfit, far]: [f32; 2],
    ) -> Result<Map, GpuError> {
        let [channels, height, width] = one.shape;
        if other.shape != one.shape || flow.shape != [2, height, width] {
            return Err(self.misfit("lost", format!("{:?} and {:?} with {:?}", one.shape, other.shape, flow.shape)));
        }
        let to = [2, height, width];
        let params = Params { from: one.shape, to, numbers: [misfit, far, 0.0, 0.0], ..Params::default() };
        // Of a place that is not lost; each that is looks at 25 places more.
        let operations = channels * height * width * (2 * reach as usize + 1).pow(2) * 20;
        self.called(Kernel::Lost { reach }, params, &[one, other, flow], groups(height, width, 1), operations)
    }

    /// The places of `other` whose squares of `reach` places to each side are most like those about some places of `one`: how far each
    /// is from being the same, and then which it is, by rows. `squares` are those of both maps; see [`squares`](Self::squares).
    ///
    /// # Errors
    /// When the maps do not fit each other.
    pub fn likest(
        &self,
        [one, other]: [&Map; 2],
        squares: [&Map; 2],
        places: &[u32],
        reach: usize,
    ) -> Result<[Vec<f32>; 2], GpuError> {
        let [channels, height, width] = one.shape;
        let fits = other.shape == one.shape && squares.iter().all(|map| map.shape == [1, height, width]);
        if !fits || places.iter().any(|place| *place as usize >= height * width) {
            return Err(self.misfit("likest", format!("{:?} and {:?}", one.shape, other.shape)));
        }
        let padded = self.padded(other, reach)?;
        let mut found = Vec::new();
        for places in places.chunks(SOUGHT_AT_ONCE) {
            let listed: Vec<f32> = places.iter().map(|place| *place as f32).collect();
            let listed = self.map([1, 1, listed.len()], &listed)?;
            let patches = self.patches(one, &listed, reach)?;
            let biases = self.held(&self.zeros([1, 1, places.len().next_multiple_of(BLOCK)])?)?;
            let conv = Conv {
                shape: None,
                weights: wgpu::Buffer::clone(&patches.buffer),
                biases: wgpu::Buffer::clone(&biases.buffer),
                slope: 1.0,
                outputs: places.len(),
                inputs: channels,
                side: 2 * reach + 1,
                stride: 1,
            };
            let products = self.convolved(&padded, &conv)?;
            let to = [2, 1, places.len()];
            let params = Params { from: one.shape, to, radius: reach, ..Params::default() };
            let maps = [&products, squares[0], squares[1], &listed];
            let operations = places.len() * height * width * 4;
            let likest = self.called(Kernel::Nearest, params, &maps, [places.len(), 1, 1], operations)?;
            // The products take much memory, which is let go then.
            self.settle(&likest)?;
            found.push(likest);
        }
        let mut likest = [Vec::new(), Vec::new()];
        for found in &found {
            let values = self.read(found)?;
            let (apart, which) = values.split_at(values.len() / 2);
            likest[0].extend_from_slice(apart);
            likest[1].extend_from_slice(which);
        }
        Ok(likest)
    }

    fn padded(&self, x: &Map, by: usize) -> Result<Map, GpuError> {
        let [channels, height, width] = x.shape;
        let to = [channels, height + 2 * by, width + 2 * by];
        self.of_one(Kernel::Pad, x, Params { to, radius: by, ..Params::default() }, 0)
    }

    /// The squares about some places as weights of a convolution.
    fn patches(&self, x: &Map, places: &Map, reach: usize) -> Result<Made, GpuError> {
        let (x, places) = (self.held(x)?, self.held(places)?);
        let [channels, ..] = x.shape;
        let (count, taps) = (places.shape[2], (2 * reach + 1).pow(2));
        let rounded = count.next_multiple_of(BLOCK);
        let y = self.empty([channels, taps, rounded])?;
        let params = Params { from: x.shape, to: [channels, taps, count], ..Params::default() };
        let buffers = [(1, x.part()), (2, places.part()), (3, y.part())];
        let kernel = Kernel::Patches { reach: u32::try_from(reach).unwrap_or_default() };
        self.run(kernel, params, &buffers, groups(taps, rounded, channels), 0)?;
        Ok(y)
    }

    /// Takes over the motion of places beside where a place's own leads to nothing alike, by the features of both frames in the square
    /// of nine about it, or what is told of it from elsewhere: `[3, H, W]`, a flow `[2, H, W]` and 1 where it is another's.
    ///
    /// # Errors
    /// When the maps do not fit each other.
    pub fn taken_over(
        &self,
        [one, other]: [&Map; 2],
        grain: &Map,
        flow: &Map,
        told: Option<&Map>,
        rules: &TakeOver,
    ) -> Result<Map, GpuError> {
        let [channels, height, width] = one.shape;
        let is_flow = |map: &Map| map.shape == [2, height, width];
        if other.shape != one.shape
            || grain.shape != [1, height, width]
            || ![flow, told.unwrap_or(flow)].into_iter().all(is_flow)
        {
            return Err(
                self.misfit("take over", format!("{:?} and {:?} with {:?}", one.shape, other.shape, flow.shape))
            );
        }
        let to = [3, height, width];
        let numbers = [rules.misfit, rules.far, rules.share, rules.told_share];
        let params = Params { from: one.shape, to, radius: usize::from(told.is_some()), numbers, ..Params::default() };
        let maps = [one, other, grain, flow, told.unwrap_or(flow)];
        // Of a place that is not lost; each that is tries up to 17 more.
        let operations = channels * height * width * 9 * 9;
        let groups = groups(height, width, 1);
        let taken = self.called(Kernel::Beside { steps: rules.steps }, params, &maps, groups, operations)?;
        let numbers = [rules.like, 0.0, 0.0, 0.0];
        let params = Params { from: to, to, radius: rules.neighbours, numbers, ..Params::default() };
        self.called(Kernel::Scattered, params, &[&taken, flow], groups, height * width * 8 * 3)
    }
}
