use std::fs;

use crate::broker::{Process, command, text};

#[tokio::test]
async fn nothing_is_left_behind_whenever_it_is_asked_to_end() {
    for after_lines in [1, 4, 6] {
        let temporary = tempfile::tempdir().unwrap();
        let mut dev = command(&["dev"]);
        dev.env("TMPDIR", text(temporary.path()));
        let mut process = Process::start(dev);
        for _ in 0..after_lines {
            assert_ne!(process.line().await, "");
        }
        process.signal();
        let (code, log) = process.ended().await;
        assert_eq!(code, Some(0), "after {after_lines} lines: {log}");
        assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 0, "after {after_lines} lines");
    }
}
