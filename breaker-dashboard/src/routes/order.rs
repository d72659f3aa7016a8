//! Orders: what a client may ask for, and how it is read.

mod mistake;

use std::time::Duration;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use breaker_runtime::{Mode, Override};
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::time::timeout;

use self::mistake::mistake;
use crate::answer::Failure;

/// The maximum size of a body, and the maximum time to receive it.
pub(crate) const LARGEST_ORDER: usize = 512 << 10;
const LONGEST_BODY: Duration = Duration::from_secs(10);
/// The longest time that an order may last. Longer orders are permanent.
const LONGEST: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// The same for orders to all members of a fleet, which must end by themselves.
const LONGEST_FOR_ALL: Duration = Duration::from_secs(24 * 60 * 60);
const FOREIGN_BODY: Failure =
    Failure::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "the body must be application/json");
const LATE_BODY: Failure =
    Failure::new(StatusCode::REQUEST_TIMEOUT, "the body took longer than ten seconds");
const LARGE_BODY: Failure =
    Failure::new(StatusCode::PAYLOAD_TOO_LARGE, "the body must be whole and have at most 512 KiB");
const NO_OBJECT: Failure =
    Failure::new(StatusCode::UNPROCESSABLE_ENTITY, "the body must be a JSON object");
const UNFIT_UNDO: Failure = Failure::new(
    StatusCode::UNPROCESSABLE_ENTITY,
    "the action undo needs `undo`, the token of an order, and takes only `reason` besides",
);
const NO_UNDO: Failure =
    Failure::new(StatusCode::UNPROCESSABLE_ENTITY, "`undo` is only for the action undo");
const NO_CIRCUIT: Failure = Failure::new(
    StatusCode::UNPROCESSABLE_ENTITY,
    "an order needs either `name`, a circuit, or `names`, a list of circuits",
);
const NO_OPTION: Failure = Failure::new(
    StatusCode::UNPROCESSABLE_ENTITY,
    "the action override needs `option` and `value`, both as texts",
);
const STRAY_OPTION: Failure = Failure::new(
    StatusCode::UNPROCESSABLE_ENTITY,
    "`option` and `value` are only for the action override",
);
/// The maximum size of a value in bytes. The log keeps it, and everybody sees it.
const LONGEST_VALUE: usize = 128;
const LONG_VALUE: Failure =
    Failure::new(StatusCode::UNPROCESSABLE_ENTITY, "`value` must have at most 128 bytes");
const UNFIT_TIME: Failure = Failure::new(
    StatusCode::UNPROCESSABLE_ENTITY,
    "`for` must be more than 0 and at most 30 days, in seconds",
);
const UNFIT_TIME_FOR_ALL: Failure = Failure::new(
    StatusCode::UNPROCESSABLE_ENTITY,
    "with `all_members`, `for` must be more than 0 and at most a day, in seconds",
);
const NOT_FOR_ALL: Failure = Failure::new(
    StatusCode::UNPROCESSABLE_ENTITY,
    "`all_members` is only for force_open, disable, observe and override",
);
/// The maximum number of circuits in one order.
const MOST_NAMES: usize = 1_000;
const UNFIT_NAMES: Failure = Failure::new(
    StatusCode::UNPROCESSABLE_ENTITY,
    "`names` must have at least 1 and at most 1000 names",
);
/// The maximum length of a reason in characters. The log keeps it, and everybody sees it.
const LONGEST_REASON: usize = 200;
const LONG_REASON: Failure =
    Failure::new(StatusCode::UNPROCESSABLE_ENTITY, "`reason` must have at most 200 characters");

/// An order.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Order {
    name: Option<String>,
    names: Option<Vec<String>>,
    pub(super) action: Action,
    /// In seconds.
    #[serde(rename = "for")]
    lasts: Option<f64>,
    option: Option<String>,
    value: Option<String>,
    /// Whether all members of the fleet get it.
    #[serde(default)]
    pub(super) all_members: bool,
    reason: Option<String>,
    /// What to take back.
    undo: Option<String>,
}

/// What an order is about.
pub(super) enum Target<'a> {
    One(&'a str),
    /// Sorted, each once.
    Many(Vec<&'a str>),
    /// An order that is taken back, by its token.
    Undo(&'a str),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(super) enum Action {
    ForceOpen,
    Disable,
    Observe,
    Reset,
    Trip,
    Override,
    EndOverrides,
    Undo,
}

impl Action {
    const ALL: [Self; 8] = [
        Self::ForceOpen,
        Self::Disable,
        Self::Observe,
        Self::Reset,
        Self::Trip,
        Self::Override,
        Self::EndOverrides,
        Self::Undo,
    ];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::ForceOpen => "force_open",
            Self::Disable => "disable",
            Self::Observe => "observe",
            Self::Reset => "reset",
            Self::Trip => "trip",
            Self::Override => "override",
            Self::EndOverrides => "end_overrides",
            Self::Undo => "undo",
        }
    }

    /// Whether it can be for a time.
    const fn may_last(self) -> bool {
        !matches!(self, Self::Reset | Self::Trip | Self::EndOverrides | Self::Undo)
    }
}

