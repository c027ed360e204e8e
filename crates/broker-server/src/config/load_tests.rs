use std::time::Duration;

use broker_core::{ReusePolicy, RotationMode};

use super::*;
use crate::config::{Adapter, DEFAULT_TOML, ProviderConfig};
use crate::role::Role;

/// Every problem of a process that does everything.
fn problems_of(config: &Config) -> Vec<String> {
    check(config, Role::All)
}

fn parsed(text: &str, overrides: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let full = |(name, value): &(&str, &str)| Override::new(format!("TOKEN_BROKER__{name}"), (*value).into());
    let overrides = overrides.iter().map(full).collect();
    parse(text, Some(Path::new("broker.toml")), overrides).map(|(loaded, _)| loaded.config)
}

#[test]
fn the_printed_default_is_the_default() {
    assert_eq!(parsed(DEFAULT_TOML, &[]).unwrap(), Config::default());
}

#[test]
fn the_printed_default_with_every_comment_taken_off_names_only_known_keys() {
    let uncommented: String = DEFAULT_TOML
        .lines()
        .map(|line| line.strip_prefix("#| ").unwrap_or(line))
        .map(|l| format!("{l}\n"))
        .collect();
    assert_ne!(uncommented, DEFAULT_TOML);
    parsed(&uncommented, &[]).unwrap();
}

#[test]
fn the_environment_reaches_sections_below_sections() {
    let overrides =
        [("KEYS__TRANSIT__URL", "https://vault:8200"), ("KEYS__TRANSIT__KUBERNETES__ROLE", "broker")];
    let transit = parsed("[keys.transit]\nkey = \"k\"\n", &overrides).unwrap().keys.transit.unwrap();
    assert_eq!((transit.url.as_str(), transit.key.as_str()), ("https://vault:8200", "k"));
    assert_eq!(transit.kubernetes.unwrap().role, "broker");
}

#[test]
fn an_unknown_key_is_named_with_its_line() {
    let error = parsed("[listen]\ngrpc = \"127.0.0.1:1\"\ngrcp = 2\n", &[]).unwrap_err().to_string();
    assert!(error.contains("broker.toml") && error.contains("line 3") && error.contains("grcp"), "{error}");
}

#[test]
fn a_wrong_type_is_named_with_its_line() {
    let error = parsed("\n[rotation]\ntick = \"soon\"\n", &[]).unwrap_err().to_string();
    assert!(error.contains("line 3"), "{error}");
}

#[test]
fn the_environment_goes_over_the_file() {
    let file = "[listen]\ngrpc = \"127.0.0.1:1\"\n[rotation]\nmax_in_flight = 3\n";
    let config = parsed(
        file,
        &[
            ("LISTEN__GRPC", "127.0.0.1:2"),
            ("ROTATION__TICK", "250ms"),
            ("ROTATION__MAX_IN_FLIGHT", "9"),
            ("KEYS__KEK", "k:hushed"),
        ],
    )
    .unwrap();
    assert_eq!(config.listen.grpc.port(), 2);
    assert_eq!(config.rotation.tick.as_millis(), 250);
    assert_eq!(config.rotation.max_in_flight, 9);
    assert!(!format!("{config:?}").contains("hushed"));
}

#[test]
fn a_provider_is_reached_with_an_underscore_for_its_dash() {
    let file = "[providers.my-idp]\nadapter = \"oauth2\"\ntoken_url = \"https://a.example/t\"\n";
    let config = parsed(file, &[("PROVIDERS__MY_IDP__TOKEN_URL", "https://b.example/t")]).unwrap();
    assert_eq!(config.providers["my-idp"].token_url.as_deref(), Some("https://b.example/t"));
}

#[test]
fn a_bad_variable_is_named_and_no_other() {
    for (name, value) in
        [("LISTEN__GRPC", "nowhere"), ("LISTEN__GRCP", "127.0.0.1:1"), ("LOG__LEVEL", "loud")]
    {
        let variables = [("AUTH__MODE", "dev"), (name, value), ("VEND__CACHED_GRANTS", "7")];
        let error = parsed("", &variables).unwrap_err().to_string();
        assert!(error.contains(&format!("TOKEN_BROKER__{name}: ")), "{error}");
        assert!(!error.contains("AUTH") && !error.contains("VEND"), "{error}");
    }
    let error = parsed("", &[("LISTEN", "x")]).unwrap_err().to_string();
    assert!(error.contains("TOKEN_BROKER__LISTEN ") && error.contains("SECTION__KEY"), "{error}");
    let error = parsed("", &[("LISTEN__GRPC__PORT", "1"), ("LISTEN__GRPC", "127.0.0.1:1")]).unwrap_err();
    assert!(error.to_string().contains("TOKEN_BROKER__LISTEN__GRPC"), "{error}");
}

