//! The connections of a server, and which of them makes room for a new one.
//!
//! *Why it exists:* a client that connects and sends nothing holds a place. If all places are taken, such
//! clients would keep everyone else out, including health checks.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use tokio::sync::Notify;
use tokio::task::{AbortHandle, JoinSet};

/// The maximum number of connections. More wait to be accepted.
const MOST_CONNECTIONS: usize = 512;

/// It has not sent a whole request yet.
const SILENT: u8 = 0;
/// A response is on its way.
const ANSWERING: u8 = 1;
/// Its last response is sent.
const RESTING: u8 = 2;

/// What a connection is doing.
#[derive(Clone, Debug)]
pub(crate) struct Phase {
    now: Arc<AtomicU8>,
    rested: Arc<Notify>,
}

impl Phase {
    /// A request has arrived. The connection keeps its place until the response is dropped.
    pub(crate) fn answering(&self) -> Answering {
        self.now.store(ANSWERING, Ordering::Relaxed);
        Answering(self.clone())
    }

    fn is(&self, phase: u8) -> bool {
        self.now.load(Ordering::Relaxed) == phase
    }
}

/// Held while a response is on its way.
#[derive(Debug)]
pub(crate) struct Answering(Phase);

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.now.store(RESTING, Ordering::Relaxed);
        self.0.rested.notify_one();
    }
}

/// All connections, oldest first. Dropping this ends them.
#[derive(Debug, Default)]
pub(crate) struct Connections {
    tasks: JoinSet<()>,
    open: VecDeque<(Phase, AbortHandle)>,
    rested: Arc<Notify>,
}

impl Connections {
    /// Runs a connection once there is room for it.
    pub(crate) async fn add<C>(&mut self, connection: impl FnOnce(Phase) -> C)
    where
        C: Future<Output = ()> + Send + 'static,
    {
        self.make_room().await;
        let phase =
            Phase { now: Arc::new(AtomicU8::new(SILENT)), rested: Arc::clone(&self.rested) };
        let task = self.tasks.spawn(connection(phase.clone()));
        self.open.push_back((phase, task));
    }

    /// Ends the oldest connection that has sent no request, or else the oldest idle one. If all have a
    /// response on its way, waits for one of them.
    async fn make_room(&mut self) {
        loop {
            while self.tasks.try_join_next().is_some() {}
            self.open.retain(|(_, task)| !task.is_finished());
            if self.tasks.len() < MOST_CONNECTIONS {
                return;
            }
            let oldest = |phase| self.open.iter().find(move |(its, _)| its.is(phase));
            if let Some((_, task)) = oldest(SILENT).or_else(|| oldest(RESTING)) {
                task.abort();
                self.tasks.join_next().await;
            } else {
                tokio::select! {
                    _ = self.tasks.join_next() => {}
                    () = self.rested.notified() => {}
                }
            }
        }
    }

    /// Waits until all have ended.
    pub(crate) async fn ended(&mut self) {
        while self.tasks.join_next().await.is_some() {}
    }
}
