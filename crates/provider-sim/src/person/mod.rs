//! A person with a browser: reads the consent page and presses a button.

mod browser;
mod form;

use url::Url;

use crate::consent_page::{APPROVE, DECISION, DENY, USER};
use browser::Page;
use form::Form;

/// A person who signs in as one user.
///
/// ```no_run
/// # async fn example(authorization_url: &str) -> Result<(), provider_sim::PersonError> {
/// let callback_url = provider_sim::Person::new("alice").approve(authorization_url).await?;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Person {
    user: String,
}

/// The person did not arrive at a callback.
#[derive(Debug, thiserror::Error)]
pub enum PersonError {
    /// The address is not `http://host[:port]/…`.
    #[error("a person cannot visit this address: {0}; it must be a plain HTTP URL")]
    Address(String),
    /// The connection or the exchange failed.
    #[error("the page did not answer: {0}")]
    Unanswered(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The provider showed an error page.
    #[error("the provider refused with status {0} and did not redirect")]
    Refused(u16),
    /// The page has no consent form.
    #[error("the page holds no consent form")]
    NoForm,
    /// The page does not offer the user.
    #[error("the page does not offer the user `{0}`; name one of the simulator's users")]
    UnknownUser(String),
}

impl Person {
    /// A person who signs in as this user.
    pub fn new(user: impl Into<String>) -> Self {
        Self { user: user.into() }
    }

    /// Opens the authorization URL and approves. Answers the callback URL without visiting it. A provider that
    /// redirects at once, with an error, is followed no further either.
    ///
    /// # Errors
    /// [`PersonError`], when there is no redirect.
    pub async fn approve(&self, authorization_url: &str) -> Result<String, PersonError> {
        self.decide(authorization_url, APPROVE).await
    }

    /// Opens the authorization URL and refuses. Answers the callback URL without visiting it.
    ///
    /// # Errors
    /// [`PersonError`], when there is no redirect.
    pub async fn deny(&self, authorization_url: &str) -> Result<String, PersonError> {
        self.decide(authorization_url, DENY).await
    }

    /// Opens the link of a device authorization that has the code in it (RFC 8628 section 3.3.1), and approves.
    ///
    /// # Errors
    /// [`PersonError`], when the provider shows no page that says so.
    pub async fn approve_device(&self, verification_uri_complete: &str) -> Result<(), PersonError> {
        self.decide_device(verification_uri_complete, APPROVE).await
    }

    /// Opens the link of a device authorization that has the code in it, and refuses.
    ///
    /// # Errors
    /// [`PersonError`], when the provider shows no page that says so.
    pub async fn deny_device(&self, verification_uri_complete: &str) -> Result<(), PersonError> {
        self.decide_device(verification_uri_complete, DENY).await
    }

    async fn decide(&self, authorization_url: &str, decision: &str) -> Result<String, PersonError> {
        let page = self.submit(authorization_url, decision).await?;
        page.location.ok_or_else(|| refused(page.status))
    }

    async fn decide_device(&self, link: &str, decision: &str) -> Result<(), PersonError> {
        match self.submit(link, decision).await?.status {
            200 => Ok(()),
            status => Err(PersonError::Refused(status)),
        }
    }

    /// Fills in the form at this address. Answers what comes of it, or a redirect in place of the form.
    async fn submit(&self, address: &str, decision: &str) -> Result<Page, PersonError> {
        let url = Url::parse(address).map_err(|error| PersonError::Address(error.to_string()))?;
        let page = browser::get(&url).await?;
        if page.location.is_some() {
            return Ok(page);
        }
        let form = Form::find(&page.body).filter(|_| page.status == 200);
        let form = form.ok_or_else(|| refused(page.status))?;
        let filled = self.fill(&form, decision)?;
        let action = url.join(&form.action).map_err(|error| PersonError::Address(error.to_string()))?;
        browser::post(&action, &filled).await
    }

    fn fill(&self, form: &Form, decision: &str) -> Result<Vec<(String, String)>, PersonError> {
        if !form.users.contains(&self.user) {
            return Err(PersonError::UnknownUser(self.user.clone()));
        }
        let mut fields = form.hidden.clone();
        fields.push((USER.to_owned(), self.user.clone()));
        fields.push((DECISION.to_owned(), decision.to_owned()));
        Ok(fields)
    }
}

const fn refused(status: u16) -> PersonError {
    if status == 200 { PersonError::NoForm } else { PersonError::Refused(status) }
}
