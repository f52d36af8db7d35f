//! The command `pickup`: hosts the bundle headless, through OpenFX itself, so that what it renders is what an editor
//! renders.
//!
//! Exit codes: 0 done, 1 failed or cancelled, 2 wrong usage.
#![forbid(unsafe_code)]

mod args;
mod bundle;
mod cancel;
#[cfg(feature = "c2pa")]
mod credentials;
#[cfg(not(feature = "c2pa"))]
#[path = "no_credentials.rs"]
mod credentials;
mod demo;
mod doctor;
mod enhance;
mod error;
mod gpus;
mod job;
mod models;
mod nodes;
mod output;
mod plugin;
mod progress;
mod provenance;
mod render;
mod repeats;
mod report;
mod sample;
mod sheet;
mod source;
mod strict;
mod submit;
mod takes;
mod tell;
mod values;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::Parser as _;

use self::args::{Args, Command};
pub(crate) use self::error::CliError;

fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            // Help and the version come this way too, with code 0. Nobody is left to tell when printing fails.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let stdout = io::stdout();
    let result = run(args, &mut stdout.lock());
    match result {
        // A reader that had enough, such as `head`, is no failure.
        Ok(()) | Err(CliError::Closed) => ExitCode::SUCCESS,
        Err(error) => {
            progress::note(&format!("pickup: {error}"));
            ExitCode::from(error.exit_code())
        }
    }
}

fn run(args: Args, out: &mut dyn Write) -> Result<(), CliError> {
    match args.command.unwrap_or_default() {
        Command::Demo(args) => demo::run(&args, out),
        Command::Render(args) => render::run(&args, out),
        Command::Submit(args) => submit::run(&args, out),
        Command::Nodes(args) => nodes::run(&args, out),
        Command::Bundle(args) => bundle::run(&args, out),
        Command::Install(args) => bundle::install(&args, out),
        Command::Takes { command } => takes::run(&command, out),
        Command::Models { command } => models::run(&command, out),
        Command::Enhance(args) => enhance::run(&args, out),
        Command::Doctor(args) => doctor::run(&args, out),
    }
}
