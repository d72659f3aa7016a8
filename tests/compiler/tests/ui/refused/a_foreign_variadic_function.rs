use breaker_runtime::circuit_breaker;

unsafe extern "C" {
    #[circuit_breaker(name = "prices")]
    safe fn print_price(format: *const u8, ...) -> i32;
}

fn main() {
    print_price(std::ptr::null());
}
