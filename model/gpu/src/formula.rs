//! What is done place by place, in one kernel for all that leads to a map.

use std::{collections::HashMap, fmt::Write};

use crate::{
    Both, Each, Gpu, GpuError, Map,
    kernel::{Kernel, function},
    map::{Made, Part, Value, bytes},
    ops::groups,
    point::Asked,
};

/// Maps that a kernel reads at the most: with what it writes, as many buffers as every GPU binds.
pub(crate) const MOST_LEAVES: usize = 7;
/// Functions in a kernel at the most; each calculates with two numbers at the most.
pub(crate) const MOST_STEPS: usize = 16;

/// How each value is calculated, step by step; the last is what the map holds. It is the same for all maps that are made the same way.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Formula(Vec<Step>);

/// A step, of the values of steps before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Step {
    /// A map's value at this place.
    Leaf(usize),
    /// A function of a value, with two numbers from one on.
    Each(Each, usize, usize),
    /// A function of two.
    Both(Both, [usize; 2]),
    /// The second where the first is not zero, else the third.
    Chosen([usize; 3]),
}

impl Formula {
    /// The source of its kernel.
    pub(crate) fn source(&self) -> String {
        let mut steps = String::new();
        let (mut functions, mut leaves) = (Vec::new(), 0);
        for (i, step) in self.0.iter().enumerate() {
            let value = match *step {
                Step::Leaf(leaf) => {
                    leaves = leaves.max(leaf + 1);
                    format!("leaf{leaf}[at({leaf}u, id)]")
                }
                Step::Each(each, number, v) => {
                    let name = format!("each_{each:?}").to_lowercase();
                    let value = format!("{name}(v{v}, {}, {})", numbered(number), numbered(number + 1));
                    functions.push(function(&name, "v: f32, first: f32, second: f32", each.formula()));
                    value
                }
                Step::Both(both, [a, b]) => {
                    let name = format!("both_{both:?}").to_lowercase();
                    functions.push(function(&name, "a: f32, b: f32", both.formula()));
                    format!("{name}(v{a}, v{b})")
                }
                Step::Chosen([which, one, other]) => format!("select(v{other}, v{one}, v{which} != 0.0)"),
            };
            // Writing to a string cannot fail.
            let _ = writeln!(steps, "    let v{i} = {value};");
        }
        functions.sort();
        functions.dedup();
        let bound: String = (0..leaves)
            .map(|i| format!("@group(0) @binding({}) var<storage, read> leaf{i}: array<f32>;\n", i + 2))
            .collect();
        let (last, all) = (self.0.len() - 1, include_str!("shaders/formula.wgsl"));
        let all = all.replace("//steps", steps.trim_end()).replace("//last", &format!("v{last}"));
        let sizes = format!("const LEAVES = {MOST_LEAVES}u; const NUMBERS = {}u;", 2 * MOST_STEPS / 4);
        format!("{sizes}\n{bound}{}\n{all}", functions.join("\n"))
    }
}

fn numbered(at: usize) -> String {
    format!("p.numbers[{}][{}]", at / 4, at % 4)
}

/// What a kernel is told, in the order of `shaders/formula.wgsl`.
#[repr(C)]
#[derive(Clone, Copy, Default, bytemuck::Pod, bytemuck::Zeroable)]
struct Told {
    width: u32,
    height: u32,
    /// Where in its buffer the first value is written.
    start: u32,
    unused: u32,
    leaves: [[u32; 4]; MOST_LEAVES],
    numbers: [f32; 2 * MOST_STEPS],
}

/// Which of a map's values stand at the places that are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct View {
    /// Its plane at the first plane that is made,
    first: usize,
    /// which all others have too, or the next ones.
    by_plane: bool,
    /// Whether each place has a value of its own.
    by_place: bool,
}

/// A formula that is being written down.
#[derive(Default)]
struct Writing {
    steps: Vec<Step>,
    numbers: Vec<f32>,
    leaves: Vec<(Made, [u32; 4])>,
    known: HashMap<(usize, View), usize>,
}

impl Writing {
    fn push(&mut self, step: Step) -> usize {
        self.steps.push(step);
        self.steps.len() - 1
    }

