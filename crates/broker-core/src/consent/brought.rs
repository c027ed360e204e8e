//! What begins a lineage.

use std::time::Duration;

use broker_crypto::{AccessToken, AuthorizationCode, RefreshToken};

use crate::rotation::Answer;
use crate::{GrantWindow, TokenResponse};

/// What a product brought to begin a lineage with.
pub(super) enum Brought {
    /// The code of a consent.
    Code(AuthorizationCode),
    /// A refresh token that was obtained elsewhere, to be redeemed at once.
    RefreshToken(RefreshToken),
    /// The same, to be redeemed by the grant's first refresh.
    UnredeemedToken(RefreshToken),
}

impl Brought {
    /// The token set of a token that is not redeemed now: its access token is empty, and over before it began.
    pub(super) fn unredeemed(&self) -> Option<TokenResponse> {
        let Self::UnredeemedToken(token) = self else { return None };
        Some(TokenResponse {
            access_token: AccessToken::new(""),
            refresh_token: Some(RefreshToken::new(token.expose())),
            token_type: "Bearer".to_owned(),
            expires_in: Some(Duration::ZERO),
            scopes: None,
            api_base_url: None,
            window: GrantWindow::PERMANENT,
        })
    }

    /// The answer; one to an imported token that names no other keeps that token (RFC 6749 §6).
    pub(super) fn completes(&self, mut answer: Answer) -> Answer {
        if let (Self::RefreshToken(token), Answer::Tokens(tokens)) = (self, &mut answer) {
            tokens.refresh_token.get_or_insert_with(|| RefreshToken::new(token.expose()));
        }
        answer
    }
}
