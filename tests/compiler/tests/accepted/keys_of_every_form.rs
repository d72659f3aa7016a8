use std::fmt;
use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;

use breaker_runtime::circuit_breaker;

const HOSTS: u32 = 16;

#[circuit_breaker(name = "borrowed-koef", key = host)]
fn borrowed(host: &str) -> Option<usize> {
    Some(host.len())
}

#[circuit_breaker(name = "owned-koef", key = host, max_keys = 8)]
fn owned(host: String) -> Option<String> {
    Some(host)
}

#[circuit_breaker(name = "number-koef", key = port, max_keys = HOSTS)]
async fn number(port: u16) -> Option<u16> {
    Some(port)
}

#[circuit_breaker(name = "address", key = address, max_keys = HOSTS * 2)]
fn boxed(address: IpAddr) -> Pin<Box<dyn Future<Output = Option<IpAddr>> + Send>> {
    Box::pin(async move { Some(address) })
}

#[circuit_breaker(name = "opaque-koef", key = host, failures = panics, fallback = 0)]
fn opaque(host: &str) -> impl Future<Output = usize> {
    async move { host.len() }
}

#[circuit_breaker(name = "formatted", key = format!("{host}:{port}"))]
fn formatted(host: &str, port: u16) -> Option<usize> {
    Some(host.len() + usize::from(port))
}

#[circuit_breaker(name = "arguments", key = format_args!("{host}:{port}"))]
async fn arguments(host: &str, port: u16) -> Option<usize> {
    Some(host.len() + usize::from(port))
}

#[circuit_breaker(name = "block", key = { let mut parts = url.split('/'); parts.nth(2).unwrap_or("nowhere") })]
fn block(url: &str) -> Option<usize> {
    Some(url.len())
}

#[circuit_breaker(name = "taken apart", key = host)]
fn taken_apart((host, port): (String, u16)) -> Option<(String, u16)> {
    Some((host, port))
}

#[circuit_breaker(name = "taken apart, async", key = host)]
async fn taken_apart_async(Host(host): Host, [_, second]: [u8; 2]) -> Option<(String, u8)> {
    Some((host, second))
}

#[circuit_breaker(name = "taken apart by hand", key = format!("{host}:{port}"), fallback = |_| Ok(port))]
fn taken_apart_by_hand((mut host, &port, ref path): (String, &u16, String)) -> Result<u16, String> {
    host.push_str(path);
    Err(format!("{host}:{port}"))
}

#[circuit_breaker(name = "by reference", key = host, fallback = |_| Ok(host.len()))]
fn by_reference(ref host: String) -> Result<usize, String> {
    Err(host.clone())
}

#[circuit_breaker(name = "whole and parts", key = format!("{}{host}", whole.1), fallback = |_| Ok(whole.1))]
fn whole_and_parts(whole @ (host, _): (&str, u16)) -> Result<u16, String> {
    Err(format!("{host}:{}", whole.1))
}

#[circuit_breaker(name = "slice", key = *host)]
fn unsized_key(host: &str) -> Option<usize> {
    Some(host.len())
}

#[circuit_breaker(name = "mutable", key = host)]
fn mutable(mut host: String) -> Option<String> {
    host.push('.');
    Some(host)
}

#[circuit_breaker(name = "fallback-koef", key = host, fallback = |_| Ok(host.len()))]
fn with_fallback(host: String) -> Result<usize, String> {
    Err(host)
}

#[circuit_breaker(name = "fallback, async", key = host, fallback = |_| Ok(host.len()))]
async fn with_async_fallback(host: String) -> Result<usize, String> {
    Err(host)
}

#[circuit_breaker(name = "fallback function", key = host, fallback = length)]
fn with_fallback_function(host: String) -> Result<usize, String> {
    Err(host)
}

fn length(host: String) -> Result<usize, String> {
    Ok(host.len())
}

#[circuit_breaker(name = "generic-koef", key = host)]
fn generic<H: fmt::Display + ?Sized>(host: &H) -> Option<String> {
    Some(host.to_string())
}

struct Host(String);

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

struct Client {
    host: Host,
    port: u16,
}

impl Client {
    #[circuit_breaker(name = "method-koef", key = self.host, fallback = |_| self.fallback())]
    fn method(&self) -> Result<u16, String> {
        Err(self.host.to_string())
    }

    #[circuit_breaker(name = "async method-koef", key = format!("{}:{}", self.host, self.port))]
    async fn async_method(&mut self) -> Option<u16> {
        self.port += 1;
        Some(self.port)
    }

    #[circuit_breaker(name = "owned method", key = self.port)]
    fn owned_method(self) -> Option<String> {
        Some(self.host.0)
    }

    #[circuit_breaker(name = "boxed method", key = self.port)]
    fn boxed_method(&self) -> Pin<Box<dyn Future<Output = Option<u16>> + Send + '_>> {
        Box::pin(async { Some(self.port) })
    }

    fn fallback(&self) -> Result<u16, String> {
        Ok(self.port)
    }
}

fn is_send<T: Send>(future: T) -> T {
    future
}

#[test]
fn it_compiles_and_runs() {
    let client = || Client { host: Host("kiel".into()), port: 80 };
    assert_eq!(borrowed("kiel"), Some(4));
    assert_eq!(owned("kiel".into()).as_deref(), Some("kiel"));
    assert_eq!(formatted("kiel", 80), Some(84));
    assert_eq!(block("https://kiel/a"), Some(14));
    assert_eq!(taken_apart(("kiel".into(), 80)), Some(("kiel".into(), 80)));
    assert_eq!(taken_apart_by_hand(("kiel".into(), &80, "/".into())), Ok(80));
    assert_eq!(by_reference("kiel".into()), Ok(4));
    assert_eq!(whole_and_parts(("kiel", 80)), Ok(80));
    assert_eq!(unsized_key("kiel"), Some(4));
    assert_eq!(mutable("kiel".into()).as_deref(), Some("kiel."));
    assert_eq!(with_fallback("kiel".into()), Ok(4));
    assert_eq!(with_fallback_function("kiel".into()), Ok(4));
    assert_eq!(generic("kiel").as_deref(), Some("kiel"));
    assert_eq!(client().method(), Ok(80));
    assert_eq!(client().owned_method().as_deref(), Some("kiel"));
    drop(is_send(number(80)));
    drop(is_send(boxed(IpAddr::from([127, 0, 0, 1]))));
    drop(opaque("kiel"));
    drop(is_send(arguments("kiel", 80)));
    drop(is_send(taken_apart_async(Host("kiel".into()), [1, 2])));
    drop(is_send(with_async_fallback("kiel".into())));
    drop(is_send(client().async_method()));
    drop(is_send(client().boxed_method()));
}
