//! Looks at this machine.

use std::env;
use std::path::{Path, PathBuf};

use crate::binaries;
use crate::docker::Engine;
use crate::product::Product;
use crate::source::Facts;

/// What there is for this server.
pub(crate) fn facts(product: &Product) -> Facts {
    Facts {
        url: variable(product.variable),
        docker: Engine::find(),
        installed: binaries::installed(product),
        unpacked: binaries::unpacked(product, &unpacked(product)),
    }
}

/// The image to run.
pub(crate) fn image(product: &Product) -> String {
    variable(product.image_variable).unwrap_or_else(|| product.image.to_owned())
}

/// Where this server's packages are unpacked.
pub(crate) fn unpacked(product: &Product) -> PathBuf {
    target().join("test-servers").join(product.unpacked)
}

/// Where cargo puts what it builds.
fn target() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let root = root.canonicalize().unwrap_or(root);
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |directory| root.join(directory))
}

fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}
