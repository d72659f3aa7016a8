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
    /// What is known as text, in the order of [`Field`], with a NUL after each but the last. One text takes less room
    /// in a program than its parts would, each with a pointer that the loader relocates.
    text: &'static str,
    /// What stands in place of the name, the config and the keys, if a constant is among them.
    constants: Option<&'static Constants>,
}

/// What only the compiler could evaluate.
#[derive(Debug)]
pub struct Constants {
    name: &'static str,
    config: Config,
    max_keys: u32,
}

impl Constants {
    /// What the attribute states. With 0 for `max_keys`, there are no keys.
    #[must_use]
    pub const fn new(name: &'static str, config: Config, max_keys: u32) -> Self {
        Self { name, config, max_keys }
    }
}

/// A part of a site's text.
#[derive(Clone, Copy)]
enum Field {
    Name,
    Config,
    MaxKeys,
    Function,
    Line,
    Column,
    Module,
    /// The last: a path may hold anything.
    File,
}

impl Site {
    /// A site whose options are literals. The attribute checked them.
    #[doc(hidden)]
    #[must_use]
    pub const fn new(text: &'static str) -> Self {
        Self { text, constants: None }
    }

    /// A site with constants among its options. The compiler checked them.
    #[doc(hidden)]
    #[must_use]
    pub const fn with(text: &'static str, constants: &'static Constants) -> Self {
        Self { text, constants: Some(constants) }
    }

    fn field(&self, field: Field) -> &'static str {
        let mut rest = self.text;
        for _ in 0..field as usize {
            (_, rest) = at_nul(rest);
        }
        if matches!(field, Field::File) { rest } else { at_nul(rest).0 }
    }

    fn number(&self, field: Field) -> u32 {
        self.field(field).parse().unwrap_or_default()
    }

    /// The limit on circuits by key; 0 without keys.
    pub(crate) fn max_keys(&self) -> u32 {
        self.constants.map_or_else(|| self.number(Field::MaxKeys), |constants| constants.max_keys)
    }

    /// The name of its circuit.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "macros")] {
    /// use breaker_runtime::{circuit_breaker, registry};
    ///
    /// #[circuit_breaker(name = "site.name")]
    /// fn stock() -> Option<u32> {
    ///     Some(7)
    /// }
    ///
    /// let snapshot = registry().snapshot_of("site.name").unwrap();
    /// assert_eq!(snapshot.sites[0].name(), "site.name");
    /// # let _ = stock();
    /// # }
    /// ```
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.constants.map_or_else(|| self.field(Field::Name), |constants| constants.name)
    }

    /// The config it states.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "macros")] {
    /// use breaker_runtime::{Config, circuit_breaker, registry};
    ///
    /// #[circuit_breaker(name = "site.config", failure_threshold = 3)]
    /// fn stock() -> Option<u32> {
    ///     Some(7)
    /// }
    ///
    /// let snapshot = registry().snapshot_of("site.config").unwrap();
    /// assert_eq!(snapshot.sites[0].config(), Config::new().failure_threshold(3));
    /// # let _ = stock();
    /// # }
    /// ```
    pub fn config(&self) -> Config {
        self.constants.map_or_else(
            || Config::of_site(self.field(Field::Config)),
            |constants| constants.config,
        )
    }

    /// Whether it states no option of a circuit.
    pub(crate) fn states_nothing(&self) -> bool {
        self.constants.map_or_else(
            || self.field(Field::Config).is_empty(),
            |constants| constants.config == Config::new(),
        )
    }

    /// The name of the function.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "macros")] {
    /// use breaker_runtime::{circuit_breaker, registry};
    ///
    /// #[circuit_breaker(name = "site.function")]
    /// fn stock() -> Option<u32> {
    ///     Some(7)
    /// }
    ///
    /// let snapshot = registry().snapshot_of("site.function").unwrap();
    /// assert_eq!(snapshot.sites[0].function(), "stock");
    /// # let _ = stock();
    /// # }
    /// ```
    #[must_use]
    pub fn function(&self) -> &'static str {
        self.field(Field::Function)
    }

    /// The path of the module that holds the function.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "macros")] {
    /// use breaker_runtime::{circuit_breaker, registry};
    ///
    /// #[circuit_breaker(name = "site.module")]
    /// fn stock() -> Option<u32> {
    ///     Some(7)
    /// }
    ///
    /// let snapshot = registry().snapshot_of("site.module").unwrap();
    /// assert_eq!(snapshot.sites[0].module(), module_path!());
    /// # let _ = stock();
    /// # }
    /// ```
    #[must_use]
    pub fn module(&self) -> &'static str {
        self.field(Field::Module)
    }

    /// The path of the source file, as passed to the compiler.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "macros")] {
    /// use breaker_runtime::{circuit_breaker, registry};
    ///
    /// #[circuit_breaker(name = "site.file")]
    /// fn stock() -> Option<u32> {
    ///     Some(7)
    /// }
    ///
    /// let snapshot = registry().snapshot_of("site.file").unwrap();
    /// assert_eq!(snapshot.sites[0].file(), file!());
    /// # let _ = stock();
    /// # }
    /// ```
    #[must_use]
    pub fn file(&self) -> &'static str {
        self.field(Field::File)
    }

    /// The line of the attribute, from 1.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "macros")] {
    /// use breaker_runtime::{circuit_breaker, registry};
    ///
    /// #[circuit_breaker(name = "site.line")]
    /// fn stock() -> Option<u32> {
    ///     Some(7)
    /// }
    ///
    /// let snapshot = registry().snapshot_of("site.line").unwrap();
    /// assert!((1..line!()).contains(&snapshot.sites[0].line()));
    /// # let _ = stock();
    /// # }
    /// ```
    #[must_use]
    pub fn line(&self) -> u32 {
        self.number(Field::Line)
    }

    /// The column of the attribute, from 1.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "macros")] {
    /// use breaker_runtime::{circuit_breaker, registry};
    ///
    /// #[circuit_breaker(name = "site.column")]
    /// fn stock() -> Option<u32> {
    ///     Some(7)
    /// }
    ///
    /// let snapshot = registry().snapshot_of("site.column").unwrap();
    /// assert!(snapshot.sites[0].column() >= 1);
    /// # let _ = stock();
    /// # }
    /// ```
    #[must_use]
    pub fn column(&self) -> u32 {
        self.number(Field::Column)
    }

    /// Sorts sites by crate, file, line and column (R22). Sites made by one macro call share a location and are sorted
    /// by function name.
    pub(crate) fn order(&self) -> impl Ord + use<> {
        let krate = self.module().split("::").next();
        (krate, self.file(), self.line(), self.column(), self.function())
    }
}

