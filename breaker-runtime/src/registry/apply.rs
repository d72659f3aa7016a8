//! Applying settings from outside the code to the circuits of a registry (R32, R33).

use std::collections::{BTreeMap, HashSet};

use super::Registry;
use super::event::EventKind;
use super::layers::{ALL, Stack, problem, unknown};
use super::listing::Entry;
use crate::circuit::Topic;
use crate::settings::{ConfigErrors, Layer, Mistake, Statement, cut};

/// Stands here because layers concern all circuits at once, and nothing else of a registry.
impl Registry {
    /// Replaces a layer of settings, in one step: it is applied as a whole, or not at all. The circuits that exist go
    /// by it at once and keep their state, counts and calls in flight; later ones begin with it.
    ///
    /// A later [layer](Layer) wins, option by option. Inside a layer, the more precise circuit wins. The words are
    /// those of the attribute. `call_timeout` sets the time limit of functions that state one, and `max_keys` the bound
    /// of functions that have keys. All other options of functions are code.
    ///
    /// An empty list takes the layer away.
    ///
    /// # Errors
    ///
    /// All mistakes at once, each with its [statement](ConfigErrors::by_statement): unknown options, wrong values, and
    /// unknown circuits (with the nearest known name). Settings that contradict each other once all layers are merged
    /// are mistakes too. Nothing has changed then.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use breaker_runtime::{Config, Layer, Registry, Statement};
    ///
    /// let own = Registry::new();
    /// let payments = own.circuit("payments", Config::new().failure_threshold(3))?;
    /// let statements = vec![
    ///     Statement::new("*", "cooldown", "5s", "settings table, row 1"),
    ///     Statement::new("payments", "failure_threshold", "off", "settings table, row 2"),
    ///     Statement::new("payments", "failure_rate", "25%", "settings table, row 3"),
    /// ];
    /// let applied = own.apply(Layer::File, statements)?;
    /// assert_eq!(applied.changed, ["payments"]);
    /// let settings = payments.snapshot().config.settings();
    /// assert_eq!((settings.failure_threshold, settings.failure_rate), (None, Some(0.25)));
    /// assert_eq!(settings.cooldown, Duration::from_secs(5));
    ///
    /// let misspelt = vec![Statement::new("paymets", "cooldown", "5s", "settings table, row 1")];
    /// let errors = own.apply(Layer::File, misspelt).unwrap_err();
    /// assert_eq!(errors.to_string(), "unknown circuit \"paymets\"; did you mean \"payments\"?");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn apply(&self, layer: Layer, statements: Vec<Statement>) -> Result<Applied, ConfigErrors> {
        self.apply_all(vec![(layer, statements)])
    }

    /// As [`apply`](Registry::apply), for several layers in one step. A file with defaults and templates has three.
    ///
    /// # Errors
    ///
    /// As [`apply`](Registry::apply).
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::{Config, Layer, Registry, Statement};
    ///
    /// let own = Registry::new();
    /// own.circuit("payments", Config::new())?;
    /// let defaults = vec![Statement::new("*", "cooldown", "30s", "breaker.toml:2")];
    /// let file = vec![Statement::new("payments", "cooldown", "5s", "breaker.toml:5")];
    /// own.apply_all(vec![(Layer::Defaults, defaults), (Layer::File, file)])?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[allow(clippy::needless_pass_by_value, reason = "as `apply`, which may keep them one day")]
    pub fn apply_all(&self, layers: Vec<(Layer, Vec<Statement>)>) -> Result<Applied, ConfigErrors> {
        let applied = {
            let _one_at_a_time = self.around.changing.lock();
            let (stack, unknown) = self.checked(&layers)?;
            let before = self.read(|entry| (entry.name().to_owned(), entry.effective_now()));
            let before: BTreeMap<_, _> = before.into_iter().collect();
            self.around.layers.replace(stack);
            let lay = |entry: &Entry| {
                entry.lay(before.get(entry.name())).then(|| entry.name().to_owned())
            };
            let mut changed: Vec<_> = self.read(lay).into_iter().flatten().collect();
            changed.sort();
            Applied { changed, unknown }
        };
        self.refused.lock().retain(|refused, _| layers.iter().all(|(layer, _)| layer != refused));
        self.read(Entry::deliver);
        Ok(applied)
    }

    /// Finds all mistakes that [`apply_all`](Registry::apply_all) would find, and changes nothing. Returns the circuits
    /// that do not exist yet.
    ///
    /// # Errors
    ///
    /// As [`apply`](Registry::apply).
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::{Layer, Registry, Statement};
    ///
    /// let layers = vec![(Layer::File, vec![Statement::new("*", "cooldown", "soon", "a test")])];
    /// assert!(Registry::new().check(layers).is_err());
    /// ```
    #[allow(clippy::needless_pass_by_value, reason = "as `apply`, which may keep them one day")]
    pub fn check(&self, layers: Vec<(Layer, Vec<Statement>)>) -> Result<Vec<String>, ConfigErrors> {
        self.checked(&layers).map(|(_, unknown)| unknown)
    }

    /// Says in snapshots that settings were refused, until that layer is applied, and tells listeners once. For code
    /// that reads settings from somewhere and keeps the old ones when the new ones are wrong.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::{Layer, Registry};
    ///
    /// let own = Registry::new();
    /// own.refuse(Layer::File, vec!["breaker.toml:3: `cooldown` needs a unit".to_owned()]);
    /// assert_eq!(own.snapshot().refused.len(), 1);
    /// own.apply(Layer::File, vec![])?;
    /// assert!(own.snapshot().refused.is_empty());
    /// # Ok::<(), breaker_runtime::ConfigErrors>(())
    /// ```
    pub fn refuse(&self, layer: Layer, mistakes: Vec<String>) {
        if self.around.listeners.hear_of(Topic::Circuits) {
            let mistakes = mistakes.clone().into();
            self.outbox.post(None, [EventKind::SettingsRefused { layer, mistakes }.into()]);
        }
        self.refused.lock().insert(layer, mistakes);
        self.outbox.deliver(ALL, &self.around.listeners);
    }

    /// What is wrong with settings that were [refused](Registry::refuse), until they are right.
    ///
    /// # Examples
    ///
    /// ```
    /// assert!(breaker_runtime::Registry::new().refused().is_empty());
    /// ```
    #[must_use]
    pub fn refused(&self) -> Vec<String> {
        self.refused.lock().values().flatten().cloned().collect()
    }

    /// The layers with those in place of what they had, and the circuits that do not exist yet.
    fn checked(
        &self,
        layers: &[(Layer, Vec<Statement>)],
    ) -> Result<(Stack, Vec<String>), ConfigErrors> {
        let mut stack = Stack::clone(&self.around.layers.stack());
        let mut mistakes: Vec<Mistake> = Vec::new();
        for (layer, statements) in layers {
            mistakes.extend(stack.set(*layer, statements).err().into_iter().flatten());
            for (number, statement) in statements.iter().enumerate() {
                let name = statement.circuit.trim();
                if !statement.may_be_unknown && !self.knows(name) {
                    let problem = format!("unknown circuit {:?}{}", cut(name), self.hint(name));
                    mistakes.push(Mistake::of(*layer, number, problem));
                }
            }
        }
        if mistakes.is_empty() {
            let problems = self.read(|entry| problem(entry.name(), &entry.effective(&stack)));
            let mut problems: Vec<_> = problems.into_iter().flatten().collect();
            problems.sort_by(|one, other| one.text.cmp(&other.text));
            let mut located = HashSet::new();
            let problems = problems.into_iter().map(|problem| problem.located(layers));
            // One statement may be wrong for every key.
            mistakes
                .extend(problems.filter(|it| it.statement().is_none_or(|at| located.insert(at))));
        }
        if mistakes.is_empty() {
            let unknown = unknown(stack.names(), |name| self.knows(name));
            Ok((stack, unknown))
        } else {
            Err(ConfigErrors::of(mistakes))
        }
    }

    /// Whether a statement about that name is about a circuit, or about a key of one.
    fn knows(&self, name: &str) -> bool {
        name == ALL || self.entry(name).is_some() || self.keyed_with(name).is_some()
    }
}

/// What [`Registry::apply`] did.
///
/// # Examples
///
/// ```
/// use breaker_runtime::{Config, Layer, Registry, Statement};
///
/// let own = Registry::new();
/// own.circuit("payments", Config::new())?;
/// let applied = own.apply(Layer::File, vec![Statement::new("*", "cooldown", "5s", "a test")])?;
/// assert_eq!(applied.changed, ["payments"]);
/// assert!(applied.unknown.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Applied {
    /// The circuits that go by other settings now, sorted.
    pub changed: Vec<String>,
    /// The names in all layers that no circuit has yet, sorted.
    pub unknown: Vec<String>,
}
