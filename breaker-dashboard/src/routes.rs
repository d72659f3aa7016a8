//! The handler of each path.

mod api;
mod control;
mod page;
mod stream;

pub(crate) use self::api::{circuit, circuits, healthz, log, metrics, options};
pub(crate) use self::control::{LARGEST_ORDER, check, control};
pub(crate) use self::page::show;
pub(crate) use self::stream::{Streams, events};
