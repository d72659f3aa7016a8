//! The section `[fleet]`: where the processes that share circuits meet.

use std::fmt;

/// Where the processes of a fleet meet, as the section `[fleet]` says. [`Configured::fleet`](crate::Configured::fleet)
/// returns it, for the crate `breaker-fleet`.
///
/// `Debug` does not show the address, because it may hold a password.
///
/// # Examples
///
/// ```
/// use breaker_config::File;
/// # let path = std::env::temp_dir().join("breaker-doc-fleet.toml");
/// # std::fs::write(&path, "[fleet]\nredis = 'redis://redis.internal/'\nnamespace = 'shop-production'\n")?;
///
/// let config = File::new(path).apply()?;
/// let fleet = config.fleet().unwrap();
/// assert_eq!((fleet.redis(), fleet.namespace()), ("redis://redis.internal/", "shop-production"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct FleetSettings {
    pub(crate) redis: String,
    pub(crate) namespace: String,
}

impl FleetSettings {
    /// The address of the Redis or Valkey server.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_config::File;
    /// # let path = std::env::temp_dir().join("breaker-doc-redis.toml");
    /// # std::fs::write(&path, "[fleet]\nredis = 'redis://redis.internal/'\nnamespace = 'shop-production'\n")?;
    ///
    /// let config = File::new(path).apply()?;
    /// assert_eq!(config.fleet().unwrap().redis(), "redis://redis.internal/");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn redis(&self) -> &str {
        &self.redis
    }

    /// The name that the processes share.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_config::File;
    /// # let path = std::env::temp_dir().join("breaker-doc-namespace.toml");
    /// # std::fs::write(&path, "[fleet]\nredis = 'redis://redis.internal/'\nnamespace = 'shop-production'\n")?;
    ///
    /// let config = File::new(path).apply()?;
    /// assert_eq!(config.fleet().unwrap().namespace(), "shop-production");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.namespace
    }
}

impl fmt::Debug for FleetSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FleetSettings").field("namespace", &self.namespace).finish_non_exhaustive()
    }
}
