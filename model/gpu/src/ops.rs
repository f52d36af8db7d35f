//! What the networks need beside convolutions.

use crate::{
    Gpu, GpuError, Map,
    gpu::Params,
    kernel::Kernel,
    map::{Made, bytes},
    point::Asked,
};

/// Pixels of a group to each side, in all kernels that make one pixel a thread.
const TILE: usize = 16;

pub(crate) fn groups(height: usize, width: usize, planes: usize) -> [usize; 3] {
    [width.div_ceil(TILE), height.div_ceil(TILE), planes]
}

/// A kernel that makes a map of others, which it binds from 1 on, with what it writes behind them.
#[derive(Debug)]
pub(crate) struct Call {
    kernel: Kernel,
    /// With the shape that it makes in `to`.
    params: Params,
    maps: Vec<Map>,
    groups: [usize; 3],
    operations: u64,
}

impl Gpu {
    /// Asks for a map that a kernel makes of others.
    pub(crate) fn called(
        &self,
        kernel: Kernel,
        params: Params,
        maps: &[&Map],
        groups: [usize; 3],
        operations: usize,
    ) -> Result<Map, GpuError> {
        self.check_size(bytes(params.to))?;
        let maps = maps.iter().map(|map| (*map).clone()).collect();
        let call = Call { kernel, params, maps, groups, operations: operations as u64 };
        Ok(Map::asked(params.to, Asked::Called(call.into())))
    }

    /// Makes what was asked for by a kernel at a place.
    pub(crate) fn call(&self, call: &Call, to: &Made) -> Result<(), GpuError> {
        let maps = call.maps.iter().map(|map| self.held(map)).collect::<Result<Vec<_>, _>>()?;
        let bound: Vec<_> = (1..).zip(maps.iter().chain([to]).map(Made::part)).collect();
        self.run(call.kernel.clone(), call.params, &bound, call.groups, call.operations)
    }

    /// A map made of another, place by place: `params` says its shape in `to`, and what the kernel is told beside.
    pub(crate) fn of_one(&self, kernel: Kernel, x: &Map, params: Params, operations: usize) -> Result<Map, GpuError> {
        let [planes, height, width] = params.to;
        let params = Params { from: x.shape, ..params };
        self.called(kernel, params, &[x], groups(height, width, planes), operations)
    }

    /// A map of another size, interpolated bilinearly between pixel centres. It does not filter.
    ///
    /// # Errors
    /// When the new size is empty or too large.
    pub fn resize(&self, x: &Map, height: usize, width: usize) -> Result<Map, GpuError> {
        self.resized(x, (height, width), [1.0; 2])
    }

    /// A flow `[2, H, W]`, x before y, of another size, in the pixels of that size.
    ///
    /// # Errors
    /// When the new size is empty or too large.
    pub fn resize_flow(&self, flow: &Map, height: usize, width: usize) -> Result<Map, GpuError> {
        let [_, from_height, from_width] = flow.shape;
        let scale = [width as f32 / from_width as f32, height as f32 / from_height as f32];
        self.resized(flow, (height, width), scale)
    }

    /// Even planes are multiplied by the first number, odd ones by the second.
    fn resized(&self, x: &Map, (height, width): (usize, usize), [even, odd]: [f32; 2]) -> Result<Map, GpuError> {
        let channels = x.shape[0];
        if height == 0 || width == 0 {
            return Err(self.misfit("resize", format!("{height}x{width} is no size")));
        }
        let to = [channels, height, width];
        let params = Params { to, numbers: [even, odd, 0.0, 0.0], ..Params::default() };
        self.of_one(Kernel::Resize, x, params, channels * height * width * 9)
    }

    /// A smaller map: each value is the mean of the area that it covers.
    ///
    /// # Errors
    /// When the new size is empty or larger.
    pub fn shrunk(&self, x: &Map, height: usize, width: usize) -> Result<Map, GpuError> {
        let [channels, from_height, from_width] = x.shape;
        if !(1..=from_height).contains(&height) || !(1..=from_width).contains(&width) {
            return Err(self.misfit("area", format!("{from_height}x{from_width} cannot shrink to {height}x{width}")));
        }
        let params = Params { to: [channels, height, width], ..Params::default() };
        self.of_one(Kernel::Area, x, params, channels * from_height * from_width * 2)
    }

