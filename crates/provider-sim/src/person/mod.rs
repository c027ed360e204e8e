//! A person with a browser: reads the consent page and presses a button.

mod browser;
mod form;

use url::Url;

use crate::consent_page::{APPROVE, DECISION, DENY, USER};
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

    async fn decide(&self, authorization_url: &str, decision: &str) -> Result<String, PersonError> {
        let url = Url::parse(authorization_url).map_err(|error| PersonError::Address(error.to_string()))?;
        let page = browser::get(&url).await?;
        if let Some(callback) = page.location {
            return Ok(callback);
        }
        let form = Form::find(&page.body).filter(|_| page.status == 200);
        let form = form.ok_or_else(|| refused(page.status))?;
        let filled = self.fill(&form, decision)?;
        let action = url.join(&form.action).map_err(|error| PersonError::Address(error.to_string()))?;
        let answer = browser::post(&action, &filled).await?;
        answer.location.ok_or_else(|| refused(answer.status))
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