/// What stands before the first NUL and after it. Parts are so short that a plain search is the fastest.
fn at_nul(text: &str) -> (&str, &str) {
    let at = text.bytes().position(|byte| byte == 0).unwrap_or(text.len());
    (text.get(..at).unwrap_or_default(), text.get(at + 1..).unwrap_or_default())
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
        let (module, function) = (self.module(), self.function());
        write!(f, "{module}::{function} ({}:{})", self.file(), self.line())
    }
}

impl fmt::Debug for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Site({self})")
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::settings::Mode;

    fn text(module: &str, file: &str, line: u32, column: u32, function: &str) -> &'static str {
        let config = "failure_rate=0.5,cooldown=1m 30s,mode=observe";
        format!("payments\0{config}\09\0{function}\0{line}\0{column}\0{module}\0{file}").leak()
    }

    #[test]
    fn a_site_reads_its_text() {
        let site = Site::new(text("a::b", "src/b.rs", 9, 5, "pay"));
        let config =
            Config::new().failure_rate(0.5).cooldown(Duration::from_secs(90)).mode(Mode::Observe);
        assert_eq!((site.name(), site.config(), site.max_keys()), ("payments", config, 9));
        assert_eq!((site.function(), site.module(), site.file()), ("pay", "a::b", "src/b.rs"));
        assert_eq!((site.line(), site.column(), site.states_nothing()), (9, 5, false));
    }

    #[test]
    fn constants_stand_in_place_of_the_text() {
        static CONSTANTS: Constants = Constants::new("orders", Config::new(), 0);
        let site = Site::with(text("a::b", "src/b.rs", 9, 5, "pay"), &CONSTANTS);
        assert_eq!((site.name(), site.config(), site.max_keys()), ("orders", Config::new(), 0));
        assert!(site.states_nothing() && site.function() == "pay");
    }

    #[test]
    fn a_path_may_hold_whatever_separates_the_parts() {
        assert_eq!(Site::new(text("a", "odd\0path.rs", 1, 1, "pay")).file(), "odd\0path.rs");
    }

    #[test]
    fn r22_sites_are_ordered_by_crate_file_line_column_and_name() {
        let site = |module, file, line, column, function| {
            Site::new(text(module, file, line, column, function))
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
