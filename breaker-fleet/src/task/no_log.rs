//! In place of the log, without the feature `tracing`.

use breaker_runtime::ConfigErrors;

use crate::engine::EngineError;
use crate::fleet::Shared;

pub(super) fn connected(_: &Shared) {}

pub(super) fn lost(_: &Shared, _: &EngineError) {}

pub(super) fn order(_: &Shared, _: &str, _: &ConfigErrors) {}
