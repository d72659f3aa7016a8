//! Polls the circuits once a second, and at once when one changes.
//!
//! *Why it exists:* a page shows rates, charts and what happened before it was opened. So something has to
//! poll all the time. It is one task for any number of pages. It only reads snapshots, and gets no event per
//! call.

mod history;
mod log;
mod rank;
mod sentence;

use std::collections::VecDeque;
use std::fmt;
use std::future::pending;
use std::hash::{BuildHasher as _, RandomState};
use std::pin::pin;
use std::process;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use breaker_runtime::{
    Event, FleetStatus, FleetView, Lease, Mode, ModeOverride, Snapshot, State, Subscription,
    TripReason, registry,
};
use bytes::Bytes;
use serde::Serialize;
use tokio::runtime::Handle;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use self::history::Histories;
pub(crate) use self::history::{History, Lines};
pub(crate) use self::log::{Control, Entry, MOST_AT_ONCE};
use self::log::{Log, What};
pub(crate) use self::rank::{Place, sort_by_rank};
pub(crate) use self::sentence::sentence;
use crate::access::{Access, IsTrusted, fleet_shown_to, public_circuits};
use crate::answer::write_list;
use crate::shutdown::Shutdown;

/// The polling interval.
const SECOND: Duration = Duration::from_secs(1);
/// The shortest time between two polls.
const SHORTEST: Duration = Duration::from_millis(100);
/// The maximum number of events that wait for a poll. Beyond it the newest are kept, because they say what is
/// true now, and the others are only counted.
const MOST_EVENTS: usize = 1_024;
/// The maximum number of refused settings in every answer, and the maximum length of each in characters.
const MOST_MISTAKES: usize = 20;
const LONGEST_MISTAKE: usize = 400;
/// The number of log entries in every answer.
pub(crate) const LATEST: usize = 20;

/// What is known beyond the circuits themselves.
pub(crate) struct Watch {
    began: Instant,
    /// Identifies one start of a dashboard. Times and numbers of two starts cannot be compared.
    boot: String,
    news: Arc<News>,
    seen: Mutex<Seen>,
    frames: watch::Sender<Bytes>,
    /// The last snapshot that was sent, and its time.
    picture: Mutex<(Option<Instant>, Bytes)>,
    task: Mutex<Option<JoinHandle<()>>>,
    /// Who may switch circuits, if anyone. Pages ask for it.
    access: Option<Arc<Access>>,
    pub(crate) shutdown: Shutdown,
    _subscription: Subscription,
}

#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) histories: Histories,
    pub(crate) log: Log,
}

/// Events from the threads that caused them.
#[derive(Debug, Default)]
struct News {
    waiting: Mutex<Waiting>,
    came: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    events: VecDeque<(Instant, Event)>,
    /// The number of events that made room for these.
    missed: u64,
}

impl News {
    fn hear(&self, event: &Event) {
        let mut waiting = locked(&self.waiting);
        if waiting.events.len() == MOST_EVENTS {
            waiting.events.pop_front();
            waiting.missed += 1;
        }
        waiting.events.push_back((Instant::now(), event.clone()));
        drop(waiting);
        self.came.notify_one();
    }
}

impl Watch {
    pub(crate) fn new(access: Option<Arc<Access>>, shutdown: Shutdown) -> Arc<Self> {
        let news = Arc::new(News::default());
        let heard = Arc::clone(&news);
        let watch = Arc::new(Self {
            began: Instant::now(),
            // `RandomState` is different each time, and never fails.
            boot: format!("{:016x}", RandomState::new().hash_one(process::id())),
            seen: Mutex::default(),
            frames: watch::Sender::new(Bytes::new()),
            picture: Mutex::default(),
            task: Mutex::new(None),
            access,
            shutdown,
            _subscription: registry().subscribe_to_changes(move |event| heard.hear(event)),
            news,
        });
        watch.start();
        watch
    }

