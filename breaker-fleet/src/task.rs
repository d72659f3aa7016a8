//! The task of a fleet: one per process. It sends what circuits wish, asks what changed, and keeps time.

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout};

use crate::engine::{Ask, Beat, Engine, EngineError, What, Word};
use crate::fleet::Shared;
use crate::inbox::Order;
use crate::member::{BEAT, GONE, Member};

/// The longest that the engine may take to answer.
const ANSWER: Duration = Duration::from_millis(400);
/// The same if it has to be connected first. Nobody waits for that.
const CONNECT: Duration = Duration::from_secs(2);
/// Reports are asked for no more often than this, however much changes.
const LEAST_PAUSE: Duration = Duration::from_millis(5);
/// Members hear of a change at the same time, and their cooldowns end at the same time. Each waits for up to this long
/// for each live member before it asks, so all of them ask at most 10,000 times a second. An engine that is asked more
/// answers some of them too late.
const SHARE: Duration = Duration::from_micros(100);
/// The pauses between attempts to connect.
const SHORTEST_RETRY: Duration = Duration::from_millis(100);
const LONGEST_RETRY: Duration = Duration::from_secs(5);
/// The most words in one message.
const MOST_WORDS: usize = 100;

/// Runs until the fleet is dropped.
pub(crate) async fn run<E: Engine>(engine: E, member: Member, shared: Arc<Shared>) {
    let now = Instant::now();
    let mut task = Task {
        engine,
        member,
        shared,
        began: now,
        beat_at: now,
        beaten: None,
        retry: SHORTEST_RETRY,
        is_connected: false,
        ask_at: None,
        asks: BTreeSet::new(),
    };
    while task.wait().await {
        if let Err(error) = task.step().await {
            task.disconnect(&error);
        }
    }
    task.leave().await;
}

struct Task<E> {
    engine: E,
    member: Member,
    shared: Arc<Shared>,
    began: Instant,
    beat_at: Instant,
    beaten: Option<Instant>,
    retry: Duration,
    is_connected: bool,
    /// When to ask for leave to probe, and for which circuits.
    ask_at: Option<Instant>,
    asks: BTreeSet<String>,
}

impl<E: Engine> Task<E> {
    /// Waits until there is something to do. Returns false if the fleet was dropped.
    async fn wait(&mut self) -> bool {
        let Self { engine, member, shared, began, beat_at, is_connected, .. } = self;
        let renew_at = member.next_renewal().map(|at| *began + at);
        let wake_at = [renew_at, self.ask_at].into_iter().flatten().fold(*beat_at, Instant::min);
        tokio::select! {
            biased;
            () = shared.stop.notified() => return false,
            () = shared.inbox.filled(), if *is_connected => {}
            () = engine.changed(), if *is_connected => {
                // Many changes come at once when a dependency dies.
                let pause = LEAST_PAUSE.max(share(member));
                let soon = Instant::now() + share(member).mul_f64(fastrand::f64());
                let soon = self.beaten.map_or(wake_at, |beaten| soon.max(beaten + pause));
                *beat_at = soon.min(*beat_at);
            }
            () = sleep_until(wake_at) => {}
        }
        true
    }

    async fn step(&mut self) -> Result<(), EngineError> {
        if !self.is_connected {
            // The truth first: what waits may be out of date by it.
            self.beat().await?;
        }
        self.give_orders().await?;
        self.send_wishes().await?;
        self.ask_for_leases().await?;
        for circuit in self.member.leases_to_renew(self.now()) {
            self.ask(&circuit).await?;
        }
        if Instant::now() >= self.beat_at {
            self.beat().await?;
        }
        self.shared.show(&self.member, self.now());
        Ok(())
    }

    /// Says that this member lives, and learns what changed.
    async fn beat(&mut self) -> Result<(), EngineError> {
        let asked = self.now();
        let (life, version) = self.member.seen();
        let beat = Beat { member: self.member.id(), alive_for: GONE, life, version };
        let limit = if self.is_connected { ANSWER } else { CONNECT };
        let report = within(limit, self.engine.beat(beat)).await?;
        let news = self.member.learn(report, asked);
        self.member.advise_all(self.now());
        self.tell(&self.member.amend(&news)).await?;
        // Members that began together shall not ask together.
        let pause = BEAT.mul_f64(0.9 + 0.2 * fastrand::f64());
        self.beaten = Some(Instant::now());
        self.beat_at = Instant::now() + pause;
        if !self.is_connected {
            self.is_connected = true;
            self.retry = SHORTEST_RETRY;
            self.shared.show(&self.member, self.now());
            self.shared.joined.notify_one();
            log_connected(&self.shared);
        }
        Ok(())
    }

