//! A started simulator.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio_util::sync::DropGuard;

use super::connection;
use super::site::Site;
use crate::client::UnknownClient;
use crate::clock::Clock;
use crate::faults::Faults;
use crate::journal::Journal;

/// A running simulator. Dropping it stops it without waiting; [`Running::shutdown`] waits.
pub struct Running {
    address: SocketAddr,
    site: Arc<Site>,
    _stop_on_drop: DropGuard,
}

impl Running {
    pub(super) fn start(site: Arc<Site>, listener: TcpListener, address: SocketAddr) -> Self {
        site.tasks.spawn(connection::accept(Arc::clone(&site), listener));
        let _stop_on_drop = site.stop.clone().drop_guard();
        Self { address, site, _stop_on_drop }
    }

    /// The root of every URL, such as `http://127.0.0.1:40123`, without a slash at the end.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The address that is listened on.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Every request so far.
    pub fn journal(&self) -> &Journal {
        &self.site.journal
    }

    /// The faults that wait for requests.
    pub fn faults(&self) -> &Faults {
        &self.site.faults
    }

    /// The clock by which codes, tokens and grants end.
    pub fn clock(&self) -> &Clock {
        &self.site.clock
    }

    /// Ends every grant of a user, as if the user had removed each application. Answers how many ended.
    ///
    /// # Errors
    /// The state file cannot be written.
    pub fn revoke_all_of_user(&self, user: &str) -> io::Result<usize> {
        self.site.provider.realm().revoke_all_of_user(user)
    }

    /// Replaces the secrets of a client by this one. The change lasts until the simulator stops.
    ///
    /// # Errors
    /// No such client is registered.
    pub fn set_client_secret(&self, client_id: &str, secret: &str) -> Result<(), UnknownClient> {
        self.site.provider.realm().clients().set_secret(client_id, secret)
    }

    /// Adds a secret to those a client has, as a provider with overlapping secrets does.
    ///
    /// # Errors
    /// No such client is registered.
    pub fn add_client_secret(&self, client_id: &str, secret: &str) -> Result<(), UnknownClient> {
        self.site.provider.realm().clients().add_secret(client_id, secret)
    }

    /// Replaces the scopes a client is registered for.
    ///
    /// # Errors
    /// No such client is registered.
    pub fn set_client_scopes(&self, client_id: &str, scopes: &[&str]) -> Result<(), UnknownClient> {
        self.site.provider.realm().clients().set_scopes(client_id, scopes)
    }

    /// Stops listening, lets running requests end, closes hanging ones, and waits for all of that.
    pub async fn shutdown(self) {
        self.site.stop.cancel();
        self.site.tasks.close();
        self.site.tasks.wait().await;
    }
}
