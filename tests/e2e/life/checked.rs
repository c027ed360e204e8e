//! `config check`: every problem has its file, line and key, or its variable.

use std::fs;
use std::path::Path;

use tokio::process::Command;

use crate::BINARY;

/// What it says of this file with these variables, and that it refuses.
async fn refused(directory: &Path, file: &str, variables: &[(&str, &str)]) -> String {
    let path = directory.join("broker.toml");
    fs::write(&path, file).unwrap();
    let mut command = Command::new(BINARY);
    command.args(["config", "check", "--config"]).arg(&path).envs(variables.iter().copied());
    let output = command.output().await.unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    said.replace(path.to_str().unwrap(), "FILE")
}

#[tokio::test]
async fn what_is_wrong_is_told_with_its_place() {
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path();
    for (file, variables, told) in [
        (
            "[listen]\ngrcp = 1\n[log]\nlevel = \"loud\"\n",
            &[] as &[_],
            &[
                "FILE: line 2, column 1: [listen] grcp: unknown field",
                "FILE: line 4, column 9: [log] level: unknown variant",
            ] as &[_],
        ),
        ("[store]\nurl = \"sqlite::memory:\n", &[], &["FILE: line 2, column "]),
        // Semantics, each in the line of its key, or of its section.
        (
            "[store]\nurl = \"mysql://x\"\n\n[limits]\nconnections = 0\n",
            &[],
            &["FILE: line 2: [store] url must be", "FILE: line 5: [limits] connections must be 1 to"],
        ),
        (
            "[auth]\nmode = \"mtls\"\n",
            &[],
            &["FILE: line 2: [auth] mode = \"mtls\" needs", "FILE: [tls] cert_file and key_file must be set"],
        ),
        (
            "[[access.policy]]\nprincipal = \"a\"\nactions = [\"vend\"]\ntenant = \"*\"\nprovider = \"*\"\n[[access.policy]]\nprincipal = \"a*b\"\nactions = [\"vend\"]\ntenant = \"*\"\nprovider = \"*\"\n",
            &[],
            &["FILE: line 7: [[access.policy]] number 2: principal"],
        ),
        // Timing that could spend a token twice.
        (
            "[rotation]\nprovider_timeout = \"90s\"\n",
            &[],
            &["FILE: line 2: [rotation] connect_timeout + provider_timeout must be less than lease_ttl"],
        ),
        (
            "[rotation]\norphan_wait = \"1s\"\n",
            &[],
            &["FILE: line 2: [rotation] connect_timeout + provider_timeout must be less than orphan_wait"],
        ),
        // The environment.
        (
            "",
            &[("TOKEN_BROKER__LISTEN__GRCP", "127.0.0.1:1")],
            &["the environment variable TOKEN_BROKER__LISTEN__GRCP: unknown field `grcp`"],
        ),
        (
            "[vend]\ncached_grants = 5\n",
            &[("TOKEN_BROKER__VEND__CACHED_GRANTS", "0")],
            &[
                "the environment variable TOKEN_BROKER__VEND__CACHED_GRANTS: [vend] cached_grants must not be zero",
            ],
        ),
        (
            "",
            &[("TOKEN_BROKER__NO_SUCH__KEY", "1")],
            &["the environment variable TOKEN_BROKER__NO_SUCH__KEY: unknown field `no_such`"],
        ),
    ] {
        let said = refused(at, file, variables).await;
        for part in told {
            assert!(said.contains(part), "{part}\nis not in\n{said}");
        }
    }
}
