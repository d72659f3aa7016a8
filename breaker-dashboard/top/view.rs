//! Draws the board. It fits into 80 columns and 24 lines, and uses more if there are.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Sparkline, SparklineBar, Wrap};

use crate::board::{Board, Circuit, Connection};
use crate::history::SECONDS;
use crate::message::Row;
use crate::theme::Theme;
use crate::words::{cause, count, duration, per_second, percent, plural, share, state, visible};

/// The states in the order of the summary, worst first.
const STATES: [&str; 6] = ["forced_open", "open", "half_open", "recovering", "disabled", "closed"];
const KEYS: &str = "↑↓ select   enter detail   / filter   s sort   q quit";
/// From this width on, causes have a column. Below, they have a line of their own.
const WIDE: u16 = 120;

/// The columns of the list: where each begins, and its width.
struct Columns {
    name: (u16, u16),
    since: (u16, u16),
    not_served: (u16, u16),
    rate: (u16, u16),
    chart: (u16, u16),
    /// Not below [`WIDE`].
    cause: (u16, u16),
}

const MARK: (u16, u16) = (0, 1);
const STATE: (u16, u16) = (1, 13);
/// Where a cause on a line of its own begins.
const INDENT: u16 = 4;

impl Columns {
    fn of(width: u16) -> Self {
        let is_wide = width >= WIDE;
        let [since, not_served, rate, chart] = [8, 12, 7, if is_wide { 20 } else { 12 }];
        let begin = STATE.0 + STATE.1 + 1;
        let fixed = begin + since + not_served + rate + chart + 4;
        let room = width.saturating_sub(fixed);
        let name = if is_wide { (room / 4).clamp(20, 40) } else { room };
        let mut at = begin;
        let mut next = |width: u16| {
            let column = (at, width);
            at = at.saturating_add(width + 1);
            column
        };
        Self {
            name: next(name),
            since: next(since),
            not_served: next(not_served),
            rate: next(rate),
            chart: next(chart),
            cause: next(if is_wide { room - name - 1 } else { 0 }),
        }
    }

    fn is_wide(&self) -> bool {
        self.cause.1 > 0
    }
}

/// Draws everything, and tells the board how much fits.
pub(crate) fn draw(frame: &mut Frame<'_>, board: &mut Board, theme: Theme) {
    let warning = warning(board);
    let warning_height = u16::from(warning.is_some());
    let [title, summary, banner, body, footer] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Length(warning_height),
        Constraint::Min(0),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    draw_title(frame, title, board, theme);
    draw_summary(frame, summary, board, theme);
    if let Some(warning) = warning {
        write(frame, banner, (0, banner.width), &warning, theme.bad(), Align::Left);
    }
    if board.is_detailed && !board.shown().is_empty() {
        draw_detail(frame, body, board, theme);
    } else {
        draw_list(frame, body, board, theme);
    }
    draw_footer(frame, footer, board, theme);
}

#[derive(Clone, Copy)]
enum Align {
    Left,
    Right,
}

/// Writes into a column of the first line of the area, shortened to it.
fn write(
    frame: &mut Frame<'_>,
    area: Rect,
    (at, width): (u16, u16),
    text: &str,
    style: Style,
    align: Align,
) {
    let width = width.min(area.width.saturating_sub(at));
    if width == 0 || area.height == 0 {
        return;
    }
    let text = within(text, width);
    let padding = match align {
        Align::Left => 0,
        Align::Right => width.saturating_sub(columns(&text)),
    };
    let buffer = frame.buffer_mut();
    let (x, width) = (area.x + at + padding, usize::from(width - padding));
    buffer.set_stringn(x, area.y, text, width, style);
}

fn columns(text: &str) -> u16 {
    u16::try_from(Span::raw(text).width()).unwrap_or(u16::MAX)
}

/// The text if it fits, otherwise its beginning and an ellipsis.
fn within(text: &str, width: u16) -> String {
    if columns(text) <= width {
        return text.to_owned();
    }
    let mut shown = String::new();
    let mut room = width.saturating_sub(1);
    for character in text.chars() {
        let Some(left) = room.checked_sub(columns(character.encode_utf8(&mut [0; 4]))) else {
            break;
        };
        room = left;
        shown.push(character);
    }
    shown + "…"
}

