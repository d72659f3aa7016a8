//! Directives: `payments.cooldown=5s,*.mode=observe`.

use std::ops::Range;

use breaker_options::setting;
use breaker_runtime::Layer;

use crate::draft::{At, Found, Piece, Word, check_value};

const FORM: &str = "write a directive as `circuit.option=value`";
const NOT_CLOSED: &str = "a quote that is not closed";

/// Reads directives, separated by commas or line breaks.
pub(crate) fn read(text: &str, found: &mut Found) {
    for span in separated(text) {
        match directive(text, span, &mut found.circuits) {
            Ok(piece) => found.pieces.push(piece),
            Err((span, message)) => found.problems.push((At::Variable(span), message)),
        }
    }
}

type Wrong = (Range<usize>, String);

/// Reads one directive. Its circuit is noted also where its option or value is wrong.
fn directive(text: &str, span: Range<usize>, circuits: &mut Vec<Word>) -> Result<Piece, Wrong> {
    let word = |text: String, span| Word { text, at: At::Variable(span) };
    let wrong = |message: String| Err((span.clone(), message));
    let directive = &text[span.clone()];
    let Some(equals) = find_unquoted(directive, b'=') else {
        if let Some(quote) = find_unclosed(directive).map(|quote| span.start + quote) {
            return Err((quote..quote + 1, NOT_CLOSED.to_owned()));
        }
        return wrong(format!("a directive without a value; {FORM}"));
    };
    let before = trimmed(text, span.start..span.start + equals);
    let value = trimmed(text, span.start + equals + 1..span.end);
    // Names hold dots, options do not. A dot in quotes belongs to the name.
    let quoted = text[before.clone()].rfind('"').map_or(0, |quote| quote + 1);
    let dot = text[before.clone()][quoted..].rfind('.');
    let Some(dot) = dot.map(|dot| before.start + quoted + dot) else {
        let hint = text[before.clone()].trim_matches('"');
        return Err((before, format!("no circuit; {FORM}, such as `*.{hint}={}`", &text[value])));
    };
    let name_span = trimmed(text, before.start..dot);
    let option_span = trimmed(text, dot + 1..before.end);
    let name =
        unquoted(&text[name_span.clone()]).map_err(|message| (name_span.clone(), message))?;
    if name.trim().is_empty() {
        return Err((before, format!("no circuit; {FORM}")));
    }
    let circuit = word(name, name_span);
    circuits.push(circuit.clone());
    let option_name = &text[option_span.clone()];
    let option = setting(option_name).map_err(|message| (option_span.clone(), message))?;
    let read = unquoted(&text[value.clone()]).map_err(|message| (value.clone(), message))?;
    check_value(option, &read).map_err(|message| (value.clone(), message))?;
    Ok(Piece {
        layer: Layer::Environment,
        circuit,
        option: word(option_name.to_owned(), option_span),
        value: word(read, value),
    })
}

/// The parts between commas and line breaks outside of quotes, without blank parts.
fn separated(text: &str) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    let mut begin = 0;
    let mut each = Unquoted::default();
    for (at, byte) in text.bytes().enumerate() {
        if each.is_outside(byte) && (byte == b',' || byte == b'\n') {
            parts.push(trimmed(text, begin..at));
            begin = at + 1;
        }
    }
    parts.push(trimmed(text, begin..text.len()));
    parts.retain(|part| !part.is_empty());
    parts
}

fn find_unquoted(text: &str, wanted: u8) -> Option<usize> {
    let mut each = Unquoted::default();
    text.bytes().position(|byte| each.is_outside(byte) && byte == wanted)
}

/// The place of a quote that is not closed.
fn find_unclosed(text: &str) -> Option<usize> {
    let mut each = Unquoted::default();
    let mut opening = None;
    for (at, byte) in text.bytes().enumerate() {
        opening = if each.is_outside(byte) { None } else { opening.or(Some(at)) };
    }
    opening
}

/// Follows a text and says which bytes are outside quotes.
#[derive(Default)]
struct Unquoted {
    is_inside: bool,
    is_escaped: bool,
}

