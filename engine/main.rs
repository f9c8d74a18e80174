//! The `hotline` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    match hotline::cli::main() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("hotline: {error:#}");
            ExitCode::FAILURE
        }
    }
}
