//! What is told of the results: tables, and what their words mean.

use std::fmt;

use crate::baseline;
use crate::item::{Contender, Group, Side};
use crate::measure::spread;
use crate::results::{CROWDS, Figure, Results};
use crate::table::{Column, Table};
use crate::targets::{Bound, targets};

const COLUMNS: &str = "\
* **ns**: one call, the median over all rounds.
* **+-**: the median distance of a round from that figure. For first calls, of a function.
* **over bare**: the call, less what the same function takes unguarded. Refused calls and first calls have no figure.
* **fa**: \"over bare\", or else the whole call, in units of what one uncontended relaxed `fetch_add` adds.
* **speed**: how many times as fast as the fastest other library.
";

const CROWDED: &str = "\
Millions of calls a second, of all threads together. If two threads of `none` do not make twice the calls of one,
something else was running, and the table says little.
";

const CLOCKS: &str = "\
The other libraries read `std::time::Instant` when they are open. If they time calls or have a window of time, they
read it at every call. Of allocations, only those of a call are listed.
";

/// Results as text, which is Markdown.
#[derive(Clone, Copy, Debug)]
pub struct Report<'a> {
    /// Who was measured.
    pub contenders: &'a [Contender],
    /// The figures.
    pub results: &'a Results,
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "## Calls\n\n{}\n{COLUMNS}", self.calls())?;
        for group in Group::ALL {
            let crowds = self.crowds(group);
            if !crowds.is_empty() {
                writeln!(f, "## Threads: {group}\n\n{CROWDED}\n{crowds}")?;
            }
        }
        let targets = self.targets();
        if !targets.is_empty() {
            writeln!(f, "## Targets\n\nCosts in `fetch_add`, and ratios.\n\n{targets}")?;
        }
        writeln!(f, "## Who is who\n\n{CLOCKS}")?;
        for contender in self.contenders {
            writeln!(f, "* **{}**: {}.", contender.name, contender.legend)?;
        }
        Ok(())
    }
}

impl Report<'_> {
    fn calls(&self) -> Table<7> {
        let mut table = Table::new([
            Column::Text("what"),
            Column::Text("who"),
            Column::Figure("ns"),
            Column::Figure("+-"),
            Column::Figure("over bare"),
            Column::Figure("fa"),
            Column::Figure("speed"),
        ]);
        for group in Group::ALL {
            let figures: Vec<_> =
                self.results.figures.iter().filter(|figure| figure.group == group).collect();
            for figure in &figures {
                table.push(self.row(figure));
            }
            if figures.iter().any(|figure| figure.side == Side::Ours) {
                for name in self.unable(group) {
                    let [ns, spread, over, units, speed] = [(); 5].map(|()| "-".to_owned());
                    table.push([group.to_string(), name, ns, spread, over, units, speed]);
                }
            }
        }
        table
    }

    fn row(&self, figure: &Figure) -> [String; 7] {
        let Figure { group, ref label, side, .. } = *figure;
        let is_bare = side == Side::Baseline && label == baseline::NAME;
        let over = self.results.over_bare(group, label).filter(|_| !is_bare);
        let units = self.results.units(group, label).filter(|_| !is_bare);
        let speed = self.results.speed(group, label).filter(|_| side != Side::Baseline);
        [
            group.to_string(),
            label.clone(),
            format!("{:.2}", figure.ns()),
            format!("{:.0} %", 100.0 * spread(&figure.turns)),
            dash(over, |ns| format!("{ns:.2}")),
            dash(units, |units| format!("{units:.2}")),
            dash(speed, |speed| format!("{speed:.1}x")),
        ]
    }

    /// The peers that cannot do what a group is about.
    fn unable(&self, group: Group) -> Vec<String> {
        let mut peers = self.contenders.iter().filter(|contender| contender.side == Side::Peer);
        let can = |contender: &Contender| match group {
            Group::FirstCall => contender.first_call.is_some(),
            _ => contender.items.iter().any(|item| item.group == group),
        };
        if peers.clone().any(can) {
            peers.filter(|peer| !can(peer)).map(|peer| peer.name.to_owned()).collect()
        } else {
            peers.next().map(|_| "every peer".to_owned()).into_iter().collect()
        }
    }

    fn crowds(&self, group: Group) -> Table<7> {
        let mut table = Table::new([
            Column::Text("who"),
            Column::Figure("1 thread"),
            Column::Figure("2 threads"),
            Column::Figure("8 threads"),
            Column::Figure("64 threads"),
            Column::Figure("2 to 1"),
            Column::Figure("8 to 1"),
        ]);
        for crowd in self.results.crowds.iter().filter(|crowd| crowd.group == group) {
            let [one, two, eight, many] = CROWDS
                .map(|threads| dash(crowd.rate(threads), |calls| format!("{:.1}", calls / 1e6)));
            let [twice, eightfold] =
                [2, 8].map(|threads| dash(crowd.scaling(threads), |ratio| format!("{ratio:.2}x")));
            table.push([crowd.label.clone(), one, two, eight, many, twice, eightfold]);
        }
        table
    }

    fn targets(&self) -> Table<5> {
        let mut table = Table::new([
            Column::Text("#"),
            Column::Text("what"),
            Column::Figure("value"),
            Column::Figure("target"),
            Column::Text("met"),
        ]);
        for target in targets(self.results) {
            let (value, bound) = match target.bound {
                Bound::AtMost(most) => (format!("{:.2}", target.value), format!("<= {most}")),
                Bound::AtLeast(least) => (format!("{:.1}x", target.value), format!(">= {least}x")),
            };
            let met = if target.is_met() { "yes" } else { "no" };
            table.push([target.number.into(), target.what.into(), value, bound, met.into()]);
        }
        table
    }
}

