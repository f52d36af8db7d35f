//! Parameter values as they are written on the command line: `frames=3,6-7`, `speed=0:1,25:0.5`.

use ofx::host::{ContextDescriptor, Instance, ParamDescriptor, ParamKind};

use super::CliError;

/// One `--set NAME=VALUE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Setting {
    pub(super) name: String,
    pub(super) value: String,
}

impl Setting {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((name, value)) if !name.trim().is_empty() => {
                Ok(Self { name: name.trim().to_owned(), value: value.to_owned() })
            }
            _ => Err("write it as NAME=VALUE, such as frames=101-104".to_owned()),
        }
    }
}

/// Sets one parameter, or its keys.
pub(super) fn apply(setting: &Setting, context: &ContextDescriptor, instance: &Instance) -> Result<(), CliError> {
    let param = find(context, &setting.name)?;
    let Some(keys) = keys(&setting.value, param)? else {
        return Ok(instance.set(&param.id, setting.value.as_str())?);
    };
    for (time, value) in keys {
        instance.set_key(&param.id, time, value)?;
    }
    Ok(())
}

/// The button of a name.
pub(super) fn button<'a>(context: &'a ContextDescriptor, name: &str) -> Result<&'a str, CliError> {
    let param = find_among(context, name, "button", |p| p.kind == ParamKind::PushButton)?;
    Ok(&param.id)
}

fn find<'a>(context: &'a ContextDescriptor, name: &str) -> Result<&'a ParamDescriptor, CliError> {
    find_among(context, name, "parameter", |p| p.kind.has_value())
}

/// A parameter by id or label, whatever the case; ids count first.
fn find_among<'a>(
    context: &'a ContextDescriptor,
    name: &str,
    what: &str,
    is: impl Fn(&ParamDescriptor) -> bool,
) -> Result<&'a ParamDescriptor, CliError> {
    let candidates: Vec<&ParamDescriptor> = context.params.iter().filter(|p| is(p)).collect();
    let by = |of: fn(&ParamDescriptor) -> &str| candidates.iter().find(|p| of(p).eq_ignore_ascii_case(name)).copied();
    by(|p| &p.id).or_else(|| by(|p| &p.label)).ok_or_else(|| {
        let known: Vec<&str> = candidates.iter().map(|p| p.id.as_str()).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        CliError::Usage(format!("there is no {what} \"{name}\"; there are: {known}"))
    })
}

/// The keys in `0:smoke, thick,25:the sea`: parts that each begin with a frame and a colon. A text has two keys at the least: one
/// colon is a colon.
fn text_keys(value: &str) -> Option<Vec<(f64, &str)>> {
    let starts_key = |at: usize| {
        let (time, _) = value[at..].split_once(':')?;
        time.trim().parse::<f64>().ok().filter(|t| t.is_finite()).map(|time| (at, time))
    };
    let places = std::iter::once(0).chain(value.match_indices(',').map(|(comma, _)| comma + 1));
    let starts: Vec<(usize, f64)> = places.filter_map(starts_key).collect();
    if starts.len() < 2 || starts[0].0 != 0 {
        return None;
    }
    let ends = starts[1..].iter().map(|(at, _)| at - 1).chain([value.len()]);
    let text = |((at, time), end): (&(usize, f64), usize)| Some((*time, value[*at..end].split_once(':')?.1.trim()));
    starts.iter().zip(ends).map(text).collect()
}

