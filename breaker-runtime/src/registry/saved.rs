//! What outlives a process: circuits that are open, for what is left of their cooldown (R31).

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::Registry;
use crate::rules::{Downtime, TripReason};

/// What [`Registry::save`] keeps of the circuits that are open or half-open.
///
/// With feature `serde` it can be serialized and deserialized, for a file that the next process reads.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use breaker_runtime::{Config, Registry, State};
///
/// let before = Registry::new();
/// before.circuit("payments", Config::new())?.trip();
/// let saved = before.save();
///
/// let after = Registry::new();
/// let payments = after.circuit("payments", Config::new())?;
/// let restored = after.restore(&saved, Duration::from_secs(600));
/// assert_eq!(restored.opened, ["payments"]);
/// assert_eq!(payments.state(), State::Open);
/// # Ok::<(), breaker_runtime::ConfigError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Saved {
    /// Other versions are left alone.
    version: u32,
    /// Milliseconds since 1970 on the wall clock, which is read for nothing else.
    at: u64,
    circuits: Vec<SavedCircuit>,
}

#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
struct SavedCircuit {
    name: String,
    /// What is left of the cooldown, in milliseconds; `None` if it lasts until a reset.
    left: Option<u64>,
    reopenings: u32,
    reason: Option<TripReason>,
    /// What earlier versions do not write.
    #[cfg_attr(feature = "serde", serde(default))]
    outage: Option<SavedOutage>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
struct SavedOutage {
    /// How long it has lasted, in milliseconds.
    lasted: u64,
    first: TripReason,
}

const VERSION: u32 = 1;

impl Saved {
    /// Whether there is nothing to restore.
    ///
    /// # Examples
    ///
    /// ```
    /// assert!(breaker_runtime::Registry::new().save().is_empty());
    /// ```
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.circuits.is_empty()
    }
}

/// What [`Registry::restore`] did.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use breaker_runtime::{Config, LeftAlone, Registry};
///
/// let before = Registry::new();
/// before.circuit("payments", Config::new())?.trip();
///
/// let without_payments = Registry::new();
/// let restored = without_payments.restore(&before.save(), Duration::from_secs(600));
/// assert_eq!(restored.left_alone, [("payments".to_owned(), LeftAlone::Unknown)]);
/// # Ok::<(), breaker_runtime::ConfigError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Restored {
    /// The circuits that it opened.
    pub opened: Vec<String>,
    /// The circuits that it left alone, and why.
    pub left_alone: Vec<(String, LeftAlone)>,
}

/// Why a saved circuit was not opened again.
///
/// # Examples
///
/// ```
/// use breaker_runtime::LeftAlone;
///
/// assert_eq!(LeftAlone::TooOld.to_string(), "saved too long ago");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LeftAlone {
    /// It was saved longer ago than the limit.
    TooOld,
    /// It was saved at a time that is yet to come, so its age is not known.
    FromTheFuture,
    /// It was saved by a version that this one cannot read.
    OtherVersion,
    /// There is no circuit of that name.
    Unknown,
    /// The circuit has evidence of its own, or is not closed.
    HasEvidence,
}

impl fmt::Display for LeftAlone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::TooOld => "saved too long ago",
            Self::FromTheFuture => "saved at a time that is yet to come",
            Self::OtherVersion => "saved by another version",
            Self::Unknown => "no circuit has that name",
            Self::HasEvidence => "the circuit has evidence of its own",
        })
    }
}

/// Milliseconds since 1970.
fn wall_clock() -> u64 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    millis(elapsed)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Stands here because nothing else of a registry outlives the process.
impl Registry {
    /// What outlives this process: each circuit that is open or half-open, with what is left of its cooldown, its
    /// re-openings, its reason, and its [outage](crate::Outage). A half-open circuit is saved with no cooldown left.
    /// Orders by hand are not saved.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::{Config, Registry, Saved};
    ///
    /// let own = Registry::new();
    /// let payments = own.circuit("payments", Config::new())?;
    /// assert!(own.save().is_empty());
    /// payments.trip();
    /// let saved: Saved = own.save();
    /// assert!(!saved.is_empty());
    /// # Ok::<(), breaker_runtime::ConfigError>(())
    /// ```
    #[must_use]
    pub fn save(&self) -> Saved {
        let read = |entry: &super::Entry| {
            let downtime = entry.circuit.downtime()?;
            let left = downtime.left.map(millis);
            let (name, reopenings) = (entry.name().to_owned(), downtime.reopenings);
            let outage = downtime
                .outage
                .map(|(lasted, first)| SavedOutage { lasted: millis(lasted), first });
            Some(SavedCircuit { name, left, reopenings, reason: downtime.reason, outage })
        };
        let mut circuits: Vec<_> = self.read(read).into_iter().flatten().collect();
        circuits.sort_by(|one, other| one.name.cmp(&other.name));
        Saved { version: VERSION, at: wall_clock(), circuits }
    }

