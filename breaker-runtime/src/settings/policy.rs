//! Policies: how the processes of a fleet decide about a circuit.

use std::fmt;

/// How the members of a fleet decide about a circuit. It has an effect only in a program that joins a fleet with the
/// crate `breaker-fleet`.
///
/// # Examples
///
/// ```
/// use breaker_runtime::{Config, Policy};
///
/// let config = Config::new().fleet(Policy::Quorum);
/// assert_eq!(config.to_string(), "fleet=quorum");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Policy {
    /// Each member decides for itself.
    #[default]
    Off,
    /// All open when enough members have opened on their own evidence: 2, or 30 % of the live members if that is more.
    Quorum,
    /// All open when one member has.
    Any,
}

impl Policy {
    pub(crate) const ALL: [Self; 3] = [Self::Off, Self::Quorum, Self::Any];

    /// The word that `Display`, settings and JSON use.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::Policy;
    ///
    /// assert_eq!(Policy::Quorum.as_str(), "quorum");
    /// ```
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Quorum => "quorum",
            Self::Any => "any",
        }
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
