//! Evercam, contract lines 10 and 11: the device flow (RFC 8628).

use std::time::Duration;

use provider_sim::{Endpoint, Person, PersonError};
use serde_json::json;

use crate::evercam::{Evercam, ID, JSON};
use crate::http::{Answer, send};

const AUTHORIZE: &str = "/oauth/device/authorize";
const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// What the device was given.
struct Codes {
    device: String,
    user: String,
    link: String,
}

impl Evercam {
    async fn begin_with(&self, client_id: &str, scope: &str) -> Answer {
        let body = json!({ "client_id": client_id, "scope": scope }).to_string();
        send(&self.base, "POST", AUTHORIZE, &[JSON], &body).await
    }

    async fn begin(&self) -> Codes {
        let answer = self.begin_with(ID, "cameras:read").await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let text = |name| answer.text(name);
        Codes {
            device: text("device_code"),
            user: text("user_code"),
            link: text("verification_uri_complete"),
        }
    }

    async fn poll_as(&self, client_id: &str, device_code: &str) -> Answer {
        let body = json!({ "grant_type": GRANT, "client_id": client_id, "device_code": device_code });
        send(&self.base, "POST", "/oauth/token", &[JSON], &body.to_string()).await
    }

    async fn poll(&self, codes: &Codes) -> Answer {
        self.poll_as(ID, &codes.device).await
    }

    async fn poll_after(&self, seconds: u64, codes: &Codes) -> (u16, String) {
        self.advance(seconds);
        self.poll(codes).await.error()
    }

    async fn page(&self, user_code: &str) -> u16 {
        send(&self.base, "GET", &format!("/oauth/device?user_code={user_code}"), &[], "").await.status
    }
}

fn refused(code: &str) -> (u16, String) {
    (400, code.to_owned())
}

#[tokio::test]
async fn evercam_10_a_device_is_given_codes_links_and_an_interval() {
    let evercam = Evercam::demo().await;
    let answer = evercam.begin_with(ID, "cameras:read").await;
    let body = answer.json();
    let page = format!("{}/oauth/device", evercam.base);
    let user_code = answer.text("user_code");
    assert_eq!(answer.text("verification_uri"), page);
    assert_eq!(answer.text("verification_uri_complete"), format!("{page}?user_code={user_code}"));
    assert_eq!((&body["expires_in"], &body["interval"]), (&900.into(), &5.into()));
    let halves: Vec<usize> = user_code.split('-').map(str::len).collect();
    assert_eq!(halves, [4, 4], "{user_code}");
    assert!(answer.text("device_code").len() >= 32);
}

