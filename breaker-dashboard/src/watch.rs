//! Polls the circuits once a second, and at once when one changes.
//!
//! *Why it exists:* a page shows rates, charts and what happened before it was opened. So something has to
//! poll all the time. It is one task for any number of pages. It only reads snapshots, and gets no event per
//! call.

mod bucket;
mod durations;
mod header;
mod history;
mod log;
mod mark;
mod news;
mod process;
mod rank;
mod row;
mod sentence;

use std::fmt;
use std::future::pending;
use std::hash::{BuildHasher as _, RandomState};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use breaker_runtime::{EventKind, Snapshot, Subscription, registry};
use bytes::Bytes;
use serde::Serialize;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

pub(crate) use self::durations::{Minute, Strip};
pub(crate) use self::header::Header;
use self::history::Histories;
pub(crate) use self::history::{History, Lines};
pub(crate) use self::log::{Control, Entry, MOST_AT_ONCE};
use self::log::{Log, What};
use self::mark::Mark;
use self::news::News;
pub(crate) use self::process::Label;
use self::process::Process;
pub(crate) use self::rank::{Place, Sort, placed};
use self::row::Row;
pub(crate) use self::row::would_open;
pub(crate) use self::sentence::sentence;
use crate::access::{Access, IsTrusted, public_circuits};
use crate::answer::{LONGEST_LIST, join_list};
use crate::shutdown::Shutdown;

/// The polling interval.
const SECOND: Duration = Duration::from_secs(1);
/// The shortest time between two polls.
const SHORTEST: Duration = Duration::from_millis(100);
/// The number of log entries in every answer.
pub(crate) const LATEST: usize = 20;

/// What is known beyond the circuits themselves.
pub(crate) struct Watch {
    began: Instant,
    /// Identifies one start of a dashboard. Times and numbers of two starts cannot be compared.
    boot: String,
    process: Process,
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

impl Watch {
    pub(crate) fn new(label: Label, access: Option<Arc<Access>>, shutdown: Shutdown) -> Arc<Self> {
        let news = Arc::new(News::default());
        let heard = Arc::clone(&news);
        let watch = Arc::new(Self {
            began: Instant::now(),
            // `RandomState` is different each time, and never fails.
            boot: format!("{:016x}", RandomState::new().hash_one(std::process::id())),
            process: Process::new(label),
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
        let at = self.began.elapsed();
        if control.action == "observe" {
            seen.histories.mark(&control.name, Mark::of_order(at, &control.text));
        }
        seen.log.add(at, 0, What::Control(control));
        drop(seen);
        self.news.came.notify_one();
    }

    fn take_news(&self, seen: &mut Seen) {
        let (events, missed) = self.news.take();
        seen.log.miss(missed);
        for heard in events {
            let at = heard.at.saturating_duration_since(self.began);
            if let EventKind::Transition(transition) = &heard.event.kind {
                seen.histories.pass(&heard.event.name, transition.to);
            }
            if let Some(mark) = Mark::of(at, &heard.event) {
                seen.histories.mark(&heard.event.name, mark);
            }
            seen.log.add(at, heard.folded, heard.event.into());
        }
    }

    fn look(&self) {
        let circuits = public_circuits();
        let mut seen = self.seen();
        self.take_news(&mut seen);
        seen.histories.note(self.began.elapsed().as_secs(), &circuits);
        drop(seen);
        if self.frames.receiver_count() > 0 {
            self.frames.send_replace(self.draw(circuits));
        }
    }

    /// The snapshot for a new client. It is no older than the last one that was sent may be.
    pub(crate) fn picture(&self) -> Bytes {
        let (drawn, picture) = locked(&self.picture).clone();
        if drawn.is_some_and(|drawn| drawn.elapsed() < SHORTEST) {
            return picture;
        }
        self.draw(public_circuits())
    }

    /// All circuits, the worst first, as an event of the stream.
    fn draw(&self, circuits: Vec<Snapshot>) -> Bytes {
        let seen = self.seen();
        let now = Instant::now();
        let total = circuits.len();
        let circuits = placed(circuits, &seen.histories, Sort::Worst);
        let rows = circuits.iter().map(|(place, it)| Row::new(it, place.rank(), &seen.histories));
        let log = seen.log.last(LATEST);
        let written = join_list("circuits", LONGEST_LIST, rows, |shown| Frame {
            header: self.header(&seen, IsTrusted(false)),
            shown,
            total,
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

#[derive(Serialize)]
struct Frame<'a> {
    #[serde(flatten)]
    header: Header<'a>,
    shown: usize,
    total: usize,
    log_from: u64,
    log: Vec<Entry>,
}
