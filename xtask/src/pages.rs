//! `cargo xtask pages`: pictures of every page a browser may see, light and dark, wide and narrow, in every language.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result, bail, ensure};

use crate::workspace::Workspace;

/// Names under which a headless Chromium is found.
const BROWSERS: [&str; 5] =
    ["chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "chrome-headless-shell"];

/// Width and height of a picture, by name.
const SIZES: [(&str, &str); 2] = [("wide", "1000,640"), ("phone", "390,760")];

/// What Chromium is told to prefer, by name.
const SCHEMES: [(&str, &str); 2] = [("light", "1"), ("dark", "0")];

/// Renders them into `target/pages`.
pub(crate) fn run(workspace: &Workspace) -> Result<ExitCode> {
    let browser = find_browser()?;
    let pages = workspace.target_dir().join("pages");
    let status = workspace
        .command("cargo")
        .args(["run", "--quiet", "--locked", "--package", "broker-server", "--example", "pages", "--"])
        .arg(&pages)
        .status()
        .context("cannot start cargo")?;
    ensure!(status.success(), "the pages could not be written");
    let mut pictures = 0;
    for page in html_files(&pages)? {
        for (size, pixels) in SIZES {
            for (scheme, preferred) in SCHEMES {
                let picture = page.with_extension(format!("{size}.{scheme}.png"));
                photograph(browser, &page, &picture, pixels, preferred)?;
                pictures += 1;
            }
        }
    }
    eprintln!("{}: {pictures} pictures", pages.display());
    Ok(ExitCode::SUCCESS)
}

fn find_browser() -> Result<&'static str> {
    let runs = |name: &&str| {
        let version =
            Command::new(name).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        version.is_ok_and(|status| status.success())
    };
    match BROWSERS.into_iter().find(runs) {
        Some(browser) => Ok(browser),
        None => bail!(
            "there is no headless Chromium (one of {}); install one, for example with `apt-get install chromium`",
            BROWSERS.join(", ")
        ),
    }
}

fn html_files(directory: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).with_context(|| format!("cannot read {}", directory.display()))? {
        files.push(entry?.path());
    }
    files.retain(|file| file.extension().is_some_and(|extension| extension == "html"));
    files.sort();
    ensure!(!files.is_empty(), "no page was written");
    Ok(files)
}

fn photograph(browser: &str, page: &Path, picture: &Path, pixels: &str, preferred: &str) -> Result<()> {
    let status = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"])
        .arg(format!("--window-size={pixels}"))
        .arg(format!("--blink-settings=preferredColorScheme={preferred}"))
        .arg(format!("--screenshot={}", picture.display()))
        .arg(format!("file://{}", page.display()))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .with_context(|| format!("cannot start {browser}"))?;
    ensure!(status.success() && picture.exists(), "{browser} made no picture of {}", page.display());
    Ok(())
}