#[tokio::test]
async fn evercam_10_wrong_clients_and_scopes_are_given_no_codes() {
    let evercam = Evercam::demo().await;
    for (client, scope, error) in [
        ("ev_unknown", "cameras:read", (401, "invalid_client".to_owned())),
        (ID, "cameras:write", refused("invalid_scope")),
        (ID, " ", refused("invalid_scope")),
        ("ev_other", "user:read", refused("invalid_scope")),
    ] {
        assert_eq!(evercam.begin_with(client, scope).await.error(), error, "{client} {scope}");
    }
    let nobody = send(&evercam.base, "POST", AUTHORIZE, &[JSON], r#"{"scope":"cameras:read"}"#).await;
    assert_eq!(nobody.error(), refused("invalid_request"));
    assert_eq!(send(&evercam.base, "GET", AUTHORIZE, &[], "").await.status, 405);
}

#[tokio::test]
async fn evercam_11_polls_are_pending_until_the_user_approves_and_then_bring_tokens_once() {
    let evercam = Evercam::demo().await;
    let codes = evercam.begin().await;
    assert_eq!(evercam.poll_after(5, &codes).await, refused("authorization_pending"));
    Person::new("alice").approve_device(&codes.link).await.unwrap();
    evercam.advance(5);
    let (access, refresh) = crate::een::tokens(&evercam.poll(&codes).await);
    let told = evercam.sim.journal().last().unwrap();
    assert_eq!((told.endpoint, told.committed), (Endpoint::Token, true));

    assert_eq!(evercam.poll_after(5, &codes).await, refused("invalid_grant"), "a code is used once");
    assert!(evercam.is_alive(&access).await, "using it again does not touch the tokens");
    assert_eq!(evercam.refresh(&refresh).await.status, 200);
}

#[tokio::test]
async fn evercam_11_polling_too_fast_makes_the_interval_grow_for_good() {
    let evercam = Evercam::demo().await;
    let codes = evercam.begin().await;
    for (pause, answer) in [
        (0, "authorization_pending"),
        (4, "slow_down"),
        (9, "slow_down"),
        (15, "authorization_pending"),
        (14, "slow_down"),
        (20, "authorization_pending"),
    ] {
        assert_eq!(evercam.poll_after(pause, &codes).await, refused(answer), "after {pause} s");
    }
}

#[tokio::test]
async fn evercam_11_who_polls_too_fast_is_not_told_that_the_user_approved() {
    let evercam = Evercam::demo().await;
    let codes = evercam.begin().await;
    evercam.poll(&codes).await;
    Person::new("alice").approve_device(&codes.link).await.unwrap();
    assert_eq!(evercam.poll_after(4, &codes).await, refused("slow_down"));
    evercam.advance(10);
    assert_eq!(evercam.poll(&codes).await.status, 200);
}

#[tokio::test]
async fn evercam_11_codes_lapse_after_900_seconds() {
    let evercam = Evercam::demo().await;
    let codes = evercam.begin().await;
    assert_eq!(evercam.poll_after(899, &codes).await, refused("authorization_pending"));
    assert_eq!(evercam.page(&codes.user).await, 200);
    assert_eq!(evercam.poll_after(1, &codes).await, refused("expired_token"));
    let late = Person::new("alice").approve_device(&codes.link).await;
    assert!(matches!(late, Err(PersonError::Refused(400))), "{late:?}");
}

#[tokio::test]
async fn evercam_11_a_refusal_is_told_and_cannot_be_taken_back() {
    let evercam = Evercam::demo().await;
    let codes = evercam.begin().await;
    Person::new("alice").deny_device(&codes.link).await.unwrap();
    for _ in 0..2 {
        assert_eq!(evercam.poll_after(5, &codes).await, refused("access_denied"));
    }
    let again = Person::new("alice").approve_device(&codes.link).await;
    assert!(matches!(again, Err(PersonError::Refused(400))), "{again:?}");
}

#[tokio::test]
async fn evercam_11_a_code_belongs_to_one_client() {
    let evercam = Evercam::demo().await;
    let codes = evercam.begin().await;
    Person::new("alice").approve_device(&codes.link).await.unwrap();
    for (client, code, error) in [
        ("ev_unknown", codes.device.as_str(), (401, "invalid_client".to_owned())),
        ("ev_other", codes.device.as_str(), refused("invalid_grant")),
        (ID, "unknown", refused("invalid_grant")),
        (ID, codes.user.as_str(), refused("invalid_grant")),
    ] {
        assert_eq!(evercam.poll_as(client, code).await.error(), error, "{client} {code}");
    }
    let none = evercam.post("/oauth/token", &[("grant_type", GRANT)]).await;
    assert_eq!(none.error(), refused("invalid_request"));
    assert_eq!(evercam.poll(&codes).await.status, 200, "nobody has used it up or counts as a poll of it");
}

#[tokio::test]
async fn evercam_10_users_enter_the_code_as_they_like_and_no_other_one() {
    let evercam = Evercam::demo().await;
    let codes = evercam.begin().await;
    assert_eq!(evercam.page(&codes.user.to_lowercase()).await, 200);
    assert_eq!(evercam.page("BCDF-GHJZ").await, 400);
    let stranger = Person::new("mallory").approve_device(&codes.link).await;
    assert!(matches!(stranger, Err(PersonError::UnknownUser(_))), "{stranger:?}");
    assert_eq!(evercam.poll_after(5, &codes).await, refused("authorization_pending"));
}

#[tokio::test]
async fn evercam_10_the_first_interval_is_a_setting() {
    let evercam = Evercam::with(|config| config.device_interval = Duration::from_secs(1)).await;
    assert_eq!(evercam.begin_with(ID, "cameras:read").await.json()["interval"], 1);
    let codes = evercam.begin().await;
    for (pause, answer) in [(0, "authorization_pending"), (1, "authorization_pending"), (0, "slow_down")] {
        assert_eq!(evercam.poll_after(pause, &codes).await, refused(answer), "after {pause} s");
    }
    assert_eq!(evercam.poll_after(6, &codes).await, refused("authorization_pending"));
}
