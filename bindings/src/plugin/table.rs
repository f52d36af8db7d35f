//! The documented table of an effect's parameters, from the same declaration as everything else.

use std::fmt::Write as _;

use super::{
    effect::Effect,
    param::{ParamKind, ParamSpec, Params, ShownIn, TextMode},
};

/// A Markdown table of an effect's parameters, one a row: name, id, type, default, range, meaning.
#[must_use]
pub fn markdown_table<E: Effect>() -> String {
    let mut table = String::from("| Parameter | id | type | default | range | |\n|---|---|---|---|---|---|\n");
    for spec in E::Params::specs() {
        // Writing to a String cannot fail.
        let _ = writeln!(table, "{}", row(&spec));
    }
    table
}

fn row(spec: &ParamSpec) -> String {
    let (kind, default, range) = match &spec.kind {
        ParamKind::Boolean { default } => ("switch", if *default { "on" } else { "off" }.into(), String::new()),
        ParamKind::Integer { default, min, max, .. } => {
            ("whole number", default.to_string(), range(i64::from(*min), i64::from(*max), i32::MIN.into()))
        }
        ParamKind::Double { default, min, max, .. } => ("number", default.to_string(), range(*min, *max, f64::MIN)),
        ParamKind::Integers { default, .. } => ("whole numbers", list(default), String::new()),
        ParamKind::Doubles { default, .. } => ("numbers", list(default), String::new()),
        ParamKind::Colour { default } => ("colour", list(default), String::new()),
        ParamKind::Choice { default, options } => {
            let labels: Vec<_> = options.iter().map(|o| o.label).collect();
            ("choice", labels.get(*default).copied().unwrap_or_default().into(), labels.join(", "))
        }
        ParamKind::Text { default, mode } => {
            let kind = match mode {
                TextMode::Single | TextMode::Multi => "text",
                TextMode::File => "file",
                TextMode::Folder => "folder",
                TextMode::Label => "label",
            };
            (kind, default.clone(), String::new())
        }
        ParamKind::Custom { .. } => ("data", String::new(), String::new()),
        ParamKind::Button => ("button", String::new(), String::new()),
        ParamKind::Group { .. } => ("group", String::new(), String::new()),
    };
    let mut hint = spec.hint.replace('|', "\\|").replace('\n', " ");
    if let ParamKind::Choice { options, .. } = &spec.kind {
        for option in options.iter().filter(|o| !o.hint.is_empty()) {
            let _ = write!(hint, " *{}*: {}", option.label, option.hint.replace('|', "\\|").replace('\n', " "));
        }
    }
    if spec.animates {
        hint.push_str(" Can be keyframed.");
    }
    if let Some(id) = spec.mlt_id {
        let _ = write!(hint, " In MLT its name is `{id}`, under which a project finds it when it has moved.");
    }
    hint.push_str(match spec.shown_in {
        ShownIn::All => "",
        ShownIn::Alone => {
            " Only shown in hosts that give an effect the current frame alone (Kdenlive, Shotcut and all of MLT)."
        }
        ShownIn::Telling => " Not shown in hosts that do not tell of changes (Kdenlive, Shotcut and all of MLT).",
        ShownIn::Filing => " Only shown in hosts that tell which file a clip is from (DaVinci Resolve since 20).",
    });
    format!("| {} | `{}` | {kind} | {default} | {range} | {} |", spec.label, spec.id, hint.trim())
}

fn list<T: ToString>(values: &[T]) -> String {
    values.iter().map(T::to_string).collect::<Vec<_>>().join(", ")
}

fn range<T: PartialEq + std::fmt::Display>(min: T, max: T, least: T) -> String {
    if min == least { "any".into() } else { format!("{min} to {max}") }
}
