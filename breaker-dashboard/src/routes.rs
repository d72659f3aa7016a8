//! The handler of each path.

mod api;
mod control;
mod histories;
mod order;
mod page;
mod stream;
mod undo;

pub(crate) use self::api::{circuit, circuits, healthz, log, metrics, options};
pub(crate) use self::control::{check, control};
pub(crate) use self::histories::histories;
pub(crate) use self::order::LARGEST_ORDER;
pub(crate) use self::page::{Frames, show};
pub(crate) use self::stream::{Streams, events};
pub(crate) use self::undo::Undos;
