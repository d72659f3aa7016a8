//! Settings that circuits share in memory. A program has many circuits and few different settings, and a circuit would
//! mostly consist of its settings otherwise.

use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::Settings;

/// The most settings that are known at once. Those of later circuits are their own.
const MOST: usize = 32;

/// Settings in use. Unused ones make room.
static KNOWN: Mutex<Vec<Weak<Settings>>> = Mutex::new(Vec::new());

/// Settings, kept once for all circuits that have the same.
#[derive(Clone, Debug)]
pub(crate) struct Interned(Arc<Settings>);

impl From<Settings> for Interned {
    fn from(settings: Settings) -> Self {
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        let same = known.iter().filter_map(Weak::upgrade).find(|it| **it == settings);
        Self(same.unwrap_or_else(|| {
            known.retain(|it| it.strong_count() > 0);
            let own = Arc::new(settings);
            if known.len() < MOST {
                known.push(Arc::downgrade(&own));
            }
            own
        }))
    }
}

impl Deref for Interned {
    type Target = Settings;

    fn deref(&self) -> &Settings {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Config;

    fn interned(threshold: u32) -> Interned {
        Config::new().failure_threshold(threshold).settings().into()
    }

    #[test]
    fn equal_settings_are_kept_once_and_others_are_told_apart() {
        let (one, same, other) = (interned(90_001), interned(90_001), interned(90_002));
        assert!(Arc::ptr_eq(&one.0, &same.0) && !Arc::ptr_eq(&one.0, &other.0));
        assert_eq!((one.failure_threshold, other.failure_threshold), (Some(90_001), Some(90_002)));
    }

    #[test]
    fn few_settings_are_known_and_those_of_circuits_that_are_gone_make_room() {
        let many: Vec<_> = (80_000..81_000).map(interned).collect();
        assert!(KNOWN.lock().unwrap().len() <= MOST);
        assert!(many.iter().zip(80_000..).all(|(it, limit)| it.failure_threshold == Some(limit)));
        drop(many);
        drop(interned(80_000));
        let (again, same) = (interned(82_000), interned(82_000));
        assert!(Arc::ptr_eq(&again.0, &same.0), "there is room again");
    }
}
