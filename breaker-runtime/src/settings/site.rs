//! Sites: annotated functions, and what they state about their circuits.

use std::fmt;

use super::Config;

/// One annotated function: its location, and what it states about its circuit.
///
/// The attribute makes sites. Read them in [`Snapshot::sites`](crate::Snapshot::sites) and
/// [`Conflict`](crate::Conflict).
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "macros")] {
/// use breaker_runtime::{circuit_breaker, registry};
///
/// #[circuit_breaker(name = "payments")]
/// fn pay() -> Result<(), Box<dyn std::error::Error>> {
///     Ok(())
/// }
///
/// let snapshot = registry().get("payments").unwrap().snapshot();
/// assert_eq!(snapshot.sites[0].function(), "pay");
/// # }
/// ```
pub struct Site {
    name: &'static str,
    config: Config,
    function: &'static str,
    place: Place,
    max_keys: u32,
}

/// The source location of a site.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    module: &'static str,
    file: &'static str,
    line: u32,
    column: u32,
}

impl Place {
    /// A location in a module.
    #[must_use]
    pub const fn new(module: &'static str, file: &'static str, line: u32, column: u32) -> Self {
        Self { module, file, line, column }
    }
}

impl Site {
    /// A site whose config was validated at compile time.
    #[doc(hidden)]
    #[must_use]
    pub const fn new(
        name: &'static str,
        config: Config,
        function: &'static str,
        place: Place,
    ) -> Self {
        Self { name, config, function, place, max_keys: 0 }
    }

    /// Adds one circuit per key, at most `max_keys` of them.
    #[doc(hidden)]
    #[must_use]
    pub const fn keyed(mut self, max_keys: u32) -> Self {
        self.max_keys = max_keys;
        self
    }

    /// The limit on circuits by key; 0 without keys.
    pub(crate) fn max_keys(&self) -> u32 {
        self.max_keys
    }

    /// The name of its circuit.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The config it states.
    pub fn config(&self) -> Config {
        self.config
    }

    /// The name of the function.
    #[must_use]
    pub fn function(&self) -> &'static str {
        self.function
    }

    /// The path of the module that holds the function.
    #[must_use]
    pub fn module(&self) -> &'static str {
        self.place.module
    }

    /// The path of the source file, as passed to the compiler.
    #[must_use]
    pub fn file(&self) -> &'static str {
        self.place.file
    }

    /// The line of the attribute, from 1.
    #[must_use]
    pub fn line(&self) -> u32 {
        self.place.line
    }

    /// The column of the attribute, from 1.
    #[must_use]
    pub fn column(&self) -> u32 {
        self.place.column
    }

    /// Sorts sites by crate, file, line and column (R22). Sites made by one macro call share a location and are sorted
    /// by function name.
    pub(crate) fn order(&self) -> impl Ord + use<> {
        let Place { module, file, line, column } = self.place;
        let krate = module.split("::").next();
        (krate, file, line, column, self.function)
    }
}

/// A site equals only itself. A function that a macro expands twice is two sites.
impl PartialEq for Site {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

impl Eq for Site {}

/// `module::function (file:line)`.
impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place { module, file, line, .. } = self.place;
        write!(f, "{module}::{} ({file}:{line})", self.function)
    }
}

impl fmt::Debug for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Site({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r22_sites_are_ordered_by_crate_file_line_column_and_name() {
        let site = |module, file, line, column, function| {
            Site::new("payments", Config::new(), function, Place::new(module, file, line, column))
        };
        let sites = [
            site("a::z", "z.rs", 9, 9, "z"),
            site("b::z", "a.rs", 10, 9, "z"),
            site("b::a", "b.rs", 2, 9, "z"),
            site("b", "b.rs", 10, 1, "z"),
            site("b::c", "b.rs", 10, 2, "a"),
            site("b::c", "b.rs", 10, 2, "b"),
        ];
        assert!(sites.is_sorted_by_key(Site::order));
    }
}
