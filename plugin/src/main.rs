//! The command `pickup`: see [`pickup::cli`].
#![forbid(unsafe_code)]

fn main() -> std::process::ExitCode {
    pickup::cli::main(std::env::args_os())
}
