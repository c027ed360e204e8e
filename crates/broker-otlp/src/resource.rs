//! Who tells: the attributes that all telemetry of this process shares.

use opentelemetry::KeyValue;
use opentelemetry_proto::tonic::common::v1 as proto;
use opentelemetry_proto::tonic::common::v1::any_value::Value;

/// Attributes of the process, the later of two of one name before the earlier.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Resource(Vec<(String, String)>);

impl Resource {
    /// Of these attributes.
    pub fn new(attributes: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut resource = Self::default();
        for (name, value) in attributes {
            resource.0.retain(|(known, _)| *known != name);
            resource.0.push((name, value));
        }
        resource
    }

    /// Reads the value of `OTEL_RESOURCE_ATTRIBUTES`: `name=value` pairs with commas between them, values percent-encoded.
    pub fn parse(text: &str) -> Result<Vec<(String, String)>, String> {
        let pairs = text.split(',').filter(|pair| !pair.trim().is_empty());
        let read = |pair: &str| {
            let (name, value) = pair.split_once('=').ok_or_else(|| "a pair has no =".to_owned())?;
            match name.trim() {
                "" => Err("a name is empty".to_owned()),
                name => Ok((name.to_owned(), decoded(value.trim()))),
            }
        };
        pairs.map(read).collect()
    }

    /// As the SDK knows it.
    pub(crate) fn of_sdk(&self) -> opentelemetry_sdk::Resource {
        let attributes = self.0.iter().map(|(name, value)| KeyValue::new(name.clone(), value.clone()));
        opentelemetry_sdk::Resource::builder_empty().with_attributes(attributes).build()
    }

    /// As it is sent.
    pub fn of_message(&self) -> opentelemetry_proto::tonic::resource::v1::Resource {
        opentelemetry_proto::tonic::resource::v1::Resource {
            attributes: self.0.iter().map(|(name, value)| attribute(name, value)).collect(),
            ..Default::default()
        }
    }
}

/// An attribute whose value is text.
pub fn attribute(name: &str, value: &str) -> proto::KeyValue {
    proto::KeyValue {
        key: name.to_owned(),
        value: Some(proto::AnyValue { value: Some(Value::StringValue(value.to_owned())) }),
        ..Default::default()
    }
}

/// What is no valid encoding stays as it is.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let code = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let code = code.filter(|_| *first == b'%').and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match code {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_read_as_the_specification_writes_them() {
        let read = Resource::parse("k8s.pod.name=api-0, team=a%2Cb ,x=100%,").unwrap();
        let expected = [("k8s.pod.name", "api-0"), ("team", "a,b"), ("x", "100%")];
        assert_eq!(read, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert!(Resource::parse("").unwrap().is_empty());
        for bad in ["a", "=b"] {
            assert!(Resource::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_later_of_two_counts() {
        let pair = |value: &str| ("service.name".to_owned(), value.to_owned());
        assert_eq!(Resource::new([pair("a"), pair("b")]), Resource::new([pair("b")]));
    }
}
