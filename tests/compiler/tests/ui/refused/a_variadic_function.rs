use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "prices")]
unsafe extern "C" fn print_price(format: *const u8, mut _rest: ...) -> i32 {
    format as i32
}

fn main() {
    let _ = unsafe { print_price(std::ptr::null()) };
}
