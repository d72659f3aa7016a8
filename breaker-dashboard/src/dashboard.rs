//! What can be chosen, and the router that comes of it.

use std::io;
use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRef, Request, State};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{get, post};
use breaker_runtime::MetricNames;
use tokio::net::{TcpListener, ToSocketAddrs};

use crate::access::{self, Access, HostError, Hosts, Origins, Token};
use crate::answer::{no_such_method, no_such_path};
use crate::routes::{self, LARGEST_ORDER, Streams};
use crate::server::Server;
use crate::shutdown::Shutdown;
use crate::watch::Watch;

/// The dashboard as a router, without controls and for the names of this machine. The same as
/// `Dashboard::new().into_router()`.
///
/// # Examples
///
/// ```
/// use axum::Router;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let app: Router = Router::new().nest_service("/breakers", breaker_dashboard::router());
/// # let _ = app;
/// # }
/// ```
pub fn router() -> Router {
    Dashboard::new().into_router()
}

/// What can be chosen about the dashboard.
///
/// # Examples
///
/// ```
/// use breaker_dashboard::{Dashboard, Token};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let dashboard = Dashboard::new()
///     .with_controls(Token::random()?)
///     .allow_host("ops.example.com")?;
/// let router = dashboard.into_router();
/// # let _ = router;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "a dashboard does nothing until it is a router or a server"]
pub struct Dashboard {
    token: Option<Token>,
    hosts: Hosts,
    origins: Origins,
    metric_names: MetricNames,
    shutdown: Shutdown,
}

impl Dashboard {
    /// One that only shows, to those who ask for `localhost` or an address of the loopback.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets those who have the token switch circuits: force open, disable, reset, trip. Without this, there
    /// are no controls.
    ///
    /// Each use is logged, through `tracing` and on the page, with the address of whoever did it. Only those who
    /// have the token see addresses on the page. A service that nests the router tells addresses if it is served
    /// with `into_make_service_with_connect_info::<SocketAddr>()`.
    ///
    /// A circuit that is switched for a time returns by itself, as
    /// [`override_for`](breaker_runtime::Registry::override_for) says. It needs no task of this process.
    ///
    /// At most ten wrong tokens a second are looked at from one address, which is the first 64 bits of one of IPv6.
    /// More get 429. Without addresses, and behind a proxy, all clients count as one.
    pub fn with_controls(mut self, token: Token) -> Self {
        self.token = Some(token);
        self
    }

    /// Answers to that host too: a name or an address, at any port. Others than those that were allowed get 403,
    /// so that no name of a foreign page can be made to point here.
    ///
    /// # Errors
    ///
    /// A [`HostError`] if no browser can ask for such a host, as for `https://ops.example.com`.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_dashboard::Dashboard;
    ///
    /// let dashboard = Dashboard::new().allow_host("ops.example.com")?;
    /// assert!(Dashboard::new().allow_host("https://ops.example.com").is_err());
    /// # let _ = dashboard;
    /// # Ok::<(), breaker_dashboard::HostError>(())
    /// ```
    pub fn allow_host(mut self, host: &str) -> Result<Self, HostError> {
        self.hosts.add(host)?;
        Ok(self)
    }

    /// Takes orders from pages of that origin too: a scheme, a host, and a port if it is not the usual one. This is
    /// for proxies that ask for another host than the browser did. The host that they ask for must be
    /// [allowed](Dashboard::allow_host).
    ///
    /// # Errors
    ///
    /// A [`HostError`] if no browser sends such an origin, as one with a path.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_dashboard::Dashboard;
    ///
    /// let dashboard = Dashboard::new().allow_host("breakers.internal")?.allow_origin("https://ops.example.com")?;
    /// # let _ = dashboard;
    /// # Ok::<(), breaker_dashboard::HostError>(())
    /// ```
    pub fn allow_origin(mut self, origin: &str) -> Result<Self, HostError> {
        self.origins.add(origin)?;
        Ok(self)
    }

    /// Answers to every host that is an address, as `10.0.0.7:3030`, which is how Prometheus and the probes of
    /// Kubernetes ask. A foreign page can misuse names only.
    pub fn allow_addresses(mut self) -> Self {
        self.hosts.add_addresses();
        self
    }

    /// The names that `/metrics` uses.
    pub fn metric_names(mut self, names: MetricNames) -> Self {
        self.metric_names = names;
        self
    }

