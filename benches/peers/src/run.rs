//! Rounds in which all items take turns.

use std::io;

use crate::item::{Contender, Group, Item, Side};
use crate::measure::{Meter, Pace, first_calls, together};
use crate::results::{CROWDS, Crowd, Figure, Results};

const SITES: usize = 100;

/// Which items are measured.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    text: String,
}

impl Selection {
    /// Items whose name, such as `sync, open: recloser 1.4`, has the text at the beginning of a word. An empty
    /// text selects all.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self { text: text.to_lowercase() }
    }

    fn takes(&self, name: &str) -> bool {
        let name = name.to_lowercase();
        name.match_indices(&self.text).any(|(at, _)| !name[..at].ends_with(char::is_alphanumeric))
    }

    fn takes_item(&self, group: Group, label: &str) -> bool {
        self.takes(&format!("{group}: {label}"))
    }

    /// The selected items, and those that they are compared with.
    fn items<'a>(&self, contenders: &'a [Contender]) -> Vec<(&'a Contender, &'a Item)> {
        let all = || contenders.iter().flat_map(|by| by.items.iter().map(move |item| (by, item)));
        let mut bare = vec![Group::Unit, Group::SyncOk];
        for (by, item) in all() {
            if self.takes_item(item.group, &by.label(item)) {
                bare.push(item.group.group_of_bare());
            }
        }
        all()
            .filter(|(by, item)| match by.side {
                Side::Baseline => bare.contains(&item.group),
                _ => self.takes_item(item.group, &by.label(item)),
            })
            .collect()
    }

    /// The items whose calls are made by several threads.
    fn crowds<'a>(&self, contenders: &'a [Contender]) -> Vec<(&'a Contender, &'a Item)> {
        let all = contenders.iter().flat_map(|by| by.items.iter().map(move |item| (by, item)));
        all.filter(|(_, item)| item.group.is_crowded())
            .filter(|(by, item)| {
                CROWDS.iter().any(|&n| self.takes_crowd(n, item.group, &by.label(item)))
            })
            .collect()
    }

    fn takes_crowd(&self, threads: usize, group: Group, label: &str) -> bool {
        let noun = if threads == 1 { "thread" } else { "threads" };
        self.takes(&format!("{threads} {noun}, {group}: {label}"))
    }
}

/// Measures what is selected, and tells its progress to `progress`.
///
/// # Errors
///
/// When criterion's files cannot be written or read.
///
/// # Panics
///
/// When a circuit did something else than what was to be measured.
pub fn run(
    contenders: &[Contender],
    selection: &Selection,
    pace: Pace,
    mut progress: impl FnMut(usize, usize),
) -> io::Result<Results> {
    let mut results = Results::default();
    first(contenders, selection, &mut results);

    let items = selection.items(contenders);
    let crowds = selection.crowds(contenders);
    let offset = results.figures.len();
    results.figures.extend(items.iter().map(|(by, item)| figure(by, item.group, by.label(item))));
    results.crowds.extend(crowds.iter().map(|(by, item)| Crowd {
        group: item.group,
        label: by.label(item),
        side: by.side,
        turns: Default::default(),
    }));

    let mut meter = Meter::new(pace)?;
    for round in 1..=pace.rounds {
        progress(round, pace.rounds);
        for ((_, item), figure) in items.iter().zip(&mut results.figures[offset..]) {
            figure.turns.push(turn(item, || meter.time(item))?);
        }
        for ((_, item), crowd) in crowds.iter().zip(&mut results.crowds) {
            for (&threads, turns) in CROWDS.iter().zip(&mut crowd.turns) {
                turns.push(turn(item, || together(threads, pace.crowd, item)));
            }
        }
    }
    Ok(results)
}

fn turn<T>(item: &Item, measure: impl FnOnce() -> T) -> T {
    (item.prepare)();
    let measured = measure();
    (item.check)();
    measured
}

/// There is no second round of these: after the first, no call is the first.
fn first(contenders: &[Contender], selection: &Selection, results: &mut Results) {
    for contender in contenders {
        let Some(call) = contender.first_call else { continue };
        if !selection.takes_item(Group::FirstCall, contender.name) {
            continue;
        }
        let times = first_calls(SITES, call);
        let [earliest, others @ ..] = &*times else { continue };
        if contender.side == Side::Ours {
            let label = format!("{}, which makes the registry too", contender.name);
            let mut figure = figure(contender, Group::FirstCall, label);
            figure.turns.push(*earliest);
            results.figures.push(figure);
        }
        let mut figure = figure(contender, Group::FirstCall, contender.name.to_owned());
        figure.turns.extend_from_slice(others);
        results.figures.push(figure);
    }
}

fn figure(contender: &Contender, group: Group, label: String) -> Figure {
    Figure { group, label, side: contender.side, turns: Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selection_begins_where_a_word_does() {
        let sync = Selection::new("Sync");
        assert!(sync.takes("sync, open: recloser 1.4"));
        assert!(!sync.takes("async, open: recloser 1.4"));
        assert!(Selection::new("recloser").takes("sync, open: recloser 1.4"));
        assert!(Selection::new("10 %").takes("sync, closed, 10 % failures: none"));
        assert!(Selection::new("").takes("anything"));
    }

    #[test]
    fn what_others_are_compared_with_is_measured_with_them() {
        let contenders = crate::contenders();
        let selected: Vec<_> = Selection::new("sync, half-open: recloser")
            .items(&contenders)
            .into_iter()
            .map(|(by, item)| format!("{}: {}", item.group, by.label(item)))
            .collect();
        let expected = [
            "unit: none, fetch_add alone",
            "sync, closed: none",
            "sync, closed: none, fetch_add",
            "sync, half-open: recloser 1.4",
        ];
        assert_eq!(selected, expected);
    }
}
