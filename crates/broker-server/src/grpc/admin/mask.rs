//! Update masks: which fields of a request are meant.

use prost_types::FieldMask;

use crate::grpc::request::Fields;

/// The fields that an update names.
pub(super) struct Mask(Vec<String>);

impl Mask {
    /// Reads a mask, which must name fields, and only such as can be changed.
    pub(super) fn read(fields: &mut Fields, mask: Option<FieldMask>, changeable: &[&str]) -> Self {
        let paths = mask.unwrap_or_default().paths;
        if paths.is_empty() {
            fields.violation("update_mask", format!("must name what to change: {}", changeable.join(", ")));
        }
        for path in paths.iter().filter(|path| !changeable.contains(&path.as_str())) {
            let problem = format!("names {path:?}, but can name only: {}", changeable.join(", "));
            fields.violation("update_mask", problem);
        }
        Self(paths)
    }

    /// Whether a field is named.
    pub(super) fn names(&self, path: &str) -> bool {
        self.0.iter().any(|named| named == path)
    }

    /// The value of a field, if it is named.
    pub(super) fn take<T>(&self, path: &str, value: T) -> Option<T> {
        self.names(path).then_some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(paths: &[&str]) -> (Mask, bool) {
        let mut fields = Fields::default();
        let mask = FieldMask { paths: paths.iter().map(ToString::to_string).collect() };
        let mask = Mask::read(&mut fields, Some(mask), &["a", "b"]);
        (mask, fields.finish(Some(())).is_ok())
    }

    #[test]
    fn only_what_is_named_is_taken() {
        let (mask, fits) = read(&["b"]);
        assert!(fits);
        assert_eq!((mask.take("a", 1), mask.take("b", 2)), (None, Some(2)));
    }

    #[test]
    fn a_mask_names_something_and_nothing_else_than_what_can_be_changed() {
        for paths in [vec![], vec!["c"], vec!["a", "*"], vec!["a.x"]] {
            assert!(!read(&paths).1, "{paths:?}");
        }
        assert!(read(&["a", "b"]).1);
    }
}
