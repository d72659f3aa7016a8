//! JSON for snapshots and events: the feature `serde`.
//!
//! `docs/json.md` is the schema, and the golden files in `tests/json/` pin it.
//!
//! The impls are written by hand because `derive` has no computed fields, which `Snapshot`, `TripReason` and `Event`
//! have. `Config` comes from the table of options, and `Site` has accessors only. A field that is added to a type does
//! not compile until it has a name here.

use std::time::Duration;

use ::serde::ser::{Serialize, SerializeMap as _, SerializeStruct as _, Serializer};
use breaker_options::circuit_options;

use crate::circuit::{Calls, FleetStatus, FleetView, Rejections, Timings};
use crate::registry::{Change, Event, EventKind};
use crate::report::{OptionOverride, RegistrySnapshot, Snapshot};
use crate::rules::{
    Cause, Lease, ModeOverride, Outage, Outcome, Probes, RejectedReason, State, Transition,
    TransitionCounts, TripKind, TripReason,
};
use crate::settings::{
    Config, ConfigOption, Conflict, Mode, Policy, Site, Sources, Stated, WindowSize,
};

/// Serializes a type as an object: a pattern for its fields, then names and values in order.
macro_rules! object {
    ($type:ident, $this:ident: $parts:pat = $whole:expr => { $($name:literal: $value:expr),+ $(,)? }) => {
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let $this = self;
                let $parts = $whole;
                let mut object = serializer.serialize_struct(stringify!($type), [$($name),+].len())?;
                $(object.serialize_field($name, &$value)?;)+
                object.end()
            }
        }
    };
}

/// Serializes a type as a word.
macro_rules! word {
    ($($type:ident)+) => {$(
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    )+};
}

/// A text that is empty if it is not known.
fn known(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

fn seconds(duration: &Duration) -> f64 {
    duration.as_secs_f64()
}

word! { Mode Policy State RejectedReason TripKind }

object!(RegistrySnapshot, all: Self { circuits, refused, fleet } = all => {
    "circuits": circuits,
    "refused": refused,
    "fleet": fleet,
});

object!(FleetStatus, status: Self { namespace, engine, member, connected, since, why, members, disconnects } = status => {
    "namespace": namespace,
    "engine": known(engine),
    "member": known(member),
    "connected": connected,
    "since": seconds(since),
    "why": why,
    "members": members,
    "disconnects": disconnects,
});

object!(FleetView, view: Self { policy, votes, needed, members, has_voted, prober, settings } = view => {
    "policy": policy,
    "votes": votes,
    "needed": needed,
    "members": members,
    "has_voted": has_voted,
    "prober": prober,
    "settings": settings,
});

impl Serialize for Lease {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (held_by, left) = match self {
            Self::Unasked => (None, None),
            Self::Other(left) => (Some("other"), Some(left)),
            Self::Own(left) => (Some("own"), Some(left)),
        };
        let mut object = serializer.serialize_struct("Lease", 2)?;
        object.serialize_field("held_by", &held_by)?;
        object.serialize_field("left", &left.map(seconds))?;
        object.end()
    }
}