    /// The step whose value is a map's.
    fn write(&mut self, gpu: &Gpu, map: &Map, view: View) -> Result<usize, GpuError> {
        if let Some(step) = self.known.get(&(map.id(), view)) {
            return Ok(*step);
        }
        let step = match map.value() {
            Value::Made(made) => self.leaf(made, view),
            Value::Asked(Asked::Joined(_) | Asked::Called(_)) => {
                let made = gpu.held(map)?;
                self.leaf(made, view)
            }
            Value::Asked(Asked::Part(x, first)) => self.write(gpu, &x, View { first: view.first + first, ..view })?,
            Value::Asked(Asked::Each(each, numbers, x)) => {
                let v = self.write(gpu, &x, view)?;
                self.numbers.extend(numbers);
                self.push(Step::Each(each, self.numbers.len() - 2, v))
            }
            Value::Asked(Asked::Both(both, one, other)) => {
                let a = self.write(gpu, &one, view)?;
                let b = self.write(gpu, &other, spread(view, &other, &one))?;
                self.push(Step::Both(both, [a, b]))
            }
            Value::Asked(Asked::Chosen(which, one, other)) => {
                let chooses = self.write(gpu, &which, spread(view, &which, &one))?;
                let values = [self.write(gpu, &one, view)?, self.write(gpu, &other, view)?];
                self.push(Step::Chosen([chooses, values[0], values[1]]))
            }
        };
        self.known.insert((map.id(), view), step);
        Ok(step)
    }

    fn leaf(&mut self, made: Made, view: View) -> usize {
        let [_, height, width] = made.shape.map(|side| u32::try_from(side).unwrap_or(u32::MAX));
        let by_place = if view.by_place { [width, 1] } else { [0; 2] };
        let by_plane = if view.by_plane { height * width } else { 0 };
        let steps = [view.first as u32 * height * width, by_plane, by_place[0], by_place[1]];
        let same = |(known, by): &(Made, [u32; 4])| known.is_same(&made) && *by == steps;
        if let Some(leaf) = self.leaves.iter().position(same) {
            return self.push(Step::Leaf(leaf));
        }
        self.leaves.push((made, steps));
        self.push(Step::Leaf(self.leaves.len() - 1))
    }
}

/// How a map is read that goes with another: it may have one plane for all, or one value for all places of a plane.
fn spread(view: View, map: &Map, with: &Map) -> View {
    let one_plane = map.shape[0] == 1 && with.shape[0] != 1;
    View {
        first: if one_plane { 0 } else { view.first },
        by_plane: view.by_plane && !one_plane,
        by_place: view.by_place && map.shape[1..] == with.shape[1..],
    }
}

impl Gpu {
    /// Makes what was asked for place by place, from one place in a buffer on.
    pub(crate) fn calculate(&self, map: &Map, to: &Made) -> Result<(), GpuError> {
        let mut writing = Writing::default();
        writing.write(self, map, View { first: 0, by_plane: true, by_place: true })?;
        let Writing { steps, numbers, leaves, .. } = writing;
        let [planes, height, width] = map.shape;
        let mut told = Told { width: width as u32, height: height as u32, ..Told::default() };
        told.start = (to.start / size_of::<f32>() as u64) as u32;
        told.numbers[..numbers.len()].copy_from_slice(&numbers);
        let mut buffers = vec![(1, Part::whole(&to.buffer))];
        for (i, (made, steps)) in leaves.iter().enumerate() {
            told.leaves[i] = *steps;
            buffers.push((i as u32 + 2, made.part()));
        }
        let calculated = steps.iter().filter(|step| !matches!(step, Step::Leaf(_))).count();
        let operations = (planes * height * width * calculated) as u64;
        // Of a map of many planes no more than what it is read at.
        let read = leaves.iter().map(|(_, [_, by_plane, _, by_place])| {
            let (planes, places) =
                (if *by_plane > 0 { planes } else { 1 }, if *by_place > 0 { height * width } else { 1 });
            bytes([planes, places, 1])
        });
        let read: u64 = read.sum();
        let kernel = Kernel::Formula(Formula(steps).into());
        let cost = (operations, read + to.part().bytes);
        self.run_told(kernel, bytemuck::bytes_of(&told), &buffers, groups(height, width, planes), cost)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A formula with a function, and one with each way to take several values.
    pub(crate) fn all() -> Vec<Formula> {
        let mut all: Vec<Formula> =
            Each::ALL.into_iter().map(|each| Formula(vec![Step::Leaf(0), Step::Each(each, 0, 0)])).collect();
        all.extend(
            Both::ALL.into_iter().map(|both| Formula(vec![Step::Leaf(0), Step::Leaf(1), Step::Both(both, [0, 1])])),
        );
        let leaves = (0..MOST_LEAVES).map(Step::Leaf);
        let rest = (0..MOST_STEPS).map(|i| match i % 2 {
            0 => Step::Chosen([i, i + 1, i + 2]),
            _ => Step::Each(Each::Affine, 2 * i, MOST_LEAVES + i - 1),
        });
        all.push(Formula(leaves.chain(rest).collect()));
        all
    }
}
