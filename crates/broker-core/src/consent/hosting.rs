//! Whose callback it will be: the broker's own page, or the product's redirect URI.

use url::Url;

use crate::{BrokerError, ClientRegistration, FieldViolation, HostedCallback};

/// What is said of the broker's own callback page when an authorization is started.
#[derive(Debug, Clone, Default)]
pub struct Hosting {
    /// The URL of the page for the provider; `None` where the broker has none.
    pub page: Option<String>,
    /// The key of the registration's `return_to` to send the browser on to.
    pub return_to: Option<String>,
}

impl Hosting {
    /// What becomes of callbacks of the registration; `None` if they come to the product.
    pub(super) fn of(
        &self,
        registration: &ClientRegistration,
    ) -> Result<Option<HostedCallback>, BrokerError> {
        if !self.is_page(&registration.redirect_uri) {
            return match self.return_to {
                Some(_) => Err(refused(
                    "must be empty: the redirect URI of the client registration is the product's own, not the \
                     broker's callback page",
                )),
                None => Ok(None),
            };
        }
        let place = |key: &String| registration.return_to.get(key).cloned();
        let return_to = match &self.return_to {
            Some(key) => Some(place(key).ok_or_else(|| {
                refused("must be a key of the client registration's `return_to`; it is never a URL")
            })?),
            None => None,
        };
        Ok(Some(HostedCallback { return_to, answer: None }))
    }

    /// Parsed, so that another spelling of the same URL is the same URL.
    fn is_page(&self, redirect_uri: &str) -> bool {
        let page = self.page.as_deref().and_then(|page| Url::parse(page).ok());
        page.is_some_and(|page| Url::parse(redirect_uri).is_ok_and(|uri| uri == page))
    }
}

fn refused(problem: &str) -> BrokerError {
    BrokerError::InvalidRequest(vec![FieldViolation::new("return_to", problem)])
}
