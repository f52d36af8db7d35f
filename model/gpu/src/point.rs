//! What is done place by place: functions of values, choices, and planes taken together or apart.

use crate::{
    Across, Both, Each, Gpu, GpuError, Map,
    gpu::Params,
    kernel::Kernel,
    map::{self, Part},
    ops::groups,
};

impl Gpu {
    /// A function of each value, with the numbers that it calculates with; those that it does not need are 0.
    ///
    /// # Errors
    /// When the map is too large for one pass.
    pub fn each(&self, x: &Map, function: Each, numbers: [f32; 2]) -> Result<Map, GpuError> {
        let numbers = [numbers[0], numbers[1], 0.0, 0.0];
        let params = Params { to: x.shape, numbers, ..Params::default() };
        self.of_one(Kernel::Each(function), x, params, count(x))
    }

    /// A function of each value and one of another map, which is of the same shape, or has one plane for all, or one value for all
    /// places of a plane.
    ///
    /// # Errors
    /// When the shapes do not fit each other.
    pub fn both(&self, one: &Map, other: &Map, function: Both) -> Result<Map, GpuError> {
        if !spreads(other.shape, one.shape) {
            return Err(self.misfit("both", format!("{:?} does not go with {:?}", other.shape, one.shape)));
        }
        let y = self.empty(one.shape)?;
        let params = Params { from: other.shape, to: y.shape, ..Params::default() };
        self.by_place(Kernel::Both(function), params, &[one.part(), other.part(), y.part()])?;
        Ok(y)
    }

    /// The one map where `which` is not zero, else the other.
    ///
    /// # Errors
    /// When the shapes do not fit each other.
    pub fn chosen(&self, which: &Map, one: &Map, other: &Map) -> Result<Map, GpuError> {
        if one.shape != other.shape || !spreads(which.shape, one.shape) {
            return Err(self.misfit(
                "choose",
                format!("{:?} does not choose of {:?} and {:?}", which.shape, one.shape, other.shape),
            ));
        }
        let y = self.empty(one.shape)?;
        let params = Params { from: which.shape, to: y.shape, ..Params::default() };
        self.by_place(Kernel::Choose, params, &[which.part(), one.part(), other.part(), y.part()])?;
        Ok(y)
    }

    /// All planes as one.
    ///
    /// # Errors
    /// When the map is too large for one pass.
    pub fn across(&self, x: &Map, how: Across) -> Result<Map, GpuError> {
        let [_, height, width] = x.shape;
        let params = Params { to: [1, height, width], ..Params::default() };
        self.of_one(Kernel::Across(how), x, params, count(x))
    }

    /// The mean of a square of values up to `reach` away; beyond the border stand those at it.
    ///
    /// # Errors
    /// When the map is too large for one pass.
    pub fn box_mean(&self, x: &Map, reach: usize) -> Result<Map, GpuError> {
        let params = Params { to: x.shape, radius: reach, ..Params::default() };
        let operations = count(x) * (2 * reach + 1);
        let rows = self.of_one(Kernel::Box { along_rows: true }, x, params, operations)?;
        self.of_one(Kernel::Box { along_rows: false }, &rows, params, operations)
    }

    /// A map turned by half a turn.
    ///
    /// # Errors
    /// When the map is too large for one pass.
    pub fn turned(&self, x: &Map) -> Result<Map, GpuError> {
        self.of_one(Kernel::Turn, x, Params { to: x.shape, ..Params::default() }, count(x))
    }

    /// The upper left part of a map.
    ///
    /// # Errors
    /// When it is not as large.
    pub fn cropped(&self, x: &Map, height: usize, width: usize) -> Result<Map, GpuError> {
        let [channels, from_height, from_width] = x.shape;
        if height == 0 || width == 0 || height > from_height || width > from_width {
            return Err(self.misfit("crop", format!("{height}x{width} is no part of {from_height}x{from_width}")));
        }
        let params = Params { to: [channels, height, width], ..Params::default() };
        self.of_one(Kernel::Crop, x, params, channels * height * width)
    }

    /// Twice as high and wide: of each four planes one, whose values stand in squares of four, row by row.
    ///
    /// # Errors
    /// When the planes are no fours.
    pub fn shuffled(&self, x: &Map) -> Result<Map, GpuError> {
        let [channels, height, width] = x.shape;
        if channels % 4 != 0 {
            return Err(self.misfit("shuffle", format!("{channels} planes are no fours")));
        }
        let params = Params { to: [channels / 4, 2 * height, 2 * width], ..Params::default() };
        self.of_one(Kernel::Shuffle, x, params, channels * height * width)
    }

    /// The planes of several maps of one size, one after another.
    ///
    /// # Errors
    /// When they differ in size, or there are none.
    pub fn joined(&self, maps: &[&Map]) -> Result<Map, GpuError> {
        let Some([_, height, width]) = maps.first().map(|map| map.shape) else {
            return Err(self.misfit("join", "nothing to join".to_owned()));
        };
        if let Some(other) = maps.iter().find(|map| map.shape[1..] != [height, width]) {
            return Err(self.misfit("join", format!("{:?} is not {height}x{width}", other.shape)));
        }
        let y = self.empty([maps.iter().map(|map| map.shape[0]).sum(), height, width])?;
        let mut at = 0;
        for map in maps {
            self.copy(map.part(), &y.buffer, at);
            at += map.bytes();
        }
        Ok(y)
    }

    /// Some planes of a map, in the same memory where its parts may be read by themselves.
    ///
    /// # Errors
    /// When it has not got them.
    pub fn planes(&self, x: &Map, first: usize, count: usize) -> Result<Map, GpuError> {
        let [channels, height, width] = x.shape;
        if count == 0 || first + count > channels {
            return Err(self.misfit("planes", format!("{count} from {first} are not in {:?}", x.shape)));
        }
        let shape = [count, height, width];
        let part = Map { start: x.start + map::bytes([first, height, width]), shape, ..x.clone() };
        if part.start.is_multiple_of(self.alignment()) {
            return Ok(part);
        }
        let y = self.empty(shape)?;
        self.copy(part.part(), &y.buffer, 0);
        Ok(y)
    }

    /// Runs a kernel for each place of each plane that is written, with its buffers in order.
    fn by_place(&self, kernel: Kernel, params: Params, buffers: &[Part<'_>]) -> Result<(), GpuError> {
        let [planes, height, width] = params.to;
        let bound: Vec<(u32, Part<'_>)> = (1..).zip(buffers.iter().copied()).collect();
        self.run(kernel, params, &bound, groups(height, width, planes), (planes * height * width) as u64)
    }
}

/// Numbers of a map.
fn count(x: &Map) -> usize {
    x.shape.iter().product()
}

/// Whether a map goes with another place by place: as it is, or its one plane with all, or its one value with a whole plane.
fn spreads([planes, height, width]: [usize; 3], over: [usize; 3]) -> bool {
    (planes == over[0] || planes == 1) && ([height, width] == over[1..] || [height, width] == [1, 1])
}
