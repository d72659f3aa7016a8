//! Pictures of the board, and what must be on them.

use std::time::Duration;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier};

use super::*;
use crate::board::Ask;
use crate::message::{Calls, Fleet, Frame as Sent, Message, Outage, Service};

const COLORS: Theme = Theme { has_colors: true };
const PLAIN: Theme = Theme { has_colors: false };

fn row(name: &str, state: &str, explanation: &str) -> Row {
    Row {
        name: name.to_owned(),
        state: state.to_owned(),
        explanation: explanation.to_owned(),
        ..Row::default()
    }
}

/// One circuit of each kind.
fn shop() -> Vec<Row> {
    let first = "19 of the last 20 calls failed".to_owned();
    let payments = Row {
        since: 8.0,
        retry_after: Some(6.6),
        outage: Some(Outage { since: 432.0, first, reopenings: 21 }),
        minute_calls: Some(Calls { ok: 0, failed: 21, rejected: 2_371 }),
        per_second: 39.9,
        refused_per_second: Some(39.5),
        failed_per_second: Some(0.4),
        point: [0, 0, 40],
        ..row(
            "payments",
            "open",
            "open for 8s, not closed for 7m 12s: at first 19 of the last 20 calls failed; \
             21 re-openings since; probes in 7s",
        )
    };
    let search = Row {
        since: 3.0,
        point: [3, 1, 0],
        per_second: 0.4,
        ..row(
            "search",
            "half_open",
            "half-open for 3s after 5 failures in a row: 1 of 3 probe successes to close, \
             0 of 1 probe failure to open again, 1 of 3 in flight",
        )
    };
    let mail = Row {
        since: 11_100.0,
        point: [120, 0, 0],
        per_second: 120.3,
        failure_threshold: Some(5),
        failure_rate: Some(0.25),
        failure_limit: Some(0.5),
        ..row("mail", "closed", "closed: 0 of the 5 failures in a row that open it")
    };
    vec![
        mail,
        search,
        payments,
        Row {
            since: 180.0,
            ..row(
                "batch",
                "disabled",
                "disabled for 3m: calls run and are only counted until reset()",
            )
        },
    ]
}

fn board(circuits: Vec<Row>) -> Board {
    let mut board = Board::new("http://127.0.0.1:3000/breakers".to_owned());
    let total = circuits.len();
    board.hear(Message::Snapshot(Sent { second: 7, total, circuits, ..Sent::default() }));
    board
}

fn buffer(board: &mut Board, theme: Theme, width: u16, height: u16) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(frame, board, theme)).unwrap();
    terminal.backend().buffer().clone()
}

fn lines(buffer: &Buffer) -> Vec<String> {
    let cells: Vec<_> = buffer.content().iter().map(ratatui::buffer::Cell::symbol).collect();
    let lines = cells.chunks(usize::from(buffer.area.width));
    lines.map(|line| line.concat().trim_end().to_owned()).collect()
}

fn picture(board: &mut Board, width: u16, height: u16) -> String {
    lines(&buffer(board, COLORS, width, height)).join("\n")
}

/// The place of a text, as column and line.
fn find(buffer: &Buffer, text: &str) -> (u16, u16) {
    let lines = lines(buffer);
    let found = lines.iter().enumerate().find_map(|(y, line)| Some((line.find(text)?, y, line)));
    let (x, y, line) = found.unwrap_or_else(|| panic!("{text} in\n{}", lines.join("\n")));
    (columns(&line[..x]), u16::try_from(y).unwrap())
}

#[test]
fn eighty_columns_have_the_worst_first_with_causes_below() {
    let expected = "\
breaker  http://127.0.0.1:3000/breakers                                   ● live
 1 open  1 half-open  1 disabled  1 closed                      95.1% not served
 state         name                      since   not served calls/s last minute
▸ open         payments                 7m 12s  2392   100%      40            █
    Probes in 7s. First: 19 of the last 20 calls failed. 21 re-openings since.
  half-open    search                       3s     1    25%     0.4            █
    after 5 failures in a row: 1 of 3 probe successes to close, 0 of 1 probe fa…
  disabled     batch                    3m 00s            –       0
    disabled for 3m: calls run and are only counted until reset()
  closed       mail                      3h 5m            –     120            █

↑↓ select   enter detail   / filter   s sort   q quit                worst first";
    assert_eq!(picture(&mut board(shop()), 80, 12), expected);
}

