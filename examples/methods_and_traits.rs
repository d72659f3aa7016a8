//! Where else the attribute goes: methods, trait impls, async traits, boxed futures.
//!
//! Each function keeps its signature. Callers do not see that it is guarded.
//!
//! Run it with `cargo run --example methods_and_traits`.

use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;

use async_trait::async_trait;
use breaker_runtime::{Rejected, circuit_breaker, registry};

type Failure = Box<dyn Error + Send + Sync>;
type Answer = Result<String, Failure>;

/// A client of something that may be down.
struct Client {
    name: String,
    sent: u32,
}

impl Client {
    /// `&self`. The error is a boxed one, which holds a [`Rejected`] as it holds any error.
    #[circuit_breaker(name = "read")]
    fn read(&self, key: &str) -> Answer {
        Ok(format!("{} read {key}", self.name))
    }

    /// `&mut self`, and a fallback that changes it too.
    #[circuit_breaker(
        name = "write",
        failure_threshold = 1,
        fallback = |err| { self.sent += 100; Ok(format!("kept for later: {err}")) }
    )]
    fn write(&mut self, value: &str) -> Answer {
        self.sent += 1;
        Err(format!("cannot write {value}").into())
    }

    /// `self` in a smart pointer, and a method as the fallback.
    #[circuit_breaker(name = "close", fallback = Self::abandon)]
    fn close(self: Arc<Self>) -> Answer {
        Err(format!("{} does not answer", self.name).into())
    }

    #[allow(
        clippy::unnecessary_wraps,
        reason = "a fallback has the signature of the function it stands in for"
    )]
    fn abandon(self: Arc<Self>) -> Answer {
        Ok(format!("{} abandoned", self.name))
    }

    /// A result that borrows from `self`.
    #[circuit_breaker(name = "borrow")]
    fn borrow(&mut self) -> Option<&mut u32> {
        Some(&mut self.sent)
    }

    /// A future in a box. It is guarded from its first poll on.
    #[circuit_breaker(name = "boxed")]
    fn boxed<'a>(&'a self, key: &'a str) -> Pin<Box<dyn Future<Output = Answer> + Send + 'a>> {
        Box::pin(async move { Ok(format!("{} fetched {key}", self.name)) })
    }

    /// `impl Future`.
    #[circuit_breaker(name = "opaque")]
    fn opaque(&self) -> impl Future<Output = Answer> + Send {
        let name = self.name.clone();
        async move { Ok(format!("{name} is fine")) }
    }
}

/// An async trait of the language.
trait Store {
    async fn load(&self, key: &str) -> Answer;

    /// A method with a body can be guarded in the trait. The circuit is then one for all implementors.
    #[circuit_breaker(name = "size")]
    fn size(&self) -> Option<usize> {
        Some(0)
    }
}

impl Store for Client {
    #[circuit_breaker(name = "load", fallback = |_| Ok(format!("{key} from the cache")))]
    async fn load(&self, key: &str) -> Answer {
        tokio::task::yield_now().await;
        Err(format!("{} cannot load {key}", self.name).into())
    }
}

/// An async trait of the `async_trait` crate, which can be a trait object.
#[async_trait]
trait Notifier {
    async fn notify(&self, text: String) -> Answer;
}

#[async_trait]
impl Notifier for Client {
    #[circuit_breaker(name = "notify")]
    async fn notify(&self, text: String) -> Answer {
        tokio::task::yield_now().await;
        Ok(format!("{} sent {text:?}", self.name))
    }
}

fn say(call: &str, answer: Answer) -> Result<(), Failure> {
    println!("  {call:<22} {}", answer?);
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let new = |name: &str| Client { name: name.to_owned(), sent: 0 };
    let mut client = new("ada");

    println!("Methods");
    say("&self", client.read("k"))?;
    say("&mut self", client.write("v"))?;
    say("&mut self, refused", client.write("v"))?;
    say("self: Arc<Self>", Arc::new(new("bob")).close())?;
    let sent = client.borrow().ok_or("refused")?;
    println!("  {:<22} sent = {sent}: one real attempt, two fallbacks", "-> Option<&mut u32>");

    println!("Functions that return a future");
    say("Pin<Box<dyn Future>>", client.boxed("k").await)?;
    say("impl Future", client.opaque().await)?;

    println!("Traits");
    say("async fn in trait", client.load("k").await)?;
    println!("  {:<22} {:?}", "default method", client.size());
    let notifier: Box<dyn Notifier> = Box::new(new("eve"));
    say("#[async_trait]", notifier.notify("hi".to_owned()).await)?;

    println!("A refusal in a boxed error is still a `Rejected`");
    let read = registry().get("read").ok_or("no such circuit")?;
    read.force_open();
    if let Err(error) = client.read("k") {
        println!("  {error}; is a Rejected: {}", error.is::<Rejected>());
    }

    println!("\n{}", registry().snapshot());
    Ok(())
}
