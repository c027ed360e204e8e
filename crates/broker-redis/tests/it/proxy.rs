//! A way to the server that can fall silent, as after a failover that resets nothing.

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Forwards connections as long as it lives.
pub(crate) struct Proxy {
    port: u16,
    silenced: watch::Sender<()>,
    _tasks: JoinSet<()>,
}

impl Proxy {
    pub(crate) async fn before(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy_port = listener.local_addr().unwrap().port();
        let silenced = watch::Sender::new(());
        let mut tasks = JoinSet::new();
        tasks.spawn(forward(listener, port, silenced.clone()));
        Self { port: proxy_port, silenced, _tasks: tasks }
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    /// Present connections stay open and carry nothing any more; later ones work.
    pub(crate) fn silence_present_connections(&self) {
        self.silenced.send_replace(());
    }
}

async fn forward(listener: TcpListener, port: u16, silenced: watch::Sender<()>) {
    let mut connections = JoinSet::new();
    while let Ok((mut inward, _)) = listener.accept().await {
        let mut silenced = silenced.subscribe();
        connections.spawn(async move {
            let mut outward = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
            tokio::select! {
                _ = copy_bidirectional(&mut inward, &mut outward) => {}
                _ = silenced.changed() => std::future::pending().await,
            }
        });
    }
}
