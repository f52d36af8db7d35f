//! What is done place by place: functions of values, choices, and planes taken together or apart.

use std::sync::Arc;

use crate::{
    Across, Both, Each, Gpu, GpuError, Map,
    formula::{MOST_LEAVES, MOST_STEPS},
    gpu::Params,
    kernel::Kernel,
    map::{Made, Value, bytes},
    ops::Call,
};

/// A map that is made when something else needs it.
#[derive(Clone, Debug)]
pub(crate) enum Asked {
    /// A function of each value, with two numbers.
    Each(Each, [f32; 2], Map),
    /// A function of each value and one of another map.
    Both(Both, Map, Map),
    /// Where the first is not zero the second, else the third.
    Chosen(Map, Map, Map),
    /// Its planes from one on, and of these the upper left part.
    Part(Map, usize),
    /// The planes of several maps, one after another.
    Joined(Vec<Map>),
    /// What a kernel makes that has places of its own.
    Called(Arc<Call>),
}

impl Asked {
    /// How many maps its kernel reads, and how many functions it calculates, at the most.
    fn cost(&self) -> [usize; 2] {
        let sum = |maps: &[&Map], steps: usize| {
            let costs = maps.iter().map(|map| cost(map));
            costs.fold([0, steps], |[leaves, steps], [more, further]| [leaves + more, steps + further])
        };
        match self {
            Self::Each(_, _, x) => sum(&[x], 1),
            Self::Both(_, one, other) => sum(&[one, other], 1),
            Self::Chosen(which, one, other) => sum(&[which, one, other], 1),
            Self::Part(x, _) => sum(&[x], 0),
            Self::Joined(_) | Self::Called(_) => [1, 0],
        }
    }

    fn parts(&self) -> Vec<&Map> {
        match self {
            Self::Each(_, _, x) | Self::Part(x, _) => vec![x],
            Self::Both(_, one, other) => vec![one, other],
            Self::Chosen(which, one, other) => vec![which, one, other],
            Self::Joined(_) | Self::Called(_) => Vec::new(),
        }
    }
}

fn cost(map: &Map) -> [usize; 2] {
    match map.value() {
        Value::Made(_) => [1, 0],
        Value::Asked(asked) => asked.cost(),
    }
}

impl Gpu {
    /// A map in memory: what was asked for is made.
    pub(crate) fn held(&self, map: &Map) -> Result<Made, GpuError> {
        let asked = match map.value() {
            Value::Made(made) => return Ok(made),
            Value::Asked(Asked::Joined(maps)) => return self.held_together(map, &maps),
            Value::Asked(asked) => asked,
        };
        let made = self.empty(map.shape)?;
        self.make(map, &asked, &made)?;
        map.is_made(made.clone());
        Ok(made)
    }

