//! One clip at one size and rate: what the detectors say of it, intact and damaged.

use std::{fmt::Write, ops::Range, path::Path};

use pickup_model::{
    damage::{Damage, REACH, Thresholds, Traits, WINDOW, judge},
    is_frozen,
};
use rayon::prelude::*;

use crate::{
    Result,
    coder::{self, Coding},
    harm::{Dice, Harm},
    picture::Picture,
    tally::{Tally, When},
};

/// Intact frames left at a clip's ends, and between damage in a clip that is coded with all of it.
const APART: usize = 12;

/// From one place of damage to the next, where it is done after coding, each for itself; in the next coding all are this much
/// further on.
const STEP: usize = 36;
const FURTHER: usize = 5;

/// A clip at one size and rate.
pub(crate) struct Take<'a> {
    /// Decides where and how damage is done.
    pub(crate) seed: u64,
    pub(crate) name: String,
    /// The folder of coded clips.
    pub(crate) kept: &'a Path,
    pub(crate) source: &'a [Picture],
    /// Whether no frame of the clip was left out: then it is coded with damage too.
    pub(crate) at_its_rate: bool,
}

/// What was found of one damage.
struct Outcome {
    harm: Harm,
    at: usize,
    /// Its frames that were not found.
    missed: Vec<usize>,
    /// Intact frames that were judged beside it, and those that were found.
    judged: usize,
    beside: Vec<(usize, Damage)>,
}

impl Take<'_> {
    /// Counts all of it; wrong answers are written to `wrong`, one a line.
    pub(crate) fn count(&self, tally: &mut Tally, wrong: &mut String) -> Result<()> {
        if self.source.len() < 3 * APART {
            return Ok(());
        }
        // A source that repeats a frame by itself is not intact there.
        let stands: Vec<bool> = (0..self.source.len())
            .map(|t| t > 0 && is_frozen(&self.source[t - 1].frame(), &self.source[t].frame()))
            .collect();
        for (number, coding) in Coding::ALL.into_iter().enumerate() {
            let decoded = self.coded(self.source, coding, "intact")?;
            let traits: Vec<Traits> = decoded.par_iter().map(Picture::traits).collect();
            let found: Vec<Option<Damage>> = (0..traits.len()).map(|t| judged(|i| traits.get(i), t)).collect();
            let named = format!("{} {}", self.name, coding.name());
            for (t, damage) in found.iter().enumerate().filter(|(t, _)| !stands[*t]) {
                tally.intact[number].add(u64::from(damage.is_some()), 1);
                if let Some(damage) = damage {
                    tally.take_for(*damage);
                    writeln!(wrong, "{named}: {damage:?} in frame {t}, which is intact")?;
                }
            }
            for outcome in self.after(number, &decoded, &traits, &found)? {
                outcome.count(tally, wrong, When::After, &named)?;
            }
            if coding != Coding::None && self.at_its_rate {
                for outcome in self.before(number, &stands)? {
                    outcome.count(tally, wrong, When::Before, &named)?;
                }
            }
        }
        Ok(())
    }

    fn coded(&self, clip: &[Picture], coding: Coding, what: &str) -> Result<Vec<Picture>> {
        if coding == Coding::None {
            return Ok(clip.to_vec());
        }
        let name = format!("{}-{what}-{}.mkv", self.name, coding.name().replace(' ', "-"));
        coder::through(clip, coding, &self.kept.join(name))
    }

    fn dice(&self, at: usize, harm: Harm) -> Dice {
        let number = Harm::ALL.iter().position(|h| *h == harm).unwrap_or_default();
        Dice::new([self.seed, at as u64, number as u64])
    }

    /// Damage done to what was decoded, each for itself.
    fn after(
        &self,
        coding: usize,
        decoded: &[Picture],
        traits: &[Traits],
        found: &[Option<Damage>],
    ) -> Result<Vec<Outcome>> {
        let places = (APART + FURTHER * coding % STEP..decoded.len() - 2 * APART).step_by(STEP);
        let tries: Vec<(usize, Harm)> = places.flat_map(|at| Harm::ALL.map(|harm| (at, harm))).collect();
        // What a decoder makes of spoilt bytes is measured once, in the clip that no other coder saw.
        let tries =
            tries.into_par_iter().filter(|(_, harm)| *harm != Harm::Jpeg || Coding::ALL[coding] == Coding::None);
        let outcomes = tries.map(|(at, harm)| {
            let Some(harmed) = harm.done(decoded, at, &mut self.dice(at, harm))? else { return Ok(None) };
            if !harm.is_seen(self.source, at, &harmed) {
                return Ok(None);
            }
            let changed: Vec<Traits> = match harm {
                Harm::Repeat(n) => vec![traits[at - 1].clone(); n],
                _ => harmed.iter().map(Picture::traits).collect(),
            };
            let damaged = at..at + harm.frames();
            let of = |t: usize| if damaged.contains(&t) { changed.get(t - at) } else { traits.get(t) };
            let near = at - APART..damaged.end + APART;
            let answers = near.map(|t| (t, judged(of, t), found[t].is_some()));
            Ok(Some(Outcome::of(harm, damaged.clone(), answers)))
        });
        Ok(outcomes.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
    }

    /// Damage all along the clip before it is coded; which kinds, depends on the clip and the coding.
    fn before(&self, coding: usize, stands: &[bool]) -> Result<Vec<Outcome>> {
        let kinds: Vec<Harm> = Harm::ALL.into_iter().filter(|harm| harm.comes_before()).collect();
        let mut clip = self.source.to_vec();
        let mut places = Vec::new();
        let mut at = APART;
        for i in 0.. {
            let harm = kinds[(i + self.seed as usize % kinds.len() + 5 * coding) % kinds.len()];
            if at + harm.frames() + APART > clip.len() {
                break;
            }
            if let Some(harmed) = harm.done(self.source, at, &mut self.dice(at, harm))?
                && harm.is_seen(self.source, at, &harmed)
            {
                for (picture, harmed) in clip[at..].iter_mut().zip(harmed) {
                    *picture = harmed;
                }
                places.push((at, harm));
                at += harm.frames() + APART;
            } else {
                at += 1;
            }
        }
        let decoded = self.coded(&clip, Coding::ALL[coding], "damaged")?;
        let traits: Vec<Traits> = decoded.par_iter().map(Picture::traits).collect();
        let outcomes = places.into_iter().map(|(at, harm)| {
            let near = at - APART / 2..at + harm.frames() + APART / 2;
            let answers = near.map(|t| (t, judged(|i| traits.get(i), t), stands[t]));
            Outcome::of(harm, at..at + harm.frames(), answers)
        });
        Ok(outcomes.collect())
    }
}

