//! The broker on one store, with its grants.

use std::collections::HashMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};
use broker_e2e::Client;
use broker_e2e::bench::{Cores, Home, Server, migrate, obtain};

use crate::database::Database;

/// A broker that is started for each turn, and its grants.
pub(crate) struct Broker {
    binary: PathBuf,
    pub(crate) home: Home,
    /// The grants' numbers by their ids.
    pub(crate) grants: HashMap<String, usize>,
    pub(crate) database: Option<Database>,
}

impl Broker {
    /// A broker without grants. Brings a Postgres to its schema.
    pub(crate) async fn prepare(binary: &Path, home: Home, postgres: Option<&str>) -> Result<Self> {
        let database = match postgres {
            Some(url) => {
                migrate(binary, &home.resting()?)?;
                Database::find(url).await?
            }
            None => None,
        };
        Ok(Self { binary: binary.to_owned(), home, grants: HashMap::new(), database })
    }

    /// Walks the users of these grants through consent.
    pub(crate) async fn fill(&mut self, grants: Range<usize>) -> Result<()> {
        let server = self.start(&self.home.resting()?)?;
        match obtain(&Client::connect(server.address()).await, grants).await {
            Ok(grants) => self.grants = grants,
            Err(error) => bail!("{error:#}{}", server.last_words()),
        }
        server.stop()
    }

    pub(crate) fn start(&self, config: &Path) -> Result<Server> {
        let mut serve = Command::new(&self.binary);
        serve.arg("serve").arg("--config").arg(config);
        Server::start(&mut serve, &self.home.log(), &Cores::Shared)
    }
}
