//! A strict reader of Prometheus' text format, for what the exporter may write of it.
#![allow(dead_code, reason = "no test file uses all of it")]

use std::collections::BTreeSet;

/// One line of numbers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sample {
    pub(crate) metric: String,
    pub(crate) labels: Vec<(String, String)>,
    pub(crate) value: f64,
}

impl Sample {
    pub(crate) fn label(&self, name: &str) -> Option<&str> {
        let label = self.labels.iter().find(|(it, _)| it == name);
        label.map(|(_, value)| value.as_str())
    }
}

/// Reads a text.
///
/// # Panics
///
/// If anything is not as the format asks: a family without head or samples, samples out of their family's
/// place, a label that is not escaped, a sample that comes twice, a last line that does not end.
#[track_caller]
pub(crate) fn read(text: &str) -> Vec<Sample> {
    let mut samples: Vec<Sample> = Vec::new();
    let mut families = BTreeSet::new();
    let mut lines = text.split_terminator('\n').peekable();
    assert!(text.is_empty() || text.ends_with('\n'), "the last line does not end");
    while let Some(head) = lines.next() {
        let (name, help) = head.strip_prefix("# HELP ").and_then(|it| it.split_once(' ')).unwrap();
        assert!(is_name(name) && !help.contains('\\'), "{head}");
        assert!(families.insert(name), "{name} comes twice");
        let kind = lines.next().and_then(|it| it.strip_prefix("# TYPE ")?.strip_prefix(name));
        let suffixes: &[&str] = match kind {
            Some(" gauge" | " counter") => &[""],
            Some(" summary") => &["_count", "_sum"],
            Some(" histogram") => &["_bucket", "_sum", "_count"],
            other => panic!("{name} has the type {other:?}"),
        };
        let count = samples.len();
        while let Some(line) = lines.next_if(|line| !line.starts_with('#')) {
            let sample = sample(line);
            let suffix = sample.metric.strip_prefix(name);
            assert!(suffix.is_some_and(|it| suffixes.contains(&it)), "{line}");
            let is_same = |it: &Sample| it.metric == sample.metric && it.labels == sample.labels;
            let is_new = !samples.iter().skip(count).any(is_same);
            assert!(is_new, "comes twice: {line}");
            samples.push(sample);
        }
        assert!(samples.len() > count, "{name} has no samples");
    }
    samples
}

#[track_caller]
fn sample(line: &str) -> Sample {
    let end = line.find(['{', ' ']).unwrap_or_else(|| panic!("no sample: {line}"));
    let (metric, rest) = line.split_at(end);
    assert!(is_name(metric), "{line}");
    let (labels, value) = rest.strip_prefix('{').map_or((Vec::new(), rest), labels);
    let value = value.strip_prefix(' ').and_then(|it| it.parse().ok());
    let value = value.unwrap_or_else(|| panic!("no value: {line}"));
    Sample { metric: metric.to_owned(), labels, value }
}

/// The labels, and what follows their closing brace.
#[track_caller]
fn labels(line: &str) -> (Vec<(String, String)>, &str) {
    let mut rest = line;
    let mut labels = Vec::new();
    loop {
        let (name, quoted) = rest.split_once("=\"").unwrap_or_else(|| panic!("no label: {line}"));
        assert!(is_name(name), "{line}");
        let (value, after) = unescape(quoted);
        labels.push((name.to_owned(), value));
        rest = after;
        match rest.strip_prefix(',') {
            Some(next) => rest = next,
            None => break,
        }
    }
    let rest = rest.strip_prefix('}').unwrap_or_else(|| panic!("no end: {line}"));
    (labels, rest)
}

/// The value up to its closing quote, and what follows that.
#[track_caller]
fn unescape(quoted: &str) -> (String, &str) {
    let mut value = String::new();
    let mut rest = quoted.chars();
    loop {
        value.push(match rest.next() {
            Some('"') => return (value, rest.as_str()),
            Some('\\') => match rest.next() {
                Some('n') => '\n',
                Some(same @ ('\\' | '"')) => same,
                other => panic!("no escape: \\{other:?}"),
            },
            Some(plain) => plain,
            None => panic!("a quote is missing: {quoted}"),
        });
    }
}

fn is_name(text: &str) -> bool {
    let is_inner = |it: u8| it.is_ascii_alphanumeric() || it == b'_';
    !text.is_empty() && text.bytes().all(is_inner) && !text.as_bytes()[0].is_ascii_digit()
}