    /// Starts polling, unless it has started. Outside of a runtime, the first request starts it.
    pub(crate) fn start(self: &Arc<Self>) {
        let mut task = locked(&self.task);
        let is_watched = task.as_ref().is_some_and(|task| !task.is_finished());
        if !is_watched && let Ok(runtime) = Handle::try_current() {
            let (news, shutdown) = (Arc::clone(&self.news), self.shutdown.clone());
            *task = Some(runtime.spawn(watch_until_gone(Arc::downgrade(self), news, shutdown)));
        }
    }

    pub(crate) fn seen(&self) -> MutexGuard<'_, Seen> {
        locked(&self.seen)
    }

    /// Everything that is sent to pages from now on.
    pub(crate) fn frames(&self) -> watch::Receiver<Bytes> {
        self.frames.subscribe()
    }

    /// Logs an order after the events before it, and has pages updated.
    pub(crate) fn note(&self, control: Control) {
        let mut seen = self.seen();
        self.take_news(&mut seen);
        seen.log.add(self.began.elapsed(), What::Control(control));
        drop(seen);
        self.news.came.notify_one();
    }

    fn take_news(&self, seen: &mut Seen) {
        let Waiting { events, missed } = std::mem::take(&mut *locked(&self.news.waiting));
        seen.log.skip(missed);
        for (at, event) in events {
            seen.log.add(at.saturating_duration_since(self.began), event.into());
        }
    }

    fn look(&self) {
        let mut circuits = public_circuits();
        let mut seen = self.seen();
        self.take_news(&mut seen);
        seen.histories.note(self.began.elapsed().as_secs(), &circuits);
        drop(seen);
        if self.frames.receiver_count() > 0 {
            sort_by_rank(&mut circuits);
            self.frames.send_replace(self.draw(&circuits));
        }
    }

    /// The snapshot for a new client. It is no older than the last one that was sent may be.
    pub(crate) fn picture(&self) -> Bytes {
        let (drawn, picture) = locked(&self.picture).clone();
        if drawn.is_some_and(|drawn| drawn.elapsed() < SHORTEST) {
            return picture;
        }
        let mut circuits = public_circuits();
        sort_by_rank(&mut circuits);
        self.draw(&circuits)
    }

    /// All circuits, sorted by rank, as an event of the stream.
    fn draw(&self, circuits: &[Snapshot]) -> Bytes {
        let seen = self.seen();
        let now = Instant::now();
        let rows = circuits.iter().map(|circuit| Row::of(circuit, &seen));
        let log = seen.log.last(LATEST);
        let written = write_list("circuits", rows, |shown| Frame {
            header: self.header(&seen, IsTrusted(false)),
            shown,
            total: circuits.len(),
            log_from: seen.log.first_of(&log),
            log,
        });
        drop(seen);
        // Our JSON has no line breaks.
        let picture =
            Bytes::from([b"event: snapshot\ndata: ", written.as_slice(), b"\n\n"].concat());
        *locked(&self.picture) = (Some(now), picture.clone());
        picture
    }

    /// The fields of every answer.
    pub(crate) fn header(&self, seen: &Seen, trust: IsTrusted) -> Header {
        Header {
            version: env!("CARGO_PKG_VERSION"),
            boot: self.boot.clone(),
            uptime: self.began.elapsed().as_secs_f64(),
            second: seen.histories.second(),
            controls: self.access.is_some(),
            wrong_tokens: self.access.as_ref().map_or(0, |access| access.wrong_tokens()),
            refused: shortened(registry().refused(), MOST_MISTAKES, LONGEST_MISTAKE),
            fleet: fleet_shown_to(trust),
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some(task) = locked(&self.task).take() {
            task.abort();
        }
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("access", &self.access).finish_non_exhaustive()
    }
}

