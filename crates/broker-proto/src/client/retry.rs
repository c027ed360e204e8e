//! Which requests can be sent a second time.

/// Copies the body of a request, so that it can be sent again.
pub trait CopyBody<B> {
    /// A copy, or `None` for a body that can be sent once.
    fn copy(&self, body: &B) -> Option<B>;
}

/// Copies nothing: a rejected token is reported, and the response passed on.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReportOnly;

impl<B> CopyBody<B> for ReportOnly {
    fn copy(&self, _: &B) -> Option<B> {
        None
    }
}

/// Copies with a function.
#[derive(Clone, Copy, Debug)]
pub struct RetryWith<F>(pub(super) F);

impl<B, F: Fn(&B) -> Option<B>> CopyBody<B> for RetryWith<F> {
    fn copy(&self, body: &B) -> Option<B> {
        (self.0)(body)
    }
}
