//! The task of a fleet: one per process. It sends what circuits wish, asks what changed, and keeps time.

#[cfg(feature = "tracing")]
mod log;
#[cfg(not(feature = "tracing"))]
#[path = "task/no_log.rs"]
mod log;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use breaker_runtime::ConfigErrors;
use tokio::time::{Instant, sleep_until, timeout};

use crate::engine::{Ask, Beat, Engine, EngineError, Leased, What, Word};
use crate::fleet::{Shared, away, unsure};
use crate::inbox::{ENDED, Order, Wish, merge};
use crate::member::{BEAT, GONE, Member};

/// The longest that the engine may take to answer.
pub(crate) const ANSWER: Duration = Duration::from_millis(400);
/// The same if it has to be connected first. Nobody waits for that.
const CONNECT: Duration = Duration::from_secs(2);
/// Reports are asked for no more often than this, however much changes.
const LEAST_PAUSE: Duration = Duration::from_millis(5);
/// Members hear of a change at the same time, and their cooldowns end at the same time. Before it asks, each waits for
/// up to this long for each live member. So all of them ask at most 10,000 times a second. An engine that is asked
/// more answers some of them too late.
const SHARE: Duration = Duration::from_micros(100);
/// The pauses between attempts to connect.
pub(crate) const SHORTEST_RETRY: Duration = Duration::from_millis(100);
pub(crate) const LONGEST_RETRY: Duration = Duration::from_secs(5);
/// The most words in one message.
const MOST_WORDS: usize = 100;

/// Runs until the fleet is dropped. Readers learn of its end in every case.
pub(crate) fn run<E: Engine>(
    engine: E,
    member: Member,
    shared: Arc<Shared>,
) -> impl Future<Output = ()> {
    let now = Instant::now();
    let task = Task {
        engine,
        member,
        shared,
        began: now,
        beat_at: now,
        beaten: None,
        retry: SHORTEST_RETRY,
        is_connected: false,
        is_left: false,
        unsent: BTreeMap::new(),
        ask_at: None,
        asks: BTreeSet::new(),
        renewals: BTreeSet::new(),
        orders: VecDeque::new(),
        doubtful: None,
    };
    task.run()
}

struct Task<E: Engine> {
    engine: E,
    member: Member,
    shared: Arc<Shared>,
    began: Instant,
    beat_at: Instant,
    beaten: Option<Instant>,
    retry: Duration,
    is_connected: bool,
    is_left: bool,
    /// The wishes that could not be sent so far.
    unsent: BTreeMap<String, Wish>,
    /// When to ask for leases, and for which circuits.
    ask_at: Option<Instant>,
    asks: BTreeSet<String>,
    /// The circuits whose lease is to be renewed.
    renewals: BTreeSet<String>,
    orders: VecDeque<Order>,
    /// One that was sent. No answer came.
    doubtful: Option<Order>,
}

impl<E: Engine> Drop for Task<E> {
    /// Also if something in it panicked, or if its runtime is gone.
    fn drop(&mut self) {
        let ended = EngineError::new(ENDED);
        if !std::thread::panicking() {
            self.member.lose_connection();
        }
        let is_news = self.shared.show_lost(&ended);
        if is_news && !self.is_left {
            log::lost(&self.shared, &ended);
        }
        self.orders.extend(self.shared.inbox.close());
        self.answer_orders(&ended);
        self.shared.joined.notify_one();
        self.shared.ended.notify_one();
    }
}

impl<E: Engine> Task<E> {
    async fn run(mut self) {
        let shared = Arc::clone(&self.shared);
        loop {
            tokio::select! {
                biased;
                // A verb that is dropped is one that takes too long.
                () = shared.stop.notified() => break,
                () = self.turn() => {}
            }
        }
        self.leave().await;
    }

    async fn turn(&mut self) {
        self.wait().await;
        if let Err(error) = self.step().await {
            self.disconnect(&error);
        }
    }

