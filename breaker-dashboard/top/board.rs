//! What is known and chosen: circuits, their order, the filter and the selection. Pure: the caller reads the clock.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::history::History;
use crate::message::{Calls, Frame, Message, Row, Service};

/// The connection to the dashboard.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Connection {
    #[default]
    Connecting,
    Live,
    /// Why it is lost. It is tried again at that time.
    Lost {
        why: String,
        again: Duration,
    },
}

/// The order of the list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Sort {
    #[default]
    Worst,
    Name,
    NotServed,
    Calls,
}

impl Sort {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Worst => "worst first",
            Self::Name => "by name",
            Self::NotServed => "by not served",
            Self::Calls => "by calls/s",
        }
    }

    fn next(self) -> Self {
        match self {
            Self::Worst => Self::NotServed,
            Self::NotServed => Self::Calls,
            Self::Calls => Self::Name,
            Self::Name => Self::Worst,
        }
    }
}

/// What a person asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ask {
    Up,
    Down,
    PageUp,
    PageDown,
    First,
    Last,
    Enter,
    Escape,
    Backspace,
    Letter(char),
}

/// A circuit, and when that was heard.
#[derive(Clone, Debug)]
pub(crate) struct Circuit {
    pub(crate) row: Row,
    pub(crate) history: History,
    heard: Duration,
}

impl Circuit {
    fn passed(&self, now: Duration) -> f64 {
        now.saturating_sub(self.heard).as_secs_f64()
    }

    /// How long it is not closed, or in its state where the dashboard does not say.
    pub(crate) fn since(&self, now: Duration) -> f64 {
        let since = self.row.outage.as_ref().map_or(self.row.since, |outage| outage.since);
        since + self.passed(now)
    }

    /// The time to the next probe.
    pub(crate) fn left(&self, now: Duration) -> Option<f64> {
        self.row.retry_after.map(|left| (left - self.passed(now)).max(0.0))
    }

    /// The calls of the last minute, or those since it was first heard of.
    pub(crate) fn minute(&self) -> Calls {
        self.row.minute_calls.unwrap_or_else(|| self.history.sum())
    }

    pub(crate) fn is_calm(&self) -> bool {
        self.row.state == "closed"
    }

    /// Lower needs more attention.
    fn rank(&self) -> u8 {
        let has_any = |share: Option<f64>| share.is_some_and(|share| share > 0.0);
        let row = &self.row;
        let is_failing = row.consecutive_failures > 0
            || has_any(row.failure_rate)
            || has_any(row.slow_call_rate);
        match row.state.as_str() {
            // An open circuit that probes is as bad as before.
            "forced_open" | "open" | "half_open" => 0,
            "disabled" => 2,
            "closed" if is_failing => 3,
            "closed" => 4,
            _ => 1,
        }
    }

