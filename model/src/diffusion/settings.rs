//! How a generation runs.

use super::scheduler::{DISTILLED, Schedule};
use crate::{Error, Result, recipe::Canonical};

/// How one noise level follows another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sampler {
    /// Along the straight line that the network points out.
    #[default]
    Euler,
    /// To the picture that the network sees, and back with fresh noise: what 0.9.6-distilled was trained for.
    Stochastic,
}

/// A second pass at twice the size, through the latent upsampler.
#[derive(Clone, Debug, PartialEq)]
pub struct SecondPass {
    /// Its noise levels.
    pub schedule: Schedule,
    /// How far each channel's mean and deviation are brought back to those before the upsampling, 0 to 1.
    pub adain: f64,
    /// How far large latents are drawn in, 0 to 1.
    pub tone_map: f64,
}

/// How a generation runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The noise levels it passes.
    pub schedule: Schedule,
    /// How one follows another.
    pub sampler: Sampler,
    /// How strongly to keep away from the negative prompt; 1 is not at all, and saves half the work.
    pub guidance: f64,
    /// How strongly to keep away from what the network says without the attention of `stg_blocks`.
    pub stg: f64,
    /// The blocks of spatio-temporal guidance.
    pub stg_blocks: Vec<usize>,
    /// How far the guided answer is brought back to the size of the unguided, 0 to 1.
    pub rescale: f64,
    /// Noise put on known frames before each step, which helps them start to move.
    pub known_noise: f64,
    /// How much noise the decoder is told there is,
    pub decode_timestep: f64,
    /// and how much is mixed in, 0 to 1.
    pub decode_noise: f64,
    /// A second pass at twice the size.
    pub second_pass: Option<SecondPass>,
}

impl Settings {
    /// Tells a take's name of every setting: they all change the frames.
    pub(crate) fn tell(&self, name: &mut Canonical) {
        let Self {
            schedule,
            sampler,
            guidance,
            stg,
            stg_blocks,
            rescale,
            known_noise,
            decode_timestep,
            decode_noise,
            second_pass,
        } = self;
        schedule.tell(name);
        name.text(match sampler {
            Sampler::Euler => "Euler",
            Sampler::Stochastic => "stochastic",
        });
        for value in [guidance, stg, rescale, known_noise, decode_timestep, decode_noise] {
            name.number(*value);
        }
        name.list(stg_blocks.iter(), |name, block| name.count(*block));
        name.list(second_pass.iter(), |name, SecondPass { schedule, adain, tone_map }| {
            schedule.tell(name);
            name.number(*adain);
            name.number(*tone_map);
        });
    }

    /// The published settings of the distilled models of 0.9.8, first pass.
    ///
    /// # Errors
    /// Never: the levels are known to fall.
    pub fn distilled() -> Result<Self> {
        Ok(Self {
            schedule: Schedule::given(&DISTILLED[..7])?,
            sampler: Sampler::Euler,
            guidance: 1.0,
            stg: 0.0,
            stg_blocks: Vec::new(),
            rescale: 0.0,
            known_noise: 0.0,
            decode_timestep: 0.05,
            decode_noise: 0.025,
            second_pass: None,
        })
    }

    /// Those of the 2B that is not distilled.
    ///
    /// # Errors
    /// When the number of steps is out of reason.
    pub fn dev(steps: usize) -> Result<Self> {
        Ok(Self {
            schedule: Schedule::linear_quadratic(steps)?,
            guidance: 3.0,
            stg: 1.0,
            stg_blocks: vec![19],
            rescale: 0.7,
            ..Self::distilled()?
        })
    }

    /// Those of 0.9.6-distilled: eight levels, fresh noise at each.
    ///
    /// # Errors
    /// Never: the levels are known to fall.
    pub fn distilled_0_9_6() -> Result<Self> {
        Ok(Self { schedule: Schedule::given(&DISTILLED)?, sampler: Sampler::Stochastic, ..Self::distilled()? })
    }

    /// The published second pass of 0.9.8, at twice the size.
    ///
    /// # Errors
    /// Never: the levels are known to fall.
    pub fn with_second_pass(self) -> Result<Self> {
        let schedule = Schedule::given(&DISTILLED[5..])?;
        Ok(Self { second_pass: Some(SecondPass { schedule, adain: 1.0, tone_map: 0.6 }), ..self })
    }

    pub(super) fn check(&self, blocks: usize) -> Result<()> {
        let share = |what: &str, v: f64| match (0.0..=1.0).contains(&v) {
            true => Ok(()),
            false => Err(Error::Request(format!("{what} is {v}, and must be from 0 to 1"))),
        };
        share("the rescaling of guidance", self.rescale)?;
        share("the noise on known frames", self.known_noise)?;
        share("the decoder's timestep", self.decode_timestep)?;
        share("the decoder's noise", self.decode_noise)?;
        for (what, v) in [("guidance", self.guidance), ("spatio-temporal guidance", self.stg)] {
            if !(0.0..=100.0).contains(&v) {
                return Err(Error::Request(format!("{what} is {v}, and must be from 0 to 100")));
            }
        }
        if let Some(block) = self.stg_blocks.iter().find(|b| **b >= blocks)
            && self.stg > 0.0
        {
            return Err(Error::Request(format!(
                "spatio-temporal guidance names block {block}, the model has {blocks}"
            )));
        }
        if let Some(second) = &self.second_pass {
            share("AdaIN of the second pass", second.adain)?;
            share("tone mapping of the second pass", second.tone_map)?;
        }
        Ok(())
    }
}
