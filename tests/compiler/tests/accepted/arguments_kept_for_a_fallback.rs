use breaker_runtime::circuit_breaker;

struct Ticket(u32);

#[circuit_breaker(name = "cloned", fallback = |_| Ok(sku))]
fn cloned(sku: String) -> Result<String, String> {
    Err(sku)
}

#[circuit_breaker(name = "lent", fallback = |_| { log.push("again"); Ok(()) })]
fn lent(log: &mut Vec<&'static str>) -> Result<(), String> {
    log.push("once");
    Err("lost".to_owned())
}

#[circuit_breaker(name = "refused", fallback = |_| Ok(ticket.0), fallback_on = rejected)]
fn not_kept(ticket: Ticket) -> Result<u32, String> {
    Err(ticket.0.to_string())
}

#[circuit_breaker(name = "unnamed", fallback = |_| Ok(0))]
fn not_named(ticket: Ticket) -> Result<u32, String> {
    Err(ticket.0.to_string())
}

#[circuit_breaker(name = "apart", fallback = |_| Ok(left + right))]
fn taken_apart((left, right): (u32, u32), _: Ticket) -> Result<u32, String> {
    Err(format!("{left} {right}"))
}

#[test]
fn it_compiles_and_runs() {
    assert_eq!(cloned("tea".to_owned()), Ok("tea".to_owned()));
    let mut log = Vec::new();
    assert_eq!(lent(&mut log), Ok(()));
    assert_eq!(log, ["once", "again"]);
    assert_eq!(not_kept(Ticket(1)), Err("1".to_owned()));
    assert_eq!(not_named(Ticket(1)), Ok(0));
    assert_eq!(taken_apart((1, 2), Ticket(1)), Ok(3));
}
