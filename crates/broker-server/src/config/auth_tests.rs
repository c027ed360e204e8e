use super::*;
use crate::config::Config;
use crate::config::load::parse;

/// The problems of `[auth]` and `[tls]` in this file.
fn problems(toml: &str) -> String {
    let config = parse(toml, None, Vec::new()).unwrap().0.config;
    [config.auth.problems(), config.tls_problems()].concat().join("\n")
}

/// One good issuer, changed by further lines.
fn issuer(more: &str) -> String {
    format!(
        "[auth]\nmode = \"jwt\"\n[[auth.jwt]]\nissuer = \"https://a.example\"\naudiences = [\"b\"]\n\
         jwks_url = \"https://a.example/keys\"\n{more}\n"
    )
}

#[test]
fn a_mode_needs_its_own_section_and_no_other() {
    for (toml, told) in [
        ("[auth]\nmode = \"mtls\"", "needs a [[auth.mtls]]"),
        ("[auth]\nmode = \"jwt\"", "needs a [[auth.jwt]]"),
        ("[[auth.mtls]]\ntrust_domain = \"a\"", "[[auth.mtls]] has no effect in mode \"dev\""),
        ("[[auth.jwt]]\nissuer = \"a\"", "[[auth.jwt]] has no effect in mode \"dev\""),
        ("[auth]\nmode = \"mtls\"", "[tls] cert_file and key_file must be set"),
        ("[tls]\ncert_file = \"/x\"", "[tls] cert_file and key_file have no effect in mode \"dev\""),
        ("[tls]\nmax_connection_age = \"0s\"", "[tls] max_connection_age must be longer"),
        (
            "[auth]\nmode = \"jwt\"\n[tls]\ncert_file = \"/no/tls.crt\"\nkey_file = \"/no/tls.key\"",
            "[tls] /no/tls.crt: No such file",
        ),
    ] {
        assert!(problems(toml).contains(told), "{toml}: {}", problems(toml));
    }
    assert_eq!(problems(""), "");
}

#[test]
fn a_trust_domain_has_a_name_and_a_bundle() {
    for (entry, told) in [
        ("", "number 1: trust_domain must be"),
        ("", "number 1: bundle_file is not set"),
        ("trust_domain = \"spiffe://a\"", "number 1: trust_domain must be"),
        ("bundle_file = \"/no/bundle.pem\"", "number 1: bundle_file /no/bundle.pem: No such file"),
        (
            "trust_domain = \"a\"\n[[auth.mtls]]\ntrust_domain = \"a\"",
            "number 2: the trust domain stands there twice",
        ),
    ] {
        let toml = format!("[auth]\nmode = \"mtls\"\n[[auth.mtls]]\n{entry}\n");
        assert!(problems(&toml).contains(told), "{toml}: {}", problems(&toml));
    }
}

#[test]
fn an_issuer_is_described_whole() {
    let tls = problems(&issuer(""));
    assert!(tls.starts_with("[tls]") && tls.lines().count() == 1, "{tls}");
    for (entry, told) in [
        ("issuer = \"\"", "issuer is not set"),
        ("audiences = []", "audiences must name"),
        ("audiences = [\"\"]", "audiences must name"),
        ("algorithms = []", "algorithms must name"),
        ("algorithms = [\"none\"]", "algorithms must name one or more of RS256"),
        ("algorithms = [\"RS256\", \"HS256\"]", "algorithms must name one or more of RS256"),
        ("leeway = \"6m\"", "leeway must not"),
        ("principal_claim = \"\"", "principal_claim must not"),
        ("jwks_refresh = \"0s\"", "jwks_refresh must not"),
        ("jwks_max_stale = \"1m\"", "jwks_max_stale must not"),
        ("jwks_file = \"/x\"", "set either jwks_file or jwks_url"),
        ("jwks_ca_file = \"/no/ca.pem\"", "jwks_ca_file /no/ca.pem: No such file"),
        ("jwks_token_file = \"/no/token\"", "jwks_token_file /no/token: No such file"),
        ("jwks_url = \"a.example/keys\"", "jwks_url is no URL"),
        ("jwks_url = \"http://a.example/keys\"", "jwks_url: plain http is allowed for loopback hosts only"),
        ("jwks_url = \"https://me:pw@a.example/keys\"", "jwks_url: the URL must not contain"),
    ] {
        // A key that the good one has is replaced.
        let key = entry.split(' ').next().unwrap();
        let base = issuer("");
        let kept = base.lines().filter(|line| !line.starts_with(&format!("{key} =")));
        let toml = kept.chain([entry]).collect::<Vec<_>>().join("\n");
        assert!(
            problems(&toml).contains(&format!("[[auth.jwt]] number 1: {told}")),
            "{toml}: {}",
            problems(&toml)
        );
    }
    let origin = |lines: &str| problems(&format!("[auth]\nmode = \"jwt\"\n[[auth.jwt]]\n{lines}\n"));
    assert!(origin("").contains("neither jwks_file nor jwks_url"));
    assert!(origin("jwks_file = \"/no/keys\"").contains("jwks_file /no/keys: No such file"));
    assert!(origin("jwks_file = \"/no/keys\"\njwks_ca_file = \"/x\"").contains("go with jwks_url only"));
}

#[test]
fn keys_in_a_file_are_looked_at() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("jwks.json");
    let toml = format!("[auth]\nmode = \"jwt\"\n[[auth.jwt]]\njwks_file = \"{}\"\n", path.display());
    for (text, told) in [
        ("<html>", "jwks.json: not a JSON web key set: line 1"),
        (
            "{\"keys\":[{\"kty\":\"oct\",\"k\":\"AAAA\"}]}",
            "jwks.json: no key in it can verify a signature; key \"oct\"",
        ),
    ] {
        std::fs::write(&path, text).unwrap();
        assert!(problems(&toml).contains(told), "{}", problems(&toml));
        assert!(!problems(&toml).contains("AAAA"));
    }
}

#[test]
fn no_issuer_can_name_the_callers_of_another() {
    let two = |one: &str, two: &str| {
        let second = issuer("").replace("[auth]\nmode = \"jwt\"\n", "").replace("a.example", "c.example");
        problems(&format!(
            "{}{second}principal_prefix = \"{two}\"\n",
            issuer(&format!("principal_prefix = \"{one}\""))
        ))
    };
    for (one, other) in [("", ""), ("a:", ""), ("", "a:"), ("a:", "a:"), ("a:", "a:b:"), ("a:b:", "a:")] {
        let told = two(one, other);
        assert!(told.contains("numbers 1 and 2: give each a principal_prefix"), "{one} {other}: {told}");
    }
    assert!(!two("a:", "b:").contains("principal_prefix"));
    let same = format!(
        "{}{}",
        issuer("principal_prefix = \"a:\""),
        "[[auth.jwt]]\nissuer = \"https://a.example\"\n"
    );
    assert!(problems(&same).contains("numbers 1 and 2: the same issuer"));
}

#[test]
fn a_list_can_come_from_the_environment() {
    use crate::config::environment::Override;
    let variable =
        |name: &str, value: &str| Override::new(format!("TOKEN_BROKER__AUTH__{name}"), value.to_owned());
    let list = "[{ trust_domain = \"a.example\", bundle_file = \"/x\" }]";
    let overrides = vec![variable("MODE", "mtls"), variable("MTLS", list)];
    let config: Config = parse("", None, overrides).unwrap().0.config;
    assert_eq!((config.auth.mode, config.auth.mtls[0].trust_domain.as_str()), (AuthMode::Mtls, "a.example"));
}
