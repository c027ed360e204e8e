use super::*;
use crate::config::DEFAULT_TOML;

fn parsed(text: &str, overrides: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let overrides = overrides.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    parse(text, Some(Path::new("broker.toml")), overrides)
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
            ("KEYS__KEK", "k:secret"),
        ],
    )
    .unwrap();
    assert_eq!(config.listen.grpc.port(), 2);
    assert_eq!(config.rotation.tick.as_millis(), 250);
    assert_eq!(config.rotation.max_in_flight, 9);
    assert!(!format!("{config:?}").contains("secret"));
}

#[test]
fn a_provider_is_reached_with_an_underscore_for_its_dash() {
    let file = "[providers.my-idp]\nadapter = \"oauth2\"\ntoken_url = \"https://a.example/t\"\n";
    let config = parsed(file, &[("PROVIDERS__MY_IDP__TOKEN_URL", "https://b.example/t")]).unwrap();
    assert_eq!(config.providers["my-idp"].token_url.as_deref(), Some("https://b.example/t"));
}

#[test]
fn a_bad_variable_is_named() {
    let error = parsed("", &[("LISTEN__GRPC", "nowhere")]).unwrap_err().to_string();
    assert!(error.contains("TOKEN_BROKER__LISTEN__GRPC"), "{error}");
    let error = parsed("", &[("LISTEN", "x")]).unwrap_err().to_string();
    assert!(error.contains("TOKEN_BROKER__SECTION__KEY"), "{error}");
}

#[test]
fn what_is_missing_is_listed_at_once() {
    let problems = check(&Config::default()).join("\n");
    for key in ["[store] url", "[escrow] dir", "[keys]"] {
        assert!(problems.contains(key), "{key} in {problems}");
    }
}

#[test]
fn dev_mode_stays_on_this_machine() {
    let config = parsed("[listen]\ngrpc = \"0.0.0.0:7400\"\n", &[]).unwrap();
    assert!(check(&config).iter().any(|problem| problem.contains("loopback")));
}

#[test]
fn an_attempt_longer_than_its_lease_is_refused() {
    let config = parsed("[rotation]\nprovider_timeout = \"90s\"\n", &[]).unwrap();
    assert!(check(&config).iter().any(|problem| problem.contains("lease_ttl")));
}
