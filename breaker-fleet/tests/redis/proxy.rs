//! A proxy between members and the server that spoils what passes.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::time::sleep;

/// What happens to the answers of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spoils {
    Nothing,
    /// Each piece comes this much later.
    Delays(Duration),
    /// Connections are closed as soon as they are made.
    Cuts,
    /// Of each piece, only the first half arrives.
    Halves,
    /// Of each piece, every third byte is another.
    Garbles,
    /// Each piece is replaced by this.
    Says(&'static [u8]),
}

pub(crate) struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    spoils: Mutex<Spoils>,
    cut: Notify,
}

impl Proxy {
    pub(crate) async fn before(port: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Shared { spoils: Mutex::new(Spoils::Nothing), cut: Notify::new() };
        let shared = Arc::new(shared);
        let heard = Arc::clone(&shared);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass(client, port, Arc::clone(&heard)));
            }
        });
        Self { address, shared }
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://{}/", self.address)
    }

    /// Spoils what passes from now on.
    pub(crate) fn now(&self, spoils: Spoils) {
        *self.shared.spoils.lock().unwrap() = spoils;
        if spoils == Spoils::Cuts {
            self.shared.cut.notify_waiters();
        }
    }
}

async fn pass(client: TcpStream, port: u16, shared: Arc<Shared>) {
    let cut = shared.cut.notified();
    if *shared.spoils.lock().unwrap() == Spoils::Cuts {
        return;
    }
    let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await else { return };
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let asks = async { tokio::io::copy(&mut from_client, &mut to_server).await.map(drop) };
    let answers = async {
        let mut piece = vec![0; 65_536];
        loop {
            let length = from_server.read(&mut piece).await?;
            if length == 0 {
                return Ok::<_, std::io::Error>(());
            }
            let spoils = *shared.spoils.lock().unwrap();
            let answer = spoil(&mut piece[..length], spoils).await;
            to_client.write_all(answer).await?;
        }
    };
    tokio::select! {
        _ = asks => {}
        _ = answers => {}
        () = cut => {}
    }
}

async fn spoil(piece: &mut [u8], spoils: Spoils) -> &[u8] {
    let length = piece.len();
    match spoils {
        Spoils::Nothing | Spoils::Cuts => piece,
        Spoils::Delays(by) => {
            sleep(by).await;
            piece
        }
        Spoils::Halves => &piece[..length / 2],
        Spoils::Garbles => {
            piece.iter_mut().step_by(3).for_each(|byte| *byte = fastrand::u8(..));
            piece
        }
        Spoils::Says(this) => this,
    }
}
