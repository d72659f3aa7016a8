//! What is wrong with an order that cannot be read, by the name of the field.

use serde_json::{Map, Value};

use super::{Action, NO_OBJECT};
use crate::answer::Failure;

/// The longest name of an unknown field that an answer repeats, in characters.
const LONGEST_FIELD: usize = 40;

/// The fields of an order, and what each of them expects.
const FIELDS: [(&str, Expects); 9] = [
    ("name", Expects::Text),
    ("names", Expects::Texts),
    ("action", Expects::Action),
    ("for", Expects::Seconds),
    ("option", Expects::Text),
    ("value", Expects::Text),
    ("all_members", Expects::Flag),
    ("reason", Expects::Text),
    ("undo", Expects::Text),
];

#[derive(Clone, Copy)]
enum Expects {
    Text,
    Texts,
    Action,
    Seconds,
    Flag,
}

impl Expects {
    fn fits(self, value: &Value) -> bool {
        match self {
            Self::Action => {
                value.as_str().is_some_and(|it| Action::try_from(it.to_owned()).is_ok())
            }
            Self::Flag => value.is_boolean(),
            // The others may be absent, so they may be null.
            _ if value.is_null() => true,
            Self::Text => value.is_string(),
            Self::Texts => value.as_array().is_some_and(|all| all.iter().all(Value::is_string)),
            Self::Seconds => value.is_number(),
        }
    }

    fn words(self) -> String {
        match self {
            Self::Text => "a text".to_owned(),
            Self::Texts => "a list of texts".to_owned(),
            Self::Action => format!("one of {}", Action::ALL.map(Action::as_str).join(", ")),
            Self::Seconds => "a number of seconds".to_owned(),
            Self::Flag => "true or false".to_owned(),
        }
    }
}

/// The first mistake in a body that is no order.
pub(super) fn mistake(body: &str) -> Failure {
    let Ok(given) = serde_json::from_str::<Map<String, Value>>(body) else { return NO_OBJECT };
    for (name, value) in &given {
        match FIELDS.iter().find(|(field, _)| field == name) {
            None => return unknown(name),
            Some((_, expects)) if !expects.fits(value) => {
                return Failure::misread(format!("`{name}` must be {}", expects.words()));
            }
            Some(_) => {}
        }
    }
    if given.contains_key("action") {
        // What is left: reading into a map has hidden it.
        return Failure::misread("a field must not be given twice");
    }
    Failure::misread(format!("`action` is missing: it must be {}", Expects::Action.words()))
}

fn unknown(name: &str) -> Failure {
    let shown: String = name.chars().take(LONGEST_FIELD).collect();
    let fields: Vec<_> = FIELDS.iter().map(|(field, _)| format!("`{field}`")).collect();
    Failure::misread(format!("{shown:?} is not a field; the fields are {}", fields.join(", ")))
}
