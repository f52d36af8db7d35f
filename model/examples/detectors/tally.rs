//! What was counted, and its tables.

use std::{collections::BTreeMap, fmt::Write};

use pickup_model::damage::Damage;

use crate::{coder::Coding, harm::Harm};

/// How many of how many.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Share {
    pub(crate) count: u64,
    pub(crate) of: u64,
}

impl Share {
    pub(crate) fn add(&mut self, count: u64, of: u64) {
        self.count += count;
        self.of += of;
    }

    fn percent(self) -> String {
        if self.of == 0 {
            "–".into()
        } else {
            format!("{:.1} % of {}", 100.0 * self.count as f64 / self.of as f64, self.of)
        }
    }
}

/// When damage was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum When {
    /// To what a decoder gave.
    After,
    /// To what was then coded.
    Before,
}

/// What was counted at one size.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    /// By coding (its place in [`Coding::ALL`]): intact frames that were found, of all that were judged.
    pub(crate) intact: [Share; Coding::ALL.len()],
    /// Intact frames that were found, by what they were taken for.
    pub(crate) taken_for: BTreeMap<String, u64>,
    /// Places that were found whole, of those that can be seen.
    pub(crate) places: BTreeMap<(When, Harm), Share>,
    /// Intact frames beside damage that were found on account of it, of all that were judged.
    pub(crate) beside: Share,
}

impl Tally {
    pub(crate) fn take_for(&mut self, damage: Damage) {
        *self.taken_for.entry(format!("{damage:?}").to_lowercase()).or_default() += 1;
    }

    fn of(&self, wanted: impl Fn(When, Harm) -> bool) -> Share {
        let mut sum = Share::default();
        for ((when, harm), share) in &self.places {
            if wanted(*when, *harm) {
                sum.add(share.count, share.of);
            }
        }
        sum
    }
}

/// The tables, in Markdown: a column for each size.
pub(crate) fn tables(sizes: &[(&str, Tally)]) -> String {
    let mut out = String::new();
    let mut row = |name: &str, cell: &dyn Fn(&Tally) -> String| {
        let cells: Vec<String> = sizes.iter().map(|(_, tally)| cell(tally)).collect();
        let _ = writeln!(out, "| {name} | {} |", cells.join(" | "));
    };
    let names: Vec<String> = sizes.iter().map(|(name, _)| (*name).to_owned()).collect();
    let head = format!("{} |\n|---|{}", names.join(" | "), "---|".repeat(sizes.len()));
    let found = |share: Share| format!("{} of {}", share.count, share.of);
    row("false finds", &|_| String::new());
    for (i, coding) in Coding::ALL.iter().enumerate() {
        row(&coding.name(), &|tally| found(tally.intact[i]));
    }
    row("**all**", &|tally| {
        let mut sum = Share::default();
        tally.intact.iter().for_each(|share| sum.add(share.count, share.of));
        format!("**{}**", found(sum))
    });
    row("taken for", &|tally| {
        tally.taken_for.iter().map(|(kind, n)| format!("{kind} {n}")).collect::<Vec<_>>().join(", ")
    });
    row("beside damage", &|tally| found(tally.beside));
    for (when, title) in [(When::After, "done after coding"), (When::Before, "done before coding")] {
        row(title, &|_| String::new());
        for harm in Harm::ALL.into_iter().filter(|harm| when == When::After || harm.comes_before()) {
            row(&harm.name(), &|tally| tally.places.get(&(when, harm)).copied().unwrap_or_default().percent());
        }
        row("**all that is claimed**", &|tally| {
            format!("**{}**", tally.of(|w, harm| w == when && harm.is_claimed()).percent())
        });
    }
    row("**found, before and after**", &|tally| format!("**{}**", tally.of(|_, harm| harm.is_claimed()).percent()));
    format!("| | {head}\n{out}")
}
