//! Answers each scrape with the healthy page of that moment, until this process ends.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result};

use super::healthy::Healthy;

/// Where it can be scraped.
pub(super) fn play(healthy: Healthy) -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").context("cannot listen on a loopback address")?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        let began = Instant::now();
        for scrape in listener.incoming().flatten() {
            // A scrape that broke is repeated a second later.
            let _ = answer(scrape, &healthy.page(began.elapsed().as_secs_f64(), now()));
        }
    });
    Ok(address)
}

fn answer(mut scrape: TcpStream, page: &str) -> std::io::Result<()> {
    let mut request = [0; 4096];
    let _ = scrape.read(&mut request)?;
    let length = page.len();
    write!(
        scrape,
        "HTTP/1.1 200 OK\r\ncontent-type: text/plain; version=0.0.4\r\ncontent-length: {length}\r\n\
         connection: close\r\n\r\n{page}"
    )
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is played to a Prometheus, which reads the machine's clock"
)]
fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}
