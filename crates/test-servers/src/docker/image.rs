//! The name of an image.

/// An image's name and tag, as in `registry:5000/postgres:17-alpine`; without a tag it is `latest`.
pub(super) fn name_and_tag(image: &str) -> (&str, &str) {
    // A colon before a slash belongs to a registry's port.
    match image.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, tag),
        _ => (image, "latest"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_told_from_a_port() {
        assert_eq!(name_and_tag("postgres:17-alpine"), ("postgres", "17-alpine"));
        assert_eq!(name_and_tag("registry:5000/postgres"), ("registry:5000/postgres", "latest"));
        assert_eq!(name_and_tag("registry:5000/postgres:17"), ("registry:5000/postgres", "17"));
    }
}
