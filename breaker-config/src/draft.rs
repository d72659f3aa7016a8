//! Settings that were read, before they are applied.

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;

use breaker_options::Entry;
use breaker_runtime::{Applied, ConfigErrors, Layer, Registry, Statement};

use crate::fleet::FleetSettings;
use crate::problem::{Errors, Problem};
use crate::text::Text;
use crate::{directives, document};

/// A place in one of the two texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum At {
    File(Range<usize>),
    Variable(Range<usize>),
}

impl At {
    /// Mistakes are reported in this order.
    fn order(&self) -> (bool, usize) {
        match self {
            Self::File(span) => (false, span.start),
            Self::Variable(span) => (true, span.start),
        }
    }
}

/// A word with its place.
#[derive(Clone, Debug)]
pub(crate) struct Word {
    pub(crate) text: String,
    pub(crate) at: At,
}

/// A statement whose words have places.
#[derive(Clone, Debug)]
pub(crate) struct Piece {
    pub(crate) layer: Layer,
    pub(crate) circuit: Word,
    pub(crate) option: Word,
    pub(crate) value: Word,
}

/// What reading finds.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) pieces: Vec<Piece>,
    pub(crate) problems: Vec<(At, String)>,
    /// What is no TOML.
    pub(crate) syntax: Vec<(Range<usize>, String)>,
    /// The circuits that are named, even if nothing is stated about them.
    pub(crate) circuits: Vec<Word>,
    /// Whether circuits may be made later.
    pub(crate) may_be_unknown: bool,
    pub(crate) fleet: Option<FleetSettings>,
}

/// Settings that are right, each by itself.
#[derive(Debug)]
pub(crate) struct Draft {
    texts: Texts,
    layers: Vec<(Layer, Vec<Piece>)>,
    may_be_unknown: bool,
    fleet: Option<FleetSettings>,
}

#[derive(Debug)]
struct Texts {
    file: Option<Text>,
    variable: Option<Text>,
}

impl Draft {
    /// # Errors
    ///
    /// All mistakes that are in single statements.
    pub(crate) fn read(
        file: Option<Text>,
        variable: Option<Text>,
        registry: &Registry,
    ) -> Result<Self, Errors> {
        let mut found = Found::default();
        // Directives that are gone must be removed. Without a file, its layers may be those of another store of
        // settings.
        let mut layers = vec![Layer::Environment];
        if let Some(file) = &file {
            document::read(file.as_str(), &mut found);
            layers.extend([Layer::Defaults, Layer::Template, Layer::File]);
        }
        if let Some(variable) = &variable {
            directives::read(variable.as_str(), &mut found);
        }
        // The parser sorts by name. The second of two is the one that stands below.
        found.pieces.sort_by_key(|piece| piece.option.at.order());
        find_repeated(&mut found);
        if !found.may_be_unknown {
            find_unknown(&mut found, registry);
        }
        let texts = Texts { file, variable };
        texts.add_syntax(&mut found);
        let Found { mut pieces, problems, may_be_unknown, fleet, .. } = found;
        if !problems.is_empty() {
            return Err(texts.errors(problems, vec![]));
        }
        let take = |layer| (layer, pieces.extract_if(.., |it| it.layer == layer).collect());
        let layers = layers.into_iter().map(take).collect();
        Ok(Self { texts, layers, may_be_unknown, fleet })
    }

    /// # Errors
    ///
    /// Settings that contradict each other, or what the code says.
    pub(crate) fn apply(&self, registry: &Registry) -> Result<Applied, Errors> {
        registry.apply_all(self.statements()).map_err(|errors| self.locate(&errors))
    }

    /// # Errors
    ///
    /// As [`apply`](Self::apply).
    pub(crate) fn check(&self, registry: &Registry) -> Result<(), Errors> {
        registry.check(self.statements()).map(drop).map_err(|errors| self.locate(&errors))
    }

    /// What the section `[fleet]` says.
    pub(crate) fn fleet(&self) -> Option<&FleetSettings> {
        self.fleet.as_ref()
    }

