//! How things are shown to a person: in messages, logs and assertions.

mod common;

use std::error::Error;
use std::{fmt, io};

use breaker_runtime::{CallError, Config, Outcome, Rejected, circuit_breaker, registry};

use common::circuit;

/// An error with a cause.
#[derive(Debug)]
struct Unreachable(io::Error);

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the shop cannot be reached")
    }
}

impl Error for Unreachable {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

fn refused() -> Rejected {
    let circuit = circuit(Config::new()).0;
    circuit.force_open();
    circuit.try_acquire().expect_err("forced open")
}

#[test]
fn a_call_error_is_shown_as_what_it_holds() {
    let refused = refused();
    let (message, error) = (refused.to_string(), CallError::<Unreachable>::Rejected(refused));
    assert_eq!(error.to_string(), message);
    assert!(error.source().is_none());

    let failed = CallError::Failed(Unreachable(io::Error::other("no route")));
    assert_eq!(failed.to_string(), "the shop cannot be reached");
    let cause = failed.source().expect("the cause of the function's own error");
    assert_eq!(cause.to_string(), "no route");
}

#[tokio::test(start_paused = true)]
async fn a_timeout_in_a_call_error_is_shown_as_the_timeout() {
    #[circuit_breaker(name = "shown.late", call_timeout = "20ms", fallback = |error| {
        assert!(error.source().is_none());
        error.to_string()
    })]
    async fn quote() -> String {
        std::future::pending::<String>().await
    }
    let message = quote().await;
    assert!(message.contains("20ms"), "{message}");
}

#[test]
fn a_circuit_is_debugged_by_name_and_state() {
    let circuit = circuit(Config::new()).0;
    circuit.force_open();
    let shown = format!("{circuit:?}");
    assert!(shown.contains("\"circuit\"") && shown.contains("ForcedOpen"), "{shown}");
}

#[test]
fn a_subscription_is_debugged_without_its_listener() {
    let subscription = registry().subscribe(|_| {});
    assert_eq!(format!("{subscription:?}"), "Subscription { .. }");
}

#[test]
fn a_site_says_where_its_attribute_is() {
    #[circuit_breaker(name = "shown.site")]
    fn price() -> Option<u32> {
        Some(1)
    }
    let line = line!() - 4;
    assert_eq!(price(), Some(1));
    let circuit = registry().get("shown.site").expect("it was called");
    let site = circuit.snapshot().sites[0];
    assert_eq!((site.line(), site.function()), (line, "price"));
    assert!(site.column() >= 1);
    assert!(format!("{site:?}").contains("shown.rs"), "{site:?}");
}

#[test]
fn outcomes_have_names() {
    let names = [Outcome::Success, Outcome::Failure, Outcome::Ignored].map(Outcome::as_str);
    assert_eq!(names, ["success", "failure", "ignored"]);
}
