//! Where a circuit's config comes from, which functions share the circuit, and conflicts (R22).

use std::collections::VecDeque;

use crate::circuit::{Description, Mutex};
use crate::settings::{Config, Conflict, Site, Source, Stated};

/// Where a circuit's config comes from, who shares it, and who wanted another one.
#[derive(Debug, Default)]
pub(super) struct Provenance(Mutex<Parties>);

#[derive(Debug, Default)]
struct Parties {
    decided: Decision,
    sites: Vec<&'static Site>,
    /// Most circuits have none, and no room for them.
    conflicts: Option<Box<Conflicts>>,
}

/// Code may state a different config each time, so only the newest conflicts are kept.
#[derive(Debug, Default)]
struct Conflicts {
    newest: VecDeque<Conflict>,
    count: u64,
}

impl Conflicts {
    const KEPT: usize = 16;

    fn add(&mut self, conflict: Conflict) {
        if self.newest.len() == Self::KEPT {
            self.newest.pop_front();
        }
        self.newest.push_back(conflict);
        self.count = self.count.saturating_add(1);
    }
}

/// Who decided on the config, kept small: most circuits have it from a site, or nothing decided it.
#[derive(Clone, Debug, Default)]
enum Decision {
    #[default]
    Nobody,
    Site(&'static Site),
    Code(Box<Config>),
}

impl Decision {
    fn of(stated: Stated) -> Self {
        match stated {
            Stated { site: Some(site), .. } => Self::Site(site),
            Stated { config, .. } if config == Config::new() => Self::Nobody,
            Stated { config, .. } => Self::Code(config.into()),
        }
    }

    fn states_nothing(&self) -> bool {
        match self {
            Self::Nobody => true,
            Self::Site(site) => site.states_nothing(),
            Self::Code(config) => **config == Config::new(),
        }
    }

    /// The site that stated an option and so decided.
    fn site(&self) -> Option<&'static Site> {
        match self {
            Self::Site(site) if !site.states_nothing() => Some(site),
            _ => None,
        }
    }

    fn stated(&self) -> Stated {
        match self {
            Self::Nobody => Stated { config: Config::new(), site: None },
            Self::Site(site) => Stated { config: site.config(), site: Some(site) },
            Self::Code(config) => Stated { config: **config, site: None },
        }
    }
}

impl Provenance {
    pub(super) fn decided(decided: Stated) -> Self {
        Self(Mutex::new(Parties { decided: Decision::of(decided), ..Parties::default() }))
    }

    /// What decides, and where it comes from.
    pub(super) fn stated(&self) -> (Config, Source) {
        let stated = self.0.lock().decided.stated();
        (stated.config, stated.site.map_or(Source::Code, Source::Site))
    }

    /// Has code decide in place of the earlier decision.
    pub(super) fn restate(&self, config: Config) {
        self.0.lock().decided = Decision::of(Stated { config, site: None });
    }

    /// Has this statement decide, if none did that states any option (R22).
    pub(super) fn decide(&self, stated: Stated) -> bool {
        let mut parties = self.0.lock();
        let is_open = parties.decided.states_nothing();
        if is_open {
            parties.decided = Decision::of(stated);
        }
        is_open
    }

    /// For the circuit of a key: the same config by the same decision, for all functions that have keys.
    pub(super) fn of_a_key(&self) -> Self {
        let parties = self.0.lock();
        let sites = parties.sites.iter().copied().filter(|site| site.max_keys() > 0).collect();
        let decided = parties.decided.clone();
        Self(Mutex::new(Parties { decided, sites, conflicts: None }))
    }

    pub(super) fn describe(&self) -> Description {
        let parties = self.0.lock();
        let decided_by = parties.decided.site();
        let (conflicts, conflict_count) = match parties.conflicts.as_deref() {
            Some(Conflicts { newest, count }) => (newest.iter().cloned().collect(), *count),
            None => (Vec::new(), 0),
        };
        Description {
            decided_by,
            sites: parties.sites.clone(),
            conflicts,
            conflict_count,
            ..Description::default()
        }
    }

    /// Whether the site is new here. Sites are kept in the order of places.
    pub(super) fn add(&self, site: &'static Site) -> bool {
        let sites = &mut self.0.lock().sites;
        if sites.contains(&site) {
            return false;
        }
        let at = sites.partition_point(|known| known.order() <= site.order());
        sites.insert(at, site);
        true
    }

    /// Lists a statement that means something else than the one that decided: once, so that a call site in a loop
    /// is one conflict.
    pub(super) fn object(&self, name: &str, refused: Stated) -> Option<Conflict> {
        let mut parties = self.0.lock();
        let decided = parties.decided.stated();
        if decided.config.settings() == refused.config.settings() {
            return None;
        }
        let conflicts = parties.conflicts.get_or_insert_default();
        if conflicts.newest.iter().any(|conflict| conflict.refused == refused) {
            return None;
        }
        let conflict = Conflict { name: name.to_owned(), decided, refused };
        conflicts.add(conflict.clone());
        Some(conflict)
    }
}
