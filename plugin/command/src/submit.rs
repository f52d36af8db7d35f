//! `pickup submit`: a render as an Open Job Description template, which AWS Deadline Cloud and others run: a task for each run of frames.

use std::{
    io::Write,
    path::{Component, Path, PathBuf},
};

use clap::Parser as _;
use pickup_clips::{frame_list::FrameList, is_picture, write_whole};
use serde_json::{Value, json};

use super::{
    CliError,
    args::{RenderLine, SubmitArgs},
    render::planned,
};

/// Frames of a task, where nothing is said: enough that a task is longer than its start.
const FRAMES_PER_TASK: u32 = 25;
/// The most values of a task's parameter (Open Job Description, 2023-09, section 3.4.1).
const MOST_TASKS: usize = 1024;

/// Options that name files, and what each is called as a parameter of the job.
const PATHS: [(&str, &str, &str); 3] = [("--in", "In", "IN"), ("--to", "To", "IN"), ("--out", "Out", "OUT")];

pub(super) fn run(args: &SubmitArgs, out: &mut dyn Write) -> Result<(), CliError> {
    let line = RenderLine::try_parse_from(&args.render).map_err(|error| CliError::Usage(error.to_string()))?.render;
    let refused = |why: &str| Err(CliError::Usage(why.to_owned()));
    if !is_picture(&line.out) {
        return refused(
            "machines cannot share one video: write a sequence of pictures, and make a video of it afterwards",
        );
    }
    if line.sheet.is_some() || line.provenance.sidecar.is_some() || line.without_repeats {
        return refused("--sheet, --sidecar and --without-repeats need all frames in one place: leave them out");
    }
    if args.render.iter().any(|word| word.contains("{{")) {
        return refused("{{ stands for a job's parameters there, and cannot be part of a name or a prompt");
    }
    let (frames, by_model) = planned(&line)?;
    let all = u32::try_from(frames.len()).unwrap_or(u32::MAX);
    let each = args.frames_per_task.unwrap_or(if by_model { all } else { FRAMES_PER_TASK });
    let tasks = tasks(&frames, each);
    let paths = paths(args)?;
    let template = template(args, &line.node, &tasks, &paths);
    let mut text = serde_json::to_string_pretty(&template).map_err(CliError::failed)?;
    text.push('\n');
    write_whole(&args.job, text.as_bytes())?;
    let count = if tasks.len() == 1 { "one task".to_owned() } else { format!("{} tasks", tasks.len()) };
    writeln!(out, "{}: {count} for {} frames ({frames})", args.job.display(), frames.len())?;
    let outside = paths.iter().filter(|path| path.default.is_none());
    let given: Vec<String> = outside.map(|path| format!(" -p {}={}", path.name, path.whole.display())).collect();
    if !given.is_empty() {
        writeln!(out, "Name what does not lie beside the template:{}", given.concat())?;
    }
    Ok(())
}

/// Runs of at most so many frames, or of more where there would be too many of them.
fn tasks(frames: &FrameList, each: u32) -> Vec<String> {
    let all: Vec<i64> = frames.iter().collect();
    let each = (each as usize).max(all.len().div_ceil(MOST_TASKS)).max(1);
    all.chunks(each).map(|run| run.iter().copied().collect::<FrameList>().to_string()).collect()
}

/// A file or folder that a job's parameter names, which a queue may map to where a machine has it.
struct JobPath {
    name: &'static str,
    /// Its option in the command line, if it has one.
    option: Option<&'static str>,
    kind: &'static str,
    flow: &'static str,
    whole: PathBuf,
    /// From the template's folder: the standard allows no other default.
    default: Option<PathBuf>,
}