#[test]
fn a_wide_terminal_has_one_line_for_each_circuit() {
    let picture = picture(&mut board(shop()), 170, 9);
    let line = picture.lines().find(|line| line.contains("payments")).unwrap();
    assert!(
        line.contains("Probes in 7s. First: 19 of the last 20 calls failed. 21 re-openings since"),
        "{picture}"
    );
    assert!(picture.lines().nth(4).unwrap().contains("search"), "{picture}");
}

#[test]
fn nothing_is_drawn_outside_of_however_small_a_terminal() {
    let mut circuits = shop();
    circuits.push(row("支払い/東京/とても長い名前のサービス", "forced_open", "x"));
    let mut board = board(circuits);
    board.refused = vec!["breaker.toml:3: `cooldown` needs a unit".to_owned()];
    for is_detailed in [false, true] {
        board.is_detailed = is_detailed;
        for (width, height) in [(1, 1), (10, 3), (20, 5), (40, 24), (119, 7), (120, 7), (300, 80)] {
            buffer(&mut board, COLORS, width, height);
        }
    }
}

#[test]
fn states_have_the_colors_of_the_page_and_no_color_has_none() {
    let mut board = board(shop());
    let colored = buffer(&mut board, COLORS, 80, 24);
    let state_of = |text: &str| {
        let (_, y) = find(&colored, text);
        let cell = &colored[(2, y)];
        (cell.fg, cell.bg)
    };
    assert_eq!(state_of("payments"), (Color::White, Color::Red));
    assert_eq!(state_of("search"), (Color::Yellow, Color::Reset));
    assert_eq!(state_of("mail"), (Color::Green, Color::Reset));
    let plain = buffer(&mut board, PLAIN, 80, 24);
    let is_plain = plain.content().iter().all(|it| (it.fg, it.bg) == (Color::Reset, Color::Reset));
    assert!(is_plain, "no colors");
    let (_, y) = find(&plain, "payments");
    assert!(plain[(2, y)].modifier.contains(Modifier::REVERSED), "open is told without colors");
}

#[test]
fn bars_are_red_where_calls_failed_and_yellow_where_they_were_refused() {
    let colored = buffer(&mut board(shop()), COLORS, 80, 24);
    let bar_of = |text: &str| colored[(79, find(&colored, text).1)].fg;
    assert_eq!(
        [bar_of("payments"), bar_of("search"), bar_of("mail")],
        [Color::Yellow, Color::Red, Color::Cyan]
    );
}

#[test]
fn the_title_says_which_process_it_is() {
    let mut board = board(shop());
    board.service = Service {
        title: Some("checkout, pod 7".to_owned()),
        version: Some("1.4.2".to_owned()),
        host: Some("pod-7".to_owned()),
        pid: Some(4_242),
    };
    assert!(picture(&mut board, 80, 9).starts_with("checkout, pod 7 1.4.2  pod-7 pid 4242 "));
    board.service = Service { title: Some("shop\u{1b}[2J".to_owned()), ..Service::default() };
    let expected = "shop\\u{1b}[2J  http://127.0.0.1:3000/breakers ";
    assert!(picture(&mut board, 80, 9).starts_with(expected));
}

#[test]
fn a_lost_connection_says_why_and_when_it_is_tried_again() {
    let mut board = board(shop());
    let why = "127.0.0.1:3000: connection refused".to_owned();
    board.connection = Connection::Lost { why, again: Duration::from_secs(4) };
    board.now = Duration::from_millis(2_500);
    let picture = picture(&mut board, 80, 9);
    assert!(
        picture
            .lines()
            .next()
            .unwrap()
            .ends_with("○ not live: 127.0.0.1:3000: connection refused; again in 2s"),
        "{picture}"
    );
    assert!(picture.contains("payments"), "what is known stays");
    board.now = Duration::from_secs(4);
    assert!(self::picture(&mut board, 80, 9).contains("connecting again"));
}

#[test]
fn before_the_first_event_it_says_that_it_connects() {
    let mut empty = Board::new("http://shop".to_owned());
    assert!(picture(&mut empty, 80, 9).lines().next().unwrap().ends_with("connecting"));
    assert!(picture(&mut board(vec![]), 80, 9).contains("no circuits yet"));
}

