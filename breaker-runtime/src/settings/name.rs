//! The name of a circuit: checked once, then shared without copying.

use std::fmt;
use std::sync::Arc;

pub(crate) use breaker_options::LONGEST_NAME as LONGEST;

use crate::settings::ConfigError;

/// A name that a [`Rejected`](crate::Rejected) can hold without allocating. The names of annotated functions are
/// static, so refusing their calls does not even touch a reference count.
#[derive(Clone)]
pub(crate) enum Name {
    Static(&'static str),
    Shared(Arc<str>),
}

impl Name {
    pub(crate) fn shared(name: Arc<str>) -> Result<Self, ConfigError> {
        Self::check(&name)?;
        Ok(Self::Shared(name))
    }

    /// Checks that the text can be a name.
    pub(crate) fn check(name: &str) -> Result<(), ConfigError> {
        if name.is_empty() || name.len() > LONGEST {
            return Err(ConfigError::new("name", "must be 1 to 128 bytes long"));
        }
        if name.chars().any(char::is_control) {
            return Err(ConfigError::new("name", "must not hold control characters"));
        }
        Ok(())
    }

    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Static(name) => name,
            Self::Shared(name) => name,
        }
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Name {}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(name: &str) -> Option<String> {
        Name::shared(name.into()).err().map(|error| error.to_string())
    }

    #[test]
    fn r23_a_name_has_1_to_128_bytes() {
        assert_eq!(problem("").unwrap(), "`name` must be 1 to 128 bytes long");
        assert_eq!(problem(&"ü".repeat(64)), None);
        assert!(problem(&"n".repeat(129)).is_some());
    }

    #[test]
    fn r23_a_name_holds_no_control_characters() {
        for name in ["a\0b", "a\nb", "a\u{85}b", "\u{7f}"] {
            assert_eq!(problem(name).unwrap(), "`name` must not hold control characters");
        }
    }

    #[test]
    fn u01_any_other_text_is_a_name_byte_for_byte() {
        for name in ["a", "🦀", "\u{202e}rtl", "e\u{301}", "é", "a/b", " "] {
            assert_eq!(Name::shared(name.into()).unwrap().as_str(), name);
        }
    }
}
