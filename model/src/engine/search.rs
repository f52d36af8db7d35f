//! Looking for better flows on a GPU; on the CPU `motion` does it.

use std::sync::Arc;

use pickup_gpu::{Gpu, TakeOver};

use super::Map;
use crate::Result;

/// Two frames' features less their mean, and the grain of each.
pub(crate) struct PlacesOnGpu {
    gpu: Arc<Gpu>,
    features: [pickup_gpu::Map; 2],
    grain: [pickup_gpu::Map; 2],
}

impl PlacesOnGpu {
    /// Of features on a GPU; none of the CPU's.
    pub(crate) fn new(features: [&Map; 2]) -> Result<Option<Self>> {
        let Map::Gpu(gpu, _) = features[0] else { return Ok(None) };
        let centred = |x: &Map| -> Result<pickup_gpu::Map> { Ok(x.minus(&x.mean_of_planes()?)?.on_gpu()?.clone()) };
        let features = [centred(features[0])?, centred(features[1])?];
        let grain = [gpu.grain(&features[0])?, gpu.grain(&features[1])?];
        Ok(Some(Self { gpu: gpu.clone(), features, grain }))
    }

    /// The flow from one of the frames to the other with what places take over by the rules; none where they take over nothing.
    pub(crate) fn taken_over(
        &self,
        from: usize,
        flow: &Map,
        told: Option<&Map>,
        rules: &TakeOver,
    ) -> Result<Option<Map>> {
        let features = [&self.features[from], &self.features[1 - from]];
        let (flow, told) = (flow.on_gpu()?, told.map(Map::on_gpu).transpose()?);
        let taken = Map::on(&self.gpu, self.gpu.taken_over(features, &self.grain[from], flow, told, rules)?);
        let any = taken.planes(2, 1)?.mean_of_planes()?.tensor()?.flatten_all()?.to_vec1::<f32>()?;
        if any.iter().all(|share| *share == 0.0) { Ok(None) } else { taken.planes(0, 2).map(Some) }
    }
}
