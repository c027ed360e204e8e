//! Request parameters: names and values in order, duplicates kept so that they can be refused.

use serde_json::Value;

/// Parameters of a query, a form or a flat JSON object.
#[derive(Clone, Default)]
pub(crate) struct Params(Vec<(String, String)>);

/// A parameter was sent more than once (RFC 6749 section 3.1 forbids it).
#[derive(Debug)]
pub(crate) struct Repeated;

impl Params {
    /// Reads `application/x-www-form-urlencoded` bytes, also a query string.
    pub(crate) fn from_urlencoded(bytes: &[u8]) -> Self {
        Self(url::form_urlencoded::parse(bytes).into_owned().collect())
    }

    /// Reads a flat JSON object whose members are all strings.
    pub(crate) fn from_json(bytes: &[u8]) -> Option<Self> {
        let Value::Object(members) = serde_json::from_slice(bytes).ok()? else { return None };
        let pairs = members.into_iter().map(|(name, value)| Some((name, value.as_str()?.to_owned())));
        pairs.collect::<Option<Vec<_>>>().map(Self)
    }

    /// These parameters, then the others.
    pub(crate) fn chain(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// Drops the parameters whose name satisfies `gone`.
    pub(crate) fn without(mut self, gone: impl Fn(&str) -> bool) -> Self {
        self.0.retain(|(name, _)| !gone(name));
        self
    }

    /// The first value of the name; an empty value counts as absent (RFC 6749 section 3.1).
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.values(name).find(|value| !value.is_empty())
    }

    /// The value of a name that may be sent once at most; an empty value counts as absent.
    pub(crate) fn once(&self, name: &str) -> Result<Option<&str>, Repeated> {
        if self.values(name).count() > 1 { Err(Repeated) } else { Ok(self.get(name)) }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// The space-separated items of a scope parameter.
pub(crate) fn scopes(scope: &str) -> impl Iterator<Item = &str> {
    scope.split(' ').filter(|item| !item.is_empty())
}

/// Whether every scope of `wanted` is among `allowed`.
pub(crate) fn within(wanted: &str, allowed: &str) -> bool {
    scopes(wanted).all(|item| scopes(allowed).any(|other| other == item))
}

/// Appends parameters to a redirect URI without touching what is already there.
pub(crate) fn append_query(uri: &str, params: &[(&str, &str)]) -> String {
    let mut encoded = url::form_urlencoded::Serializer::new(String::new());
    encoded.extend_pairs(params);
    let separator = if uri.contains('?') { '&' } else { '?' };
    format!("{uri}{separator}{}", encoded.finish().replace('+', "%20"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_sent_twice_are_refused_and_empty_ones_are_absent() {
        let params = Params::from_urlencoded(b"a=1&a=2&b=&c=x+y%2B");
        assert!(params.once("a").is_err());
        assert!(params.once("b").unwrap().is_none());
        assert_eq!(params.once("c").unwrap(), Some("x y+"));
        assert!(params.once("d").unwrap().is_none());
    }

    #[test]
    fn json_parameters_must_be_a_flat_object_of_strings() {
        assert!(Params::from_json(br#"{"a":"1"}"#).is_some());
        for bad in [&br#"{"a":1}"#[..], br#"["a"]"#, b"{", b"", br#"{"a":{"b":"c"}}"#] {
            assert!(Params::from_json(bad).is_none());
        }
    }

    #[test]
    fn a_redirect_keeps_its_own_query() {
        assert_eq!(
            append_query("http://127.0.0.1:3333", &[("code", "a b")]),
            "http://127.0.0.1:3333?code=a%20b"
        );
        assert_eq!(append_query("http://h/p?x=1", &[("state", "&=")]), "http://h/p?x=1&state=%26%3D");
    }
}