    /// Ends all streams of events when `signal` completes, and [`Server::run`] with them.
    ///
    /// A graceful shutdown waits for answers to end. Without this, one open page delays it for ever. The last
    /// call wins.
    ///
    /// # Examples
    ///
    /// The signal is given to the dashboard and to the server that it is part of:
    ///
    /// ```
    /// use axum::Router;
    /// use breaker_dashboard::Dashboard;
    /// use tokio::net::TcpListener;
    /// use tokio::sync::watch;
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> std::io::Result<()> {
    /// let (end, ending) = watch::channel(false);
    /// let signal = |mut ending: watch::Receiver<bool>| async move {
    ///     let _ = ending.wait_for(|ends| *ends).await;
    /// };
    ///
    /// let dashboard = Dashboard::new().until(signal(ending.clone())).into_router();
    /// let app = Router::new().nest_service("/breakers", dashboard);
    /// let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// let serving = axum::serve(listener, app).with_graceful_shutdown(signal(ending));
    ///
    /// end.send_replace(true); // as a task that waits for Ctrl+C does
    /// serving.await
    /// # }
    /// ```
    pub fn until(mut self, signal: impl Future<Output = ()> + Send + 'static) -> Self {
        self.shutdown = Shutdown::on(signal);
        self
    }

    /// The router. It works at any path, by [`Router::nest_service`]: at `/breakers` and `/breakers/`, where
    /// [`Router::nest`] serves the first only.
    ///
    /// It watches the circuits from now on, or from the first request on if this is called outside of a tokio
    /// runtime.
    pub fn into_router(self) -> Router {
        let Self { token, hosts, origins, metric_names, shutdown } = self;
        let access = token.map(Access::new).map(Arc::new);
        let watch = Watch::new(access.clone(), shutdown);
        let shared = Shared { watch, access, origins, metric_names, streams: Streams::default() };
        let orders = post(routes::control).layer(DefaultBodyLimit::max(LARGEST_ORDER));
        Router::new()
            .route("/", get(routes::show))
            .route("/api/circuits", get(routes::circuits))
            .route("/api/circuits/{name}", get(routes::circuit))
            .route("/api/log", get(routes::log))
            .route("/api/options", get(routes::options))
            .route("/api/events", get(routes::events))
            .route("/api/control", orders.get(routes::check))
            .route("/metrics", get(routes::metrics))
            .route("/healthz", get(routes::healthz))
            .fallback(no_such_path)
            .method_not_allowed_fallback(no_such_method)
            .layer(middleware::from_fn_with_state(Arc::clone(&shared.watch), keep_watching))
            .layer(middleware::from_fn_with_state(hosts, access::pass))
            .layer(access::headers())
            .with_state(shared)
    }

    /// A server of its own. It answers to the address that it is bound to.
    ///
    /// # Errors
    ///
    /// If the address cannot be bound.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_dashboard::Dashboard;
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> std::io::Result<()> {
    /// let server = Dashboard::new().bind("127.0.0.1:0").await?;
    /// assert!(server.url().starts_with("http://127.0.0.1:"));
    /// tokio::spawn(server.run());
    /// # Ok(()) }
    /// ```
    pub async fn bind(mut self, address: impl ToSocketAddrs) -> io::Result<Server> {
        let listener = TcpListener::bind(address).await?;
        let bound = listener.local_addr()?.ip();
        if !bound.is_unspecified() {
            self.hosts.add_address(bound);
        }
        let shutdown = self.shutdown.clone();
        Server::new(listener, self.into_router(), shutdown)
    }
}

/// What handlers share.
#[derive(Clone, Debug)]
struct Shared {
    watch: Arc<Watch>,
    access: Option<Arc<Access>>,
    origins: Origins,
    metric_names: MetricNames,
    streams: Streams,
}

impl FromRef<Shared> for Arc<Watch> {
    fn from_ref(shared: &Shared) -> Self {
        Self::clone(&shared.watch)
    }
}

impl FromRef<Shared> for Option<Arc<Access>> {
    fn from_ref(shared: &Shared) -> Self {
        shared.access.clone()
    }
}

impl FromRef<Shared> for Origins {
    fn from_ref(shared: &Shared) -> Self {
        shared.origins.clone()
    }
}

impl FromRef<Shared> for MetricNames {
    fn from_ref(shared: &Shared) -> Self {
        shared.metric_names
    }
}

impl FromRef<Shared> for Streams {
    fn from_ref(shared: &Shared) -> Self {
        shared.streams.clone()
    }
}

async fn keep_watching(State(watch): State<Arc<Watch>>, request: Request, next: Next) -> Response {
    watch.start();
    next.run(request).await
}
