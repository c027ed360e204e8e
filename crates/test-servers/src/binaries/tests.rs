use super::*;
use crate::product::POSTGRES;

/// Programs that say they are this version.
fn install(root: &Path, directory: &str, version: &str) -> PathBuf {
    let directory = root.join(directory);
    fs::create_dir_all(&directory).unwrap();
    for program in POSTGRES.programs {
        // Written by another process: a program this one has open for writing could not be started meanwhile.
        let write = r#"printf '#!/bin/sh\necho "postgres (PostgreSQL) %s"\n' "$1" > "$2" && chmod +x "$2""#;
        let path = directory.join(program);
        let written = Command::new("sh").args(["-c", write, "sh", version]).arg(path).status().unwrap();
        assert!(written.success());
    }
    directory
}

#[test]
fn the_newest_of_the_unpacked_versions_is_taken() {
    let root = tempfile::tempdir().unwrap();
    install(root.path(), "usr/lib/postgresql/9.6/bin", "9.6.24");
    let newest = install(root.path(), "usr/lib/postgresql/17/bin", "17.2");
    install(root.path(), "usr/lib/postgresql/15/bin", "15.19");
    assert_eq!(unpacked(&POSTGRES, root.path()).unwrap().directory, newest);
}

#[test]
fn unpacked_programs_are_told_where_their_libraries_are() {
    let root = tempfile::tempdir().unwrap();
    install(root.path(), "usr/lib/postgresql/17/bin", "17.2");
    let libraries = root.path().join("usr/lib/x86_64-linux-gnu");
    fs::create_dir_all(&libraries).unwrap();
    let words = unpacked(&POSTGRES, root.path()).unwrap().command_line("postgres");
    assert_eq!(words[1].to_str().unwrap(), format!("LD_LIBRARY_PATH={}", libraries.display()));
}

#[test]
fn a_version_that_is_too_old_is_named() {
    let root = tempfile::tempdir().unwrap();
    install(root.path(), "usr/lib/postgresql/14/bin", "14.9");
    let why = unpacked(&POSTGRES, root.path()).unwrap_err();
    assert!(why.contains("14.9") && why.contains("too old"), "{why}");
}

#[test]
fn half_an_installation_is_none() {
    let root = tempfile::tempdir().unwrap();
    let directory = install(root.path(), "usr/lib/postgresql/17/bin", "17.2");
    fs::remove_file(directory.join("initdb")).unwrap();
    assert!(unpacked(&POSTGRES, root.path()).unwrap_err().starts_with("none in"));
}

#[test]
fn a_star_stands_for_any_part_of_a_name() {
    assert!(fits("x86_64-linux-gnu", "*-linux-gnu*"));
    assert!(fits("arm-linux-gnueabihf", "*-linux-gnu*"));
    assert!(fits("pgsql-17", "pgsql-*"));
    assert!(!fits("postgresql", "pgsql-*"));
}
