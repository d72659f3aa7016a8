//! The file: TOML, and what its sections mean.

use std::ops::Range;

use breaker_options::{Entry, Takes, find, hint, setting};
use breaker_runtime::Layer;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::draft::{At, Found, Piece, Word, check_value};
use crate::fleet::FleetSettings;
use crate::templates::{Stated, Templates};

/// The words of the top level.
const SECTIONS: [&str; 5] = ["unknown_circuits", "defaults", "templates", "circuits", "fleet"];
const EXTENDS: &str = "extends";
/// The words of the section `[fleet]`.
const REDIS: &str = "redis";
const NAMESPACE: &str = "namespace";

/// Reads the file.
pub(crate) fn read(text: &str, found: &mut Found) {
    let (document, mistakes) = DeTable::parse_recoverable(text);
    Reader { text, found, templates: Templates::default() }.document(document.get_ref());
    found.syntax = mistakes.iter().map(|mistake| syntax(text, mistake)).collect();
}

/// A mistake of the parser, in our words where they say more.
fn syntax(text: &str, mistake: &toml::de::Error) -> (Range<usize>, String) {
    let span = mistake.span().unwrap_or_default();
    let end = span.end.min(text.len());
    let span = span.start.min(end)..end;
    let word = text.get(span.clone()).unwrap_or_default().trim();
    let message = match mistake.message() {
        "duplicate key" => format!("`{word}` is given twice; keep one"),
        message if message.starts_with("invalid unquoted key") => {
            format!("this is not TOML: {message}; write names with other characters in quotes")
        }
        message => format!("this is not TOML: {message}"),
    };
    (span, message)
}

struct Reader<'a> {
    text: &'a str,
    found: &'a mut Found,
    templates: Templates,
}

type Value<'a> = Spanned<DeValue<'a>>;

