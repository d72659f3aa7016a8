//! The rows that pages have: what changed since the last event, and all of them for a page that is new.
//!
//! *Why it exists:* of a thousand circuits, few change from second to second. A page gets all rows once, and then
//! those that changed. Every page gets the same bytes, so the work does not grow with the number of pages.

use std::mem;
use std::sync::{Arc, OnceLock};

use breaker_runtime::Snapshot;
use bytes::Bytes;
use serde::Serialize;
use tokio::time::Instant;

use super::Seen;
use super::header::Header;
use super::log::Entry;
use super::rank::{Place, Sort};
use super::row::Row;
use crate::answer::{LONGEST_LIST, LONGEST_PACKED, join_list};
use crate::gzip::Packed;

/// The seconds after which a row that only got older is sent again, if its sentence has times in it.
const OLDEST: u64 = 5;

/// What every page knows.
#[derive(Debug, Default)]
pub(super) struct Board {
    /// The number of the last event.
    number: u64,
    /// When it was made.
    pub(super) drawn: Option<Instant>,
    second: u64,
    /// By name.
    rows: Vec<Shown>,
    plain: Option<Bytes>,
    packed: Option<Arc<Packed>>,
}

#[derive(Debug)]
struct Shown {
    place: Place,
    row: Row,
    /// The second in which it was sent.
    sent: u64,
}

/// An event for pages that have the one before it.
#[derive(Debug, Default)]
pub(crate) struct Frame {
    pub(crate) number: u64,
    plain: Bytes,
    packed: OnceLock<Packed>,
}

/// How a client reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Plain,
    Packed,
}

/// All rows, for pages that have not the event before.
#[derive(Clone, Debug)]
pub(crate) enum Picture {
    Plain(Bytes),
    Packed(Arc<Packed>),
}

#[derive(Serialize)]
struct Changes<'a> {
    #[serde(flatten)]
    latest: Latest<'a>,
    gone: Vec<&'a str>,
}

#[derive(Serialize)]
struct All<'a> {
    #[serde(flatten)]
    latest: Latest<'a>,
    shown: usize,
}

/// What every event has besides rows.
#[derive(Serialize)]
pub(super) struct Latest<'a> {
    #[serde(flatten)]
    header: Header<'a>,
    frame: u64,
    total: usize,
    log_from: u64,
    log: Vec<Entry>,
}

impl Frame {
    /// `None` if it is larger than an event without compression may be.
    pub(crate) fn plain(&self) -> Option<Bytes> {
        (self.plain.len() <= LONGEST_LIST).then(|| self.plain.clone())
    }

    /// The bytes before it is compressed.
    pub(super) fn size(&self) -> usize {
        self.plain.len()
    }

    pub(crate) fn packed(&self) -> &Packed {
        self.packed.get_or_init(|| Packed::new([self.plain.as_ref()]))
    }
}

impl Board {
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// Forgets the rows, because no page has them.
    pub(super) fn clear(&mut self) {
        *self = Self { number: self.number, ..Self::default() };
    }

    /// Takes the circuits as they are now, sorted by name. Returns what changed.
    pub(super) fn renew<'a>(
        &mut self,
        circuits: &[Snapshot],
        seen: &Seen,
        latest: impl FnOnce() -> (Header<'a>, u64, Vec<Entry>),
    ) -> Frame {
        self.second = seen.histories.second();
        (self.plain, self.packed) = (None, None);
        self.number += 1;
        self.drawn = Some(Instant::now());
        let (changed, gone) = self.merge(circuits, seen);
        let rows = changed.iter().map(|at| &self.rows[*at].row);
        let written = join_list("circuits", usize::MAX, rows, |_| Changes {
            latest: self.latest(latest()),
            gone: gone.iter().map(Place::name).collect(),
        });
        let plain = event("changes", &written).concat().into();
        Frame { number: self.number, plain, packed: OnceLock::new() }
    }

    /// Returns the indices of the rows that changed, and the places of those that are gone.
    fn merge(&mut self, circuits: &[Snapshot], seen: &Seen) -> (Vec<usize>, Vec<Place>) {
        let before = mem::replace(&mut self.rows, Vec::with_capacity(circuits.len()));
        let mut before = before.into_iter().peekable();
        let (mut changed, mut gone) = (Vec::new(), Vec::new());
        for circuit in circuits {
            while let Some(old) = before.next_if(|old| old.place.name() < circuit.name.as_str()) {
                gone.push(old.place);
            }
            let old = before.next_if(|old| old.place.name() == circuit.name);
            let place = Place::of(circuit, &seen.histories, Sort::Worst);
            let row = Row::new(circuit, place.rank(), seen);
            let sent = old.filter(|old| {
                let is_stale = row.has_times() && self.second >= old.sent.saturating_add(OLDEST);
                !is_stale && !row.differs(&old.row)
            });
            if sent.is_none() {
                changed.push(self.rows.len());
            }
            let sent = sent.map_or(self.second, |old| old.sent);
            self.rows.push(Shown { place, row, sent });
        }
        gone.extend(before.map(|old| old.place));
        (changed, gone)
    }

    /// All rows that fit, the worst first.
    pub(super) fn picture<'a>(
        &mut self,
        form: Form,
        latest: impl FnOnce() -> (Header<'a>, u64, Vec<Entry>),
    ) -> Picture {
        match (form, &self.plain, &self.packed) {
            (Form::Plain, Some(plain), _) => return Picture::Plain(plain.clone()),
            (Form::Packed, _, Some(packed)) => return Picture::Packed(Arc::clone(packed)),
            _ => {}
        }
        let most = if form == Form::Plain { LONGEST_LIST } else { LONGEST_PACKED };
        let mut rows: Vec<_> = self.rows.iter().collect();
        rows.sort_unstable_by(|one, other| one.place.cmp(&other.place));
        let rows = rows.iter().map(|shown| &shown.row);
        let written =
            join_list("circuits", most, rows, |shown| All { latest: self.latest(latest()), shown });
        let event = event("snapshot", &written);
        if form == Form::Plain {
            let plain = Bytes::from(event.concat());
            self.plain = Some(plain.clone());
            Picture::Plain(plain)
        } else {
            let packed = Arc::new(Packed::new(event));
            self.packed = Some(Arc::clone(&packed));
            Picture::Packed(packed)
        }
    }

    fn latest<'a>(&self, (header, log_from, log): (Header<'a>, u64, Vec<Entry>)) -> Latest<'a> {
        // The rows are of that second, whatever was recorded since.
        Latest {
            header: header.at_second(self.second),
            frame: self.number,
            total: self.rows.len(),
            log_from,
            log,
        }
    }
}

/// An event of the stream. Our JSON has no line breaks.
fn event<'a>(name: &'static str, json: &'a [u8]) -> [&'a [u8]; 5] {
    [b"event: ", name.as_bytes(), b"\ndata: ", json, b"\n\n"]
}
