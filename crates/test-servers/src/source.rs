//! Where a server may come from, and in which order.

use std::fmt;

use crate::binaries::Binaries;
use crate::docker::Engine;

/// What is known of this machine. Where something is missing there is the reason.
#[derive(Debug, Clone)]
pub(crate) struct Facts {
    /// The URL in the environment.
    pub(crate) url: Option<String>,
    pub(crate) docker: Result<Engine, String>,
    pub(crate) installed: Result<Binaries, String>,
    pub(crate) unpacked: Result<Binaries, String>,
}

/// One way to a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    Url(String),
    Docker(Engine),
    Installed(Binaries),
    Unpacked(Binaries),
}

/// What the server is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// Many tests use it, none hurts it.
    Shared,
    /// One test starts, kills and pauses it, so it must be ours. Programs come first: signals reach them at once.
    Private,
}

/// A kind of source, and the way there or why there is none.
pub(crate) type Way = (Kind, Result<Source, String>);

/// The name of a source, before it is known whether it exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Url,
    Docker,
    Installed,
    Unpacked,
}

/// The ways to a server, best first. A URL that is set is the only way: whoever set it meant it.
pub(crate) fn ways(purpose: Use, facts: Facts) -> Vec<Way> {
    let docker = (Kind::Docker, facts.docker.map(Source::Docker));
    let installed = (Kind::Installed, facts.installed.map(Source::Installed));
    let unpacked = (Kind::Unpacked, facts.unpacked.map(Source::Unpacked));
    match (purpose, facts.url) {
        (Use::Private, _) => vec![installed, unpacked, docker],
        (Use::Shared, Some(url)) => vec![(Kind::Url, Ok(Source::Url(url)))],
        (Use::Shared, None) => vec![(Kind::Url, Err("not set".to_owned())), docker, installed, unpacked],
    }
}

impl Source {
    /// The programs on this machine, where it is made of them.
    pub(crate) fn programs(&self) -> Option<&Binaries> {
        match self {
            Self::Url(_) | Self::Docker(_) => None,
            Self::Installed(binaries) | Self::Unpacked(binaries) => Some(binaries),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(_) => formatter.write_str("the environment"),
            Self::Docker(engine) => write!(formatter, "Docker at {}", engine.host),
            Self::Installed(binaries) | Self::Unpacked(binaries) => {
                write!(formatter, "{}", binaries.directory.display())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::version::Version;

    const NO: &str = "no";

    fn facts(url: bool, docker: bool, installed: bool, unpacked: bool) -> Facts {
        let binaries =
            Binaries { directory: "/bin".into(), version: Version::within("15.1").unwrap(), root: None };
        let binaries = |is: bool| is.then(|| binaries.clone()).ok_or(NO.to_owned());
        Facts {
            url: url.then(|| "postgres://here".to_owned()),
            docker: docker.then(|| Engine { host: "unix:///docker".to_owned() }).ok_or(NO.to_owned()),
            installed: binaries(installed),
            unpacked: binaries(unpacked),
        }
    }

    fn first(purpose: Use, facts: Facts) -> Option<Kind> {
        ways(purpose, facts).into_iter().find(|(_, way)| way.is_ok()).map(|(kind, _)| kind)
    }

    #[test]
    fn the_best_source_that_is_there_comes_first() {
        let table = [
            ((true, true, true, true), Some(Kind::Url), Some(Kind::Installed)),
            ((true, false, false, false), Some(Kind::Url), None),
            ((false, true, true, true), Some(Kind::Docker), Some(Kind::Installed)),
            ((false, true, false, true), Some(Kind::Docker), Some(Kind::Unpacked)),
            ((false, true, false, false), Some(Kind::Docker), Some(Kind::Docker)),
            ((false, false, true, true), Some(Kind::Installed), Some(Kind::Installed)),
            ((false, false, false, true), Some(Kind::Unpacked), Some(Kind::Unpacked)),
            ((false, false, false, false), None, None),
        ];
        for ((url, docker, installed, unpacked), shared, private) in table {
            let facts = facts(url, docker, installed, unpacked);
            assert_eq!(first(Use::Shared, facts.clone()), shared, "shared, of {facts:?}");
            assert_eq!(first(Use::Private, facts.clone()), private, "private, of {facts:?}");
        }
    }

    #[test]
    fn nothing_takes_the_place_of_a_url_that_is_set() {
        assert_eq!(ways(Use::Shared, facts(true, true, true, true)).len(), 1);
    }

    #[test]
    fn every_way_that_is_missing_is_named_with_its_reason() {
        let missing = ways(Use::Shared, facts(false, false, false, false));
        assert!(missing.len() == 4 && missing.iter().all(|(_, way)| way.is_err()), "{missing:?}");
    }
}
