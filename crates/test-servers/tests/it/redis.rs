//! Redis: one of one's own, and parts of a shared one.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use test_servers::{PrivateRedis, RedisOptions, redis, redis_database};

struct Client(BufReader<TcpStream>);

impl Client {
    fn connect(url: &str) -> io::Result<Self> {
        let address = url.strip_prefix("redis://").unwrap().split('/').next().unwrap();
        TcpStream::connect(address).map(|stream| Self(BufReader::new(stream)))
    }

    /// The first line of the answer.
    fn ask(&mut self, command: &str) -> io::Result<String> {
        writeln!(self.0.get_mut(), "{command}\r")?;
        self.answer()
    }

    fn answer(&mut self) -> io::Result<String> {
        let mut line = String::new();
        match self.0.read_line(&mut line)? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(line.trim().to_owned()),
        }
    }
}

#[tokio::test]
async fn a_killed_redis_refuses_and_comes_back_empty() {
    let redis = PrivateRedis::start(RedisOptions::default()).await;
    let mut client = Client::connect(redis.url()).unwrap();
    assert_eq!(client.ask("SET mine 1").unwrap(), "+OK");
    redis.kill().await;
    assert!(client.ask("PING").is_err());
    assert!(Client::connect(redis.url()).and_then(|mut client| client.ask("PING")).is_err());
    redis.start_again().await;
    assert_eq!(Client::connect(redis.url()).unwrap().ask("EXISTS mine").unwrap(), ":0");
}

#[tokio::test]
async fn a_paused_redis_answers_only_after_it_was_resumed() {
    let redis = PrivateRedis::start(RedisOptions::default()).await;
    let mut client = Client::connect(redis.url()).unwrap();
    client.0.get_ref().set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    redis.pause().await;
    assert!(client.ask("PING").is_err());
    client.0.get_ref().set_read_timeout(None).unwrap();
    redis.resume().await;
    assert_eq!(client.answer().unwrap(), "+PONG");
}

#[tokio::test]
async fn arguments_reach_the_server() {
    let options = RedisOptions { arguments: ["--databases", "3"].map(str::to_owned).into() };
    let redis = PrivateRedis::start(options).await;
    let mut client = Client::connect(redis.url()).unwrap();
    assert_eq!(client.ask("SELECT 2").unwrap(), "+OK");
    assert!(client.ask("SELECT 3").unwrap().starts_with("-ERR"));
}

#[tokio::test]
async fn tests_share_one_server_and_leave_nothing_behind() {
    let (one, other) = (redis_database().await, redis_database().await);
    assert_eq!(one.url(), other.url());
    let mut client = Client::connect(redis().await.url()).unwrap();
    let (mine, yours) = (format!("{}key", one.prefix()), format!("{}key", other.prefix()));
    client.ask(&format!("SET {mine} 1")).unwrap();
    client.ask(&format!("SET {yours} 2")).unwrap();
    drop(one);
    assert_eq!(client.ask(&format!("EXISTS {mine}")).unwrap(), ":0");
    assert_eq!(client.ask(&format!("EXISTS {yours}")).unwrap(), ":1");
}
