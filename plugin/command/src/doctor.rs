//! `pickup doctor`: what works on this machine, and what to do about what does not.

use std::{io::Write, path::Path, time::Instant};

use ofx::host::{Binary, Host, Profile};

use super::{CliError, args::DoctorArgs, bundle, gpus, plugin, report, strict};
use pickup::{
    engine::{EMBEDDED, Takes, WEIGHTS, engine},
    journal, machine,
};
use pickup_clips::{MACHINE_FILE_VARIABLE, Setting, Tools, machine_file, machine_settings};

/// A host scans plugins when it starts: slower than this is noticed there.
const SLOW_MS: f64 = 50.0;

/// One thing looked at.
enum Finding {
    Good(String),
    /// Something is missing that can be done without.
    Lacks(String),
    /// Nothing works without this.
    Broken(String),
}

impl Finding {
    fn mark(&self) -> (&'static str, &str) {
        match self {
            Self::Good(text) => ("ok     ", text),
            Self::Lacks(text) => ("lacking", text),
            Self::Broken(text) => ("BROKEN ", text),
        }
    }
}

pub(super) fn run(args: &DoctorArgs, out: &mut dyn Write) -> Result<(), CliError> {
    if let Some(bundle) = &args.strict {
        return strict::run(bundle, out);
    }
    let mut told = Told { out, text: Vec::new() };
    let works = tell(args, &mut told);
    let Told { out, text } = told;
    if let Some(file) = &args.report {
        report::write(file, &String::from_utf8_lossy(&text))?;
        writeln!(out, "{}: read it before you send it", file.display())?;
    }
    works
}

/// Passes on what is told as it comes, and keeps it.
struct Told<'a> {
    out: &'a mut dyn Write,
    text: Vec<u8>,
}

impl Write for Told<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.text.extend_from_slice(bytes);
        self.out.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.out.flush()
    }
}

/// Tells what this machine is, and what works on it.
fn tell(args: &DoctorArgs, out: &mut dyn Write) -> Result<(), CliError> {
    let features = machine::cpu_features();
    let features = if features.is_empty() { "no vector instructions".to_owned() } else { features.join(" ") };
    writeln!(out, "pickup {} ({})", env!("CARGO_PKG_VERSION"), ofx::host::ARCHITECTURE)?;
    for gpu in gpus::described() {
        writeln!(out, "  GPU      {gpu}")?;
    }
    writeln!(out, "  CPU      {features}, {} threads", machine::threads())?;
    match machine::memory() {
        Some((total, free)) => writeln!(out, "  memory   {} in all, {} available", gib(total), gib(free))?,
        None => writeln!(out, "  memory   this system does not tell")?,
    }
    for folder in machine::plugin_folders() {
        let there = if folder.is_dir() { "" } else { "not there: " };
        writeln!(out, "  plugins  {there}{}", folder.display())?;
    }
    match Takes::of_user().folder() {
        Some(folder) => writeln!(out, "  takes    \"{}\"", folder.display())?,
        None => writeln!(out, "  takes    in memory alone: this system names no folder for caches")?,
    }
    match journal::file() {
        Some(file) => writeln!(out, "  log      \"{}\"", file.display())?,
        None => writeln!(out, "  log      none: this system names no folder for caches")?,
    }
    for line in report::settings() {
        writeln!(out, "  set      {line}")?;
    }
    writeln!(out)?;
    let findings = examine(args.bundle.as_deref());
    for finding in &findings {
        let (mark, text) = finding.mark();
        writeln!(out, "{mark}  {text}")?;
    }
    writeln!(out)?;
    let broken = findings.iter().filter(|f| matches!(f, Finding::Broken(_))).count();
    match broken {
        0 => writeln!(out, "OK: Pickup works here")?,
        _ => return Err(CliError::failed("something that Pickup needs is broken: see above")),
    }
    Ok(())
}

fn gib(bytes: u64) -> String {
    format!("{:.1} GiB", bytes as f64 / f64::from(1 << 30))
}