    /// Makes what was asked for now. What is made of it later has the same bits then, whoever needs it first, and what it is made of is
    /// let go.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn settle(&self, map: &Map) -> Result<(), GpuError> {
        self.held(map).map(drop)
    }

    /// Makes what was asked for at a place.
    fn make(&self, map: &Map, asked: &Asked, to: &Made) -> Result<(), GpuError> {
        match asked {
            Asked::Called(call) => self.call(call, to),
            _ => self.calculate(map, to),
        }
    }

    /// Maps one after another in one memory, where each is made at its place, or copied to it.
    fn held_together(&self, joined: &Map, maps: &[Map]) -> Result<Made, GpuError> {
        let whole = self.empty(joined.shape)?;
        let (mut first, mut made) = (0, Vec::new());
        for map in maps {
            let place = whole.planes(first, map.shape[0]);
            first += map.shape[0];
            // What begins anywhere cannot be written, or read, by itself.
            let is_apart = place.start.is_multiple_of(self.alignment());
            match map.value() {
                Value::Asked(asked) if is_apart && !matches!(asked, Asked::Joined(_)) => {
                    self.make(map, &asked, &place)?;
                    made.push((map, place));
                }
                Value::Asked(asked) if !matches!(asked, Asked::Joined(_) | Asked::Called(_)) => {
                    self.calculate(map, &place)?;
                }
                _ => self.copy(self.held(map)?.part(), &whole.buffer, place.start),
            }
        }
        // Not before all are made: no kernel may read the memory that it writes to.
        made.into_iter().for_each(|(map, place)| map.is_made(place));
        joined.is_made(whole.clone());
        Ok(whole)
    }

    /// Asks for a map that is made place by place. Of what it is made of, the first are made now that would make it too much for one
    /// kernel, or that were calculated from several maps for another one before.
    fn ask(&self, shape: [usize; 3], asked: Asked) -> Result<Map, GpuError> {
        self.check_size(bytes(shape))?;
        for part in asked.parts() {
            if part.used() > 0 && cost(part)[0] > 1 {
                self.held(part)?;
            }
        }
        let parts = asked.parts();
        let mut parts = parts.iter();
        while let [leaves, steps] = asked.cost()
            && (leaves > MOST_LEAVES || steps > MOST_STEPS)
            && let Some(part) = parts.next()
        {
            self.held(part)?;
        }
        Ok(Map::asked(shape, asked))
    }

    /// A function of each value, with the numbers that it calculates with; those that it does not need are 0.
    ///
    /// # Errors
    /// When the map is too large, or something that it is made of cannot be made.
    pub fn each(&self, x: &Map, function: Each, numbers: [f32; 2]) -> Result<Map, GpuError> {
        self.ask(x.shape, Asked::Each(function, numbers, x.clone()))
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
        self.ask(one.shape, Asked::Both(function, one.clone(), other.clone()))
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
        self.ask(one.shape, Asked::Chosen(which.clone(), one.clone(), other.clone()))
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
        self.ask([channels, height, width], Asked::Part(x.clone(), 0))
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
        let shape = [maps.iter().map(|map| map.shape[0]).sum(), height, width];
        self.check_size(bytes(shape))?;
        Ok(Map::asked(shape, Asked::Joined(maps.iter().map(|map| (*map).clone()).collect())))
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
        if let Value::Made(made) = x.value() {
            let planes = made.planes(first, count);
            if planes.start.is_multiple_of(self.alignment()) {
                return Ok(planes.into());
            }
        }
        self.ask([count, height, width], Asked::Part(x.clone(), first))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ConvWeights, adapters};

    fn gpus() -> Vec<Arc<Gpu>> {
        let found = adapters();
        assert!(!found.is_empty(), "a GPU, or Mesa's software Vulkan");
        found.iter().map(|adapter| Arc::new(Gpu::open_fastest(adapter).unwrap())).collect()
    }

    /// Sizes whose planes may be read by themselves, and whose may not.
    const SIZES: [[usize; 2]; 2] = [[16, 32], [5, 7]];

    fn values([planes, height, width]: [usize; 3], seed: usize) -> Vec<f32> {
        (0..planes * height * width).map(|i| ((i * 37 + seed * 101) % 64) as f32 / 8.0 - 4.0).collect()
    }

    #[test]
    #[ignore = "needs a GPU, or Mesa's software Vulkan"]
    fn what_is_done_place_by_place_is_done_in_one_pass() {
        for (gpu, [height, width]) in gpus().into_iter().flat_map(|gpu| SIZES.map(|size| (gpu.clone(), size))) {
            let shape = [3, height, width];
            let (x, one, each) = (values(shape, 1), values([1, height, width], 2), values([3, 1, 1], 3));
            let map = |shape: [usize; 3], values: &[f32]| gpu.map(shape, values).unwrap();
            let (on_x, on_one) = (map(shape, &x), map([1, height, width], &one));
            let doubled = gpu.each(&on_x, Each::Affine, [2.0, 1.0]).unwrap();
            let sum = gpu.both(&doubled, &on_one, Both::Sum).unwrap();
            let product = gpu.both(&sum, &map([3, 1, 1], &each), Both::Product).unwrap();
            let below = gpu.each(&gpu.planes(&on_x, 2, 1).unwrap(), Each::IsBelow, [0.5, 0.0]).unwrap();
            let chosen = gpu.chosen(&below, &product, &on_x).unwrap();
            let part = gpu.cropped(&gpu.planes(&chosen, 1, 2).unwrap(), height - 1, width - 2).unwrap();
            let before = gpu.counted();
            let found = gpu.read(&part).unwrap();
            // Planes that begin anywhere are read where they are, too.
            assert_eq!(gpu.counted().dispatches - before.dispatches, 1, "{height}x{width}");
            let expected = (1..3).flat_map(|plane| (0..(height - 1) * (width - 2)).map(move |i| (plane, i)));
            for ((plane, i), found) in expected.zip(found) {
                let place = i / (width - 2) * width + i % (width - 2);
                let here = x[plane * height * width + place];
                let product = (2.0 * here + 1.0 + one[place]) * each[plane];
                let expected = if x[2 * height * width + place] < 0.5 { product } else { here };
                assert!((found - expected).abs() < 1e-4, "plane {plane}, place {place}: {found}, not {expected}");
            }
        }
    }

    #[test]
    #[ignore = "needs a GPU, or Mesa's software Vulkan"]
    fn what_is_too_much_for_one_pass_or_is_used_again_is_made_before() {
        // The last kernel reads as many maps as it may: what was summed before, and the rest.
        const COUNT: usize = 3 * (MOST_LEAVES - 1) + 1;
        for gpu in gpus() {
            let shape = [1, 4, 6];
            let all: Vec<Map> = (0..COUNT).map(|i| gpu.map(shape, &[i as f32; 24]).unwrap()).collect();
            let sum = all.iter().skip(1).fold(all[0].clone(), |sum, x| gpu.both(&sum, x, Both::Sum).unwrap());
            let long = (0..3 * MOST_STEPS).fold(sum.clone(), |x, _| gpu.each(&x, Each::Affine, [1.0, 1.0]).unwrap());
            let total = (0..COUNT).sum::<usize>() as f32;
            assert_eq!(gpu.read(&long).unwrap(), [total + 3.0 * MOST_STEPS as f32; 24]);
            let before = gpu.counted();
            assert_eq!(gpu.read(&gpu.each(&sum, Each::Affine, [1.0, 0.0]).unwrap()).unwrap(), [total; 24]);
            assert_eq!(gpu.read(&gpu.each(&sum, Each::Affine, [2.0, 0.0]).unwrap()).unwrap(), [2.0 * total; 24]);
            let bytes = gpu.counted().bytes - before.bytes;
            // The sum is made once more; both others read it, and are copied to be read.
            assert_eq!(bytes, (MOST_LEAVES as u64 + 1 + 2 * 2 + 2 * 2) * 96);
        }
    }

    #[test]
    #[ignore = "needs a GPU, or Mesa's software Vulkan"]
    fn maps_together_are_read_where_they_are_or_made_side_by_side() {
        for (gpu, [height, width]) in gpus().into_iter().flat_map(|gpu| SIZES.map(|size| (gpu.clone(), size))) {
            let shape = |planes: usize| [planes, height, width];
            let x = values(shape(5), 1);
            // One that is made of another that stands before it, one that is there, and two twice.
            let together = || {
                let on_gpu = gpu.map(shape(5), &x).unwrap();
                let halves = gpu.each(&on_gpu, Each::Affine, [0.5, 0.0]).unwrap();
                let quarters = gpu.each(&halves, Each::Affine, [0.5, 0.0]).unwrap();
                let turned = gpu.turned(&on_gpu).unwrap();
                let part = gpu.planes(&on_gpu, 1, 1).unwrap();
                let joined = gpu.joined(&[&halves, &quarters, &turned, &on_gpu, &part, &turned, &part]).unwrap();
                (joined, quarters)
            };
            let plane = |i: usize| &x[i * height * width..(i + 1) * height * width];
            let back = (0..5).flat_map(|i| plane(i).iter().rev().copied());
            let mut expected: Vec<f32> = x.iter().map(|v| 0.5 * v).chain(x.iter().map(|v| 0.25 * v)).collect();
            expected.extend(back.clone().chain(x.iter().copied()));
            expected.extend(plane(1).iter().copied().chain(back).chain(plane(1).iter().copied()));

            let (joined, quarters) = together();
            assert_eq!(gpu.read(&joined).unwrap(), expected, "{height}x{width}");
            assert_eq!(gpu.read(&quarters).unwrap(), &expected[x.len()..2 * x.len()], "{height}x{width}");

            let channels = joined.shape()[0];
            let weights = values([10 * channels, 3, 3], 4);
            let weights =
                ConvWeights { outputs: 10, inputs: channels, side: 3, values: &weights, bias: &[0.5; 10], slope: 0.1 };
            let conv = gpu.conv(weights, 1).unwrap();
            let apart = gpu.read(&gpu.convolved(&together().0, &conv).unwrap()).unwrap();
            let whole = gpu.map(joined.shape(), &expected).unwrap();
            assert_eq!(apart, gpu.read(&gpu.convolved(&whole, &conv).unwrap()).unwrap(), "{height}x{width}");
        }
    }
}