#[test]
fn no_value_is_ever_quoted() {
    let secret = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
    for keys in [
        "kekk = \"SECRET\"",
        "kek = \"SECRET",
        "kek = SECRET=",
        "kek = k:SECRET=",
        "kek = [\"SECRET\"]",
        "kek = { kid = \"SECRET\" }",
        "kek_file = [\"SECRET\"]",
        "kek = \"SECRET\" \"SECRET\"",
        "kek = \"\"\"\nSECRET",
        "kek-1:SECRET=",
        "\"kek-1:SECRET=\" = 1",
        "kek = \"a\"\nkek = \"SECRET\"",
    ] {
        let file = format!("[keys]\n{}\n", keys.replace("SECRET", secret));
        let error = parsed(&file, &[]).unwrap_err();
        assert!(error.to_string().contains("broker.toml: line "), "{error}");
        assert!(!format!("{error} {error:?}").contains("AAEC"), "{keys}: {error}");
    }
    for (name, value) in [("KEYS__KEKK", secret), ("KEYS__KEK", "[\"AAEC\"]"), ("AUTH__MODE", secret)] {
        let error = parsed("", &[(name, value)]).unwrap_err().to_string();
        assert!(error.contains(name) && !error.contains("AAEC"), "{error}");
    }
}

#[test]
fn a_provider_goes_over_the_built_in_ones() {
    let url = "https://proxy.example/token";
    let by_variable = parsed("", &[("PROVIDERS__EVERCAM__TOKEN_URL", url)]).unwrap();
    let by_file = parsed(&format!("[providers.evercam]\ntoken_url = \"{url}\"\n"), &[]).unwrap();
    assert_eq!(by_variable, by_file);
    let definition = by_file.providers["evercam"].definition();
    assert_eq!(definition.endpoints.token_url, url);
    assert_eq!(definition.profile, ProviderConfig::of(Adapter::Evercam).definition().profile);
    assert_eq!(by_file.providers["eagle-eye"], ProviderConfig::of(Adapter::EagleEye));
    assert_eq!(problems_of(&by_file).iter().filter(|problem| problem.contains("providers")).count(), 0);
}

#[test]
fn how_a_provider_treats_refresh_tokens_is_data() {
    let single_use = RotationMode::SingleUse;
    for (keys, mode) in [
        ("rotation = \"reusable\"", RotationMode::Reusable),
        ("rotation = \"grace\"\ngrace = \"30s\"", RotationMode::Grace(Duration::from_secs(30))),
        ("rotation = \"single-use\"", single_use(ReusePolicy::Unknown)),
        ("reuse = \"unknown\"", single_use(ReusePolicy::Unknown)),
        ("reuse = \"reject\"", single_use(ReusePolicy::Reject)),
        ("rotation = \"single-use\"\nreuse = \"revoke-family\"", single_use(ReusePolicy::RevokeFamily)),
    ] {
        let config = parsed(&format!("[providers.evercam]\n{keys}\n"), &[]).unwrap();
        assert_eq!(config.providers["evercam"].definition().profile.rotation, mode, "{keys}");
        let problems = problems_of(&config).join("\n");
        assert!(!problems.contains("[providers"), "{keys}: {problems}");
    }
}

#[test]
fn a_rotation_that_contradicts_itself_is_refused() {
    for (keys, told) in [
        ("rotation = \"grace\"", "grace goes with"),
        ("grace = \"30s\"", "grace goes with"),
        ("rotation = \"reusable\"\nreuse = \"reject\"", "reuse goes with"),
    ] {
        let config = parsed(&format!("[providers.evercam]\n{keys}\n"), &[]).unwrap();
        let problems = problems_of(&config).join("\n");
        assert!(problems.contains(told), "{keys}: {problems}");
    }
}

#[test]
fn a_provider_goes_only_where_that_is_said() {
    let config = parsed("", &[("PROVIDERS__EAGLE_EYE__ENABLED", "false")]).unwrap();
    assert_eq!(config.providers.keys().collect::<Vec<_>>(), ["evercam"]);
}

#[test]
fn a_new_provider_needs_an_adapter() {
    let config = parsed("", &[("PROVIDERS__EVERCM__TOKEN_URL", "https://a.example/t")]).unwrap();
    assert!(
        problems_of(&config).iter().any(|problem| problem.contains("[providers.evercm] adapter is not set"))
    );
    let named = [("PROVIDERS__X__ACCESS_TOKEN_LIFETIME", "1h"), ("PROVIDERS__X__ADAPTER", "oauth2")];
    assert_eq!(parsed("", &named).unwrap().providers["x"].adapter, Some(Adapter::OAuth2));
}