/// The keys in `0:1.0,25:2.0`, if that is what it is: of single numbers, switches, choices and texts that can be animated.
fn keys<'a>(value: &'a str, param: &ParamDescriptor) -> Result<Option<Vec<(f64, &'a str)>>, CliError> {
    if param.kind == ParamKind::String {
        return Ok(if param.animates { text_keys(value) } else { None });
    }
    if param.kind.dimension() != 1 || !value.contains(':') {
        return Ok(None);
    }
    let wrong = |what: String| CliError::Usage(format!("parameter \"{}\": {what}", param.id));
    if !param.animates {
        return Err(wrong("it cannot be animated: give it one value".to_owned()));
    }
    let key = |part: &'a str| {
        let (time, value) = part.split_once(':')?;
        let time = time.trim().parse::<f64>().ok().filter(|t| t.is_finite())?;
        Some((time, value.trim()))
    };
    let read = |part: &'a str| {
        key(part).ok_or_else(|| wrong(format!("\"{part}\" is not a key: write keys as FRAME:VALUE,FRAME:VALUE")))
    };
    value.split(',').map(read).collect::<Result<Vec<_>, _>>().map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn param(id: &str, label: &str, kind: ParamKind, animates: bool) -> ParamDescriptor {
        ParamDescriptor {
            id: id.into(),
            kind,
            label: label.into(),
            hint: String::new(),
            script_name: id.into(),
            parent: String::new(),
            default: None,
            min: Vec::new(),
            max: Vec::new(),
            display_min: Vec::new(),
            display_max: Vec::new(),
            increment: Vec::new(),
            digits: None,
            double_type: String::new(),
            string_mode: String::new(),
            choices: Vec::new(),
            choice_names: Vec::new(),
            animates,
            secret: false,
            enabled: true,
            persistent: true,
            evaluate_on_change: true,
            open: false,
            children: Vec::new(),
        }
    }

    fn context() -> ContextDescriptor {
        let params = vec![
            param("frames", "Frames to replace", ParamKind::String, true),
            param("speed", "Speed", ParamKind::Double, true),
            param("size", "Size", ParamKind::Integer, false),
            param("find", "Find", ParamKind::PushButton, false),
        ];
        ContextDescriptor { context: ofx::Context::Filter, params, clips: Vec::new() }
    }

    #[test]
    fn a_setting_is_a_name_and_all_that_follows() {
        let read = |t| Setting::parse(t).map(|s| (s.name, s.value));
        assert_eq!(read("a=b=c"), Ok(("a".into(), "b=c".into())));
        assert_eq!(read("prompt="), Ok(("prompt".into(), String::new())));
        assert!(read("=3").is_err() && read("frames").is_err());
    }

    #[test]
    fn a_text_that_animates_has_keys_where_there_are_two() {
        assert_eq!(text_keys("0:smoke,1:sea"), Some(vec![(0.0, "smoke"), (1.0, "sea")]));
        assert_eq!(text_keys("0: smoke, thick, 24:the sea"), Some(vec![(0.0, "smoke, thick"), (24.0, "the sea")]));
        assert_eq!(text_keys("the station, 12:30, rain"), None, "it begins with none");
        assert_eq!(text_keys("12:30 at the station"), None, "one is none");
        assert_eq!(text_keys("rain"), None);
    }

    #[test]
    fn parameters_are_found_by_id_and_label() {
        let context = context();
        assert_eq!(find(&context, "Frames").unwrap().id, "frames");
        assert_eq!(find(&context, "frames to REPLACE").unwrap().id, "frames");
        let error = find(&context, "fames").unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert!(error.to_string().contains("frames, speed, size"), "{error}");
        assert_eq!(button(&context, "FIND").unwrap(), "find");
        assert!(find(&context, "find").is_err() && button(&context, "speed").is_err());
    }

    #[test]
    fn keys_are_read_for_numbers_that_animate() {
        let context = context();
        let read = |name: &str, text| keys(text, find(&context, name).unwrap());
        assert_eq!(read("speed", "0:1.0, 25:2.0").unwrap(), Some(vec![(0.0, "1.0"), (25.0, "2.0")]));
        assert_eq!(read("speed", "2").unwrap(), None);
        assert_eq!(read("frames", "C:/plates, 3:4").unwrap(), None);
        assert!(read("size", "0:1").unwrap_err().to_string().contains("cannot be animated"));
        for text in ["0:1,2", "x:1", "nan:1"] {
            assert!(read("speed", text).unwrap_err().to_string().contains("FRAME:VALUE"), "{text}");
        }
    }
}
