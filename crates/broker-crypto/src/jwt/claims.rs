//! What a token says: its claims set (RFC 7519 section 4).

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::Value;

use super::{TokenRefused, TokenRules};

/// Larger times than any date, smaller than what a JSON number keeps exactly.
const LATEST: f64 = 9e15;

/// A JSON object in which no name stands twice (RFC 7519 section 4).
pub(super) struct Claims(BTreeMap<String, Value>);

/// Who is meant, until when, in seconds since the Unix epoch.
pub(super) struct Subject {
    pub(super) name: String,
    pub(super) expires_at: i64,
}

impl Claims {
    pub(super) fn parse(json: &[u8]) -> Result<Self, TokenRefused> {
        serde_json::from_slice(json).map_err(|_| TokenRefused::Malformed("its claims are no JSON object"))
    }

    pub(super) fn issuer(&self) -> Option<&str> {
        self.0.get("iss")?.as_str()
    }

    /// Whom they name, if the rules hold at `now`, in seconds since the Unix epoch.
    pub(super) fn check(&self, rules: &TokenRules, now: i64) -> Result<Subject, TokenRefused> {
        if self.issuer() != Some(&rules.issuer) {
            return Err(TokenRefused::WrongIssuer);
        }
        if !self.audiences()?.iter().any(|audience| rules.audiences.iter().any(|ours| ours == audience)) {
            return Err(TokenRefused::WrongAudience);
        }
        let expires_at = self.check_times(rules.leeway, now)?;
        let name = self.0.get(&rules.subject_claim).and_then(Value::as_str).filter(|name| !name.is_empty());
        Ok(Subject { name: name.ok_or(TokenRefused::NoSubject)?.to_owned(), expires_at })
    }

    /// RFC 7519 section 4.1.3: one text or a list of them.
    fn audiences(&self) -> Result<Vec<&str>, TokenRefused> {
        let wrong = TokenRefused::Malformed("its audience is neither a text nor a list of texts");
        match self.0.get("aud") {
            None => Ok(Vec::new()),
            Some(Value::String(one)) => Ok(vec![one]),
            Some(Value::Array(many)) => many.iter().map(|one| one.as_str().ok_or(wrong)).collect(),
            Some(_) => Err(wrong),
        }
    }

    /// Answers when the token stops being accepted, the leeway included.
    fn check_times(&self, leeway: i64, now: i64) -> Result<i64, TokenRefused> {
        let expires = self.time("exp")?.ok_or(TokenRefused::Malformed("it never expires"))?;
        let (not_before, issued) = (self.time("nbf")?, self.time("iat")?);
        if now >= expires + leeway {
            return Err(TokenRefused::Expired);
        }
        if not_before.is_some_and(|not_before| not_before > now + leeway) {
            return Err(TokenRefused::NotYetValid);
        }
        if issued.is_some_and(|issued| issued > now + leeway || issued > expires) {
            return Err(TokenRefused::ImpossibleTime);
        }
        Ok(expires + leeway)
    }

    /// A NumericDate (RFC 7519 section 2), which may have a fraction.
    fn time(&self, name: &str) -> Result<Option<i64>, TokenRefused> {
        let Some(value) = self.0.get(name) else { return Ok(None) };
        match value.as_f64().filter(|seconds| (0.0..=LATEST).contains(seconds)) {
            Some(seconds) => Ok(Some(seconds.floor() as i64)),
            None => Err(TokenRefused::Malformed("a time is no number of seconds")),
        }
    }
}

impl<'de> Deserialize<'de> for Claims {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Once;
        impl<'de> Visitor<'de> for Once {
            type Value = Claims;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Claims, A::Error> {
                let mut claims = BTreeMap::new();
                while let Some((name, value)) = members.next_entry()? {
                    if claims.insert(name, value).is_some() {
                        return Err(A::Error::custom("a name stands twice"));
                    }
                }
                Ok(Claims(claims))
            }
        }
        deserializer.deserialize_map(Once)
    }
}