object!(Snapshot, snapshot: Self {
    name, state, since, epoch, trip_reason, reopenings, outage, retry_after, probe_due, recovering_share, failure_rate, slow_call_rate,
    consecutive_failures, consecutive_successes, probes, window_calls, window_failures, window_slow_calls, in_flight, calls, rejected,
    would_reject, mode,
    transitions, transition_counts, open_time, last_failure, last_success, last_error, trip_error, timings, failure_timings, mode_override, config, decided_by, sites, conflicts,
    conflict_count, sources, overrides, fleet, lease, vetoed,
} = snapshot => {
    "name": name,
    "state": state,
    "since": seconds(since),
    "epoch": epoch,
    "trip_reason": trip_reason,
    "reopenings": reopenings,
    "outage": outage,
    "explanation": snapshot.explain(),
    "retry_after": retry_after.as_ref().map(seconds),
    "probe_due": probe_due,
    "recovering_share": recovering_share,
    "failure_rate": failure_rate,
    "slow_call_rate": slow_call_rate,
    "consecutive_failures": consecutive_failures,
    "consecutive_successes": consecutive_successes,
    "probes": probes,
    "window_calls": window_calls,
    "window_failures": window_failures,
    "window_slow_calls": window_slow_calls,
    "in_flight": in_flight,
    "calls": calls,
    "rejected": rejected,
    "would_reject": would_reject,
    "mode": mode,
    "transitions": transitions,
    "transition_counts": transition_counts,
    "open_time": seconds(open_time),
    "last_failure": last_failure.as_ref().map(seconds),
    "last_success": last_success.as_ref().map(seconds),
    "last_error": last_error,
    "trip_error": trip_error,
    "timings": timings,
    "failure_timings": failure_timings,
    "override": mode_override,
    "config": config,
    "decided_by": decided_by,
    "sites": sites,
    "conflicts": conflicts,
    "conflict_count": conflict_count,
    "sources": sources,
    "overrides": overrides,
    "fleet": fleet,
    "lease": lease,
    "vetoed": vetoed,
});

object!(Outage, outage: Self { since, first, reopenings } = outage => {
    "since": seconds(since),
    "first": first,
    "reopenings": reopenings,
});

object!(OptionOverride, overridden: Self { option, value, by, left } = overridden => {
    "option": option,
    "value": value,
    "by": by,
    "left": left.as_ref().map(seconds),
});

/// The source of each option that something states, as text.
impl Serialize for Sources {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter().map(|(option, source)| (option, source.to_string())))
    }
}

object!(Change, change: Self { option, old, old_source, new, new_source } = change => {
    "option": option,
    "old": old,
    "old_source": old_source.to_string(),
    "new": new,
    "new_source": new_source.to_string(),
});

object!(ModeOverride, ordered: Self { mode, by, left, then, number } = ordered => {
    "mode": mode,
    "by": by,
    "left": left.as_ref().map(seconds),
    "then": then,
    "number": number,
});

object!(Calls, calls: Self {
    started, success, failure, ignored, cancelled, slow, hung, late, timed_out, panicked,
} = calls => {
    "started": started,
    "success": success,
    "failure": failure,
    "ignored": ignored,
    "cancelled": cancelled,
    "slow": slow,
    "hung": hung,
    "late": late,
    "timed_out": timed_out,
    "panicked": panicked,
});

object!(Rejections, rejected: Self { open, half_open_full, forced_open, bulkhead_full, recovering } = rejected => {
    "open": open,
    "half_open_full": half_open_full,
    "forced_open": forced_open,
    "bulkhead_full": bulkhead_full,
    "recovering": recovering,
});

object!(Probes, probes: Self { in_flight, successes, failures, lost } = probes => {
    "in_flight": in_flight,
    "successes": successes,
    "failures": failures,
    "lost": lost,
});

object!(TripReason, reason: Self { kind, failed, slow, calls, hung, share, threshold } = reason => {
    "kind": kind,
    "failed": failed,
    "slow": slow,
    "calls": calls,
    "hung": hung,
    "share": share,
    "threshold": threshold,
    "text": reason.to_string(),
});

impl Serialize for TransitionCounts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter().map(|(from, to, count)| Way { from, to, count }))
    }
}

struct Way {
    from: State,
    to: State,
    count: u64,
}

object!(Way, way: Self { from, to, count } = way => { "from": from, "to": to, "count": count });

object!(Site, site: _ = site => {
    "function": site.function(),
    "module": site.module(),
    "file": site.file(),
    "line": site.line(),
    "column": site.column(),
});

object!(ConfigOption, option: Self { name, kind, value, may_be_off, default, meaning } = option => {
    "name": name,
    "kind": kind,
    "value": value,
    "may_be_off": may_be_off,
    "default": default,
    "meaning": meaning,
});

object!(Conflict, conflict: Self { name, decided, refused } = conflict => {
    "name": name,
    "decided": decided,
    "refused": refused,
});

object!(Timings, timings: Self { count, p50, p90, p95, p99, max, .. } = timings => {
    "count": count,
    "p50": seconds(p50),
    "p90": seconds(p90),
    "p95": seconds(p95),
    "p99": seconds(p99),
    "max": seconds(max),
});

