//! Policies: how many members must find a dependency sick before all of them open its circuit.

use std::collections::BTreeMap;

use breaker_runtime::Policy;

/// How many votes open a circuit.
///
/// # Examples
///
/// ```
/// use breaker_fleet::Rule;
///
/// assert_eq!(Rule::QUORUM.needed(5), 2);
/// assert_eq!(Rule::QUORUM.needed(20), 6);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rule {
    /// At least that many.
    pub at_least: u32,
    /// At least that share of the live members, in thousandths.
    pub per_mille: u32,
}

impl Rule {
    /// Two votes, and 30 % of the live members.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_fleet::Rule;
    ///
    /// assert_eq!(Rule::QUORUM.needed(3), 2);
    /// assert_eq!(Rule::QUORUM.needed(10), 3);
    /// ```
    pub const QUORUM: Self = Self { at_least: 2, per_mille: 300 };
    /// One vote.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_fleet::Rule;
    ///
    /// assert_eq!(Rule::ANY.needed(1000), 1);
    /// ```
    pub const ANY: Self = Self { at_least: 1, per_mille: 0 };

    /// The votes that are needed among that many live members.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_fleet::Rule;
    ///
    /// let half = Rule { at_least: 3, per_mille: 500 };
    /// assert_eq!(half.needed(4), 3);
    /// assert_eq!(half.needed(21), 11);
    /// ```
    #[must_use]
    pub fn needed(self, members: u32) -> u32 {
        let share = (u64::from(members) * u64::from(self.per_mille)).div_ceil(1000);
        u32::try_from(share).unwrap_or(u32::MAX).max(self.at_least)
    }
}

/// The policy of each circuit.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Policies {
    by_name: BTreeMap<String, Policy>,
    pub(crate) quorum: Rule,
}

impl Default for Policies {
    fn default() -> Self {
        Self { by_name: BTreeMap::new(), quorum: Rule::QUORUM }
    }
}

impl Policies {
    pub(crate) fn set(&mut self, circuit: &str, policy: Policy) {
        self.by_name.insert(circuit.to_owned(), policy);
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(String::as_str)
    }

    /// The policy of a circuit that its settings do not state. The most precise name wins: its own, the name that its
    /// key belongs to, `*`.
    fn of(&self, circuit: &str) -> Policy {
        let family = circuit.split_once('/').map(|(family, _)| family);
        let names = [Some(circuit), family, Some("*")];
        names
            .into_iter()
            .flatten()
            .find_map(|name| self.by_name.get(name))
            .copied()
            .unwrap_or_default()
    }

    /// The policy of a circuit that is shared, and its rule. What its settings state comes first.
    pub(crate) fn rule(&self, circuit: &str, stated: Option<Policy>) -> Option<(Policy, Rule)> {
        let policy = stated.unwrap_or_else(|| self.of(circuit));
        let rule = match policy {
            Policy::Quorum => self.quorum,
            Policy::Any => Rule::ANY,
            _ => return None,
        };
        Some((policy, rule))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f03_a_quorum_is_two_votes_or_three_in_ten_of_the_live_members() {
        let needed: Vec<_> = [1, 2, 6, 7, 10, 11, 1000].map(|n| Rule::QUORUM.needed(n)).into();
        assert_eq!(needed, [2, 2, 2, 3, 3, 4, 300]);
        assert_eq!(Rule::ANY.needed(1000), 1);
        assert_eq!(Rule { at_least: 1, per_mille: 1000 }.needed(u32::MAX), u32::MAX);
    }

    #[test]
    fn the_most_precise_policy_wins_and_off_is_the_default() {
        let mut policies = Policies::default();
        assert_eq!(policies.of("http/alpha"), Policy::Off);
        policies.set("*", Policy::Any);
        policies.set("http", Policy::Quorum);
        policies.set("http/beta", Policy::Off);
        let of = ["payments", "http", "http/alpha", "http/beta"].map(|name| policies.of(name));
        assert_eq!(of, [Policy::Any, Policy::Quorum, Policy::Quorum, Policy::Off]);
        let stated = policies.rule("http/beta", Some(Policy::Any));
        assert_eq!(stated, Some((Policy::Any, Rule::ANY)), "settings come first");
        assert_eq!(policies.rule("payments", Some(Policy::Off)), None);
    }
}
