//! Statements from outside the code, laid over what the attribute or code states (R32, R33).

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use breaker_options::{Scope, Value};

use crate::circuit::RwLock;
use crate::settings::{Config, ConfigErrors, Layer, Mistake, Source, Sources, Statement, Told};

/// The statement about every circuit.
const ALL: &str = "*";

/// The layers of a registry.
#[derive(Debug, Default)]
pub(super) struct Layers(RwLock<Stack>);

/// Statements by layer, in the order in which they win.
#[derive(Clone, Debug, Default)]
pub(super) struct Stack(BTreeMap<Layer, HashMap<String, Vec<Told>>>);

/// What a circuit goes by.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Effective {
    pub(super) config: Config,
    /// `Some(None)` switches the limit of the functions off.
    pub(super) call_timeout: Option<Option<Duration>>,
    pub(super) max_keys: Option<u32>,
    pub(super) sources: Sources,
}

impl Layers {
    pub(super) fn stack(&self) -> Stack {
        self.0.read().clone()
    }

    pub(super) fn replace(&self, stack: Stack) {
        *self.0.write() = stack;
    }

    /// Lays the layers over what the attribute or code states about that circuit.
    pub(super) fn over(&self, name: &str, stated: &Config, from: &Source) -> Effective {
        self.0.read().over(name, stated, from)
    }
}

impl Stack {
    /// Replaces a layer.
    ///
    /// # Errors
    ///
    /// All mistakes of its statements.
    pub(super) fn set(&mut self, layer: Layer, statements: &[Statement]) -> Result<(), Vec<Mistake>> {
        let mut told: HashMap<String, Vec<Told>> = HashMap::new();
        let mut mistakes = Vec::new();
        for (number, statement) in statements.iter().enumerate() {
            let circuit = statement.circuit.trim();
            match statement.read() {
                Err(problem) => mistakes.push(Mistake::of(layer, number, problem)),
                Ok(new) => {
                    let of_circuit = told.entry(circuit.to_owned()).or_default();
                    if of_circuit.iter().any(|known| known.option.name == new.option.name) {
                        let problem = format!("`{}` is given twice; keep one", new.option.name);
                        mistakes.push(Mistake::of(layer, number, problem));
                    }
                    of_circuit.push(new);
                }
            }
        }
        if mistakes.is_empty() {
            self.0.insert(layer, told);
            Ok(())
        } else {
            Err(mistakes)
        }
    }

    pub(super) fn over(&self, name: &str, stated: &Config, from: &Source) -> Effective {
        let mut effective = Effective::default();
        self.lay(Layer::Defaults, name, &mut effective);
        for option in stated.stated() {
            effective.sources.set(option, from.clone());
        }
        effective.config = effective.config.overlaid(stated);
        for layer in [Layer::Template, Layer::File, Layer::Environment, Layer::Override, Layer::Fleet] {
            self.lay(layer, name, &mut effective);
        }
        effective
    }

    /// Lays one layer, the less precise statements first.
    fn lay(&self, layer: Layer, name: &str, effective: &mut Effective) {
        let Some(told) = self.0.get(&layer) else { return };
        let family = name.split_once('/').map(|(family, _)| family);
        for circuit in [Some(ALL), family, Some(name)].into_iter().flatten() {
            for new in told.get(circuit).into_iter().flatten() {
                effective.take(new, layer);
            }
        }
    }

    /// The statement that decides that option of a circuit, by its layer and place.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.values().flat_map(HashMap::keys).map(String::as_str)
    }
}

impl Effective {
    fn take(&mut self, new: &Told, layer: Layer) {
        self.sources.set(new.option.name, Source::Stated(layer, new.source.clone()));
        new.write_to(&mut self.config);
        if new.option.scope == Scope::Function {
            match (new.option.name, new.value) {
                ("call_timeout", Value::Off) => self.call_timeout = Some(None),
                ("call_timeout", Value::Duration(limit)) => self.call_timeout = Some(Some(limit)),
                ("max_keys", Value::Count(keys)) => self.max_keys = Some(keys),
                _ => {}
            }
        }
    }

    /// What is wrong with all of it together.
    pub(super) fn problem(&self, name: &str) -> Option<String> {
        let error = self.config.validate().err()?;
        let place = match self.sources.of(error.option()) {
            Source::BuiltIn => String::new(),
            source => format!(", from {source}"),
        };
        Some(format!("circuit {name:?}: {error}{place}"))
    }
}

/// Those of the names that no circuit has.
pub(super) fn unknown<'a>(
    names: impl Iterator<Item = &'a str>,
    is_known: impl Fn(&str) -> bool,
) -> Vec<String> {
    let mut unknown: Vec<_> = names
        .filter(|name| *name != ALL && !is_known(name))
        .map(str::to_owned)
        .collect();
    unknown.sort();
    unknown.dedup();
    unknown
}

impl From<Vec<Mistake>> for ConfigErrors {
    fn from(mistakes: Vec<Mistake>) -> Self {
        Self::of(mistakes)
    }
}
