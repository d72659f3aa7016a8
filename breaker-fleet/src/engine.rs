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
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_fleet::{Engine, Memory};
    ///
    /// assert_eq!(Memory::new().describe(), "memory");
    /// ```
    fn describe(&self) -> String;

    /// Says that a member lives, and returns everything that changed since it last asked.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use breaker_fleet::{Beat, Engine, Memory};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), breaker_fleet::EngineError> {
    /// let engine = Memory::new();
    /// let alive_for = Duration::from_secs(15);
    /// engine.beat(Beat { member: "pod-7", alive_for, life: 0, version: 0 }).await?;
    /// let report = engine.beat(Beat { member: "pod-8", alive_for, life: 0, version: 0 }).await?;
    /// assert_eq!(report.members, 2);
    /// # Ok(()) }
    /// ```
    fn beat(&self, beat: Beat<'_>) -> impl Future<Output = Result<Report, EngineError>> + Send;

    /// Takes what a member says about circuits, in that order.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use breaker_fleet::{Beat, Engine, Memory, Rule, What, Word};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), breaker_fleet::EngineError> {
    /// # let (alive_for, lasts) = (Duration::from_secs(15), Duration::from_secs(60));
    /// let engine = Memory::new();
    /// let what = What::Vote { lasts, reopenings: 0, settings: 1, rule: Rule::QUORUM };
    /// engine.tell(&[Word { member: "pod-7".into(), circuit: "payments".into(), what }]).await?;
    /// let report = engine.beat(Beat { member: "pod-8", alive_for, life: 0, version: 0 }).await?;
    /// assert_eq!(report.records[0].circuit, "payments");
    /// # Ok(()) }
    /// ```
    fn tell(&self, words: &[Word]) -> impl Future<Output = Result<(), EngineError>> + Send;

    /// Asks for the lease to probe a circuit for all.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use breaker_fleet::{Ask, Engine, Leased, Memory};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), breaker_fleet::EngineError> {
    /// let engine = Memory::new();
    /// let ask = Ask { member: "pod-7", circuit: "payments", lasts: Duration::from_secs(30) };
    /// assert_eq!(engine.lease(ask).await?, Leased::Unneeded); // the fleet has not opened it
    /// # Ok(()) }
    /// ```
    fn lease(&self, ask: Ask<'_>) -> impl Future<Output = Result<Leased, EngineError>> + Send;

    /// Waits until something may have changed. It is only a hint: members ask every few seconds anyway.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use breaker_fleet::{Engine, Memory, What, Word};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), breaker_fleet::EngineError> {
    /// let engine = Memory::new();
    /// let lasts = Duration::from_secs(900);
    /// let what = What::Order { what: "mode=forced_open".into(), lasts, by: "alice".into() };
    /// engine.tell(&[Word { member: "pod-7".into(), circuit: "payments".into(), what }]).await?;
    /// engine.changed().await; // at once, because of the order
    /// # Ok(()) }
    /// ```
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
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_fleet::EngineError;
    ///
    /// let error = EngineError::new(format!("no answer within {} ms", 250));
    /// assert_eq!(error.to_string(), "no answer within 250 ms");
    /// ```
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
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use breaker_fleet::{Beat, Ledger};
///
/// let mut ledger = Ledger::new(1);
/// let alive = Beat { member: "pod-7", alive_for: Duration::from_secs(15), life: 0, version: 0 };
/// assert_eq!(ledger.beat(alive, 0).members, 1);
/// let goodbye = Beat { alive_for: Duration::ZERO, ..alive };
/// assert_eq!(ledger.beat(goodbye, 1_000).members, 0);
/// ```
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
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use breaker_fleet::{Beat, Ledger};
///
/// let mut ledger = Ledger::new(1);
/// let beat = Beat { member: "pod-7", alive_for: Duration::from_secs(15), life: 0, version: 0 };
/// let first = ledger.beat(beat, 0);
/// assert!(first.is_whole); // the member knew nothing yet
/// let next = ledger.beat(Beat { life: first.life, version: first.version, ..beat }, 1_000);
/// assert!(!next.is_whole && next.records.is_empty());
/// ```
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
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use breaker_fleet::{Beat, Ledger, Rule, What, Word};
///
/// let mut ledger = Ledger::new(1);
/// let beat = Beat { member: "pod-7", alive_for: Duration::from_secs(15), life: 0, version: 0 };
/// ledger.beat(beat, 0);
/// let lasts = Duration::from_secs(60);
/// let what = What::Vote { lasts, reopenings: 0, settings: 1, rule: Rule::ANY };
/// ledger.tell(&Word { member: "pod-7".into(), circuit: "payments".into(), what }, 0);
///
/// let record = &ledger.beat(beat, 1_000).records[0];
/// assert!(record.has_voted);
/// assert_eq!((record.votes, record.needed, record.left), (1, 1, Duration::from_secs(59)));
/// ```
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
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use breaker_fleet::{Beat, Ledger, Rule, Stand, What, Word};
///
/// let mut ledger = Ledger::new(1);
/// let beat = Beat { member: "pod-7", alive_for: Duration::from_secs(15), life: 0, version: 0 };
/// ledger.beat(beat, 0);
/// let lasts = Duration::from_secs(60);
/// for (rule, stand) in [(Rule::QUORUM, Stand::Counting), (Rule::ANY, Stand::Open)] {
///     let what = What::Vote { lasts, reopenings: 0, settings: 1, rule };
///     ledger.tell(&Word { member: "pod-7".into(), circuit: "payments".into(), what }, 0);
///     assert_eq!(ledger.beat(beat, 0).records[0].stand, stand);
/// }
/// ```
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
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use breaker_fleet::{Beat, Ledger, What, Word};
///
/// let mut ledger = Ledger::new(1);
/// let lasts = Duration::from_secs(900);
/// let what = What::Order { what: "mode=forced_open".into(), lasts, by: "alice".into() };
/// ledger.tell(&Word { member: "pod-7".into(), circuit: "payments".into(), what }, 0);
///
/// let beat = Beat { member: "pod-8", alive_for: Duration::from_secs(15), life: 0, version: 0 };
/// let order = &ledger.beat(beat, 60_000).orders[0];
/// assert_eq!((order.by.as_str(), order.left), ("alice", Duration::from_secs(840)));
/// ```
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
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use breaker_fleet::{Ledger, Rule, What, Word};
///
/// let lasts = Duration::from_secs(60);
/// let what = What::Vote { lasts, reopenings: 0, settings: 1, rule: Rule::QUORUM };
/// let word = Word { member: "pod-7".into(), circuit: "payments".into(), what };
/// let mut ledger = Ledger::new(1);
/// ledger.tell(&word, 0);
/// assert_eq!(ledger.version(), 1);
/// ```
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
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use breaker_fleet::{Beat, Ledger, Rule, Stand, What, Word};
///
/// let mut ledger = Ledger::new(1);
/// let beat = Beat { member: "pod-7", alive_for: Duration::from_secs(15), life: 0, version: 0 };
/// ledger.beat(beat, 0);
/// let lasts = Duration::from_secs(60);
/// let vote = What::Vote { lasts, reopenings: 0, settings: 1, rule: Rule::ANY };
/// for what in [vote, What::Withdraw] {
///     ledger.tell(&Word { member: "pod-7".into(), circuit: "payments".into(), what }, 0);
/// }
/// assert_eq!(ledger.beat(beat, 0).records[0].stand, Stand::Withdrawn);
/// ```
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
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use breaker_fleet::{Ask, Ledger, Leased};
///
/// let ask = Ask { member: "pod-7", circuit: "payments", lasts: Duration::from_secs(30) };
/// assert_eq!(Ledger::new(1).lease(ask, 0), Leased::Unneeded);
/// ```
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
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use breaker_fleet::{Ask, Beat, Ledger, Leased, Rule, What, Word};
///
/// let (half_minute, minute) = (Duration::from_secs(30), Duration::from_secs(60));
/// let mut ledger = Ledger::new(1);
/// ledger.beat(Beat { member: "a", alive_for: minute, life: 0, version: 0 }, 0);
/// let what = What::Vote { lasts: minute, reopenings: 0, settings: 1, rule: Rule::ANY };
/// ledger.tell(&Word { member: "a".into(), circuit: "payments".into(), what }, 0);
///
/// let ask = |member| Ask { member, circuit: "payments", lasts: half_minute };
/// assert_eq!(ledger.lease(ask("a"), 30_000), Leased::NotDue(half_minute));
/// assert_eq!(ledger.lease(ask("a"), 60_000), Leased::Granted);
/// assert_eq!(ledger.lease(ask("b"), 60_000), Leased::Held("a".into(), half_minute));
/// ```
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