fn draw_title(frame: &mut Frame<'_>, area: Rect, board: &Board, theme: Theme) {
    let (status, style) = match &board.connection {
        Connection::Connecting => ("connecting".to_owned(), theme.soft()),
        Connection::Live => ("● live".to_owned(), theme.good()),
        Connection::Lost { why, again } => {
            let left = again.saturating_sub(board.now).as_secs_f64();
            let again = if left > 0.0 {
                format!("again in {}", duration(left.ceil()))
            } else {
                "connecting again".to_owned()
            };
            (format!("○ not live: {}; {again}", visible(why)), theme.bad())
        }
    };
    let status = within(&status, area.width.saturating_sub(14));
    let status_width = columns(&status);
    write(frame, area, (0, area.width), &status, style, Align::Right);
    let name = area.width.saturating_sub(status_width + 2);
    write(frame, area, (0, name), &process(board), Theme::STRONG, Align::Left);
}

/// Which process it is, or else where.
fn process(board: &Board) -> String {
    let service = &board.service;
    let version = service.version.as_deref().map(|version| format!(" {version}"));
    let place = match (&service.host, service.pid) {
        (Some(host), Some(pid)) => format!("{host} pid {pid}"),
        _ => board.address.clone(),
    };
    match &service.title {
        Some(title) => visible(&format!("{title}{}  {place}", version.unwrap_or_default())),
        None => visible(&format!("breaker  {place}")),
    }
}

/// How many circuits are in which state, and what the last minute has not served.
fn draw_summary(frame: &mut Frame<'_>, area: Rect, board: &Board, theme: Theme) {
    if board.circuits.is_empty() {
        let said = if board.connection == Connection::Live { "no circuits yet" } else { "" };
        write(frame, area, (0, area.width), said, theme.soft(), Align::Left);
        return;
    }
    let mut states = Vec::new();
    for of in STATES {
        let number = board.count_in(of);
        if number > 0 {
            states.push(Span::styled(format!(" {number} {} ", state(of)), theme.state(of)));
        }
    }
    let states = Line::from(states);
    let taken = u16::try_from(states.width()).unwrap_or(u16::MAX);
    frame.render_widget(states, area);
    let room = area.width.saturating_sub(taken.saturating_add(1));
    let minute = board.minute();
    let lost = minute.not_served();
    let said = match share(lost, minute.all()) {
        None => vec!["no calls in the last minute".to_owned(), "no calls".to_owned()],
        Some(_) if lost == 0 => {
            let all = calls(minute.all());
            vec![format!("all {all} of the last minute served"), format!("all {all} served")]
        }
        Some(part) => {
            let (failed, refused) = (count(minute.failed), count(minute.rejected));
            let part = percent(part);
            vec![
                format!("{part} of the last minute not served: {failed} failed, {refused} refused"),
                format!("{part} not served: {failed} failed, {refused} refused"),
                format!("{part} not served"),
            ]
        }
    };
    let Some(said) = said.iter().find(|said| columns(said) <= room).or(said.last()) else { return };
    let style = if lost > 0 { theme.bad() } else { theme.soft() };
    write(frame, area, (taken.saturating_add(1), room), said, style, Align::Right);
}

fn calls(number: u64) -> String {
    plural(number, "call")
}

/// What is wrong beyond the circuits.
fn warning(board: &Board) -> Option<String> {
    if let Some(mistake) = board.refused.first() {
        return Some(visible(&format!("Settings were refused: {mistake}")));
    }
    board.is_fleet_lost.then(|| "The fleet is not connected: circuits act as if alone.".to_owned())
}

fn draw_list(frame: &mut Frame<'_>, area: Rect, board: &mut Board, theme: Theme) {
    let [head, body] = Layout::vertical([Constraint::Length(1), Constraint::Min(0)]).areas(area);
    let columns = Columns::of(area.width);
    let soft = theme.soft();
    for (column, heading, align) in [
        (STATE, "state", Align::Left),
        (columns.name, "name", Align::Left),
        (columns.since, "since", Align::Right),
        (columns.not_served, "not served", Align::Right),
        (columns.rate, "calls/s", Align::Right),
        (columns.chart, "last minute", Align::Left),
        (columns.cause, "cause", Align::Left),
    ] {
        write(frame, head, column, heading, soft, align);
    }
    let shown = board.shown();
    let selected = board.place(&shown);
    let heights: Vec<u16> = shown.iter().map(|circuit| height(circuit, &columns)).collect();
    let top = first_shown(&heights, board.top, selected, body.height);
    let mut y = 0;
    let mut page = 0;
    for (at, circuit) in shown.iter().enumerate().skip(top) {
        let room = body.height.saturating_sub(y);
        if room == 0 {
            break;
        }
        let line = Rect { y: body.y + y, height: heights[at].min(room), ..body };
        draw_row(
            frame,
            line,
            circuit,
            &columns,
            Look { theme, now: board.now, is_selected: at == selected },
        );
        y += heights[at];
        page += 1;
    }
    if shown.is_empty() && !board.filter.is_empty() {
        let said = format!("no circuit matches `{}`", visible(&board.filter));
        write(frame, body, (1, body.width), &said, soft, Align::Left);
    }
    (board.top, board.page) = (top, page.max(1));
}

