//! Engines: where the members of a fleet meet. An engine keeps the truth, counts votes, and knows the time.

mod memory;
#[cfg(feature = "redis")]
mod redis;

use std::fmt;
use std::future::Future;
use std::time::Duration;

pub use self::memory::Memory;
#[cfg(feature = "redis")]
pub use self::redis::Redis;
use crate::policy::Rule;

/// The longest text that a member sends or reads, in bytes.
pub(crate) const LONGEST_TEXT: usize = 512;

/// Where the members of a fleet meet. [`Redis`] is the usual one. [`Memory`] connects members of one process.
///
/// Four verbs are all that a fleet needs, so other stores can be used too. [`Ledger`](crate::Ledger) says exactly what
/// each verb does; an engine must do the same, atomically, by its own clock. Only durations are passed, never points in
/// time, so the clocks of members do not matter.
///
/// A member calls one verb at a time, and drops a call that takes too long. It trusts nothing that an engine answers:
/// every circuit goes by its own limits.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use breaker_fleet::{Beat, Engine, Memory};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let engine = Memory::new();
/// let beat = Beat { member: "pod-7", alive_for: Duration::from_secs(15), life: 0, version: 0 };
/// assert_eq!(engine.beat(beat).await.unwrap().members, 1);
/// # }
/// ```
pub trait Engine: fmt::Debug + Send + Sync + 'static {
    /// Names the engine for people, without secrets.
    fn describe(&self) -> String;

    /// Says that a member lives, and returns everything that changed since it last asked.
    fn beat(&self, beat: Beat<'_>) -> impl Future<Output = Result<Report, EngineError>> + Send;

    /// Takes what a member says about circuits, in that order.
    fn tell(&self, words: &[Word]) -> impl Future<Output = Result<(), EngineError>> + Send;

    /// Asks for the lease to probe a circuit for all.
    fn lease(&self, ask: Ask<'_>) -> impl Future<Output = Result<Leased, EngineError>> + Send;

    /// Waits until something may have changed. It is only a hint: members ask every few seconds anyway.
    fn changed(&self) -> impl Future<Output = ()> + Send;
}

/// The engine did not answer, or not as it should.
///
/// # Examples
///
/// ```
/// use breaker_fleet::EngineError;
///
/// assert_eq!(EngineError::new("connection refused").to_string(), "connection refused");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineError(String);

impl EngineError {
    /// Says what is wrong. The text is shown to people, so it must hold no secret.
    #[must_use]
    pub fn new(problem: impl Into<String>) -> Self {
        Self(problem.into())
    }
}

impl fmt::Display for EngineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for EngineError {}

/// A sign of life.
#[derive(Clone, Copy, Debug)]
pub struct Beat<'a> {
    /// The member.
    pub member: &'a str,
    /// How long it counts as alive without another beat. Zero says goodbye.
    pub alive_for: Duration,
    /// The life of the engine that the member knows; 0 if none.
    pub life: u64,
    /// The last version that it knows.
    pub version: u64,
}

/// What changed since a member last asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Report {
    /// Another number each time that the engine starts without its memory.
    pub life: u64,
    /// The version that the report leads to.
    pub version: u64,
    /// Whether it holds everything there is, and not only what changed.
    pub is_whole: bool,
    /// The live members.
    pub members: u32,
    /// The circuits that changed.
    pub records: Vec<Record>,
    /// The overrides for all members that changed.
    pub orders: Vec<Posted>,
}

/// What an engine knows about one circuit.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Record {
    /// The circuit.
    pub circuit: String,
    /// Grows with each decision about the circuit.
    pub round: u64,
    /// What was decided.
    pub stand: Stand,
    /// What is left of the longest vote. Zero if a probe is due.
    pub left: Duration,
    /// The live votes; if it is open, the votes that opened it.
    pub votes: u32,
    /// The votes that were needed when they were last counted.
    pub needed: u32,
    /// The live members at that time.
    pub members: u32,
    /// Whether the member that asks has a live vote.
    pub has_voted: bool,
    /// The re-openings so far.
    pub reopenings: u32,
    /// The member that probes for all, and for how long at most.
    pub prober: Option<(String, Duration)>,
    /// The number of different settings among members that voted.
    pub settings: u32,
}

/// What the members decided about a circuit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Stand {
    /// Not enough votes yet.
    #[default]
    Counting,
    /// Open everywhere, until a probe succeeds.
    Open,
    /// The probes of a member succeeded.
    Recovered,
    /// Votes were taken back, and there are not enough any more.
    Withdrawn,
}

/// An override for all members.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Posted {
    /// The circuit.
    pub circuit: String,
    /// Later ones have greater numbers.
    pub number: u64,
    /// What is overridden, as `mode=forced_open` or `cooldown=5s`.
    pub what: String,
    /// Who gave it.
    pub by: String,
    /// How long it still lasts.
    pub left: Duration,
}

/// A message of a member about a circuit.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Word {
    /// The member.
    pub member: String,
    /// The circuit.
    pub circuit: String,
    /// What it says.
    pub what: What,
}

/// What a member says about a circuit.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum What {
    /// It opened on its own evidence. From the member that probes for all, this is the verdict that it failed.
    Vote {
        /// What is left of its cooldown.
        lasts: Duration,
        /// Its re-openings so far.
        reopenings: u32,
        /// A fingerprint of its settings.
        settings: u64,
        /// How many votes open the circuit.
        rule: Rule,
    },
    /// It takes back its vote and its lease.
    Withdraw,
    /// Its probes succeeded.
    Recovered,
    /// It gives an order to all members.
    Order {
        /// What is overridden, as `mode=forced_open` or `cooldown=5s`.
        what: String,
        /// For how long.
        lasts: Duration,
        /// Who gives it.
        by: String,
    },
}

/// A request for the lease to probe.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// The member.
    pub member: &'a str,
    /// The circuit.
    pub circuit: &'a str,
    /// How long it needs. Asking again renews the lease.
    pub lasts: Duration,
}

/// The answer to a request for the lease to probe.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Leased {
    /// The member probes for all.
    Granted,
    /// Another member does, for that long at most.
    Held(String, Duration),
    /// The circuit is open for that long.
    NotDue(Duration),
    /// The fleet has not opened the circuit. The member decides alone.
    Unneeded,
}
