//! What a browser may be made to ask for.

use broker_e2e::Provider;
use broker_proto::v1::AuthorizationState;

use super::Tally;
use crate::callback::stage::{Link, RETURN_TO, Stage, issuer, location};

/// What attacks are made of.
struct Parts {
    provider: &'static str,
    other_provider: &'static str,
    state: String,
    code: String,
    products_state: String,
    issuer: &'static str,
}

type Attack = fn(&Parts) -> String;

/// Name, path, status. Where no `/` begins it, it is the query at the provider's own path.
const TABLE: &[(&str, Attack, u16)] = &[
    ("no query", |_| String::new(), 400),
    ("no state", |p| format!("code={}", p.code), 400),
    ("empty state", |p| format!("code={}&state=", p.code), 400),
    ("state twice", |p| format!("code={}&state={1}&state={1}", p.code, p.state), 400),
    ("state twice, one forged", |p| format!("code={}&state={}&state=x", p.code, p.state), 400),
    ("state twice, one empty", |p| format!("code={}&state=&state={}", p.code, p.state), 400),
    ("half a state", |p| format!("code={}&state={}", p.code, &p.state[..21]), 404),
    ("state one shorter", |p| format!("code={}&state={}", p.code, &p.state[..42]), 404),
    ("state one longer", |p| format!("code={}&state={}A", p.code, p.state), 404),
    ("state with a changed start", |p| format!("code={}&state={}", p.code, forged(p)), 404),
    ("state in lower case", |p| format!("code={}&state={}", p.code, p.state.to_lowercase()), 404),
    ("state reversed", |p| format!("code={}&state={}", p.code, reversed(&p.state)), 404),
    ("guessed state", |p| format!("code={}&state={}", p.code, "A".repeat(43)), 404),
    ("oversized state", |p| format!("code={}&state={}", p.code, "A".repeat(8000)), 404),
    ("state with a null byte", |p| format!("code={}&state={}%00", p.code, p.state), 404),
    ("state with a null byte in it", |p| format!("code={}&state={}%00", p.code, &p.state[..42]), 404),
    ("state that is no UTF-8", |p| format!("code={}&state=%ff%fe{}", p.code, &p.state[..41]), 404),
    ("state with a space", |p| format!("code={}&state=+{}", p.code, &p.state[..42]), 404),
    ("state of SQL", |p| format!("code={}&state=%27%20OR%20%271%27=%271", p.code), 404),
    ("state of wildcards", |p| format!("code={}&state={}", p.code, "%25".repeat(43)), 404),
    ("state of HTML", |p| format!("code={}&state=%3Cscript%3Ealert(1)%3C/script%3E", p.code), 404),
    ("state under another name", |p| format!("code={}&State={}", p.code, p.state), 400),
    ("state as a list", |p| format!("code={}&state[]={}", p.code, p.state), 400),
    ("semicolons for ampersands", |p| format!("code={};state={}", p.code, p.state), 400),
    ("neither code nor error", |p| format!("state={}", p.state), 400),
    ("empty code", |p| format!("code=&state={}", p.state), 400),
    ("code twice", |p| format!("code={0}&code={0}&state={1}", p.code, p.state), 400),
    ("code twice, one forged", |p| format!("code={}&code=forged&state={}", p.code, p.state), 400),
    ("code and error", |p| format!("code={}&error=access_denied&state={}", p.code, p.state), 400),
    ("code and empty error", |p| format!("code={}&error=&state={}", p.code, p.state), 400),
    ("empty error", |p| format!("error=&state={}", p.state), 400),
    ("error twice", |p| format!("error=access_denied&error=x&state={}", p.state), 400),
    ("issuer of somebody else", |p| format!("{}&iss=https://evil.example", whole(p)), 400),
    ("issuer with a slash more", |p| format!("{}&iss={}/", whole(p), p.issuer), 400),
    ("issuer with a path", |p| format!("{}&iss={}/x", whole(p), p.issuer), 400),
    ("issuer with a port", |p| format!("{}&iss={}:443", whole(p), p.issuer), 400),
    ("issuer with more of a name", |p| format!("{}&iss={}.evil.example", whole(p), p.issuer), 400),
    ("issuer with a space", |p| format!("{}&iss=+{}", whole(p), p.issuer), 400),
    ("issuer with a null byte", |p| format!("{}&iss={}%00", whole(p), p.issuer), 400),
    ("issuer encoded twice", |p| format!("{}&iss={}", whole(p), p.issuer.replace(':', "%253A")), 400),
    ("issuer without its scheme", |p| format!("{}&iss={}", whole(p), &p.issuer["https://".len()..]), 400),
    ("issuer in upper case", |p| format!("{}&iss={}", whole(p), p.issuer.to_uppercase()), 400),
    ("issuer over http", |p| format!("{}&iss={}", whole(p), p.issuer.replace("https", "http")), 400),
    ("issuer of the other provider", |p| format!("{}&iss={}", whole(p), others_issuer(p)), 400),
    ("empty issuer", |p| format!("{}&iss=", whole(p)), 400),
    ("issuer twice", |p| format!("{}&iss=https://a.example&iss=https://b.example", whole(p)), 400),
    ("oversized query", |p| format!("{}&x={}", whole(p), "x".repeat(17_000)), 400),
    ("state of the product's own callback", |p| format!("code={}&state={}", p.code, p.products_state), 404),
    ("another provider's page", |p| page(p.other_provider, p), 404),
    ("page of no provider", |p| page("nobody", p), 404),
    ("provider in upper case", |p| page(&p.provider.to_uppercase(), p), 404),
    ("no provider", |p| page("", p), 404),
    ("provider that is no UTF-8", |p| page("%ff", p), 404),
    ("provider encoded twice", |p| page(&format!("%25{:x}vercam", b'e'), p), 404),
    ("provider with a path", |p| page(&format!("{}/x", p.provider), p), 404),
    ("provider with an encoded path", |p| page(&format!("x%2f..%2f{}", p.provider), p), 404),
    ("provider with a slash more", |p| page(&format!("{}/", p.provider), p), 404),
    ("dots in the path", |p| format!("/oauth/callback/../callback/{}?{}", p.provider, whole(p)), 404),
];

