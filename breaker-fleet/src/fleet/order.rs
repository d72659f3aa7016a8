//! Orders for all members: their checks and their errors.

use std::fmt;
use std::time::Duration;

use breaker_runtime::{__private as runtime, ConfigErrors, Layer, Override, Registry, Statement};
use tokio::sync::oneshot;

use crate::engine::LONGEST_TEXT;
use crate::inbox::Order;
use crate::member::LONGEST;

/// The result of an order, once there is one.
pub(super) type Answer = oneshot::Receiver<Result<(), ConfigErrors>>;

/// An order that this member finds right.
pub(super) fn new_order(
    registry: &Registry,
    circuit: &str,
    what: Override<'_>,
    limit: Duration,
    by: &str,
) -> Result<(Order, Answer), ConfigErrors> {
    check(registry, circuit, what, limit)?;
    let (sent, answer) = oneshot::channel();
    let (circuit, by) = (circuit.to_owned(), runtime::cut(by).to_owned());
    Ok((Order { circuit, what: what.to_string(), limit, by, sent }, answer))
}

/// What is wrong with an order, as far as this member can say.
fn check(
    registry: &Registry,
    circuit: &str,
    what: Override<'_>,
    limit: Duration,
) -> Result<(), ConfigErrors> {
    let mut problems = Vec::new();
    if limit.is_zero() || limit > LONGEST {
        problems.push("`limit` must be more than zero and at most a day".to_owned());
    }
    if circuit.is_empty() || circuit.len() > 128 || circuit.chars().any(char::is_control) {
        problems.push("`name` must be the name of a circuit".to_owned());
    }
    if what.to_string().len() > LONGEST_TEXT {
        problems.push(format!("the order is too long: at most {LONGEST_TEXT} bytes"));
    }
    if let Override::Option(option, value) = what {
        let statement = Statement::new(circuit, option, value, "the order").may_be_unknown();
        registry.check(vec![(Layer::Fleet, vec![statement])])?;
    }
    ConfigErrors::check(problems)
}

/// Nobody will hear of the order.
pub(crate) fn away(why: impl fmt::Display) -> Result<(), ConfigErrors> {
    ConfigErrors::check([format!("cannot reach the fleet: {why}")])
}

/// The order was sent, and no answer came.
pub(crate) fn unsure(why: impl fmt::Display) -> Result<(), ConfigErrors> {
    ConfigErrors::check([format!("the order may or may not have reached the fleet: {why}")])
}