    /// Opens the saved circuits again, for what is still left of their cooldowns: the time in between counts. Nothing
    /// is restored that is older than `max_age`.
    ///
    /// Circuits that have evidence of their own are left alone, and so are names that no circuit has. The circuit of
    /// a key is made if there is room for it.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use breaker_runtime::{Config, LeftAlone, Registry, State};
    ///
    /// let before = Registry::new();
    /// before.circuit("payments", Config::new())?.trip();
    /// before.circuit("mail", Config::new())?.trip();
    ///
    /// let after = Registry::new();
    /// let payments = after.circuit("payments", Config::new())?;
    /// let restored = after.restore(&before.save(), Duration::from_secs(600));
    /// assert_eq!(payments.state(), State::Open);
    /// assert_eq!(restored.left_alone, [("mail".to_owned(), LeftAlone::Unknown)]);
    /// # Ok::<(), breaker_runtime::ConfigError>(())
    /// ```
    pub fn restore(&self, saved: &Saved, max_age: Duration) -> Restored {
        self.restore_at(saved, max_age, wall_clock())
    }

    fn restore_at(&self, saved: &Saved, max_age: Duration, now: u64) -> Restored {
        let mut restored = Restored::default();
        let age = now.checked_sub(saved.at);
        for circuit in &saved.circuits {
            let opened = match age {
                _ if saved.version != VERSION => Err(LeftAlone::OtherVersion),
                None => Err(LeftAlone::FromTheFuture),
                Some(age) if age > millis(max_age) => Err(LeftAlone::TooOld),
                Some(age) => self.restore_one(circuit, age),
            };
            match opened {
                Ok(()) => restored.opened.push(circuit.name.clone()),
                Err(why) => restored.left_alone.push((circuit.name.clone(), why)),
            }
        }
        restored
    }