fn dash(value: Option<f64>, show: impl FnOnce(f64) -> String) -> String {
    value.map_or_else(|| "-".to_owned(), show)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::tests::results;
    use crate::{contenders, ours, recloser};

    fn told() -> String {
        let results = results(&[
            (Group::SyncOk, baseline::COUNTED, Side::Baseline, 7.0),
            (Group::SyncOk, baseline::NAME, Side::Baseline, 2.0),
            (Group::SyncOk, ours::NAME, Side::Ours, 4.0),
            (Group::SyncOk, recloser::NAME, Side::Peer, 16.0),
            (Group::Keyed, ours::NAME, Side::Ours, 40.0),
        ]);
        let contenders = contenders();
        Report { contenders: &contenders, results: &results }.to_string()
    }

    fn cells(told: &str, what: &str, who: &str) -> Vec<String> {
        let rows = told
            .lines()
            .map(|line| line.split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>());
        let mut rows = rows.filter(|cells| cells.len() == 9 && cells[1] == what && cells[2] == who);
        rows.next().expect("there is such a row")[3..8].to_vec()
    }

    #[test]
    fn a_row_relates_a_call_to_everything() {
        let told = told();
        assert_eq!(
            cells(&told, "sync, closed", ours::NAME),
            ["4.00", "0 %", "2.00", "0.40", "4.0x"]
        );
        assert_eq!(
            cells(&told, "sync, closed", recloser::NAME),
            ["16.00", "0 %", "14.00", "2.80", "1.0x"]
        );
        assert_eq!(cells(&told, "sync, closed", baseline::NAME), ["2.00", "0 %", "-", "-", "-"]);
    }

    #[test]
    fn what_a_peer_cannot_do_is_a_dash() {
        let told = told();
        assert_eq!(cells(&told, "sync, closed", "tower-resilience 0.14"), ["-"; 5]);
        assert_eq!(cells(&told, "keyed, closed", "every peer"), ["-"; 5]);
    }

    #[test]
    fn every_contender_has_a_legend() {
        let told = told();
        for contender in contenders() {
            assert!(told.contains(&format!("* **{}**: {}.", contender.name, contender.legend)));
        }
    }
}