    /// Calls that are not served in a second, in thousandths.
    fn not_served_per_second(&self) -> u64 {
        let rates = self.row.refused_per_second.zip(self.row.failed_per_second);
        let rate = rates.map_or_else(
            || f64::from(u32::try_from(self.minute().not_served()).unwrap_or(u32::MAX)) / 60.0,
            |(refused, failed)| refused + failed,
        );
        thousandths(rate)
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast saturates")]
fn thousandths(rate: f64) -> u64 {
    (rate * 1000.0).round() as u64
}

/// Everything that is shown.
#[derive(Clone, Debug, Default)]
pub(crate) struct Board {
    pub(crate) address: String,
    pub(crate) connection: Connection,
    /// The time since the program began.
    pub(crate) now: Duration,
    pub(crate) service: Service,
    pub(crate) refused: Vec<String>,
    pub(crate) is_fleet_lost: bool,
    pub(crate) total: usize,
    pub(crate) circuits: BTreeMap<String, Circuit>,
    pub(crate) sort: Sort,
    pub(crate) filter: String,
    /// Letters go to the filter.
    pub(crate) is_typing: bool,
    pub(crate) is_detailed: bool,
    pub(crate) selected: Option<String>,
    /// The first circuit on the screen, and how many fit. The view says so.
    pub(crate) top: usize,
    pub(crate) page: usize,
    minute: Option<Calls>,
    boot: String,
    second: u64,
}

impl Board {
    pub(crate) fn new(address: String) -> Self {
        Self { address, page: 1, ..Self::default() }
    }

    /// Takes an event of the stream.
    pub(crate) fn hear(&mut self, message: Message) {
        match message {
            Message::Snapshot(frame) => self.take(frame, true),
            Message::Changes(frame) => self.take(frame, false),
            Message::Shutdown => {
                let why = "the program is shutting down".to_owned();
                self.connection = Connection::Lost { why, again: self.now };
            }
        }
    }

    fn take(&mut self, frame: Frame, is_all: bool) {
        self.connection = Connection::Live;
        if frame.boot != self.boot {
            // Seconds of two starts cannot be compared.
            self.circuits.clear();
            self.second = frame.second;
            self.boot = frame.boot;
        }
        let steps = frame.second.saturating_sub(self.second);
        self.second = self.second.max(frame.second);
        self.service = frame.service;
        self.refused = frame.refused;
        self.is_fleet_lost = frame.fleet.is_some_and(|fleet| !fleet.connected);
        self.total = frame.total;
        self.minute = frame.minute;
        if is_all {
            let sent: BTreeSet<_> = frame.circuits.iter().map(|row| row.name.as_str()).collect();
            self.circuits.retain(|name, _| sent.contains(name.as_str()));
        }
        for name in &frame.gone {
            self.circuits.remove(name);
        }
        // A circuit that is not sent has not changed, so it had no calls.
        for circuit in self.circuits.values_mut() {
            circuit.history.skip(steps);
        }
        for row in frame.circuits {
            self.take_row(row, steps);
        }
    }

    fn take_row(&mut self, row: Row, steps: u64) {
        let point = Calls::from(row.point);
        if let Some(circuit) = self.circuits.get_mut(&row.name) {
            if steps > 0 {
                circuit.history.replace_last(point);
            }
            (circuit.row, circuit.heard) = (row, self.now);
        } else {
            let mut history = History::default();
            history.push(point);
            let circuit = Circuit { history, heard: self.now, row };
            self.circuits.insert(circuit.row.name.clone(), circuit);
        }
    }

    /// The calls of all circuits in the last minute.
    pub(crate) fn minute(&self) -> Calls {
        let each = || self.circuits.values().map(Circuit::minute);
        self.minute.unwrap_or_else(|| each().fold(Calls::default(), Calls::and))
    }

    /// How many circuits are in that state.
    pub(crate) fn count_in(&self, state: &str) -> usize {
        self.circuits.values().filter(|circuit| circuit.row.state == state).count()
    }

    /// The circuits that pass the filter, in order.
    pub(crate) fn shown(&self) -> Vec<&Circuit> {
        let wanted = self.filter.to_lowercase();
        let passes = |circuit: &&Circuit| {
            circuit.row.name.to_lowercase().contains(&wanted)
                || crate::words::state(&circuit.row.state) == wanted
        };
        // They are sorted by name, and stay so within equals.
        let mut shown: Vec<_> = self.circuits.values().filter(passes).collect();
        match self.sort {
            Sort::Worst => {
                shown.sort_by_cached_key(|it| (it.rank(), Reverse(it.not_served_per_second())));
            }
            Sort::Name => {}
            Sort::NotServed => shown.sort_by_cached_key(|it| Reverse(it.minute().not_served())),
            Sort::Calls => shown.sort_by_cached_key(|it| Reverse(thousandths(it.row.per_second))),
        }
        shown
    }

    /// The place of the selected circuit among those that are shown; the first if it is not among them.
    pub(crate) fn place(&self, shown: &[&Circuit]) -> usize {
        let selected = self.selected.as_deref();
        selected.and_then(|name| shown.iter().position(|it| it.row.name == name)).unwrap_or(0)
    }

    /// Does what a person asks for. Returns whether to go on.
    pub(crate) fn answer(&mut self, ask: Ask) -> bool {
        match (ask, self.is_typing) {
            (Ask::Letter(letter), true) => self.filter.push(letter),
            (Ask::Backspace, true) => drop(self.filter.pop()),
            (Ask::Enter, true) => self.is_typing = false,
            (Ask::Escape, true) => {
                self.is_typing = false;
                self.filter.clear();
            }
            (Ask::Letter('q'), false) => return false,
            (Ask::Letter('s'), false) => self.sort = self.sort.next(),
            (Ask::Letter('/'), false) => (self.is_typing, self.is_detailed) = (true, false),
            (Ask::Letter('j'), false) => self.go(|at, _| at + 1),
            (Ask::Letter('k'), false) => self.go(|at, _| at.saturating_sub(1)),
            (Ask::Enter, false) => self.is_detailed = !self.is_detailed,
            (Ask::Escape, false) if self.is_detailed => self.is_detailed = false,
            (Ask::Escape, false) => self.filter.clear(),
            (Ask::Up, _) => self.go(|at, _| at.saturating_sub(1)),
            (Ask::Down, _) => self.go(|at, _| at + 1),
            (Ask::PageUp, _) => self.go(usize::saturating_sub),
            (Ask::PageDown, _) => self.go(|at, page| at + page),
            (Ask::First, _) => self.go(|_, _| 0),
            (Ask::Last, _) => self.go(|_, _| usize::MAX),
            (Ask::Letter(_) | Ask::Backspace, false) => {}
        }
        true
    }

    fn go(&mut self, to: impl Fn(usize, usize) -> usize) {
        let shown = self.shown();
        let at = to(self.place(&shown), self.page).min(shown.len().saturating_sub(1));
        self.selected = shown.get(at).map(|circuit| circuit.row.name.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, state: &str) -> Row {
        Row { name: name.to_owned(), state: state.to_owned(), ..Row::default() }
    }

    fn frame(second: u64, circuits: Vec<Row>) -> Frame {
        Frame { boot: "a".to_owned(), second, total: circuits.len(), circuits, ..Frame::default() }
    }

    fn board(circuits: Vec<Row>) -> Board {
        let mut board = Board::new("http://shop".to_owned());
        board.hear(Message::Snapshot(frame(7, circuits)));
        board
    }

    fn names(board: &Board) -> Vec<&str> {
        board.shown().iter().map(|circuit| circuit.row.name.as_str()).collect()
    }

    fn typed(board: &mut Board, text: &str) {
        text.chars().for_each(|letter| assert!(board.answer(Ask::Letter(letter))));
    }

    #[test]
    fn the_worst_come_first_by_what_they_do_not_serve() {
        let mut failing = row("failing", "closed");
        failing.consecutive_failures = 1;
        let mut dead = row("dead", "half_open");
        (dead.refused_per_second, dead.failed_per_second) = (Some(40.0), Some(0.5));
        let circuits = ["recovering", "disabled", "open", "closed"].map(|state| row(state, state));
        let mut board =
            board([circuits.to_vec(), vec![failing, dead, row("a", "forced_open")]].concat());
        let expected = ["dead", "a", "open", "recovering", "disabled", "failing", "closed"];
        assert_eq!(names(&board), expected);
        board.hear(Message::Changes(frame(
            8,
            vec![Row { point: [0, 0, 9], ..row("open", "open") }],
        )));
        assert_eq!(names(&board)[..3], ["dead", "open", "a"], "an older dashboard tells no rates");
    }

    #[test]
    fn changes_replace_only_the_rows_that_they_have() {
        let mut board = board(vec![row("a", "closed"), row("b", "closed"), row("c", "closed")]);
        let mut changes = frame(8, vec![row("b", "open"), row("d", "closed")]);
        (changes.gone, changes.total) = (vec!["c".to_owned()], 3);
        board.hear(Message::Changes(changes));
        assert_eq!((names(&board), board.total), (vec!["b", "a", "d"], 3));
        assert_eq!((board.count_in("open"), board.count_in("closed")), (1, 2));
        board.hear(Message::Snapshot(frame(9, vec![row("a", "closed")])));
        assert_eq!(names(&board), ["a"], "a snapshot has all of them");
    }

    #[test]
    fn a_circuit_that_is_not_sent_had_no_calls_and_no_second_is_taken_twice() {
        let with = |name: &str, ok| Row { point: [ok, 0, 1], ..row(name, "closed") };
        let mut board = board(vec![with("a", 1), with("b", 1)]);
        board.hear(Message::Changes(frame(10, vec![with("a", 5)])));
        board.hear(Message::Changes(frame(10, vec![with("a", 5)])));
        let columns = |name: &str| board.circuits[name].history.columns(60)[56..].to_vec();
        let ok = |name: &str| columns(name).iter().map(|it| it.ok).collect::<Vec<_>>();
        assert_eq!((ok("a"), ok("b")), (vec![1, 0, 0, 5], vec![1, 0, 0, 0]));
        assert_eq!(board.minute(), Calls { ok: 7, failed: 0, rejected: 3 });
    }

    #[test]
    fn what_the_dashboard_counts_itself_is_taken_for_the_last_minute() {
        let calls = Calls { ok: 90, failed: 5, rejected: 5 };
        let mut board = board(vec![Row { minute_calls: Some(calls), ..row("a", "closed") }]);
        assert_eq!(board.minute(), calls);
        let all = Calls { ok: 900, ..calls };
        board.hear(Message::Changes(Frame { minute: Some(all), ..frame(8, vec![]) }));
        assert_eq!(board.minute(), all);
    }

    #[test]
    fn another_start_of_the_program_begins_anew() {
        let mut board = board(vec![Row { point: [1, 1, 1], ..row("a", "open") }]);
        let frame = Frame { boot: "b".to_owned(), ..frame(1, vec![row("a", "open")]) };
        board.hear(Message::Snapshot(frame));
        assert_eq!(board.minute(), Calls::default());
    }

    #[test]
    fn times_go_on_while_nothing_is_heard() {
        let mut open = Row { since: 8.0, retry_after: Some(7.0), ..row("a", "open") };
        let mut board = board(vec![open.clone()]);
        board.now = Duration::from_secs(5);
        let circuit = &board.circuits["a"];
        assert_eq!((circuit.since(board.now), circuit.left(board.now)), (13.0, Some(2.0)));
        open.outage = Some(crate::message::Outage { since: 432.0, ..Default::default() });
        board.hear(Message::Changes(frame(8, vec![open])));
        board.now = Duration::from_secs(15);
        let circuit = &board.circuits["a"];
        assert_eq!((circuit.since(board.now), circuit.left(board.now)), (442.0, Some(0.0)));
    }

    #[test]
    fn a_shutdown_and_a_lost_connection_leave_what_is_known() {
        let mut board = board(vec![row("a", "open")]);
        assert_eq!(board.connection, Connection::Live);
        board.hear(Message::Shutdown);
        assert!(
            matches!(&board.connection, Connection::Lost { why, .. } if why.contains("shutting"))
        );
        assert_eq!(names(&board), ["a"]);
    }

    #[test]
    fn the_selection_stays_with_its_circuit() {
        let mut board = board(vec![row("a", "closed"), row("b", "closed"), row("c", "closed")]);
        board.answer(Ask::Down);
        assert_eq!(board.selected.as_deref(), Some("b"));
        board.hear(Message::Changes(frame(8, vec![row("c", "open")])));
        assert_eq!(board.place(&board.shown()), 2, "b has moved");
        board.answer(Ask::First);
        assert_eq!(board.selected.as_deref(), Some("c"));
        board.page = 2;
        board.answer(Ask::PageDown);
        assert_eq!(board.selected.as_deref(), Some("b"));
        for ask in [Ask::Down, Ask::Last, Ask::PageDown] {
            board.answer(ask);
            assert_eq!(board.selected.as_deref(), Some("b"), "there is nothing below it");
        }
        typed(&mut board, "kk");
        assert_eq!(board.selected.as_deref(), Some("c"));
    }

    #[test]
    fn a_filter_finds_parts_of_names_and_states() {
        let mut board =
            board(vec![row("Mail", "closed"), row("hosts/a", "half_open"), row("q", "closed")]);
        typed(&mut board, "/q");
        assert_eq!((names(&board), board.is_typing), (vec!["q"], true), "q does not quit here");
        board.answer(Ask::Backspace);
        typed(&mut board, "MAI");
        board.answer(Ask::Enter);
        assert_eq!((names(&board), board.is_typing), (vec!["Mail"], false));
        board.answer(Ask::Escape);
        assert_eq!(names(&board).len(), 3);
        typed(&mut board, "/half-open");
        assert_eq!(names(&board), ["hosts/a"]);
        board.answer(Ask::Escape);
        assert_eq!((names(&board).len(), board.is_typing), (3, false));
    }

    #[test]
    fn s_goes_through_the_orders_enter_opens_the_detail_and_q_quits() {
        let busy = Row { per_second: 9.0, ..row("z", "closed") };
        let lossy = Row { point: [0, 3, 0], ..row("y", "closed") };
        let mut board = board(vec![busy, lossy, row("a", "closed")]);
        let mut first = || {
            board.answer(Ask::Letter('s'));
            (board.sort.word(), names(&board)[0].to_owned())
        };
        let orders = [first(), first(), first(), first()];
        let orders = orders.each_ref().map(|(word, first)| (*word, first.as_str()));
        let expected =
            [("by not served", "y"), ("by calls/s", "z"), ("by name", "a"), ("worst first", "y")];
        assert_eq!(orders, expected);
        board.answer(Ask::Enter);
        assert!(board.is_detailed);
        board.answer(Ask::Escape);
        assert!(!board.is_detailed);
        assert!(!board.answer(Ask::Letter('q')));
    }
}