impl Unquoted {
    fn is_outside(&mut self, byte: u8) -> bool {
        let was_escaped = std::mem::take(&mut self.is_escaped);
        match byte {
            b'\\' if self.is_inside && !was_escaped => self.is_escaped = true,
            b'"' if !was_escaped => self.is_inside = !self.is_inside,
            _ => {}
        }
        !self.is_inside
    }
}

/// A word without its quotes.
fn unquoted(text: &str) -> Result<String, String> {
    let Some(inside) = text.strip_prefix('"') else {
        return if text.contains('"') {
            Err("a quote in the middle of a word; quote the whole word".to_owned())
        } else {
            Ok(text.to_owned())
        };
    };
    let mut word = String::new();
    let mut chars = inside.chars();
    while let Some(char) = chars.next() {
        match char {
            '"' if chars.as_str().is_empty() => return Ok(word),
            '"' => return Err("text after the closing quote".to_owned()),
            '\\' => word.extend(chars.next()),
            char => word.push(char),
        }
    }
    Err(NOT_CLOSED.to_owned())
}

/// The part without white space around it.
fn trimmed(text: &str, span: Range<usize>) -> Range<usize> {
    let part = &text[span.clone()];
    let begin = span.start + (part.len() - part.trim_start().len());
    let end = begin + part.trim().len();
    begin..end
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statements(text: &str) -> Vec<(String, String, String)> {
        let mut found = Found::default();
        read(text, &mut found);
        assert!(found.problems.is_empty(), "{:?}", found.problems);
        let texts = |piece: Piece| (piece.circuit.text, piece.option.text, piece.value.text);
        found.pieces.into_iter().map(texts).collect()
    }

    fn problem(text: &str) -> (String, String) {
        let mut found = Found::default();
        read(text, &mut found);
        assert_eq!(found.problems.len(), 1, "{:?}", found.problems);
        match found.problems.remove(0) {
            (At::Variable(span), message) => (text[span].to_owned(), message),
            other => panic!("{other:?}"),
        }
    }

    #[track_caller]
    fn one(text: &str, circuit: &str, option: &str, value: &str) {
        assert_eq!(statements(text), [(circuit.into(), option.into(), value.into())]);
    }

    #[test]
    fn a_directive_is_a_circuit_an_option_and_a_value() {
        one("payments.failure_threshold=3", "payments", "failure_threshold", "3");
        one(" * . cooldown = 1m 30s ,", "*", "cooldown", "1m 30s");
        one("http/a.b:80.mode=observe", "http/a.b:80", "mode", "observe");
        assert_eq!(statements("").len(), 0);
        assert_eq!(statements("a.mode=normal,\n b.mode=observe\nc.mode=normal").len(), 3);
    }

    #[test]
    fn quotes_keep_odd_characters_together() {
        one(r#""http/a.b".cooldown=5s"#, "http/a.b", "cooldown", "5s");
        one(r#""a,b=\"c\\".cooldown="5s""#, r#"a,b="c\"#, "cooldown", "5s");
    }

    #[test]
    fn a_mistake_points_at_its_word() {
        let at = |text| problem(text).0;
        assert_eq!(at("a.cooldwn=5s"), "cooldwn");
        assert_eq!(at("a.cooldown=5"), "5");
        assert_eq!(at("mode=observe"), "mode");
        assert_eq!(at(".mode=observe"), ".mode");
        assert_eq!(at("a.mode"), "a.mode");
        assert_eq!(at(r#"a"b".mode=observe"#), r#"a"b""#);
        assert_eq!(at(r#""a"b.mode=observe"#), r#""a"b"#);
        assert!(problem("mode=observe").1.ends_with("such as `*.mode=observe`"));
    }

    #[test]
    fn a_quote_that_is_not_closed_is_shown_where_it_is() {
        for (text, begin) in [
            (r#""a.mode=observe,b.mode=observe"#, 0),
            (r#"a"b.mode=observe,b.mode=observe"#, 1),
            (r#""a\".mode=observe"#, 0),
            (r#""a.mode="observe""#, 16),
            (r#"a.mode="observe,b.mode=observe"#, 7),
        ] {
            let mut found = Found::default();
            read(text, &mut found);
            let [(At::Variable(span), message)] = &found.problems[..] else { panic!("{found:?}") };
            assert_eq!((span.start, message.as_str()), (begin, NOT_CLOSED), "{text}");
        }
    }
}