/// Parameters that other software takes for a place to send the browser to.
const REDIRECTS: [&str; 6] = [
    "return_to=https://evil.example/",
    "return_to=//evil.example",
    "redirect_uri=https%3A%2F%2Fevil.example",
    "next=/%5Cevil.example",
    "authorization_id=x&completion_code=x",
    "return_to=app&return_to=javascript:alert(1)",
];

fn whole(parts: &Parts) -> String {
    format!("code={}&state={}", parts.code, parts.state)
}

fn page(provider: &str, parts: &Parts) -> String {
    format!("/oauth/callback/{provider}?{}", whole(parts))
}

fn others_issuer(parts: &Parts) -> &'static str {
    let other = Provider::ALL.into_iter().find(|provider| provider.name() == parts.other_provider);
    issuer(other.unwrap())
}

fn reversed(text: &str) -> String {
    text.chars().rev().collect()
}

/// The state with another first character.
fn forged(parts: &Parts) -> String {
    let first = if parts.state.starts_with('_') { "-" } else { "_" };
    format!("{first}{}", &parts.state[1..])
}

pub(super) async fn attack(tally: &mut Tally<'_>) {
    let stage = tally.stage;
    let (link, products) = (stage.link().await, stage.product_link().await);
    let parts = parts(stage, &link, &products);
    for (name, attack, status) in TABLE {
        let path = path(&parts, &attack(&parts));
        refused(stage, "GET", &path, *status, &parts, name).await;
        tally.made(name);
    }
    for method in ["HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"] {
        refused(stage, method, &path(&parts, &whole(&parts)), 405, &parts, method).await;
        tally.made(method);
    }
    assert_eq!(stage.state(&link).await, AuthorizationState::Pending, "nothing of that used it up");
    for redirect in REDIRECTS {
        let link = stage.link().await;
        let (status, answer) = stage.send("GET", &format!("{}&{redirect}", link.path())).await;
        let on = location(&answer).unwrap();
        assert_eq!(status, 303);
        assert!(on.as_str().starts_with(&format!("{RETURN_TO}&authorization_id={}&", link.id)), "{on}");
        tally.made(redirect);
    }
}

fn parts(stage: &Stage, link: &Link, products: &Link) -> Parts {
    let provider = stage.provider.name();
    Parts {
        provider,
        other_provider: if provider == "evercam" { "eagle-eye" } else { "evercam" },
        state: link.value("state"),
        code: link.value("code"),
        products_state: products.value("state"),
        issuer: issuer(stage.provider),
    }
}

fn path(parts: &Parts, attack: &str) -> String {
    match attack.starts_with('/') {
        true => attack.to_owned(),
        false => format!("/oauth/callback/{}?{attack}", parts.provider),
    }
}

async fn refused(stage: &Stage, method: &str, path: &str, status: u16, parts: &Parts, name: &str) {
    let (answered, answer) = stage.send(method, path).await;
    assert_eq!(answered, status, "{name}: {answer}");
    assert_eq!(location(&answer), None, "{name}");
    for secret in [&parts.state, &parts.code, &"alert(1)".to_owned()] {
        assert!(!answer.contains(secret.as_str()), "{name} is echoed");
    }
}
