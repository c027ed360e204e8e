//! The last resort: there is no server, and this is what to do.

use crate::product::Product;
use crate::source::{Kind, Use};

/// There is no server for the tests. Its text lists what was tried and what to do.
#[derive(Debug, thiserror::Error)]
#[error("there is no {name} {least} or newer for the tests. Tried:\n{tried}Do one of these:\n{advice}")]
pub struct Missing {
    name: &'static str,
    least: u32,
    tried: String,
    advice: String,
}

impl Missing {
    pub(crate) fn new(product: &Product, purpose: Use, tried: &[(Kind, String)]) -> Self {
        Self {
            name: product.name,
            least: product.least,
            tried: tried.iter().map(|(kind, why)| format!("  {}: {why}\n", label(*kind, product))).collect(),
            advice: advice(product, purpose).iter().map(|line| format!("  - {line}\n")).collect(),
        }
    }
}

fn label(kind: Kind, product: &Product) -> &'static str {
    match kind {
        Kind::Url => product.variable,
        Kind::Docker => "Docker",
        Kind::Installed => "installed programs",
        Kind::Unpacked => "programs unpacked under target/",
    }
}

fn advice(product: &Product, purpose: Use) -> Vec<String> {
    let Product { variable, example, debian, fedora, homebrew, .. } = product;
    let mut advice = vec![
        format!(
            "install it: Debian and Ubuntu `apt-get install {debian}`, Fedora `dnf install {fedora}`, \
             macOS `brew install {homebrew}`"
        ),
        "start Docker".to_owned(),
        "on Debian or Ubuntu run `cargo xtask test --only test`: it unpacks the packages under target/"
            .to_owned(),
    ];
    if purpose == Use::Shared {
        advice.insert(0, format!("set {variable}, e.g. to {example}"));
    }
    advice
}

/// The value; a test without its server cannot go on.
#[expect(
    clippy::panic,
    reason = "only tests call this, and a test fails by a panic; its text is the instruction"
)]
pub(crate) fn or_panic<T>(result: Result<T, impl std::fmt::Display>) -> T {
    result.unwrap_or_else(|error| panic!("{error:#}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::product::POSTGRES;

    #[test]
    fn the_text_lists_what_was_tried_and_what_to_install_or_set() {
        let tried = [(Kind::Url, "not set".to_owned()), (Kind::Docker, "nobody answers".to_owned())];
        let text = Missing::new(&POSTGRES, Use::Shared, &tried).to_string();
        for part in [
            "no Postgres 15 or newer",
            "TEST_DATABASE_URL: not set",
            "Docker: nobody answers",
            "set TEST_DATABASE_URL",
            "apt-get install postgresql",
            "dnf install postgresql-server",
            "brew install postgresql@17",
        ] {
            assert!(text.contains(part), "`{part}` is not in:\n{text}");
        }
    }

    #[test]
    fn a_server_to_be_hurt_is_not_asked_for_by_url() {
        assert!(!Missing::new(&POSTGRES, Use::Private, &[]).to_string().contains("TEST_DATABASE_URL"));
    }
}