#[test]
fn refused_settings_and_a_lost_fleet_are_said_above_the_list() {
    let mut board = board(shop());
    board.is_fleet_lost = true;
    assert!(
        picture(&mut board, 80, 12)
            .lines()
            .nth(2)
            .unwrap()
            .starts_with("The fleet is not connected")
    );
    board.refused = vec!["breaker.toml:3: a mistake".to_owned()];
    assert!(
        picture(&mut board, 80, 12).contains("Settings were refused: breaker.toml:3: a mistake")
    );
}

#[test]
fn the_selected_row_is_always_on_the_screen() {
    let circuits: Vec<_> = (0..40).map(|at| row(&format!("c{at:02}"), "open", "x")).collect();
    let mut board = board(circuits);
    let mut names = Vec::new();
    for _ in 0..45 {
        let picture = picture(&mut board, 80, 24);
        let marked = picture.lines().find(|line| line.starts_with('▸')).expect("a selected row");
        names.push(marked.split_whitespace().nth(2).unwrap().to_owned());
        board.answer(Ask::Down);
    }
    assert_eq!((names[0].as_str(), names[39].as_str(), names[44].as_str()), ("c00", "c39", "c39"));
    assert_eq!(board.page, 10, "a page is what fits");
    board.answer(Ask::First);
    assert!(picture(&mut board, 80, 24).lines().nth(3).unwrap().contains("c00"));
}

#[test]
fn rows_that_went_leave_no_empty_lines_while_others_are_above() {
    let many: Vec<_> = (0..40).map(|at| row(&format!("c{at:02}"), "closed", "x")).collect();
    let mut board = board(many.clone());
    board.answer(Ask::Last);
    picture(&mut board, 80, 24);
    let circuits = many[..10].to_vec();
    board.hear(Message::Snapshot(Sent { second: 8, total: 10, circuits, ..Sent::default() }));
    assert!(picture(&mut board, 80, 24).contains("c00"));
}

#[test]
fn the_detail_has_the_whole_sentence_and_the_numbers() {
    let mut board = board(shop());
    board.answer(Ask::Enter);
    let picture = picture(&mut board, 80, 24);
    for said in [
        "21\nre-openings since; probes in 7s",
        "not closed for    7m 12s",
        "first             19 of the last 20 calls failed",
        "re-openings since 21",
        "probes in         7s",
        "last minute       100% not served: 21 failed, 2371 refused of 2392 calls",
        "calls of the last minute",
        "esc back",
    ] {
        assert!(picture.contains(said), "{said} in\n{picture}");
    }
    board.answer(Ask::Down);
    let next = self::picture(&mut board, 80, 24);
    assert!(next.contains("half-open  search") && !next.contains("opens it"), "{next}");
    board.answer(Ask::Last);
    let mail = self::picture(&mut board, 80, 24);
    assert!(mail.contains("failures in a row 0 of 5"), "{mail}");
    assert!(mail.contains("failed            25%, 50% opens it"), "{mail}");
}

#[test]
fn the_filter_is_shown_while_it_is_typed_and_after() {
    let mut board = board(shop());
    "/mai".chars().for_each(|letter| assert!(board.answer(Ask::Letter(letter))));
    assert!(picture(&mut board, 80, 12).ends_with("/mai▏"));
    board.answer(Ask::Enter);
    let picture = picture(&mut board, 80, 12);
    assert!(picture.ends_with("worst first  /mai") && !picture.contains("payments"), "{picture}");
    "/x".chars().for_each(|letter| assert!(board.answer(Ask::Letter(letter))));
    assert!(self::picture(&mut board, 80, 12).contains("no circuit matches `maix`"));
}

#[test]
fn names_do_nothing_to_the_terminal() {
    let mut board = board(vec![row("\u{202e}live\u{1b}[2J", "open", "open for 1s: \u{7}x; y")]);
    let picture = picture(&mut board, 80, 12);
    assert!(
        picture.contains("\\u{202e}live\\u{1b}[2J") && picture.contains("\\u{7}x"),
        "{picture}"
    );
}

#[test]
fn a_fleet_that_is_connected_is_not_worth_a_line() {
    let mut board = board(shop());
    let fleet = Some(Fleet { connected: true });
    board.hear(Message::Changes(Sent { fleet, ..Sent::default() }));
    assert!(!board.is_fleet_lost);
}
