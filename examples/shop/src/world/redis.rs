//! Redis: a real server on a free port, or a stand-in where none is installed.

mod process;
mod stand_in;

use std::io;

use self::process::Process;
use self::stand_in::StandIn;
use super::Health;

/// A Redis of our own. It ends with this value.
#[derive(Debug)]
pub struct Redis(Kind);

#[derive(Debug)]
enum Kind {
    Process(Process),
    StandIn(StandIn),
}

impl Redis {
    /// Starts `redis-server` or `valkey-server`, or the stand-in if none is installed.
    ///
    /// # Errors
    ///
    /// If there is no port, or the server does not answer.
    pub async fn start() -> io::Result<Self> {
        match Process::start().await? {
            Some(process) => Ok(Self(Kind::Process(process))),
            None => Self::stand_in().await.map(|(redis, _)| redis),
        }
    }

    /// Starts the stand-in, which can be made to fail.
    ///
    /// # Errors
    ///
    /// If there is no port.
    pub async fn stand_in() -> io::Result<(Self, Health)> {
        let health = Health::default();
        let stand_in = StandIn::start(health.clone()).await?;
        Ok((Self(Kind::StandIn(stand_in)), health))
    }

    /// Whether it is a real server.
    #[must_use]
    pub fn is_real(&self) -> bool {
        matches!(self.0, Kind::Process(_))
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> String {
        let port = match &self.0 {
            Kind::Process(process) => process.port,
            Kind::StandIn(stand_in) => stand_in.port,
        };
        format!("redis://127.0.0.1:{port}")
    }

    /// What it is.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match &self.0 {
            Kind::Process(process) => process.binary,
            Kind::StandIn(_) => "a stand-in for redis-server",
        }
    }
}
