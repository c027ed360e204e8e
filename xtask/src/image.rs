//! `deploy/build-image` beside a docker of these tests, which builds nothing and says what it was told to.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

/// Exports programs of `PROGRAM` bytes, and says that images have `IMAGE`.
const DOCKER: &str = r#"#!/usr/bin/env bash
asked=$*
case $asked in
  'image inspect --format {{.Size}} '*) echo "$IMAGE" ;;
  'image inspect --format {{.Id}} '*) echo sha256:0 ;;
  'build '*dest=*)
    to=${asked##*dest=} to=${to%% *}
    mkdir -p "$to" && truncate --size "$PROGRAM" "$to/token-broker" && truncate --size 1 "$to/brokerctl" ;;
  'build '*) ;;
  *) echo "docker $asked: not known here" >&2; exit 1 ;;
esac
"#;

/// Builds an image of so many bytes, with a program of so many.
fn build(image: u32, program: u32) -> Output {
    let directory = tempfile::tempdir().unwrap();
    let docker = directory.path().join("docker");
    fs::write(&docker, DOCKER).unwrap();
    fs::set_permissions(&docker, fs::Permissions::from_mode(0o700)).unwrap();
    let path = std::env::var("PATH").unwrap();
    Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/build-image"))
        .arg("--check")
        .env("PATH", format!("{}:{path}", directory.path().display()))
        .env("IMAGE", image.to_string())
        .env("PROGRAM", program.to_string())
        .output()
        .unwrap()
}

#[test]
fn what_is_no_larger_than_promised_is_built() {
    let built = build(40_000_000, 30_000_000);
    let (told, complaints) = (String::from_utf8_lossy(&built.stdout), String::from_utf8_lossy(&built.stderr));
    assert!(built.status.success(), "{complaints}");
    for line in ["the image token-broker:dev: 40000000 bytes", "built twice: not a byte differs"] {
        assert!(told.contains(line), "{line} is not in:\n{told}");
    }
}

#[test]
fn an_image_or_a_program_that_is_larger_is_refused() {
    for (image, program, complaint) in [
        (40_000_001, 30_000_000, "the image token-broker:dev has 40000001 bytes, and 40000000 is the most"),
        (40_000_000, 30_000_001, "the program token-broker has 30000001 bytes, and 30000000 is the most"),
    ] {
        let built = build(image, program);
        let complaints = String::from_utf8_lossy(&built.stderr);
        assert!(!built.status.success() && complaints.contains(complaint), "{complaints}");
    }
}
