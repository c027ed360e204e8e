//! `test-servers hold`: brings both servers, says where they are, and holds them until its input ends.
//! `test-servers durable`: the same for a Postgres of its own whose commits wait for the disk.
//! `test-servers database FOLDER`: the same for one database, made by the folder's SQL files.

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let held = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["hold"] => test_servers::hold(),
        ["durable"] => test_servers::hold_durable(),
        ["database", folder] => test_servers::hold_database(Path::new(folder)),
        _ => {
            eprintln!("usage: test-servers hold | test-servers durable | test-servers database FOLDER");
            return ExitCode::from(2);
        }
    };
    match held {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
