//! The page of `breaker-dashboard` in a terminal.
//!
//! ```text
//! breaker-top http://127.0.0.1:3000/breakers
//! ```
//!
//! It reads the page's stream, which needs no token, and only shows it: nothing is switched from here.

mod address;
mod board;
mod client;
mod events;
mod history;
mod message;
mod theme;
mod view;
mod words;

use std::io::{self, IsTerminal as _};
use std::process::ExitCode;
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};
use std::{env, thread};

use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use crate::address::Address;
use crate::board::{Ask, Board, Connection};
use crate::client::{News, follow};
use crate::theme::Theme;

const USAGE: &str = "\
The circuits of a running program in a terminal, worst first.

Usage: breaker-top <ADDRESS>

  <ADDRESS>  where the page of the program is: http://127.0.0.1:3000/breakers

Keys: arrows select, enter opens the detail, / filters by name or state, s sorts, q quits.
It only reads, and needs no token. NO_COLOR=1 leaves out colours.";

/// How long a key or a message may wait.
const TICK: Duration = Duration::from_millis(100);

/// What the command line asks for.
#[derive(Debug, PartialEq, Eq)]
enum Wish {
    Watch(Address),
    Say(String),
}

fn main() -> ExitCode {
    let wish = match read_arguments(env::args().skip(1)) {
        Ok(wish) => wish,
        Err(why) => return fail(2, &format!("{why}\n\n{USAGE}")),
    };
    match wish {
        Wish::Say(said) => println!("{said}"),
        Wish::Watch(_) if !io::stdout().is_terminal() => {
            return fail(1, "breaker-top draws on a terminal, and standard output is none");
        }
        Wish::Watch(address) => {
            if let Err(error) = watch(address) {
                return fail(1, &format!("breaker-top: {error}"));
            }
        }
    }
    ExitCode::SUCCESS
}

fn fail(code: u8, why: &str) -> ExitCode {
    eprintln!("{why}");
    ExitCode::from(code)
}

fn read_arguments(arguments: impl Iterator<Item = String>) -> Result<Wish, String> {
    let mut address = None;
    for argument in arguments {
        match argument.as_str() {
            "-h" | "--help" => return Ok(Wish::Say(USAGE.to_owned())),
            "-V" | "--version" => {
                return Ok(Wish::Say(format!("breaker-top {}", env!("CARGO_PKG_VERSION"))));
            }
            option if option.starts_with('-') => return Err(format!("unknown option `{option}`")),
            _ if address.is_some() => return Err("more than one address".to_owned()),
            given => address = Some(Address::parse(given)?),
        }
    }
    address.map(Wish::Watch).ok_or_else(|| "an address is missing".to_owned())
}

fn watch(address: Address) -> io::Result<()> {
    let board = Board::new(address.to_string());
    // The convention of https://no-color.org.
    let theme = Theme { has_colors: env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()) };
    let (sender, news) = mpsc::channel();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    thread::Builder::new()
        .name("connection".to_owned())
        .spawn(move || runtime.block_on(follow(address, sender)))?;
    let terminal = ratatui::try_init()?;
    let ended = run(terminal, board, theme, &news);
    ratatui::try_restore()?;
    ended
}

fn run(
    mut terminal: DefaultTerminal,
    mut board: Board,
    theme: Theme,
    news: &Receiver<News>,
) -> io::Result<()> {
    let began = Instant::now();
    let mut drawn = None;
    loop {
        board.now = began.elapsed();
        let mut is_changed = false;
        for heard in news.try_iter() {
            is_changed = true;
            match heard {
                News::Heard(message) => board.hear(*message),
                News::Lost(why, wait) => {
                    board.connection = Connection::Lost { why, again: board.now + wait };
                }
            }
        }
        if event::poll(TICK)? {
            is_changed = true;
            if !goes_on(&event::read()?, &mut board) {
                return Ok(());
            }
        }
        // Times go on every second.
        let second = began.elapsed().as_secs();
        if is_changed || drawn != Some(second) {
            drawn = Some(second);
            board.now = began.elapsed();
            terminal.draw(|frame| view::draw(frame, &mut board, theme))?;
        }
    }
}

/// Whether the program goes on after that.
fn goes_on(event: &Event, board: &mut Board) -> bool {
    match event {
        Event::Key(key) if key.kind == KeyEventKind::Release => true,
        Event::Key(key) if is_interrupt(*key) => false,
        Event::Key(key) => ask_of(*key).is_none_or(|ask| board.answer(ask)),
        _ => true,
    }
}

fn is_interrupt(key: KeyEvent) -> bool {
    key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL)
}

fn ask_of(key: KeyEvent) -> Option<Ask> {
    Some(match key.code {
        KeyCode::Up => Ask::Up,
        KeyCode::Down => Ask::Down,
        KeyCode::PageUp => Ask::PageUp,
        KeyCode::PageDown => Ask::PageDown,
        KeyCode::Home => Ask::First,
        KeyCode::End => Ask::Last,
        KeyCode::Enter => Ask::Enter,
        KeyCode::Esc => Ask::Escape,
        KeyCode::Backspace => Ask::Backspace,
        KeyCode::Char(letter) if !key.modifiers.contains(KeyModifiers::CONTROL) => {
            Ask::Letter(letter)
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(arguments: &[&str]) -> Result<Wish, String> {
        read_arguments(arguments.iter().map(ToString::to_string))
    }

    #[test]
    fn the_command_line_has_one_address() {
        let address = Address::parse("http://shop/breakers").unwrap();
        assert_eq!(read(&["http://shop/breakers"]), Ok(Wish::Watch(address)));
        assert_eq!(read(&[]), Err("an address is missing".to_owned()));
        assert_eq!(read(&["a", "b"]), Err("more than one address".to_owned()));
        assert_eq!(read(&["--token"]), Err("unknown option `--token`".to_owned()));
        assert_eq!(read(&["a", "--help"]), Ok(Wish::Say(USAGE.to_owned())));
    }

    #[test]
    fn keys_with_control_are_no_letters() {
        let key = |code, modifiers| KeyEvent::new(code, modifiers);
        assert_eq!(ask_of(key(KeyCode::Char('s'), KeyModifiers::NONE)), Some(Ask::Letter('s')));
        assert_eq!(ask_of(key(KeyCode::Char('s'), KeyModifiers::CONTROL)), None);
        assert!(is_interrupt(key(KeyCode::Char('c'), KeyModifiers::CONTROL)));
        assert!(!is_interrupt(key(KeyCode::Char('c'), KeyModifiers::NONE)));
        let mut board = Board::new(String::new());
        let mut press = |key| goes_on(&Event::Key(key), &mut board);
        assert!(press(key(KeyCode::Char('s'), KeyModifiers::NONE)));
        assert!(!press(key(KeyCode::Char('q'), KeyModifiers::NONE)));
        assert!(!press(key(KeyCode::Char('c'), KeyModifiers::CONTROL)));
        assert_eq!(ask_of(key(KeyCode::End, KeyModifiers::NONE)), Some(Ask::Last));
    }
}
