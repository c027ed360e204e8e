//! What a client calls.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use tonic::service::Interceptor;
use tonic::{GrpcMethod, Request, Status};

/// Counts the calls that are made through it, those too that reach nobody.
#[derive(Clone, Default)]
pub(super) struct Calls(Arc<Mutex<HashMap<String, usize>>>);

impl Calls {
    /// How often this method was called.
    pub(super) fn of(&self, method: &str) -> usize {
        self.0.lock().unwrap().get(method).copied().unwrap_or_default()
    }
}

impl Interceptor for Calls {
    fn call(&mut self, request: Request<()>) -> Result<Request<()>, Status> {
        let method = request.extensions().get::<GrpcMethod<'_>>().expect("the client says what it calls");
        *self.0.lock().unwrap().entry(method.method().to_owned()).or_default() += 1;
        Ok(request)
    }
}