/// What the job's parameters name.
fn paths(args: &SubmitArgs) -> Result<Vec<JobPath>, CliError> {
    let whole = |path: &Path| std::path::absolute(path).map_err(|error| CliError::at(path, error));
    let beside = whole(&args.job)?.parent().map(Path::to_path_buf).unwrap_or_default();
    let mut paths = Vec::new();
    let mut add = |(name, option, kind, flow), path: &Path| -> Result<(), CliError> {
        let whole = whole(path)?;
        let inside = |rest: &&Path| rest.components().all(|part| matches!(part, Component::Normal(_)));
        let default = whole.strip_prefix(&beside).ok().filter(inside).map(Path::to_path_buf);
        paths.push(JobPath { name, option, kind, flow, whole, default });
        Ok(())
    };
    for (option, name, flow) in PATHS {
        if let Some(path) = value_of(&args.render, option) {
            let path = Path::new(&path);
            let kind = if path.is_dir() { "DIRECTORY" } else { "FILE" };
            add((name, Some(option), kind, flow), path)?;
        }
    }
    if let Some(takes) = &args.takes {
        add(("Takes", None, "DIRECTORY", "NONE"), takes)?;
    }
    Ok(paths)
}

fn template(args: &SubmitArgs, node: &str, tasks: &[String], paths: &[JobPath]) -> Value {
    let mut parameters = vec![json!({
        "name": "Pickup",
        "type": "STRING",
        "default": "pickup",
        "description": "The pickup command on the machines that render",
    })];
    let mut line = without(&args.render, "--frames");
    for JobPath { name, option, kind, flow, default, .. } in paths {
        let mut parameter = json!({ "name": name, "type": "PATH", "objectType": kind, "dataFlow": flow });
        if let Some(default) = default {
            parameter["default"] = default.to_string_lossy().into();
        }
        parameters.push(parameter);
        if let Some(option) = option {
            line = without(&line, option);
            line.extend([(*option).to_owned(), format!("{{{{Param.{name}}}}}")]);
        }
    }
    let mut words = vec!["render".to_owned()];
    words.extend(line);
    words.extend(["--frames".to_owned(), "{{Task.Param.Frames}}".to_owned()]);
    let mut template = json!({
        "specificationVersion": "jobtemplate-2023-09",
        "name": format!("Pickup {node}"),
        "parameterDefinitions": parameters,
        "steps": [{
            "name": "Render",
            "parameterSpace": {
                "taskParameterDefinitions": [{ "name": "Frames", "type": "STRING", "range": tasks }],
            },
            "script": { "actions": { "onRun": { "command": "{{Param.Pickup}}", "args": words } } },
        }],
    });
    if args.takes.is_some() {
        template["jobEnvironments"] = json!([{ "name": "Takes", "variables": { "PICKUP_TAKES": "{{Param.Takes}}" } }]);
    }
    template
}

/// What an option is set to in a command line.
fn value_of(line: &[String], option: &str) -> Option<String> {
    let at = line.iter().position(|word| is_option(word, option))?;
    match line[at].split_once('=') {
        Some((_, value)) => Some(value.to_owned()),
        None => line.get(at + 1).cloned(),
    }
}

/// A command line without an option and its value.
fn without(line: &[String], option: &str) -> Vec<String> {
    let mut words = line.iter();
    let mut left = Vec::new();
    while let Some(word) = words.next() {
        if !is_option(word, option) {
            left.push(word.clone());
        } else if !word.contains('=') {
            words.next();
        }
    }
    left
}

fn is_option(word: &str, option: &str) -> bool {
    word == option || word.strip_prefix(option).is_some_and(|rest| rest.starts_with('='))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_shared_out_in_their_order() {
        let list = |text: &str| FrameList::parse(text).unwrap();
        assert_eq!(tasks(&list("1-5, 9"), 2), ["1-2", "3-4", "5, 9"]);
        assert_eq!(tasks(&list("7"), 25), ["7"]);
        let many = tasks(&FrameList::range(1, 5000), 1);
        assert!(many.len() <= MOST_TASKS && many[0] == "1-5", "{}", many[0]);
    }

    #[test]
    fn options_are_found_however_they_are_written() {
        let line: Vec<String> =
            ["Repair", "--in", "a b.mov", "--out=x=y.png", "--frames", "-3-4", "--input"].map(Into::into).into();
        assert_eq!(value_of(&line, "--in").as_deref(), Some("a b.mov"));
        assert_eq!(value_of(&line, "--out").as_deref(), Some("x=y.png"));
        assert_eq!(value_of(&line, "--to"), None);
        assert_eq!(without(&without(&line, "--frames"), "--in"), ["Repair", "--out=x=y.png", "--input"]);
    }
}