    fn statements(&self) -> Vec<(Layer, Vec<Statement>)> {
        let statement = |piece: &Piece| {
            let source = self.texts.source(&piece.option.at);
            let (option, value) = (&piece.option.text, &piece.value.text);
            let statement =
                Statement::new(&*piece.circuit.text, option.as_str(), value.as_str(), source);
            if self.may_be_unknown { statement.may_be_unknown() } else { statement }
        };
        let of_layer = |pieces: &Vec<Piece>| pieces.iter().map(statement).collect();
        self.layers.iter().map(|(layer, pieces)| (*layer, of_layer(pieces))).collect()
    }

    /// The runtime's mistakes, at the values that they are about.
    fn locate(&self, errors: &ConfigErrors) -> Errors {
        let mut placed = Vec::new();
        let mut others = Vec::new();
        for (statement, message) in errors.by_statement() {
            let value = statement.and_then(|(layer, number)| {
                let (_, pieces) = self.layers.iter().find(|(known, _)| *known == layer)?;
                Some(pieces.get(number)?.value.at.clone())
            });
            match value {
                Some(at) => placed.push((at, message.to_owned())),
                None => others.push(message),
            }
        }
        self.texts.errors(placed, others)
    }
}

impl Texts {
    /// Adds what is no TOML. The parser goes on after such a mistake, and what it takes the rest of that line for says
    /// nothing.
    fn add_syntax(&self, found: &mut Found) {
        let Some(file) = self.file.as_ref().filter(|_| !found.syntax.is_empty()) else { return };
        let broken: HashSet<usize> =
            found.syntax.iter().map(|(span, _)| file.line(span.start)).collect();
        found.problems.retain(|(at, _)| match at {
            At::File(span) => !broken.contains(&file.line(span.start)),
            At::Variable(_) => true,
        });
        let syntax = found.syntax.drain(..).map(|(span, message)| (At::File(span), message));
        found.problems.extend(syntax);
    }

    fn of(&self, at: &At) -> Option<(&Text, Range<usize>)> {
        match at {
            At::File(span) => Some((self.file.as_ref()?, span.clone())),
            At::Variable(span) => Some((self.variable.as_ref()?, span.clone())),
        }
    }

    fn source(&self, at: &At) -> String {
        self.of(at).map(|(text, span)| text.source(span.start)).unwrap_or_default()
    }

    fn errors(&self, mut placed: Vec<(At, String)>, others: Vec<&str>) -> Errors {
        placed.sort_by_key(|(at, _)| at.order());
        placed.dedup();
        let all = self.file.as_ref().or(self.variable.as_ref()).map_or("", Text::name);
        let count = placed.len() + others.len();
        let placed = placed.iter().filter_map(|(at, message)| {
            let (text, span) = self.of(at)?;
            Some(Problem::at(text, &span, message))
        });
        let others = others.into_iter().map(|message| Problem::of_all(all, message));
        Errors::of(placed.chain(others), count)
    }
}

/// Directives can say the same twice, and so can names that differ in the white space around them.
fn find_repeated(found: &mut Found) {
    let mut known = HashSet::new();
    for Piece { layer, circuit, option, .. } in &found.pieces {
        if !known.insert((layer, circuit.text.trim(), option.text.as_str())) {
            let message = format!("`{}` is given twice; keep one", option.text);
            found.problems.push((option.at.clone(), message));
        }
    }
}

/// Asks the registry for each circuit once, so that a misspelt one with ten options is one mistake.
fn find_unknown(found: &mut Found, registry: &Registry) {
    let mut first: BTreeMap<&str, &Word> = BTreeMap::new();
    for circuit in &found.circuits {
        first.entry(circuit.text.trim()).or_insert(circuit);
    }
    let words: Vec<&Word> = first.into_values().collect();
    // A mode contradicts nothing, so that only the names can be wrong.
    let asked = words.iter().map(|word| Statement::new(&*word.text, "mode", "normal", ""));
    let Err(errors) = registry.check(vec![(Layer::Fleet, asked.collect())]) else { return };
    for (statement, message) in errors.by_statement() {
        if let Some(word) = statement.and_then(|(_, number)| words.get(number)) {
            found.problems.push((word.at.clone(), message.to_owned()));
        }
    }
}

/// # Errors
///
/// What is wrong with the value.
pub(crate) fn check_value(option: &Entry, value: &str) -> Result<(), String> {
    option.read(value).map(drop).map_err(|problem| format!("`{}` {problem}", option.name))
}