async fn watch_until_gone(watch: Weak<Watch>, news: Arc<News>, shutdown: Shutdown) {
    // A signal is only polled while a task waits for it. Between two streams, that is this task.
    let mut listening = pin!(async {
        shutdown.begun().await;
        pending::<()>().await;
    });
    let mut seconds = interval(SECOND);
    seconds.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            _ = seconds.tick() => {}
            () = news.came.notified() => {}
            () = &mut listening => {}
        }
        let Some(watch) = watch.upgrade() else { return };
        watch.look();
        drop(watch);
        sleep(SHORTEST).await;
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Keeps `most` mistakes, and cuts each to `longest` characters. The last line counts the others.
fn shortened(mut mistakes: Vec<String>, most: usize, longest: usize) -> Vec<String> {
    let more = mistakes.len().saturating_sub(most);
    mistakes.truncate(most);
    for mistake in &mut mistakes {
        if let Some((end, _)) = mistake.char_indices().nth(longest) {
            mistake.truncate(end);
            mistake.push('…');
        }
    }
    mistakes.extend((more > 0).then(|| format!("and {more} more")));
    mistakes
}

/// The fields of every answer.
#[derive(Debug, Serialize)]
pub(crate) struct Header {
    version: &'static str,
    boot: String,
    uptime: f64,
    second: u64,
    controls: bool,
    wrong_tokens: u64,
    refused: Vec<String>,
    fleet: Option<FleetStatus>,
}

#[derive(Serialize)]
struct Frame {
    #[serde(flatten)]
    header: Header,
    shown: usize,
    total: usize,
    log_from: u64,
    log: Vec<Entry>,
}

/// What a page needs of a circuit every second. It asks for the rest.
#[derive(Serialize)]
struct Row<'a> {
    name: &'a str,
    state: State,
    mode: Mode,
    since: f64,
    retry_after: Option<f64>,
    probe_due: bool,
    recovering_share: Option<f64>,
    explanation: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    sentence: Option<String>,
    failure_rate: Option<f64>,
    failure_limit: Option<f64>,
    slow_call_rate: Option<f64>,
    slow_call_limit: Option<f64>,
    consecutive_failures: u32,
    failure_threshold: Option<u32>,
    window_calls: u32,
    minimum_calls: u32,
    in_flight: u64,
    started: u64,
    failed: u64,
    rejected: u64,
    would_reject: u64,
    per_second: f64,
    r#override: Option<&'a ModeOverride>,
    overridden: usize,
    fleet: Option<&'a FleetView>,
    lease: Option<Lease>,
    vetoed: Option<TripReason>,
    point: [u64; 3],
}

impl<'a> Row<'a> {
    fn of(circuit: &'a Snapshot, seen: &Seen) -> Self {
        let settings = circuit.config.settings();
        let history = seen.histories.of(&circuit.name);
        Self {
            name: &circuit.name,
            state: circuit.state,
            mode: circuit.mode,
            since: circuit.since.as_secs_f64(),
            retry_after: circuit.retry_after.map(|left| left.as_secs_f64()),
            probe_due: circuit.probe_due,
            recovering_share: circuit.recovering_share,
            explanation: circuit.explain(),
            sentence: sentence(circuit),
            failure_rate: circuit.failure_rate,
            failure_limit: settings.failure_rate,
            slow_call_rate: circuit.slow_call_rate,
            slow_call_limit: settings.slow_call_rate,
            consecutive_failures: circuit.consecutive_failures,
            failure_threshold: settings.failure_threshold,
            window_calls: circuit.window_calls,
            minimum_calls: settings.minimum_calls,
            in_flight: circuit.in_flight,
            started: circuit.calls.started,
            failed: circuit.calls.failure,
            rejected: circuit.rejected.total(),
            would_reject: circuit.would_reject.total(),
            per_second: history.map_or(0.0, History::per_second),
            r#override: circuit.mode_override.as_ref(),
            overridden: circuit.overrides.len(),
            fleet: circuit.fleet.as_ref(),
            lease: circuit.lease,
            vetoed: circuit.vetoed,
            point: history.map_or([0; 3], |history| history.last().as_array()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_are_few_and_short_enough_for_a_page() {
        let short = vec!["breaker.toml:3: a mistake".to_owned()];
        assert_eq!(shortened(short.clone(), 20, 400), short);
        let long = shortened(vec!["ü".repeat(1_000); 30], 20, 400);
        assert_eq!((long.len(), long[20].as_str()), (21, "and 10 more"));
        assert_eq!(long[0], format!("{}…", "ü".repeat(400)));
    }
}
