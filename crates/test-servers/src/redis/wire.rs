//! As much of Redis' protocol as two commands need. The driver has its one door in `broker-redis`.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use url::Url;

const PATIENCE: Duration = Duration::from_secs(10);

/// A connection for simple commands.
pub(super) struct Connection {
    stream: BufReader<TcpStream>,
}

impl Connection {
    /// Connects, and authenticates when the URL has a password.
    pub(super) fn open(url: &str) -> Result<Self> {
        let url = Url::parse(url).context("its URL is none")?;
        ensure!(url.scheme() == "redis", "its URL must begin with redis://");
        let host = url.host_str().context("its URL names no host")?.trim_matches(['[', ']']);
        let mut connection = Self::to(host, url.port().unwrap_or(6379))?;
        match (url.username(), url.password()) {
            (_, None) => {}
            ("", Some(password)) => drop(connection.ask(&["AUTH", password])?),
            (user, Some(password)) => drop(connection.ask(&["AUTH", user, password])?),
        }
        let database = url.path().trim_matches('/');
        if !database.is_empty() {
            connection.ask(&["SELECT", database])?;
        }
        Ok(connection)
    }

    fn to(host: &str, port: u16) -> Result<Self> {
        // A name may have more addresses than the server listens on.
        let addresses = (host, port).to_socket_addrs().context("cannot find its host")?;
        let mut streams = addresses.filter_map(|address| TcpStream::connect_timeout(&address, PATIENCE).ok());
        let stream = streams.next().context("cannot connect")?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { stream: BufReader::new(stream) })
    }

    /// Sends one command and answers its text.
    pub(super) fn ask(&mut self, words: &[&str]) -> Result<String> {
        let mut command = format!("*{}\r\n", words.len());
        for word in words {
            command.push_str(&format!("${}\r\n{word}\r\n", word.len()));
        }
        self.stream.get_mut().write_all(command.as_bytes()).context("it takes no commands")?;
        self.answer().context("it does not answer")
    }

    fn answer(&mut self) -> Result<String> {
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        let line = line.trim_end();
        match line.split_at_checked(1) {
            Some(("+" | ":", text)) => Ok(text.to_owned()),
            Some(("$", length)) => self.bulk(length.parse().context("an unknown answer")?),
            Some(("-", error)) => bail!("it says {error}"),
            _ => bail!("an unknown answer"),
        }
    }

    fn bulk(&mut self, length: usize) -> Result<String> {
        let mut text = vec![0; length + "\r\n".len()];
        self.stream.read_exact(&mut text)?;
        text.truncate(length);
        Ok(String::from_utf8(text)?)
    }
}