    /// Waits until there is something to do.
    async fn wait(&mut self) {
        let Self { engine, member, shared, began, beat_at, is_connected, .. } = self;
        let renew_at = member.next_renewal().map(|at| *began + at);
        let is_left_over = *is_connected && !(self.unsent.is_empty() && self.renewals.is_empty());
        let go_on_at = is_left_over.then(Instant::now);
        let times = [renew_at, self.ask_at, go_on_at].into_iter().flatten();
        let wake_at = times.fold(*beat_at, Instant::min);
        tokio::select! {
            biased;
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
    }

    async fn step(&mut self) -> Result<(), EngineError> {
        if !self.is_connected {
            // The truth first: what waits may be out of date by it.
            self.beat().await?;
        }
        self.give_orders().await?;
        self.send_wishes().await?;
        self.renew_leases().await?;
        self.ask_for_leases().await?;
        if self.must_beat() {
            self.beat().await?;
        }
        self.shared.show(&self.member, self.now());
        if !self.is_connected {
            self.is_connected = true;
            self.retry = SHORTEST_RETRY;
            self.shared.show_connected();
            self.shared.joined.notify_one();
            log::connected(&self.shared);
        }
        Ok(())
    }

    /// Everything else waits then: without beats, the others would count this member as dead.
    fn must_beat(&self) -> bool {
        Instant::now() >= self.beat_at
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
        // Members that began together must not ask together.
        let pause = BEAT.mul_f64(0.9 + 0.2 * fastrand::f64());
        self.beaten = Some(Instant::now());
        self.beat_at = Instant::now() + pause;
        Ok(())
    }

    async fn give_orders(&mut self) -> Result<(), EngineError> {
        self.orders.extend(self.shared.inbox.take_orders());
        while let Some(order) = self.orders.pop_front() {
            let Order { circuit, what, limit, by, .. } = &order;
            let what = What::Order { what: what.clone(), lasts: *limit, by: by.clone() };
            let word = self.member.word(circuit, what);
            if let Err(error) = self.tell(&[word]).await {
                self.doubtful = Some(order);
                return Err(error);
            }
            self.answer_order(order, Ok(()));
        }
        Ok(())
    }

    fn answer_order(&self, order: Order, told: Result<(), ConfigErrors>) {
        if let Err(Err(errors)) = order.sent.send(told) {
            // Nobody waits for the answer: it came from the dashboard.
            log::order(&self.shared, &order.circuit, &errors);
        }
    }

    async fn send_wishes(&mut self) -> Result<(), EngineError> {
        merge(&mut self.unsent, self.shared.inbox.take());
        while !self.unsent.is_empty() {
            let some: Vec<_> = self.unsent.iter().take(MOST_WORDS).collect();
            let says =
                |(circuit, wish): &(&String, &Wish)| self.member.say(circuit, wish.happened?);
            let words: Vec<_> = some.iter().filter_map(says).collect();
            let circuits: Vec<_> = some.iter().map(|(circuit, _)| (*circuit).clone()).collect();
            self.tell(&words).await?;
            for circuit in circuits {
                let sent = self.unsent.remove(&circuit);
                if sent.is_some_and(|wish| wish.wants_probe) {
                    self.asks.insert(circuit);
                }
            }
            if self.must_beat() {
                break;
            }
        }
        Ok(())
    }

    async fn renew_leases(&mut self) -> Result<(), EngineError> {
        self.renewals.extend(self.member.leases_to_renew(self.now()));
        while !self.must_beat()
            && let Some(circuit) = self.renewals.pop_first()
        {
            self.ask(&circuit).await?;
        }
        Ok(())
    }

    async fn ask_for_leases(&mut self) -> Result<(), EngineError> {
        if self.asks.is_empty() {
            return Ok(());
        }
        let spread = share(&self.member).mul_f64(fastrand::f64());
        let ask_at = *self.ask_at.get_or_insert_with(|| Instant::now() + spread);
        while Instant::now() >= ask_at && !self.must_beat() {
            let Some(circuit) = self.asks.pop_first() else {
                self.ask_at = None;
                break;
            };
            self.ask(&circuit).await?;
        }
        Ok(())
    }

    async fn tell(&self, words: &[Word]) -> Result<(), EngineError> {
        for words in words.chunks(MOST_WORDS) {
            answer(self.engine.tell(words)).await?;
        }
        Ok(())
    }

    /// Asks for the lease to probe.
    async fn ask(&mut self, circuit: &str) -> Result<(), EngineError> {
        let Some(lasts) = self.member.lease_for(circuit) else { return Ok(()) };
        let asked = self.now();
        let ask = Ask { member: self.member.id(), circuit, lasts };
        let leased = answer(self.engine.lease(ask)).await?;
        if leased == Leased::Unneeded {
            // Its circuit waits until it knows why.
            self.beat_at = Instant::now();
        }
        self.member.take_lease(circuit, lasts, leased, asked, self.now());
        Ok(())
    }

    fn disconnect(&mut self, error: &EngineError) {
        self.is_connected = false;
        self.member.lose_connection();
        (self.ask_at, self.asks, self.renewals) = Default::default();
        merge(&mut self.unsent, self.shared.inbox.take());
        // Circuits that are gone are dropped, so this does not grow without bound.
        self.unsent.retain(|circuit, wish| {
            wish.wants_probe = false;
            wish.happened.is_some() && self.member.has(circuit)
        });
        if self.shared.show_lost(error) {
            log::lost(&self.shared, error);
        }
        self.orders.extend(self.shared.inbox.take_orders());
        self.answer_orders(error);
        let retry = self.retry + share(&self.member);
        self.beat_at = Instant::now() + retry.mul_f64(0.5 + 0.5 * fastrand::f64());
        self.retry = (self.retry * 2).min(LONGEST_RETRY);
    }

    /// Fails the orders that wait. They must not take effect after their callers got the error.
    fn answer_orders(&mut self, error: &EngineError) {
        if let Some(order) = self.doubtful.take() {
            self.answer_order(order, unsure(error));
        }
        while let Some(order) = self.orders.pop_front() {
            self.answer_order(order, away(error));
        }
    }

    /// Says goodbye, so that the others need not wait for three beats or for a lease to end.
    async fn leave(mut self) {
        self.is_left = true;
        let leases = self.member.leases(self.now());
        self.member.lose_connection();
        if self.is_connected {
            let words = leases.iter().map(|circuit| self.member.word(circuit, What::Withdraw));
            let _ = self.tell(&words.collect::<Vec<_>>()).await;
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