    async fn give_orders(&mut self) -> Result<(), EngineError> {
        let mut given = Ok(());
        for Order { circuit, what, limit, by, sent } in self.shared.inbox.take_orders() {
            if given.is_ok() {
                let word = self.member.word(&circuit, What::Order { what, lasts: limit, by });
                given = self.tell(&[word]).await;
            }
            let _ = sent.send(given.clone());
        }
        given
    }

    async fn send_wishes(&mut self) -> Result<(), EngineError> {
        let wishes = self.shared.inbox.take();
        let words: Vec<_> = wishes
            .iter()
            .filter_map(|(circuit, wish)| self.member.say(circuit, wish.happened?))
            .collect();
        let sent = self.tell(&words).await;
        if sent.is_err() {
            self.shared.inbox.put_back(wishes);
            return sent;
        }
        let wishes = wishes.into_iter().filter(|(_, wish)| wish.wants_probe);
        self.asks.extend(wishes.map(|(circuit, _)| circuit));
        Ok(())
    }

    async fn ask_for_leases(&mut self) -> Result<(), EngineError> {
        if self.asks.is_empty() {
            return Ok(());
        }
        let spread = share(&self.member).mul_f64(fastrand::f64());
        let ask_at = *self.ask_at.get_or_insert_with(|| Instant::now() + spread);
        if Instant::now() >= ask_at {
            self.ask_at = None;
            for circuit in std::mem::take(&mut self.asks) {
                self.ask(&circuit).await?;
            }
        }
        Ok(())
    }

    async fn tell(&self, words: &[Word]) -> Result<(), EngineError> {
        for words in words.chunks(MOST_WORDS) {
            answer(self.engine.tell(words)).await?;
        }
        Ok(())
    }

    /// Asks for leave to probe.
    async fn ask(&mut self, circuit: &str) -> Result<(), EngineError> {
        let Some(lasts) = self.member.lease_for(circuit) else { return Ok(()) };
        let asked = self.now();
        let ask = Ask { member: self.member.id(), circuit, lasts };
        let leased = answer(self.engine.lease(ask)).await?;
        self.member.take_lease(circuit, lasts, leased, asked, self.now());
        Ok(())
    }

    fn disconnect(&mut self, error: &EngineError) {
        self.is_connected = false;
        self.member.lose_connection();
        (self.ask_at, self.asks) = (None, BTreeSet::new());
        for Order { sent, .. } in self.shared.inbox.take_orders() {
            // Whoever gave it is waiting, and must not be surprised by it later.
            let _ = sent.send(Err(error.clone()));
        }
        if self.shared.show_lost(error) {
            log_lost(&self.shared, error);
        }
        let retry = self.retry + share(&self.member);
        self.beat_at = Instant::now() + retry.mul_f64(0.5 + 0.5 * fastrand::f64());
        self.retry = (self.retry * 2).min(LONGEST_RETRY);
    }

    /// Says goodbye, so that the others need not wait for three beats.
    async fn leave(mut self) {
        self.member.lose_connection();
        if self.is_connected {
            let beat =
                Beat { member: self.member.id(), alive_for: Duration::ZERO, life: 0, version: 0 };
            let _ = answer(self.engine.beat(beat)).await;
        }
    }

    /// The time since the fleet was joined.
    fn now(&self) -> Duration {
        self.began.elapsed()
    }
}

/// How long members of that many wait for each other.
fn share(member: &Member) -> Duration {
    (SHARE * member.members()).min(BEAT)
}

async fn answer<T>(asked: impl Future<Output = Result<T, EngineError>>) -> Result<T, EngineError> {
    within(ANSWER, asked).await
}

/// Waits for the engine, but not for long.
async fn within<T>(
    limit: Duration,
    asked: impl Future<Output = Result<T, EngineError>>,
) -> Result<T, EngineError> {
    let late = || EngineError::new(format!("no answer within {} ms", limit.as_millis()));
    timeout(limit, asked).await.unwrap_or_else(|_| Err(late()))
}

#[cfg(feature = "tracing")]
fn log_connected(shared: &Shared) {
    use breaker_runtime::Advisor as _;
    let status = shared.status();
    tracing::info!(target: "breaker", fleet = status.namespace, engine = status.engine, members = status.members, "fleet is connected");
}

#[cfg(feature = "tracing")]
fn log_lost(shared: &Shared, error: &EngineError) {
    use breaker_runtime::Advisor as _;
    let status = shared.status();
    tracing::warn!(target: "breaker", fleet = status.namespace, engine = status.engine, %error, "fleet is not connected; circuits act as if alone");
}

#[cfg(not(feature = "tracing"))]
fn log_connected(_: &Shared) {}

#[cfg(not(feature = "tracing"))]
fn log_lost(_: &Shared, _: &EngineError) {}