#[test]
fn what_is_missing_is_listed_at_once() {
    let problems = problems_of(&Config::default()).join("\n");
    for key in ["[store] url", "[escrow] dir", "[keys]"] {
        assert!(problems.contains(key), "{key} in {problems}");
    }
}

#[test]
fn what_cannot_be_served_is_refused_before() {
    for (key, value, told) in [
        ("LISTEN__GRPC", "0.0.0.0:7400", "loopback"),
        ("STORE__URL", "sqlite://broker.db", "absolute path"),
        ("STORE__URL", "sqlite:///no/such/directory/broker.db", "/no/such/directory"),
        ("ESCROW__DIR", "/dev/null/escrow", "/dev/null is not a directory"),
        ("KEYS__KEK", "no material", "[keys] kek: "),
        ("KEYS__KEK_FILE", "/no/kek", "/no/kek"),
        ("HTTP__PUBLIC_URL", "broker.example.com", "[http] public_url"),
        ("PAGES__RECONSENT_URL", "https://{tenant}.example.com", "[pages] reconsent_url"),
        (
            "PROVIDERS__EVERCAM__CLIENT_SETTINGS_URL",
            "https://api.example.com/c",
            "client_settings_url: goes with",
        ),
        ("EGRESS__CA_FILE", "/no/ca.pem", "/no/ca.pem"),
        ("VEND__CACHED_GRANTS", "0", "cached_grants"),
        ("ROTATION__PROVIDER_TIMEOUT", "90s", "lease_ttl"),
        ("ROTATION__PROVIDER_TIMEOUT", "0s", "provider_timeout must be longer than zero"),
        ("ROTATION__CONNECT_TIMEOUT", "0s", "connect_timeout must be longer than zero"),
        ("ROTATION__AUTHORIZATION_LIFE", "0s", "authorization_life must be longer than zero"),
        ("ROTATION__PROBE_CAP", "500000000000years", "probe_cap must not be longer"),
        ("PROVIDERS__EVERCAM__ACCESS_TOKEN_LIFETIME", "101years", "access_token_lifetime must not be longer"),
    ] {
        let problems = problems_of(&parsed("", &[(key, value)]).unwrap()).join("\n");
        assert!(problems.contains(told), "{key}={value}: {problems}");
    }
    let longest = [
        ("ROTATION__CONNECT_TIMEOUT", "500000000000years"),
        ("ROTATION__PROVIDER_TIMEOUT", "500000000000years"),
    ];
    assert!(
        problems_of(&parsed("", &longest).unwrap()).join("\n").contains("connect_timeout must not be longer")
    );
}

#[test]
fn everything_that_is_wrong_in_a_file_is_told_at_once_with_line_and_key() {
    let file = "[listen]\ngrcp = 2\nhttp = 7\n\n[rotation]\ntick = \"soon\"\nmax_in_flight = -1\n[audit]\nvends = \"s3cret\"\n";
    let error = parsed(file, &[]).unwrap_err();
    let ConfigError::Malformed(problems) = &error else { panic!("{error}") };
    let begins = [
        "broker.toml: line 2, column 1: [listen] grcp: unknown field `grcp`",
        "broker.toml: line 3, column 8: [listen] http: ",
        "broker.toml: line 6, column 8: [rotation] tick: ",
        "broker.toml: line 7, column 17: [rotation] max_in_flight: ",
        "broker.toml: line 9, column 9: [audit] vends: unknown variant",
    ];
    assert_eq!(problems.len(), begins.len(), "{problems:#?}");
    for (problem, begin) in problems.iter().zip(begins) {
        assert!(problem.starts_with(begin), "{problem}");
    }
    assert!(!error.to_string().contains("s3cret"));
}

#[test]
fn a_key_outside_every_section_and_a_section_that_is_none_are_told() {
    for (file, begin) in [
        ("listne = 1\n", "broker.toml: line 1, column 1: listne: unknown field `listne`"),
        ("\n[listne]\ngrpc = 1\n", "broker.toml: line 2, column 2: [listne]: unknown field `listne`"),
        ("[[access.policy]]\nprincipal = \"x\"\n", "broker.toml: line 1, column "),
    ] {
        let error = parsed(file, &[]).unwrap_err().to_string();
        assert!(error.starts_with(begin), "{error}");
    }
}