/// What an order does to a circuit.
pub(super) enum Step<'a> {
    Override(Override<'a>),
    /// Back to the mode of the settings, which may be to observe: `Mode::Normal` would have calls refused.
    Reset,
    Trip,
    EndOverrides,
}

impl TryFrom<String> for Action {
    type Error = &'static str;

    fn try_from(word: String) -> Result<Self, Self::Error> {
        Self::ALL.into_iter().find(|action| action.as_str() == word).ok_or("no such action")
    }
}

impl<S: Send + Sync> FromRequest<S> for Order {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        let reading = Json::<Box<RawValue>>::from_request(request, state);
        let Json(body) = timeout(LONGEST_BODY, reading).await.map_err(|_| LATE_BODY)??;
        // Serde would also read a struct from an array.
        if !body.get().starts_with('{') {
            return Err(NO_OBJECT);
        }
        serde_json::from_str(body.get()).map_err(|_| mistake(body.get()))
    }
}

impl From<JsonRejection> for Failure {
    fn from(rejection: JsonRejection) -> Self {
        match rejection {
            JsonRejection::MissingJsonContentType(_) => FOREIGN_BODY,
            JsonRejection::BytesRejection(_) => LARGE_BODY,
            _ => NO_OBJECT,
        }
    }
}

impl Order {
    /// How long it lasts. `None` is permanent.
    pub(super) fn lasts(&self) -> Result<Option<Duration>, Failure> {
        let (longest, unfit) = match self.all_members {
            true if !self.action.may_last() => return Err(NOT_FOR_ALL),
            true => (LONGEST_FOR_ALL, UNFIT_TIME_FOR_ALL),
            false => (LONGEST, UNFIT_TIME),
        };
        let Some(seconds) = self.lasts else {
            return if self.all_members { Err(unfit) } else { Ok(None) };
        };
        match Duration::try_from_secs_f64(seconds) {
            _ if !self.action.may_last() => Err(Failure::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "`for` is only for force_open, disable, observe and override",
            )),
            Ok(time) if !time.is_zero() && time <= longest => Ok(Some(time)),
            _ => Err(unfit),
        }
    }

    /// What it is about.
    pub(super) fn target(&self) -> Result<Target<'_>, Failure> {
        match (&self.name, &self.names, &self.undo) {
            (Some(name), None, None) if self.action != Action::Undo => Ok(Target::One(name)),
            (None, Some(names), None) if self.action != Action::Undo => {
                let mut names: Vec<_> = names.iter().map(String::as_str).collect();
                names.sort_unstable();
                names.dedup();
                let is_fit = (1..=MOST_NAMES).contains(&names.len());
                is_fit.then_some(Target::Many(names)).ok_or(UNFIT_NAMES)
            }
            (None, None, Some(token)) if self.is_nothing_but_undo() => Ok(Target::Undo(token)),
            _ if self.action == Action::Undo => Err(UNFIT_UNDO),
            (.., Some(_)) => Err(NO_UNDO),
            _ => Err(NO_CIRCUIT),
        }
    }

    fn is_nothing_but_undo(&self) -> bool {
        let has_more = self.option.is_some() || self.value.is_some() || self.all_members;
        self.action == Action::Undo && !has_more && self.lasts.is_none()
    }

    /// Why, if the client said so.
    pub(super) fn reason(&self) -> Result<Option<&str>, Failure> {
        let reason = self.reason.as_deref().map(str::trim).filter(|reason| !reason.is_empty());
        if reason.is_some_and(|reason| reason.chars().count() > LONGEST_REASON) {
            return Err(LONG_REASON);
        }
        Ok(reason)
    }

    /// What to do. Only an override of an option has an option and a value.
    pub(super) fn step(&self) -> Result<Step<'_>, Failure> {
        let mode = |mode| Ok(Step::Override(Override::Mode(mode)));
        match (self.action, self.option(), self.value()) {
            (Action::Override, Some(_), Some(value)) if value.len() > LONGEST_VALUE => {
                Err(LONG_VALUE)
            }
            (Action::Override, Some(option), Some(value)) => {
                Ok(Step::Override(Override::Option(option, value)))
            }
            (Action::ForceOpen, None, None) => mode(Mode::ForcedOpen),
            (Action::Disable, None, None) => mode(Mode::Disabled),
            (Action::Observe, None, None) => mode(Mode::Observe),
            (Action::Reset, None, None) => Ok(Step::Reset),
            (Action::Trip, None, None) => Ok(Step::Trip),
            (Action::EndOverrides, None, None) => Ok(Step::EndOverrides),
            (Action::Override, ..) => Err(NO_OPTION),
            _ => Err(STRAY_OPTION),
        }
    }

    pub(super) fn option(&self) -> Option<&str> {
        self.option.as_deref().map(str::trim)
    }

    pub(super) fn value(&self) -> Option<&str> {
        self.value.as_deref().map(str::trim)
    }

    /// What it says in the log, without who.
    pub(super) fn text(&self, lasts: Option<Duration>) -> String {
        let mut text = self.action.as_str().to_owned();
        if let (Some(option), Some(value)) = (self.option(), self.value()) {
            text = format!("{text} {option}={value}");
        }
        if let Some(lasts) = lasts {
            text = format!("{text} for {} s", lasts.as_secs_f64());
        }
        if self.all_members {
            text.push_str(", all members");
        }
        text
    }
}