impl Reader<'_> {
    fn document(&mut self, document: &DeTable<'_>) {
        for (key, value) in document {
            let (name, at) = (key.get_ref().as_ref(), key.span());
            match name {
                "unknown_circuits" => self.unknown_circuits(value),
                "defaults" => self.defaults(&at, value),
                "templates" => self.each(name, &at, value, |reader, name, _, table| {
                    let (extends, stated) = reader.options(table, true);
                    reader.templates.add(name, extends, stated);
                }),
                "circuits" => {}
                "fleet" => self.fleet(&at, value),
                name => self.wrong(at, unknown_section(name, value.get_ref())),
            }
        }
        let problems = self.templates.problems();
        self.found.problems.extend(problems);
        // Circuits need all templates, which may stand below them.
        for (key, value) in document.iter().filter(|(key, _)| key.get_ref() == "circuits") {
            self.each("circuits", &key.span(), value, Self::circuit);
        }
    }

    fn unknown_circuits(&mut self, value: &Value<'_>) {
        match value.get_ref().as_str() {
            Some("error") => {}
            Some("warn") => self.found.may_be_unknown = true,
            other => {
                let hint = other.map(|word| hint(word, ["error", "warn"])).unwrap_or_default();
                let shown =
                    other.map_or_else(|| kind(value.get_ref()).into(), |it| format!("`{it}`"));
                let message = format!("`unknown_circuits` is `error` or `warn`, not {shown}{hint}");
                self.wrong(value.span(), message);
            }
        }
    }

    fn defaults(&mut self, at: &Range<usize>, value: &Value<'_>) {
        let DeValue::Table(table) = value.get_ref() else {
            return self.no_section("defaults", at, value.get_ref());
        };
        let (_, stated) = self.options(table, false);
        let circuit = Word { text: "*".to_owned(), at: At::File(at.clone()) };
        self.state(Layer::Defaults, &circuit, stated);
    }

    fn fleet(&mut self, at: &Range<usize>, value: &Value<'_>) {
        let DeValue::Table(table) = value.get_ref() else {
            return self.no_section("fleet", at, value.get_ref());
        };
        for (key, _) in table {
            let name = key.get_ref().as_ref();
            if ![REDIS, NAMESPACE].contains(&name) {
                let hint = hint(name, [REDIS, NAMESPACE]);
                let has = format!("`[fleet]` has `{REDIS}` and `{NAMESPACE}`");
                self.wrong(key.span(), format!("unknown key `{name}`{hint}; {has}"));
            }
        }
        let mut text = |name: &str| match table.get(name).map(|value| (value, value.get_ref())) {
            Some((_, DeValue::String(text))) => Some(text.as_ref().to_owned()),
            Some((value, other)) => {
                self.wrong(value.span(), format!("`{name}` is a string, not {}", kind(other)));
                None
            }
            None => {
                self.wrong(at.clone(), format!("`[fleet]` needs `{name}`"));
                None
            }
        };
        let (redis, namespace) = (text(REDIS), text(NAMESPACE));
        if let (Some(redis), Some(namespace)) = (redis, namespace) {
            self.found.fleet = Some(FleetSettings { redis, namespace });
        }
    }

    fn circuit(&mut self, name: &str, at: Range<usize>, table: &DeTable<'_>) {
        let circuit = Word { text: name.to_owned(), at: At::File(at) };
        if name.trim().is_empty() {
            self.found.problems.push((circuit.at, "a circuit without a name".to_owned()));
            return;
        }
        let (extends, stated) = self.options(table, true);
        self.found.circuits.push(circuit.clone());
        if let Some(template) = extends {
            match self.templates.options_of(&template) {
                Ok(inherited) => self.state(Layer::Template, &circuit, inherited),
                Err(Some(message)) => self.found.problems.push((template.at, message)),
                Err(None) => {}
            }
        }
        self.state(Layer::File, &circuit, stated);
    }

    fn state(&mut self, layer: Layer, circuit: &Word, stated: Vec<Stated>) {
        let piece = |(option, value)| Piece { layer, circuit: circuit.clone(), option, value };
        self.found.pieces.extend(stated.into_iter().map(piece));
    }

    /// Calls it for each table of a section.
    fn each(
        &mut self,
        section: &str,
        at: &Range<usize>,
        value: &Value<'_>,
        each: impl Fn(&mut Self, &str, Range<usize>, &DeTable<'_>),
    ) {
        let DeValue::Table(table) = value.get_ref() else {
            return self.no_section(section, at, value.get_ref());
        };
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            match value.get_ref() {
                DeValue::Table(table) => each(self, name, key.span(), table),
                _ if find(name).is_some() => {
                    let section_of_one = format!("[{section}.NAME]");
                    let message =
                        format!("`{name}` is an option; it belongs in `{section_of_one}`");
                    self.wrong(key.span(), message);
                }
                other => {
                    let message =
                        format!("`{section}.{name}` is a table of options, not {}", kind(other));
                    self.wrong(value.span(), message);
                }
            }
        }
    }

    /// What a table says, and the template that it extends. Mistakes are taken down.
    fn options(&mut self, table: &DeTable<'_>, may_extend: bool) -> (Option<Word>, Vec<Stated>) {
        let (mut extends, mut stated) = (None, Vec::new());
        for (key, value) in table {
            let (name, key_at) = (key.get_ref().as_ref(), key.span());
            match (name, value.get_ref()) {
                (EXTENDS, _) if !may_extend => {
                    let message = "`defaults` extends nothing; only circuits and templates do";
                    self.wrong(key_at, message.to_owned());
                }
                (EXTENDS, DeValue::String(template)) => {
                    let text = template.as_ref().to_owned();
                    extends = Some(Word { text, at: At::File(value.span()) });
                }
                (EXTENDS, other) => {
                    let message =
                        format!("`extends` takes the name of a template, not {}", kind(other));
                    self.wrong(value.span(), message);
                }
                _ => match self.option(name, &key_at, value) {
                    Ok(text) => stated.push((
                        Word { text: name.to_owned(), at: At::File(key_at) },
                        Word { text, at: At::File(value.span()) },
                    )),
                    Err((at, message)) => self.wrong(at, message),
                },
            }
        }
        (extends, stated)
    }

    /// The value of an option as text.
    fn option(
        &self,
        name: &str,
        key_at: &Range<usize>,
        value: &Value<'_>,
    ) -> Result<String, (Range<usize>, String)> {
        let option = match setting(name) {
            Ok(option) => option,
            Err(_) if find(name).is_none() && matches!(value.get_ref(), DeValue::Table(_)) => {
                let message = format!(
                    "`{name}` is a table, and no option is one; write a name with dots in quotes: \
                     `[circuits.\"http.example.com\"]`"
                );
                return Err((key_at.clone(), message));
            }
            Err(message) => {
                let hint = hint(name, [EXTENDS]);
                let message = if hint.is_empty() {
                    message
                } else {
                    format!("unknown option `{name}`{hint}")
                };
                return Err((key_at.clone(), message));
            }
        };
        let at_value = |message| (value.span(), message);
        let text = self.value(option, value).map_err(at_value)?;
        check_value(option, &text).map_err(at_value)?;
        Ok(text)
    }

    fn value(&self, option: &Entry, value: &Value<'_>) -> Result<String, String> {
        Ok(match value.get_ref() {
            DeValue::String(text) => text.as_ref().to_owned(),
            DeValue::Integer(number) if number.radix() == 10 => number.as_str().to_owned(),
            DeValue::Integer(number) => {
                let read = u64::from_str_radix(number.as_str(), number.radix());
                read.map_or_else(|_| self.text[value.span()].to_owned(), |it| it.to_string())
            }
            DeValue::Float(number) => number.as_str().to_owned(),
            DeValue::Boolean(false) if option.may_be_off => "off".to_owned(),
            other => {
                let takes = article(option.takes);
                let off = if option.may_be_off { ", or `\"off\"`" } else { "" };
                return Err(format!("`{}` takes {takes}{off}; not {}", option.name, kind(other)));
            }
        })
    }

    fn no_section(&mut self, name: &str, at: &Range<usize>, value: &DeValue<'_>) {
        self.wrong(at.clone(), format!("`{name}` is a section, not {}", kind(value)));
    }

    fn wrong(&mut self, at: Range<usize>, message: String) {
        self.found.problems.push((At::File(at), message));
    }
}

fn unknown_section(name: &str, value: &DeValue<'_>) -> String {
    let what = if matches!(value, DeValue::Table(_)) { "section" } else { "key" };
    if find(name).is_some() {
        return format!("`{name}` is an option; it belongs in `[defaults]` or `[circuits.NAME]`");
    }
    let hint = hint(name, SECTIONS);
    if !hint.is_empty() {
        return format!("unknown {what} `{name}`{hint}");
    }
    let circuit = match what {
        "section" => format!("; a circuit is written `[circuits.{name}]`"),
        _ => String::new(),
    };
    let known: Vec<_> = SECTIONS.iter().map(|section| format!("`{section}`")).collect();
    format!("unknown {what} `{name}`{circuit}; the top level has {}", known.join(", "))
}

/// What an option takes, as part of a sentence.
fn article(takes: Takes) -> String {
    match takes {
        Takes::Mode | Takes::Policy | Takes::Flag => format!("{takes}"),
        Takes::Count | Takes::Window => format!("an {takes}"),
        Takes::Share | Takes::Spread => format!("a number, {takes}"),
        takes => format!("a {takes}"),
    }
}

/// What a value is.
fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(true) => "`true`",
        DeValue::Boolean(false) => "`false`",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    }
}
