//! Polls the circuits once a second, and at once when one changes.
//!
//! *Why it exists:* a page shows rates, charts and what happened before it was opened. So something has to
//! poll all the time. It is one task for any number of pages. It only reads snapshots, and gets no event per
//! call.

mod board;
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
mod shape;

use std::fmt;
use std::future::pending;
use std::hash::{BuildHasher as _, RandomState};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use breaker_runtime::{EventKind, Snapshot, Subscription, registry};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use self::board::Board;
pub(crate) use self::board::{Form, Frame, Picture};
pub(crate) use self::durations::{Minute, Strip};
pub(crate) use self::header::Header;
use self::history::Histories;
pub(crate) use self::history::{History, Lines, Span};
pub(crate) use self::log::{Control, Entry, MANY, MOST_AT_ONCE};
use self::log::{Log, What};
pub(crate) use self::mark::Mark;
use self::news::News;
pub(crate) use self::process::Label;
use self::process::Process;
pub(crate) use self::rank::{Place, Sort, placed};
pub(crate) use self::row::would_open;
pub(crate) use self::sentence::sentence;
pub(crate) use self::shape::{Shape, Stepped};
use crate::access::{Access, IsTrusted, public_circuits};
use crate::shutdown::Shutdown;

/// The polling interval.
const SECOND: Duration = Duration::from_secs(1);
/// The shortest time between two polls.
const SHORTEST: Duration = Duration::from_millis(100);
/// The longest pause after a poll. It is shorter than a second, so that none is missed.
const LONGEST: Duration = Duration::from_millis(500);
/// The bytes of events, before they are compressed, that make the pause a second longer. When very many circuits change
/// all the time, pages get fewer and larger events: some 40 KB a second.
const BYTES_PER_SECOND: f64 = 360e3;
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
    frames: watch::Sender<Arc<Frame>>,
    board: Mutex<Board>,
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
            frames: watch::Sender::new(Arc::default()),
            board: Mutex::default(),
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
    pub(crate) fn frames(&self) -> watch::Receiver<Arc<Frame>> {
        self.frames.subscribe()
    }

    /// Logs an order after the events before it, and has pages updated. Returns its number.
    pub(crate) fn note(&self, control: Control) -> u64 {
        let mut seen = self.seen();
        self.take_news(&mut seen);
        let at = self.began.elapsed();
        if control.action == "observe" {
            for name in control.names.iter().chain([&control.name]) {
                seen.histories.mark(name, Mark::of_order(at, &control.text));
            }
        }
        let id = seen.log.add(at, 0, What::Control(control));
        drop(seen);
        self.news.came.notify_one();
        id
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

    /// Returns how long to pause.
    fn look(&self) -> Duration {
        let circuits = public_circuits();
        let mut seen = self.seen();
        self.take_news(&mut seen);
        seen.histories.note(self.began.elapsed().as_secs(), &circuits);
        drop(seen);
        let mut board = locked(&self.board);
        // Asked under the lock: a page subscribes before it takes it.
        if self.frames.receiver_count() > 0 {
            pause_after(self.renew(&mut board, &circuits))
        } else {
            board.clear();
            SHORTEST
        }
    }

    /// Sends what changed. Returns its size.
    fn renew(&self, board: &mut Board, circuits: &[Snapshot]) -> usize {
        let seen = self.seen();
        let frame = board.renew(circuits, &seen, || self.latest(&seen));
        drop(seen);
        let size = frame.size();
        self.frames.send_replace(Arc::new(frame));
        size
    }

    /// All circuits, for a client that just came, and the number of the last event that is in it.
    pub(crate) fn first_picture(&self, form: Form) -> (u64, Picture) {
        let mut board = locked(&self.board);
        if board.drawn.is_none_or(|drawn| drawn.elapsed() >= SHORTEST) {
            self.renew(&mut board, &public_circuits());
        }
        self.picture_of(&mut board, form)
    }

    /// The same for a client that missed an event.
    pub(crate) fn picture(&self, form: Form) -> (u64, Picture) {
        self.picture_of(&mut locked(&self.board), form)
    }

    fn picture_of(&self, board: &mut Board, form: Form) -> (u64, Picture) {
        let seen = self.seen();
        (board.number(), board.picture(form, || self.latest(&seen)))
    }

    /// What is in every event besides circuits.
    fn latest(&self, seen: &Seen) -> (Header<'_>, u64, Vec<Entry>) {
        let log = seen.log.last(LATEST);
        (self.header(seen, IsTrusted(false)), seen.log.first_of(&log), log)
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
        let pause = watch.look();
        drop(watch);
        sleep(pause).await;
    }
}

fn pause_after(bytes: usize) -> Duration {
    #[allow(clippy::cast_precision_loss, reason = "far below 2^53")]
    let seconds = bytes as f64 / BYTES_PER_SECOND;
    Duration::from_secs_f64(seconds).clamp(SHORTEST, LONGEST)
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_events_are_fewer() {
        assert_eq!(pause_after(0), SHORTEST);
        assert_eq!(pause_after(90_000), Duration::from_millis(250));
        assert_eq!(pause_after(16 << 20), LONGEST);
    }
}
