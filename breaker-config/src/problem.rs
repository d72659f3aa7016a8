//! Mistakes in settings, each with its place.

use std::fmt;
use std::ops::Range;

use crate::text::{Excerpt, Text, tame};

/// One mistake in a file of settings, or in the variable `BREAKER`.
///
/// # Examples
///
/// ```
/// use breaker_config::File;
/// # let path = std::env::temp_dir().join("breaker-doc-problem.toml");
/// # std::fs::write(&path, "[defaults]\ncooldown = 30\n")?;
///
/// // The file says `cooldown = 30` in its second line.
/// let errors = File::new(path).check().unwrap_err();
/// let problem = errors.iter().next().unwrap();
/// assert_eq!((problem.line, problem.column), (2, 12));
/// assert_eq!(problem.message, "`cooldown` needs a unit: write `\"30s\"` or `\"30ms\"`");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// The file as it was named, or `BREAKER`.
    pub place: String,
    /// The line, from 1. 0 if the mistake is in no single line.
    pub line: usize,
    /// The character in the line, from 1. 0 if the mistake is in no single line.
    pub column: usize,
    /// What is wrong, and what was expected.
    pub message: String,
    excerpt: Option<Excerpt>,
}

impl Problem {
    pub(crate) fn at(text: &Text, span: &Range<usize>, message: &str) -> Self {
        Self {
            place: text.name().to_owned(),
            line: text.line(span.start),
            column: text.column(span.start),
            message: shortened(message),
            excerpt: Some(text.excerpt(span)),
        }
    }

    pub(crate) fn of_all(place: &str, message: &str) -> Self {
        let (place, message) = (place.to_owned(), shortened(message));
        Self { place, line: 0, column: 0, message, excerpt: None }
    }

    /// `breaker.toml:2:12: what is wrong`.
    fn without_excerpt(&self) -> String {
        let Self { place, line, column, message, .. } = self;
        match self.excerpt {
            None => format!("{place}: {message}"),
            Some(_) => format!("{place}:{line}:{column}: {message}"),
        }
    }
}

/// A message holds words of the file, which may be anything.
fn shortened(message: &str) -> String {
    const LONGEST: usize = 600;
    let mut chars = message.chars();
    let mut shortened: String = chars.by_ref().take(LONGEST).map(tame).collect();
    if chars.next().is_some() {
        shortened.push_str("...");
    }
    shortened
}

/// `breaker.toml:2:12: what is wrong`, the line, and marks below the wrong word.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.without_excerpt())?;
        self.excerpt.as_ref().map_or(Ok(()), |excerpt| write!(f, "\n{excerpt}"))
    }
}

/// All mistakes at once; at least one. Nothing was applied.
///
/// `Debug` shows the same text as `Display`, because that is what a `main` prints that returns it.
///
/// # Examples
///
/// ```
/// use breaker_config::File;
/// use breaker_runtime::Registry;
///
/// let own: &'static Registry = Box::leak(Box::new(Registry::new()));
/// let errors = File::none().registry(own).directives("*.cooldwn=5s").check().unwrap_err();
/// assert_eq!(
///     errors.to_string(),
///     "BREAKER:1:3: unknown option `cooldwn`; did you mean `cooldown`?
///   |
/// 1 | *.cooldwn=5s
///   |   ^^^^^^^"
/// );
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Errors {
    problems: Vec<Problem>,
    left_out: usize,
}

impl Errors {
    /// The most mistakes that are kept.
    const MOST: usize = 100;

    pub(crate) fn of_one(problem: Problem) -> Self {
        Self { problems: vec![problem], left_out: 0 }
    }

    /// Keeps the first [`MOST`](Self::MOST) of `count` mistakes, and counts the rest.
    pub(crate) fn of(problems: impl Iterator<Item = Problem>, count: usize) -> Self {
        Self {
            problems: problems.take(Self::MOST).collect(),
            left_out: count.saturating_sub(Self::MOST),
        }
    }

    /// The mistakes, in the order of their places. At most the first 100.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_config::File;
    ///
    /// let errors = File::none().directives("*.cooldown=5, *.mode=off").check().unwrap_err();
    /// let columns: Vec<_> = errors.iter().map(|problem| problem.column).collect();
    /// assert_eq!(columns, [12, 22]);
    /// ```
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.problems.iter()
    }

    /// The mistakes for snapshots and logs, one text each. They leave out the line of the file, which may hold a
    /// password: `[fleet]` has URLs.
    pub(crate) fn without_excerpts(&self) -> Vec<String> {
        self.iter().map(Problem::without_excerpt).chain(self.rest()).collect()
    }

    fn rest(&self) -> Option<String> {
        (self.left_out > 0).then(|| format!("and {} more mistakes", self.left_out))
    }
}

impl fmt::Display for Errors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts: Vec<_> = self.iter().map(Problem::to_string).chain(self.rest()).collect();
        f.write_str(&texts.join("\n\n"))
    }
}

impl fmt::Debug for Errors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the settings are wrong\n\n{self}")
    }
}

impl std::error::Error for Errors {}
