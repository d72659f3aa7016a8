//! A real server, in a process of its own.

use std::env;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

const BINARIES: [&str; 2] = ["redis-server", "valkey-server"];
/// Far longer than it takes to start.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    pub(super) binary: &'static str,
    pub(super) port: u16,
}

impl Process {
    /// `None` if there is no such program.
    pub(super) async fn start() -> io::Result<Option<Self>> {
        for binary in BINARIES {
            match Self::spawn(binary) {
                Ok(process) => return process.answers().await.map(Some),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    fn spawn(binary: &'static str) -> io::Result<Self> {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let child = Command::new(binary)
            .args(["--bind", "127.0.0.1", "--port", &port.to_string()])
            .args(["--save", "", "--appendonly", "no"])
            .current_dir(env::temp_dir())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()?;
        Ok(Self { child, binary, port })
    }

    async fn answers(self) -> io::Result<Self> {
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).await.is_err() {
            if Instant::now() > deadline {
                return Err(io::Error::other(format!("{} does not answer", self.binary)));
            }
            sleep(Duration::from_millis(10)).await;
        }
        Ok(self)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
