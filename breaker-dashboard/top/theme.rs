//! The page's colours in a terminal. Without colours, bold and reversed text says the same.

use ratatui::style::{Color, Modifier, Style};

use crate::message::Calls;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Theme {
    pub(crate) has_colors: bool,
}

impl Theme {
    pub(crate) const STRONG: Style = Style::new().add_modifier(Modifier::BOLD);
    pub(crate) const SELECTED: Style =
        Style::new().add_modifier(Modifier::BOLD.union(Modifier::UNDERLINED));

    fn colored(self, color: Color) -> Style {
        if self.has_colors { Style::new().fg(color) } else { Style::new() }
    }

    /// What refuses calls is filled, as on the page.
    pub(crate) fn state(self, state: &str) -> Style {
        let filled = |ground: Color| {
            if self.has_colors {
                Style::new().fg(Color::White).bg(ground).add_modifier(Modifier::BOLD)
            } else {
                Style::new().add_modifier(Modifier::BOLD | Modifier::REVERSED)
            }
        };
        match state {
            "open" => filled(Color::Red),
            "forced_open" => filled(Color::Magenta),
            "half_open" => self.colored(Color::Yellow).add_modifier(Modifier::BOLD),
            "disabled" => self.colored(Color::DarkGray).add_modifier(Modifier::BOLD),
            _ => self.colored(Color::Green),
        }
    }

    pub(crate) fn soft(self) -> Style {
        if self.has_colors {
            self.colored(Color::DarkGray)
        } else {
            Style::new().add_modifier(Modifier::DIM)
        }
    }

    pub(crate) fn good(self) -> Style {
        self.colored(Color::Green)
    }

    pub(crate) fn bad(self) -> Style {
        self.colored(Color::Red).add_modifier(Modifier::BOLD)
    }

    /// One bar of a chart: whether calls failed in it, or were only refused.
    pub(crate) fn bar(self, calls: Calls) -> Style {
        self.colored(match calls {
            Calls { failed: 1.., .. } => Color::Red,
            Calls { rejected: 1.., .. } => Color::Yellow,
            _ => Color::Cyan,
        })
    }
}
