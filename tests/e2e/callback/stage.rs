//! A house whose broker receives callbacks, and links that users follow.

use std::sync::atomic::{AtomicUsize, Ordering};

use broker_e2e::client::{read, registration};
use broker_e2e::house::{Plan, hosted_redirect_uri};
use broker_e2e::{Answer, House, Provider, http};
use broker_proto::v1::complete_authorization_request::Callback;
use broker_proto::v1::{self, AuthorizationState, Grant, GrantKey, HostedCallback};
use provider_sim::Endpoint;
use url::Url;

/// Where the registration sends browsers on to.
pub(super) const RETURN_TO: &str = "https://app.example/connected?from=broker";

/// The issuer of the provider (RFC 9207): the one that is known of Eagle Eye, and a made-up one.
pub(super) const fn issuer(provider: Provider) -> &'static str {
    match provider {
        Provider::Evercam => "https://media.evercam.io",
        Provider::EagleEye => "https://auth.eagleeyenetworks.com",
    }
}

/// Registrations `main`, of the product, and `hosted`, of the broker, at one provider.
pub(super) struct Stage {
    pub(super) house: House,
    pub(super) provider: Provider,
    users: AtomicUsize,
}

/// A user who consented and whose browser has not followed the redirect.
pub(super) struct Link {
    pub(super) key: GrantKey,
    pub(super) id: String,
    pub(super) callback: Url,
}

impl Stage {
    pub(super) async fn open(provider: Provider) -> Self {
        Self::furnished(House::plan(), provider).await
    }

    /// The same, where the broker knows the issuer that the provider's callbacks may name.
    pub(super) async fn with_issuer(provider: Provider) -> Self {
        let line = format!("issuer = \"{}\"", issuer(provider));
        Self::furnished(House::plan().provider(provider, &line), provider).await
    }

    pub(super) async fn furnished(plan: Plan, provider: Provider) -> Self {
        let house = plan.hosted().open().await;
        let hosted = v1::CreateClientRegistrationRequest {
            registration_id: "hosted".to_owned(),
            redirect_uri: hosted_redirect_uri(provider),
            return_to: [("app".to_owned(), RETURN_TO.to_owned())].into(),
            ..registration("acme", provider)
        };
        let made = house.client.register(hosted).await.unwrap().client_registration.unwrap();
        assert!(made.broker_hosted);
        Self { house, provider, users: AtomicUsize::new(0) }
    }

    fn user(&self) -> GrantKey {
        let number = self.users.fetch_add(1, Ordering::Relaxed);
        self.house.key(self.provider, &format!("user-{number}"))
    }

    /// StartAuthorization through a registration.
    pub(super) async fn start(
        &self,
        key: &GrantKey,
        registration: &str,
        return_to: &str,
    ) -> Answer<v1::StartAuthorizationResponse> {
        let request = v1::StartAuthorizationRequest {
            tenant_id: key.tenant_id.clone(),
            provider: key.provider.clone(),
            user_id: key.user_id.clone(),
            registration_id: registration.to_owned(),
            return_to: return_to.to_owned(),
            ..Default::default()
        };
        read(self.house.client.consents().start_authorization(request).await)
    }

    /// A new user starts, and approves or refuses.
    async fn decided(&self, registration: &str, return_to: &str, approves: bool) -> Link {
        let key = self.user();
        let started = self.start(&key, registration, return_to).await.unwrap();
        let person = self.provider.person();
        let callback = match approves {
            true => person.approve(&started.authorization_url).await.unwrap(),
            false => person.deny(&started.authorization_url).await.unwrap(),
        };
        let link = Link { key, id: started.authorization_id, callback: Url::parse(&callback).unwrap() };
        self.house.remember(|canaries| {
            canaries.add("state", link.value("state"));
            if approves {
                canaries.add("code", link.value("code"));
            }
        });
        link
    }

    pub(super) async fn link(&self) -> Link {
        self.decided("hosted", "app", true).await
    }

    pub(super) async fn link_without_return(&self) -> Link {
        self.decided("hosted", "", true).await
    }

    pub(super) async fn refusal(&self) -> Link {
        self.decided("hosted", "app", false).await
    }

    pub(super) async fn product_link(&self) -> Link {
        self.decided("main", "", true).await
    }

    /// What the broker answers to a browser.
    pub(super) async fn send(&self, method: &str, path: &str) -> (u16, String) {
        http::send(self.house.http(), method, path, "accept-language: de\r\n").await
    }

    /// The browser follows the redirect.
    pub(super) async fn follow(&self, link: &Link) -> (u16, String) {
        self.send("GET", &link.path()).await
    }

    /// The same, and what the product is given: a completion code.
    pub(super) async fn answered(&self, link: &Link) -> String {
        let (status, answer) = self.follow(link).await;
        assert_eq!(status, 303, "{answer}");
        let code = value_of(&location(&answer).unwrap(), "completion_code").unwrap();
        self.house.remember(|canaries| canaries.add("completion_code", code.as_bytes()));
        code
    }

    pub(super) async fn complete(&self, key: &GrantKey, id: &str, code: &str) -> Answer<Grant> {
        let hosted = HostedCallback { authorization_id: id.to_owned(), completion_code: code.to_owned() };
        let request = v1::CompleteAuthorizationRequest {
            tenant_id: key.tenant_id.clone(),
            user_id: key.user_id.clone(),
            callback: Some(Callback::HostedCallback(hosted)),
        };
        let answer = read(self.house.client.consents().complete_authorization(request).await);
        answer.map(|answer| answer.grant.unwrap())
    }

    pub(super) async fn state(&self, link: &Link) -> AuthorizationState {
        self.house.client.authorization("acme", &link.id).await.unwrap().state()
    }

    /// How often the provider's token endpoint was called.
    pub(super) fn token_requests(&self) -> usize {
        let of_tokens = [Endpoint::Exchange, Endpoint::Refresh, Endpoint::Token];
        self.house.simulator(self.provider).journal().count(|entry| of_tokens.contains(&entry.endpoint))
    }
}

impl Link {
    /// The value of a parameter of the callback.
    pub(super) fn value(&self, name: &str) -> String {
        value_of(&self.callback, name).unwrap()
    }

    /// Where the browser goes, at the broker's address.
    pub(super) fn path(&self) -> String {
        format!("{}?{}", self.callback.path(), self.callback.query().unwrap())
    }
}

pub(super) fn value_of(url: &Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// Where an answer sends the browser.
pub(super) fn location(answer: &str) -> Option<Url> {
    let (head, _) = answer.split_once("\r\n\r\n").unwrap();
    let line = head.lines().find_map(|line| line.strip_prefix("location: "))?;
    Some(Url::parse(line).unwrap())
}
