//! Looking for better flows than a network found.

use crate::{Each, Gpu, GpuError, Map, gpu::Params, kernel::Kernel, ops::groups};

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
