//! Statements from outside the code, laid over what the attribute or code states (R32, R33).

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::circuit::RwLock;
use crate::settings::{Config, Effective, Layer, Mistake, Source, Statement, Told};

/// The statement about every circuit.
pub(super) const ALL: &str = "*";

/// The layers of a registry.
#[derive(Debug, Default)]
pub(super) struct Layers(RwLock<Arc<Stack>>);

/// Statements by layer, in the order in which they win.
#[derive(Clone, Debug, Default)]
pub(super) struct Stack(BTreeMap<Layer, HashMap<String, Vec<Told>>>);

impl Layers {
    pub(super) fn are_empty(&self) -> bool {
        self.0.read().0.values().all(HashMap::is_empty)
    }

    pub(super) fn stack(&self) -> Arc<Stack> {
        Arc::clone(&self.0.read())
    }

    pub(super) fn replace(&self, stack: Stack) {
        *self.0.write() = stack.into();
    }
}

impl Stack {
    /// Replaces a layer.
    ///
    /// # Errors
    ///
    /// All mistakes of its statements.
    pub(super) fn set(
        &mut self,
        layer: Layer,
        statements: &[Statement],
    ) -> Result<(), Vec<Mistake>> {
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

    /// Lays the layers over what the attribute or code states about that circuit, and the overrides of that circuit
    /// alone below those of the fleet.
    pub(super) fn over(
        &self,
        name: &str,
        stated: &Config,
        from: &Source,
        overrides: &[(Told, Source)],
    ) -> Effective {
        let mut effective = Effective::default();
        self.lay(Layer::Defaults, name, &mut effective);
        for option in stated.stated() {
            effective.sources.set(option, from.clone());
        }
        effective.config = effective.config.overlaid(stated);
        for layer in [Layer::Template, Layer::File, Layer::Environment, Layer::Override] {
            self.lay(layer, name, &mut effective);
        }
        for (told, source) in overrides {
            effective.take(told, source.clone());
        }
        self.lay(Layer::Fleet, name, &mut effective);
        effective
    }

    /// Lays one layer, the less precise statements first.
    fn lay(&self, layer: Layer, name: &str, effective: &mut Effective) {
        let Some(told) = self.0.get(&layer) else { return };
        for circuit in addressed(name).into_iter().flatten() {
            for new in told.get(circuit).into_iter().flatten() {
                effective.take(new, Source::Stated(layer, new.source.clone()));
            }
        }
    }

    /// The circuits that statements are about.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.values().flat_map(HashMap::keys).map(String::as_str)
    }
}

/// What is wrong with all that is laid over a circuit, taken together.
pub(super) fn problem(name: &str, effective: &Effective) -> Option<Contradiction> {
    let error = effective.config.check().err()?;
    let blamed = [error.option(), error.other()].map(|it| (it, effective.sources.of(it)));
    let mut shown = blamed[0].1.clone();
    // Readers of the text may not know who gave orders.
    shown.withhold_name();
    let place = match shown {
        Source::BuiltIn => String::new(),
        source => format!(" (from {source})"),
    };
    let text = format!("circuit {name:?}: {error}{place}");
    Some(Contradiction { text, circuit: name.to_owned(), blamed })
}

/// Settings of one circuit that are right one by one, and wrong together.
pub(super) struct Contradiction {
    pub(super) text: String,
    circuit: String,
    /// The option that is wrong, and the one that makes it wrong, each with its source.
    blamed: [(&'static str, Source); 2],
}

impl Contradiction {
    /// The mistake, at the statement to blame if that is one of these.
    pub(super) fn located(self, layers: &[(Layer, Vec<Statement>)]) -> Mistake {
        let found = self.blamed.iter().find_map(|(option, source)| {
            let Source::Stated(layer, place) = source else { return None };
            let (_, statements) = layers.iter().find(|(known, _)| known == layer)?;
            let of = |circuit: &str| {
                statements.iter().position(|it| {
                    it.circuit.trim() == circuit
                        && it.option.trim() == *option
                        && *it.source == **place
                })
            };
            let number = addressed(&self.circuit).into_iter().rev().flatten().find_map(of);
            Some((*layer, number?))
        });
        match found {
            Some((layer, number)) => Mistake::of(layer, number, self.text),
            None => Mistake::of_all(self.text),
        }
    }
}

/// The names by which statements are about that circuit, the less precise first.
fn addressed(circuit: &str) -> [Option<&str>; 3] {
    let family = circuit.split_once('/').map(|(family, _)| family);
    [Some(ALL), family, Some(circuit)]
}

/// Those of the names that no circuit has.
pub(super) fn unknown<'a>(
    names: impl Iterator<Item = &'a str>,
    is_known: impl Fn(&str) -> bool,
) -> Vec<String> {
    let mut unknown: Vec<_> =
        names.filter(|name| *name != ALL && !is_known(name)).map(str::to_owned).collect();
    unknown.sort();
    unknown.dedup();
    unknown
}
