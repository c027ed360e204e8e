//! Writes every page in every language into a directory, for `cargo xtask pages` to look at: with a tenant's name, with
//! its logo, and with both. The logo lies beside the pages.

use std::path::{Path, PathBuf};
use std::{env, fs};

use anyhow::{Context as _, anyhow};
use broker_server::callback::pages::{Brand, Language, Page};
use url::Url;

const NAME: &str = "Acme Cameras";

/// Logos as tenants have them, by name.
const LOGOS: [(&str, &str); 3] = [
    ("square", include_str!("logos/square.svg")),
    ("wide", include_str!("logos/wide.svg")),
    ("dark", include_str!("logos/dark.svg")),
];

fn main() -> anyhow::Result<()> {
    let directory = PathBuf::from(env::args_os().nth(1).context("name a directory")?);
    fs::create_dir_all(&directory)?;
    let directory = directory.canonicalize()?;
    for page in Page::ALL {
        write(&directory, "", &page, &Brand { name: Some(NAME.to_owned()), logo: None })?;
    }
    for (kind, svg) in LOGOS {
        let file = directory.join(format!("logo-{kind}.svg"));
        fs::write(&file, svg)?;
        let logo = Url::from_file_path(&file).map_err(|()| anyhow!("{} has no URL", file.display()))?;
        let named = Brand { name: Some(NAME.to_owned()), logo: Some(logo) };
        write(&directory, &format!(".logo-{kind}"), &Page::ALL[0], &named)?;
        write(&directory, &format!(".logo-{kind}-alone"), &Page::ALL[0], &Brand { name: None, ..named })?;
    }
    Ok(())
}

fn write(directory: &Path, kind: &str, page: &Page<'_>, brand: &Brand) -> anyhow::Result<()> {
    for language in Language::ALL {
        let file = directory.join(format!("{}{kind}.{}.html", page.name(), language.tag()));
        fs::write(&file, page.render(brand, language))
            .with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(())
}