/// Calm circuits take one line.
fn height(circuit: &Circuit, columns: &Columns) -> u16 {
    if columns.is_wide() || circuit.is_calm() { 1 } else { 2 }
}

/// The first row on the screen, so that the selected one is on it, too.
fn first_shown(heights: &[u16], before: usize, selected: usize, room: u16) -> usize {
    let mut top = before.min(selected);
    let taken = |top: usize| -> u16 { heights.iter().take(selected + 1).skip(top).sum() };
    while top < selected && taken(top) > room {
        top += 1;
    }
    // Do not leave lines empty while there are rows above.
    while top > 0 && heights[top - 1..].iter().sum::<u16>() <= room {
        top -= 1;
    }
    top
}

#[derive(Clone, Copy)]
struct Look {
    theme: Theme,
    now: std::time::Duration,
    is_selected: bool,
}

fn draw_row(frame: &mut Frame<'_>, area: Rect, circuit: &Circuit, columns: &Columns, look: Look) {
    let Look { theme, now, is_selected } = look;
    let row = &circuit.row;
    let plain = Style::new();
    if is_selected {
        write(frame, area, MARK, "▸", Theme::STRONG, Align::Left);
    }
    write(frame, area, STATE, &pill(row), theme.state(&row.state), Align::Left);
    let name_style = if is_selected { Theme::SELECTED } else { plain };
    write(frame, area, columns.name, &visible(&row.name), name_style, Align::Left);
    write(frame, area, columns.since, &duration(circuit.since(now)), plain, Align::Right);
    let minute = circuit.minute();
    let lost = minute.not_served();
    let (said, style) = match share(lost, minute.all()) {
        Some(part) if lost > 0 => (format!("{} {:>6}", count(lost), percent(part)), theme.bad()),
        _ => ("–".to_owned(), theme.soft()),
    };
    write(frame, area, columns.not_served, &said, style, Align::Right);
    write(frame, area, columns.rate, &per_second(row.per_second), plain, Align::Right);
    let chart = Rect { x: area.x + columns.chart.0, width: columns.chart.1, height: 1, ..area };
    draw_chart(frame, chart.intersection(area), circuit, theme);
    let cause = cause(row, circuit.left(now));
    if columns.is_wide() {
        write(frame, area, columns.cause, &cause, theme.soft(), Align::Left);
    } else if area.height > 1 {
        let second = Rect { y: area.y + 1, height: 1, ..area };
        write(frame, second, (INDENT, area.width), &cause, theme.soft(), Align::Left);
    }
}

/// The state with a blank on both sides, so that a filled one looks like that of the page.
fn pill(row: &Row) -> String {
    let filled = matches!(row.state.as_str(), "open" | "forced_open");
    let word = visible(state(&row.state));
    let mark = if row.mode == "observe" { "*" } else { "" };
    if filled { format!(" {word}{mark} ") } else { format!(" {word}{mark}") }
}

/// Calls of the last minute, oldest first.
fn draw_chart(frame: &mut Frame<'_>, area: Rect, circuit: &Circuit, theme: Theme) {
    let columns = usize::from(area.width).min(SECONDS);
    let sums = circuit.history.columns(columns);
    let bars = sums.iter().map(|sum| SparklineBar::from(sum.all()).style(Some(theme.bar(*sum))));
    frame.render_widget(Sparkline::default().data(bars.collect::<Vec<_>>()), area);
}