    fn restore_one(&self, saved: &SavedCircuit, age: u64) -> Result<(), LeftAlone> {
        let of_a_key = || self.keyed_with(&saved.name)?.named(&saved.name);
        let entry = self.entry(&saved.name).or_else(of_a_key).ok_or(LeftAlone::Unknown)?;
        let left = saved.left.map(|left| Duration::from_millis(left.saturating_sub(age)));
        let SavedCircuit { reopenings, reason, outage, .. } = *saved;
        // It went on in between.
        let outage = outage.map(|SavedOutage { lasted, first }| {
            (Duration::from_millis(lasted.saturating_add(age)), first)
        });
        if entry.circuit.restore(Downtime { left, reopenings, reason, outage }) {
            Ok(())
        } else {
            Err(LeftAlone::HasEvidence)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::{Cause, State, TripKind};
    use crate::settings::{Config, Layer, Statement};

    const SECOND: Duration = Duration::from_secs(1);

    fn registry() -> Registry {
        let own = Registry::new();
        for name in ["open", "closed"] {
            own.circuit(name, Config::new().failure_threshold(1).cooldown_multiplier(2.0)).unwrap();
        }
        own
    }

    fn saved() -> Saved {
        let own = registry();
        own.get("open").unwrap().try_acquire().unwrap().failure();
        own.save()
    }

    #[test]
    fn r31_what_is_left_of_a_cooldown_is_less_by_the_time_in_between() {
        let (saved, own) = (saved(), registry());
        let restored = own.restore_at(&saved, SECOND * 60, saved.at + 20_000);
        assert_eq!((restored.opened, restored.left_alone), (vec!["open".to_owned()], vec![]));
        let snapshot = own.snapshot_of("open").unwrap();
        let left = snapshot.retry_after.unwrap();
        assert!(left <= SECOND * 40 && left > SECOND * 39, "{left:?}");
        assert_eq!(snapshot.trip_reason.unwrap().kind, TripKind::ConsecutiveFailures);
    }

    #[test]
    fn r31_other_settings_leave_a_restored_cooldown_as_it_is() {
        let (saved, own) = (saved(), registry());
        own.restore_at(&saved, SECOND * 60, saved.at + 20_000);
        let other = Statement::new("open", "success_threshold", "9", "a test");
        own.apply(Layer::File, vec![other]).unwrap();
        let left = |own: &Registry| own.snapshot_of("open").unwrap().retry_after.unwrap();
        assert!(left(&own) <= SECOND * 40);
        let longer = Statement::new("open", "cooldown", "90s", "a test");
        own.apply(Layer::File, vec![longer]).unwrap();
        assert!(left(&own) > SECOND * 40);
    }

    #[test]
    fn r31_a_cooldown_that_is_over_by_now_leaves_a_probe_due_and_the_escalation() {
        let mut saved = saved();
        saved.circuits[0].reopenings = 3;
        let own = registry();
        own.restore_at(&saved, SECOND * 600, saved.at + 300_000);
        let circuit = own.get("open").unwrap();
        assert!(circuit.snapshot().probe_due);
        circuit.try_acquire().unwrap().failure();
        // The coarse clock may not have moved since.
        let left = circuit.snapshot().retry_after.unwrap();
        assert!(left > SECOND * 599 && left <= SECOND * 600, "{left:?}");
    }

    #[test]
    fn r31_an_outage_goes_on_while_no_process_runs() {
        let mut saved = saved();
        saved.circuits[0].reopenings = 3;
        let outage = saved.circuits[0].outage.as_mut().unwrap();
        outage.lasted += 400_000;
        let own = registry();
        own.restore_at(&saved, SECOND * 60, saved.at + 20_000);
        let snapshot = own.snapshot_of("open").unwrap();
        let outage = snapshot.outage.unwrap();
        assert!(outage.since >= SECOND * 420 && outage.since < SECOND * 421, "{outage:?}");
        assert_eq!((outage.first.kind, outage.reopenings), (TripKind::ConsecutiveFailures, 3));
        assert!(
            snapshot
                .explain()
                .contains("not closed for 7m: at first 1 failure in a row; 3 re-openings since")
        );
    }

    #[test]
    fn r31_an_outage_that_was_not_saved_begins_when_it_is_restored() {
        let mut saved = saved();
        saved.circuits[0].outage = None;
        let own = registry();
        own.restore_at(&saved, SECOND * 60, saved.at + 20_000);
        let outage = own.snapshot_of("open").unwrap().outage.unwrap();
        assert!(outage.since < SECOND, "{outage:?}");
        assert_eq!(outage.first.kind, TripKind::ConsecutiveFailures);
    }

    #[test]
    fn r31_what_is_too_old_from_the_future_unknown_or_of_another_version_is_left_alone() {
        let (saved, own) = (saved(), registry());
        let why = |saved: &Saved, now| own.restore_at(saved, SECOND * 60, now).left_alone[0].1;
        assert_eq!(why(&saved, saved.at + 60_001), LeftAlone::TooOld);
        assert_eq!(why(&saved, saved.at - 1), LeftAlone::FromTheFuture);
        assert_eq!(why(&Saved { version: 9, ..saved.clone() }, saved.at), LeftAlone::OtherVersion);
        assert_eq!(Registry::new().restore(&saved, SECOND).left_alone[0].1, LeftAlone::Unknown);
        assert_eq!(own.get("open").unwrap().state(), State::Closed);
    }

    #[test]
    fn r31_a_circuit_with_evidence_of_its_own_is_left_alone() {
        let (saved, own) = (saved(), Registry::new());
        let circuit = own.circuit("open", Config::new()).unwrap();
        circuit.try_acquire().unwrap().failure();
        let restored = own.restore(&saved, SECOND);
        assert_eq!(restored.left_alone, [("open".to_owned(), LeftAlone::HasEvidence)]);
        circuit.force_open();
        assert!(own.restore(&saved, SECOND).opened.is_empty());
    }

    #[test]
    fn r31_a_key_is_restored_under_its_name_and_listeners_hear_why() {
        let [before, after] = [(); 2].map(|()| Registry::new());
        let keyed = before.keyed("http", Config::new(), 2).unwrap();
        let held = keyed.get("alpha");
        held.trip();
        after.keyed("http", Config::new(), 2).unwrap();
        let (told, heard) = std::sync::mpsc::channel();
        let _listening = after.subscribe_to_changes(move |event| {
            let _ = told.send(event.kind.to_string());
        });
        assert_eq!(after.restore(&before.save(), SECOND).opened, ["http/alpha"]);
        assert_eq!(heard.try_recv().unwrap(), "closed -> open: restored: trip()");
        let circuit = after.get("http/alpha").unwrap();
        assert!(matches!(circuit.snapshot().state, State::Open));
        assert_eq!(Cause::Restored(TripReason::MANUAL).as_str(), "restored");
    }

    #[cfg(feature = "serde")]
    #[test]
    fn r31_every_kind_of_reason_can_be_written_and_read() {
        use ::serde::Deserialize as _;
        use ::serde::de::IntoDeserializer as _;
        use ::serde::de::value::{Error, StrDeserializer};

        for kind in [
            TripKind::ConsecutiveFailures,
            TripKind::FailureRate,
            TripKind::SlowCallRate,
            TripKind::FailedProbes,
            TripKind::Manual,
            TripKind::Fleet,
        ] {
            let word: StrDeserializer<'_, Error> = kind.as_str().into_deserializer();
            assert_eq!(TripKind::deserialize(word), Ok(kind));
        }
    }
}