fn examine(named: Option<&Path>) -> Vec<Finding> {
    let mut findings = Vec::new();
    if std::env::var_os(MACHINE_FILE_VARIABLE).is_some_and(|file| !file.is_empty()) && !machine_file().exists() {
        findings.push(Finding::Lacks(format!(
            "{MACHINE_FILE_VARIABLE} names a file that is not there: {}",
            machine_file().display()
        )));
    }
    let unread = |setting: &Setting| setting.is_in_bytes() && setting.value().is_some() && setting.bytes().is_none();
    findings.extend(
        Setting::ALL.into_iter().filter(unread).map(|setting| {
            Finding::Lacks(format!("{} is to be a number of bytes: it is left out", setting.variable()))
        }),
    );
    match machine_settings() {
        Ok(settings) => findings.extend(
            settings
                .unknown()
                .map(|key| Finding::Lacks(format!("no setting is called {key}: {}", machine_file().display()))),
        ),
        Err(error) => findings.push(Finding::Broken(format!("the machine's settings are left out: {error}"))),
    }
    match plugin::find_bundle(named) {
        Ok(found) => {
            findings.extend(examine_nodes(&found));
            let resources = found.join("Contents").join("Resources");
            findings.push(examine_weights(&resources.join(WEIGHTS)));
            let timed = gpus::timed(&resources.join(WEIGHTS)).into_iter();
            findings.extend(timed.map(|timed| {
                timed.map_or_else(|error| Finding::Lacks(format!("{error}: the processor is used")), Finding::Good)
            }));
            findings.push(examine_model(&resources.join(EMBEDDED)));
        }
        Err(error) => findings.push(Finding::Broken(error.to_string())),
    }
    findings.push(match plugin::installed() {
        Some(found) => Finding::Good(format!("installed at {}", found.display())),
        None => Finding::Lacks(format!(
            "no {} where hosts look: `pickup install` puts it there, or set OFX_PLUGIN_PATH to its folder",
            bundle::NAME
        )),
    });
    findings.push(match Tools::default().ffmpeg_version() {
        Some(version) => Finding::Good(format!("ffmpeg {version}: video files can be read and written")),
        None => Finding::Lacks(
            "no ffmpeg: image sequences work, video files do not. Install it (Debian and Ubuntu: sudo apt install ffmpeg; \
             macOS: brew install ffmpeg; Windows: winget install ffmpeg)"
                .to_owned(),
        ),
    });
    findings
}

/// Loads the bundle as a host does that has just started.
fn examine_nodes(path: &Path) -> Vec<Finding> {
    let started = Instant::now();
    let binary = match Binary::open(path) {
        Ok(binary) => binary,
        Err(error) => return vec![Finding::Broken(error.to_string())],
    };
    let host = Host::new(Profile::reference());
    let opened = ms(started);
    let plugins = match host.plugins(&binary) {
        Ok(plugins) if plugins.is_empty() => {
            return vec![Finding::Broken(format!("{} has no nodes: build it again", path.display()))];
        }
        Ok(plugins) => plugins,
        Err(error) => return vec![Finding::Broken(error.to_string())],
    };
    let mut findings = vec![Finding::Good(format!("bundle opened in {opened:.1} ms: {}", path.display()))];
    for plugin in plugins {
        let started = Instant::now();
        let described = host.load(&binary, plugin.id()).and_then(|effect| {
            let contexts = effect.contexts();
            contexts.iter().try_for_each(|c| effect.describe_in(*c).map(drop)).map(|()| (effect, contexts))
        });
        let took = ms(started);
        findings.push(match described {
            Ok((effect, contexts)) => {
                let text = format!("{} described in {took:.1} ms ({contexts:?})", effect.descriptor().label);
                if took > SLOW_MS {
                    Finding::Lacks(format!("{text}: slow for a host that scans"))
                } else {
                    Finding::Good(text)
                }
            }
            Err(error) => Finding::Broken(format!("{}: {error}", plugin.id())),
        });
    }
    findings
}

fn ms(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e3
}

fn examine_model(path: &Path) -> Finding {
    let started = Instant::now();
    match engine().examine_model(path) {
        Ok(_) => Finding::Good(format!("video model {EMBEDDED}, opened in {:.0} ms", ms(started))),
        Err(error) => Finding::Broken(error.to_string()),
    }
}

fn examine_weights(path: &Path) -> Finding {
    let started = Instant::now();
    match pickup_model::motion::MotionFiller::load(path, 0) {
        Ok(_) => {
            let size = std::fs::metadata(path).map_or(0, |m| m.len());
            let took = ms(started);
            Finding::Good(format!("weights {WEIGHTS}, {:.1} MB, loaded in {took:.0} ms", size as f64 / 1e6))
        }
        Err(error) => Finding::Broken(error.to_string()),
    }
}
