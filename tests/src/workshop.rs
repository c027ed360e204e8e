//! Programs of other languages, with the packages they need, below `target`.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The root of the checkout.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Copies the files of a directory of the checkout below `target`, and runs the commands there unless they have run for
/// just these files. Tests in other processes wait meanwhile.
pub fn prepare(directory: &str, commands: &[&[&str]]) -> PathBuf {
    let there = root().join("target/workshop").join(directory);
    fs::create_dir_all(&there).unwrap();
    let lock = File::create(there.with_extension("lock")).unwrap();
    lock.lock().unwrap();
    let contents = copy(&root().join(directory), &there);
    let stamp = there.join("installed");
    if fs::read_to_string(&stamp).ok().as_ref() != Some(&contents) {
        commands.iter().for_each(|command| run(command, &there));
        fs::write(stamp, contents).unwrap();
    }
    there
}

/// Copies, and answers everything that was copied.
fn copy(from: &Path, to: &Path) -> String {
    let mut files: Vec<_> = fs::read_dir(from).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.is_file());
    files.sort();
    let copied = files.iter().map(|file| {
        fs::copy(file, to.join(file.file_name().unwrap())).unwrap();
        fs::read_to_string(file).unwrap()
    });
    copied.collect()
}

fn run(command: &[&str], directory: &Path) {
    let output = Command::new(command[0]).args(&command[1..]).current_dir(directory).output();
    let output = output.unwrap_or_else(|error| panic!("cannot start {}: {error}", command[0]));
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} ended with {}:\n{complaint}", output.status);
}