    /// A map of half the size: the mean of each four pixels. A last odd row or column is left out.
    ///
    /// # Errors
    /// When the map has less than two rows or columns.
    pub fn halved(&self, x: &Map) -> Result<Map, GpuError> {
        let [channels, height, width] = x.shape;
        if height < 2 || width < 2 {
            return Err(self.misfit("halve", format!("{height}x{width} has no four pixels")));
        }
        let params = Params { to: [channels, height / 2, width / 2], ..Params::default() };
        self.of_one(Kernel::Halve, x, params, channels * height * width)
    }

    /// Compares each place of one map with those of another up to `radius` away: channel `(dy + r) * (2r + 1) + (dx + r)` at
    /// `(x, y)` is the mean over the channels of `one(x, y) * other(x + dx, y + dy)`; outside the picture that is zero.
    ///
    /// # Errors
    /// When the maps differ in shape.
    pub fn correlated(&self, one: &Map, other: &Map, radius: usize) -> Result<Map, GpuError> {
        if one.shape != other.shape {
            return Err(self.misfit("correlation", format!("{:?} is not {:?}", one.shape, other.shape)));
        }
        let [channels, height, width] = one.shape;
        let shifts = (2 * radius + 1).pow(2);
        let params = Params { from: one.shape, to: [shifts, height, width], radius, ..Params::default() };
        let operations = shifts * channels * height * width * 2;
        self.called(Kernel::Correlate, params, &[one, other], groups(height, width, shifts), operations)
    }

    /// Fetches each pixel from `(x, y) + flow(x, y)`, bilinearly; the flow is `[2, H, W]` in pixels, x before y. Positions outside
    /// the picture are moved to its border.
    ///
    /// # Errors
    /// When the flow is not of the map's size.
    pub fn warped(&self, x: &Map, flow: &Map) -> Result<Map, GpuError> {
        let [channels, height, width] = x.shape;
        if flow.shape != [2, height, width] {
            return Err(self.misfit("warp", format!("{:?} is no flow for {:?}", flow.shape, x.shape)));
        }
        let params = Params { from: x.shape, to: x.shape, ..Params::default() };
        self.called(Kernel::Warp, params, &[x, flow], groups(height, width, 1), channels * height * width * 9)
    }

    /// Adds values `[C, H, W]` at `(x, y) + displacement(x, y)`, weighted by `[1, H, W]`: `[C + 1, H, W]` sums of bilinear weight
    /// times weight times value, and last of bilinear weight times weight. What falls outside the picture, or whose weight is not
    /// finite, is left out. Sums are in steps of 2^-24.
    ///
    /// # Errors
    /// When the shapes do not fit each other.
    pub fn splatted(&self, values: &Map, displacement: &Map, weights: &Map) -> Result<Map, GpuError> {
        let [channels, height, width] = values.shape;
        if displacement.shape != [2, height, width] || weights.shape != [1, height, width] {
            return Err(self.misfit(
                "splat",
                format!("{:?} and {:?} do not go with {:?}", displacement.shape, weights.shape, values.shape),
            ));
        }
        let y = self.empty([channels + 1, height, width])?;
        let counted = self.held(&self.zeros([2 * (channels + 1), height, width])?)?;
        let [values, displacement, weights] = [self.held(values)?, self.held(displacement)?, self.held(weights)?];
        let params = Params { from: values.shape, to: y.shape, ..Params::default() };
        let operations = ((channels + 1) * height * width * 8) as u64;
        let buffers = [(1, values.part()), (2, displacement.part()), (3, weights.part()), (4, counted.part())];
        self.run(Kernel::Splat, params, &buffers, groups(height, width, 1), operations)?;
        let buffers = [(4, counted.part()), (5, y.part())];
        let operations = ((channels + 1) * height * width * 2) as u64;
        self.run(Kernel::SplatSums, params, &buffers, groups(height, width, channels + 1), operations)?;
        Ok(y.into())
    }
}
