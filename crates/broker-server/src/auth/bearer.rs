//! The bearer token of a request (RFC 6750 section 2.1).

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;

use super::refusal::Refusal;

const SCHEME: &str = "bearer ";

/// The one token in the metadata `authorization`.
pub(super) fn token(headers: &HeaderMap) -> Result<&str, Refusal> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = values.next().ok_or(Refusal::NoToken)?;
    if values.next().is_some() {
        return Err(Refusal::NotBearer);
    }
    let (scheme, token) =
        value.to_str().ok().and_then(|text| text.split_at_checked(SCHEME.len())).ok_or(Refusal::NotBearer)?;
    let token = token.trim_matches(' ');
    match scheme.eq_ignore_ascii_case(SCHEME) && !token.is_empty() {
        true => Ok(token),
        false => Err(Refusal::NotBearer),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[&str]) -> Result<String, Refusal> {
        let mut headers = HeaderMap::new();
        values.iter().for_each(|value| {
            headers.append(AUTHORIZATION, value.parse().unwrap());
        });
        token(&headers).map(str::to_owned)
    }

    #[test]
    fn one_token_or_none() {
        assert_eq!(read(&["Bearer a.b.c"]).unwrap(), "a.b.c");
        assert_eq!(read(&["bEARER  a.b.c "]).unwrap(), "a.b.c");
        assert_eq!(read(&[]), Err(Refusal::NoToken));
        for bad in [
            &["Bearer"][..],
            &["Bearer "],
            &["Basic a"],
            &["Bearera.b.c"],
            &["a.b.c"],
            &["Bearer a", "Bearer a"],
            &[""],
        ] {
            assert_eq!(read(bad), Err(Refusal::NotBearer), "{bad:?}");
        }
    }
}