fn draw_detail(frame: &mut Frame<'_>, area: Rect, board: &Board, theme: Theme) {
    let shown = board.shown();
    let Some(circuit) = shown.get(board.place(&shown)) else { return };
    let row = &circuit.row;
    let said =
        if row.explanation.is_empty() { cause(row, None) } else { visible(&row.explanation) };
    let mut lines = vec![
        Line::from(vec![
            Span::styled(pill(row), theme.state(&row.state)),
            Span::raw("  "),
            Span::styled(visible(&row.name), Theme::STRONG),
        ]),
        Line::raw(said.clone()),
        Line::default(),
    ];
    lines.extend(facts(circuit, board).into_iter().map(|(what, value)| {
        Line::from(vec![Span::styled(format!("{what:<18}"), theme.soft()), Span::raw(value)])
    }));
    // The explanation is the only line that may be longer than a screen is wide.
    let wrapped = columns(&said).div_ceil(area.width.max(1)) + 1;
    let wanted = u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_add(wrapped);
    let text = Paragraph::new(lines).wrap(Wrap { trim: false });
    let [words, chart_head, chart] = Layout::vertical([
        Constraint::Length(wanted.min(area.height.saturating_sub(5))),
        Constraint::Length(2),
        Constraint::Max(8),
    ])
    .areas(area);
    frame.render_widget(text, words);
    let heading = Rect {
        y: chart_head.bottom().saturating_sub(1),
        height: chart_head.height.min(1),
        ..chart_head
    };
    let legend = "calls of the last minute";
    write(frame, heading, (0, heading.width), legend, theme.soft(), Align::Left);
    draw_chart(frame, chart, circuit, theme);
}

/// What else is known of a circuit, line by line.
fn facts(circuit: &Circuit, board: &Board) -> Vec<(&'static str, String)> {
    let row = &circuit.row;
    let mut facts = Vec::new();
    if let Some(outage) = &row.outage {
        facts.push(("not closed for", duration(circuit.since(board.now))));
        facts.push(("first", visible(&outage.first)));
        facts.push(("re-openings since", outage.reopenings.to_string()));
    } else {
        facts.push(("in this state for", duration(circuit.since(board.now))));
    }
    if let Some(left) = circuit.left(board.now) {
        facts
            .push(("probes in", if left > 0.0 { duration(left.ceil()) } else { "now".to_owned() }));
    }
    let minute = circuit.minute();
    let lost = share(minute.not_served(), minute.all()).map_or("–".to_owned(), percent);
    facts.push((
        "last minute",
        format!(
            "{lost} not served: {} failed, {} refused of {}",
            count(minute.failed),
            count(minute.rejected),
            calls(minute.all()),
        ),
    ));
    facts.push(("calls/s", per_second(row.per_second)));
    facts.push(("in flight", count(row.in_flight)));
    facts.push((
        "in all",
        format!(
            "{} started, {} failed, {} refused",
            count(row.started),
            count(row.failed),
            count(row.rejected)
        ),
    ));
    if row.mode == "observe" {
        facts.push(("would have refused", count(row.would_reject)));
    }
    // Otherwise no call is judged by these.
    if !matches!(row.state.as_str(), "closed" | "recovering") {
        return facts;
    }
    if let Some(limit) = row.failure_threshold {
        facts.push(("failures in a row", format!("{} of {limit}", row.consecutive_failures)));
    }
    for (what, rate, limit) in [
        ("failed", row.failure_rate, row.failure_limit),
        ("slow", row.slow_call_rate, row.slow_call_limit),
    ] {
        if let Some(limit) = limit {
            let rate = rate.map_or("not judged yet".to_owned(), percent);
            facts.push((what, format!("{rate}, {} opens it", percent(limit))));
        }
    }
    facts
}

fn draw_footer(frame: &mut Frame<'_>, area: Rect, board: &Board, theme: Theme) {
    if board.is_typing {
        let said = format!("/{}▏", visible(&board.filter));
        write(frame, area, (0, area.width), &said, Theme::STRONG, Align::Left);
        return;
    }
    let filter = match board.filter.as_str() {
        "" => String::new(),
        filter => format!("  /{}", visible(filter)),
    };
    let order = format!("{}{filter}", board.sort.word());
    let keys = if board.is_detailed { "↑↓ select   esc back   q quit" } else { KEYS };
    write(frame, area, (0, area.width), keys, theme.soft(), Align::Left);
    let begin = columns(keys) + 2;
    let room = area.width.saturating_sub(begin);
    write(frame, area, (begin, room), &order, Theme::STRONG, Align::Right);
}

#[cfg(test)]
mod tests;
