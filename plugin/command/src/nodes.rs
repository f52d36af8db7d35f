//! `pickup nodes`: what the bundle says of itself to a host.

use std::io::Write;

use ofx::{
    Context,
    host::{ContextDescriptor, Effect, ParamDescriptor, ParamKind, Value},
};
use serde_json::{Value as Json, json};

use super::{CliError, args::NodesArgs, plugin::Hosted};

pub(super) fn run(args: &NodesArgs, out: &mut dyn Write) -> Result<(), CliError> {
    let hosted = Hosted::open(args.bundle.as_deref(), args.host.profile.clone())?;
    let nodes = hosted.nodes()?;
    if args.json {
        let all = nodes.iter().map(node_json).collect::<Result<Vec<_>, _>>()?;
        writeln!(out, "{:#}", Json::Array(all))?;
        return Ok(());
    }
    for (i, node) in nodes.iter().enumerate() {
        if i > 0 {
            writeln!(out)?;
        }
        print_node(node, out)?;
    }
    Ok(())
}

fn print_node(node: &Effect, out: &mut dyn Write) -> Result<(), CliError> {
    let about = node.descriptor();
    writeln!(out, "{} ({} {}.{})", about.label, about.id, about.version.0, about.version.1)?;
    for line in about.description.lines().filter(|l| !l.trim().is_empty()) {
        writeln!(out, "  {}", line.trim())?;
    }
    let contexts = node.contexts();
    if contexts.is_empty() {
        writeln!(out, "  This host has no context for it.")?;
        return Ok(());
    }
    writeln!(out, "  contexts: {}", list(&contexts))?;
    writeln!(out, "  depths: {}", list(&about.depths))?;
    let described = described(node, &contexts)?;
    for clip in &described[0].clips {
        let optional = if clip.optional { ", optional" } else { "" };
        writeln!(out, "  clip {}: {}{optional}", clip.id, list(&clip.components))?;
    }
    for (param, only) in params(&described) {
        print_param(param, &only, out)?;
    }
    Ok(())
}

fn print_param(param: &ParamDescriptor, only: &[Context], out: &mut dyn Write) -> Result<(), CliError> {
    let mut facts = vec![param.kind.to_string()];
    if param.animates {
        facts.push("animates".to_owned());
    }
    if param.secret {
        facts.push("hidden".to_owned());
    }
    if let Some(default) = default(param) {
        facts.push(format!("default {default}"));
    }
    if let Some((min, max)) = limits(param) {
        facts.push(format!("{min} to {max}"));
    }
    if !param.choices.is_empty() {
        facts.push(param.choices.join(" | "));
    }
    if !only.is_empty() {
        facts.push(format!("in {} alone", list(only)));
    }
    writeln!(out, "  {} \"{}\": {}", param.id, param.label, facts.join("; "))?;
    for line in param.hint.lines().filter(|l| !l.trim().is_empty()) {
        writeln!(out, "      {}", line.trim())?;
    }
    Ok(())
}

fn described(node: &Effect, contexts: &[Context]) -> Result<Vec<ContextDescriptor>, CliError> {
    contexts.iter().map(|c| Ok(node.describe_in(*c)?)).collect()
}

/// Each parameter once, with the contexts that have it where not all do. Groups and pages only arrange others.
fn params(described: &[ContextDescriptor]) -> Vec<(&ParamDescriptor, Vec<Context>)> {
    let mut all: Vec<(&ParamDescriptor, Vec<Context>)> = Vec::new();
    for context in described {
        for param in context.params.iter().filter(|p| !matches!(p.kind, ParamKind::Group | ParamKind::Page)) {
            match all.iter_mut().find(|(p, _)| p.id == param.id) {
                Some((_, contexts)) => contexts.push(context.context),
                None => all.push((param, vec![context.context])),
            }
        }
    }
    for (_, contexts) in &mut all {
        if contexts.len() == described.len() {
            contexts.clear();
        }
    }
    all
}