object!(Stated, stated: Self { config, site } = stated => { "config": config, "site": site });

impl Serialize for WindowSize {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("WindowSize", 1)?;
        match self {
            Self::Calls(calls) => object.serialize_field("calls", calls)?,
            Self::Time(length) => object.serialize_field("seconds", &seconds(length))?,
        }
        object.end()
    }
}

/// A setting as JSON. Durations are in seconds.
trait Shown {
    fn shown(&self) -> impl Serialize;
}

macro_rules! shown {
    ($($type:ty),*) => {$(
        impl Shown for $type {
            fn shown(&self) -> impl Serialize {
                self
            }
        }
    )*};
}

shown!(bool, u32, f64, Mode, Policy, WindowSize);

impl Shown for Duration {
    fn shown(&self) -> impl Serialize {
        seconds(self)
    }
}

impl<T: Shown> Shown for Option<T> {
    fn shown(&self) -> impl Serialize {
        self.as_ref().map(Shown::shown)
    }
}

macro_rules! config {
    ($($name:ident: $takes:ident => $kept:ident, { $($text:tt)* })*) => {
        // The settings, defaults filled in, and the names of the stated options.
        impl Serialize for Config {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let settings = self.settings();
                let mut object = serializer.serialize_map(None)?;
                $(object.serialize_entry(stringify!($name), &settings.$name.shown())?;)*
                object.serialize_entry("stated", &self.stated().collect::<Vec<_>>())?;
                object.end()
            }
        }
    };
}

circuit_options!(config);

impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { name, sequence, missed, kind, error } = self;
        let mut object = serializer.serialize_map(None)?;
        object.serialize_entry("name", name)?;
        object.serialize_entry("sequence", sequence)?;
        object.serialize_entry("missed", missed)?;
        match kind {
            EventKind::Transition(transition) => {
                let Transition { from, to, cause, retry_after, observed } = transition;
                let trip_reason = match cause {
                    Cause::Tripped(reason) | Cause::Restored(reason) => Some(reason),
                    _ => None,
                };
                object.serialize_entry("kind", "transition")?;
                object.serialize_entry("from", from)?;
                object.serialize_entry("to", to)?;
                object.serialize_entry("cause", cause.as_str())?;
                object.serialize_entry("trip_reason", &trip_reason)?;
                object.serialize_entry("retry_after", &retry_after.as_ref().map(seconds))?;
                object.serialize_entry("observed", observed)?;
                object.serialize_entry("error", &error.as_deref())?;
                object.serialize_entry("text", &transition.to_string())?;
            }
            EventKind::Rejected { reason, retry_after } => {
                object.serialize_entry("kind", "rejected")?;
                object.serialize_entry("reason", reason)?;
                object.serialize_entry("retry_after", &retry_after.as_ref().map(seconds))?;
            }
            EventKind::Late { outcome } => {
                object.serialize_entry("kind", "late")?;
                object.serialize_entry("outcome", outcome.map_or("cancelled", Outcome::as_str))?;
            }
            EventKind::ProbeWanted => {
                object.serialize_entry("kind", "probe_wanted")?;
                object.serialize_entry("text", &kind.to_string())?;
            }
            EventKind::Reconfigured(changes) => {
                object.serialize_entry("kind", "reconfigured")?;
                object.serialize_entry("changes", changes)?;
                object.serialize_entry("text", &kind.to_string())?;
            }
            EventKind::SettingsRefused { layer, mistakes } => {
                object.serialize_entry("kind", "settings_refused")?;
                object.serialize_entry("layer", layer.as_str())?;
                object.serialize_entry("mistakes", mistakes)?;
                object.serialize_entry("text", &kind.to_string())?;
            }
            EventKind::Conflict(conflict) => {
                object.serialize_entry("kind", "conflict")?;
                object.serialize_entry("conflict", conflict.as_ref())?;
                object.serialize_entry("text", &conflict.to_string())?;
            }
        }
        object.end()
    }
}