/// What the detectors say of a frame, with their usual thresholds.
fn judged<'a>(of: impl Fn(usize) -> Option<&'a Traits>, t: usize) -> Option<Damage> {
    let window: [_; WINDOW] = std::array::from_fn(|i| (t + i).checked_sub(REACH).and_then(&of));
    judge(&window, &Thresholds::default())
}

impl Outcome {
    /// From answers to frames, each with whether it would have been found, or is no intact frame, without the damage.
    fn of(harm: Harm, damaged: Range<usize>, answers: impl Iterator<Item = (usize, Option<Damage>, bool)>) -> Self {
        let mut outcome = Self { harm, at: damaged.start, missed: Vec::new(), judged: 0, beside: Vec::new() };
        for (t, answer, anyway) in answers {
            match answer {
                None if damaged.contains(&t) => outcome.missed.push(t),
                _ if damaged.contains(&t) || anyway => {}
                Some(damage) => {
                    outcome.judged += 1;
                    outcome.beside.push((t, damage));
                }
                None => outcome.judged += 1,
            }
        }
        outcome
    }

    fn count(&self, tally: &mut Tally, wrong: &mut String, when: When, named: &str) -> Result<()> {
        let Self { harm, at, missed, judged, beside } = self;
        tally.places.entry((when, *harm)).or_default().add(u64::from(missed.is_empty()), 1);
        tally.beside.add(beside.len() as u64, *judged as u64);
        if !missed.is_empty() {
            writeln!(wrong, "{named}: {harm:?} {when:?} at {at} missed in {missed:?}")?;
        }
        for (t, damage) in beside {
            writeln!(wrong, "{named}: {damage:?} in frame {t}, beside {harm:?} {when:?} at {at}")?;
        }
        Ok(())
    }
}