fn default(param: &ParamDescriptor) -> Option<String> {
    let default = param.default.as_ref()?;
    Some(match (default, param.kind) {
        (Value::Ints(v), ParamKind::Boolean) => if v == &[0] { "off" } else { "on" }.to_owned(),
        (Value::Ints(v), ParamKind::Choice) => choice(param, v).unwrap_or_else(|| default.to_string()),
        (Value::Text(text), _) => format!("\"{text}\""),
        _ => default.to_string(),
    })
}

fn choice(param: &ParamDescriptor, index: &[i32]) -> Option<String> {
    param.choices.get(usize::try_from(*index.first()?).ok()?).cloned()
}

/// The limits of numbers, where there are any worth the name.
fn limits(param: &ParamDescriptor) -> Option<(f64, f64)> {
    let counts = matches!(param.kind, ParamKind::Integer | ParamKind::Double)
        || (param.kind.dimension() > 1 && param.kind != ParamKind::Rgb && param.kind != ParamKind::Rgba);
    let (min, max) = (*param.min.first()?, *param.max.first()?);
    let bounded = |v: f64| v.abs() < f64::from(i32::MAX) - 1.0;
    (counts && (bounded(min) || bounded(max))).then_some((min, max))
}

fn list<T: std::fmt::Debug>(items: &[T]) -> String {
    items.iter().map(|i| format!("{i:?}")).collect::<Vec<_>>().join(", ")
}

fn names<T: std::fmt::Debug>(items: &[T]) -> Vec<String> {
    items.iter().map(|i| format!("{i:?}").to_lowercase()).collect()
}

fn node_json(node: &Effect) -> Result<Json, CliError> {
    let about = node.descriptor();
    let contexts = node.contexts();
    let described = described(node, &contexts)?;
    let of_context = |d: &ContextDescriptor| {
        let clips: Vec<Json> = d
            .clips
            .iter()
            .map(|c| {
                json!({
                    "name": c.id, "label": c.label, "components": names(&c.components), "optional": c.optional,
                    "mask": c.mask, "temporal": c.temporal, "tiles": c.tiles,
                })
            })
            .collect();
        let params: Vec<Json> = d.params.iter().map(param_json).collect();
        json!({ "context": format!("{:?}", d.context).to_lowercase(), "clips": clips, "parameters": params })
    };
    Ok(json!({
        "id": about.id, "version": [about.version.0, about.version.1], "label": about.label,
        "grouping": about.grouping, "description": about.description, "depths": names(&about.depths),
        "threadSafety": format!("{:?}", about.safety), "tiles": about.tiles,
        "multiResolution": about.multi_resolution, "temporal": about.temporal,
        "contexts": described.iter().map(of_context).collect::<Vec<_>>(),
    }))
}

fn param_json(param: &ParamDescriptor) -> Json {
    let value = match (&param.default, param.kind) {
        (Some(Value::Ints(v)), ParamKind::Boolean) => json!(v != &[0]),
        (Some(Value::Ints(v)), ParamKind::Choice) => json!(choice(param, v)),
        (Some(Value::Ints(v)), _) if v.len() == 1 => json!(v[0]),
        (Some(Value::Doubles(v)), _) if v.len() == 1 => json!(v[0]),
        (Some(Value::Ints(v)), _) => json!(v),
        (Some(Value::Doubles(v)), _) => json!(v),
        (Some(Value::Text(v)), _) => json!(v),
        (Some(Value::Bytes(v)), _) => json!(v),
        (None, _) => Json::Null,
    };
    json!({
        "id": param.id, "kind": format!("{:?}", param.kind).to_lowercase(), "label": param.label, "hint": param.hint,
        "group": param.parent, "default": value, "min": param.min, "max": param.max,
        "displayMin": param.display_min, "displayMax": param.display_max, "choices": param.choices,
        "animates": param.animates, "hidden": param.secret, "enabled": param.enabled,
    })
}
