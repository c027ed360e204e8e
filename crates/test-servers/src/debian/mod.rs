//! The last source: Debian's packages, unpacked under `target/`. Nothing is installed, and no root is needed.

mod apt;
mod selection;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, anyhow, ensure};
use apt::Apt;

use crate::missing::Missing;
use crate::product::Product;
use crate::{binaries, machine};

/// A server; where there is none, one whose packages are unpacked first.
pub(crate) fn or_unpacked<T>(product: &Product, bring: fn() -> Result<T, Missing>) -> Result<T> {
    let missing = match bring() {
        Ok(server) => return Ok(server),
        Err(missing) => missing,
    };
    let facts = machine::facts(product);
    // A URL that does not work is to be mended, and packages that do not work are no better the second time.
    if facts.url.is_some() || facts.unpacked.is_ok() {
        return Err(missing.into());
    }
    unpack(product, &machine::unpacked(product))
        .map_err(|error| anyhow!("{missing}Unpacking Debian's packages failed: {error:#}"))?;
    Ok(bring()?)
}

/// Downloads the server's packages and unpacks them into `target`.
fn unpack(product: &Product, target: &Path) -> Result<()> {
    eprintln!(
        "test servers: no {} here; unpacking Debian's packages into {}",
        product.name,
        target.display()
    );
    let _old = fs::remove_dir_all(target);
    fs::create_dir_all(target).with_context(|| format!("cannot make {}", target.display()))?;
    let apt = Apt::new(target.join("apt"))?;
    let packages = selection::needed(&apt.simulate(product.debian)?);
    ensure!(!packages.is_empty(), "apt-get would install nothing for {}", product.debian);
    for package in apt.download(&packages)? {
        extract(&package, target)?;
    }
    apt.clean()?;
    binaries::unpacked(product, target).map(drop).map_err(anyhow::Error::msg)
}

fn extract(package: &PathBuf, target: &Path) -> Result<()> {
    let status = Command::new("dpkg-deb").arg("--extract").arg(package).arg(target).status();
    let done = status.context("cannot start dpkg-deb")?.success();
    ensure!(done, "dpkg-deb cannot unpack {}", package.display());
    Ok(())
}
