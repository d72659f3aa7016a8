//! A dependency that counts who calls it, and that can die.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};

use crate::process::since_1970;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Health {
    Well,
    /// It takes calls, and ends them without an answer.
    Dead,
    /// It takes calls, and does not answer.
    Hangs,
}

pub(crate) struct Dependency {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    health: Mutex<Health>,
    callers: Mutex<Vec<(String, Duration)>>,
    hanging: Mutex<Vec<String>>,
}

impl Dependency {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            health: Mutex::new(Health::Well),
            callers: Mutex::default(),
            hanging: Mutex::default(),
        });
        let heard = Arc::clone(&shared);
        tokio::spawn(async move {
            while let Ok((caller, _)) = listener.accept().await {
                tokio::spawn(answer(caller, Arc::clone(&heard)));
            }
        });
        Self { address, shared }
    }

    pub(crate) fn is_now(&self, health: Health) {
        *self.shared.health.lock().unwrap() = health;
    }

    /// Who called since this was last asked, and when, in that order.
    pub(crate) fn callers(&self) -> Vec<(String, Duration)> {
        std::mem::take(&mut self.shared.callers.lock().unwrap())
    }

    /// Who has called and gets no answer, in that order.
    pub(crate) fn hanging(&self) -> Vec<String> {
        self.shared.hanging.lock().unwrap().clone()
    }
}

async fn answer(mut caller: TcpStream, shared: Arc<Shared>) {
    let mut name = [0; 8];
    if caller.read_exact(&mut name).await.is_err() {
        return;
    }
    let health = *shared.health.lock().unwrap();
    let name = String::from_utf8_lossy(&name).trim_end().to_owned();
    shared.callers.lock().unwrap().push((name.clone(), since_1970()));
    match health {
        Health::Well => drop(caller.write_all(b"+").await),
        Health::Dead => {}
        Health::Hangs => {
            shared.hanging.lock().unwrap().push(name);
            sleep(Duration::from_secs(60)).await;
        }
    }
}

/// Calls the dependency as that caller. Returns whether it answered.
pub(crate) async fn call(address: &str, name: &str) -> bool {
    let called = async {
        let mut dependency = TcpStream::connect(address).await?;
        dependency.write_all(format!("{name:<8}").as_bytes()).await?;
        dependency.read_u8().await
    };
    timeout(Duration::from_secs(30), called).await.is_ok_and(|answer| answer.is_ok())
}
