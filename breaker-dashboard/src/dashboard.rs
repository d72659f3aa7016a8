//! Builder for the dashboard router.

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
use crate::routes::{self, Frames, LARGEST_ORDER, Streams, Undos};
use crate::server::Server;
use crate::shutdown::Shutdown;
use crate::watch::{Label, Watch};

/// The dashboard as a router, without controls, for the names of this machine. The same as
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

/// Builder for the dashboard.
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
    label: Label,
    token: Option<Token>,
    hosts: Hosts,
    origins: Origins,
    frames: Frames,
    metric_names: MetricNames,
    shutdown: Shutdown,
}

impl Dashboard {
    /// A dashboard without controls. It answers requests to `localhost` and to loopback addresses.
    ///
    /// # Examples
    ///
    /// ```
    /// use axum::body::Body;
    /// use axum::http::Request;
    /// use breaker_dashboard::Dashboard;
    /// use tower::ServiceExt;
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let router = Dashboard::new().into_router();
    /// let request = Request::get("/api/circuits").header("host", "localhost").body(Body::empty())?;
    /// assert_eq!(router.oneshot(request).await?.status(), 200);
    /// # Ok(()) }
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// Names the service on the page and in its tab: `checkout, pod 7`. It is in every answer too.
    ///
    /// People with several pages open tell them apart by it. At most 128 characters are kept.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_dashboard::Dashboard;
    ///
    /// let dashboard = Dashboard::new().title("checkout, pod 7").version(env!("CARGO_PKG_VERSION"));
    /// # let _ = dashboard;
    /// ```
    pub fn title(mut self, title: &str) -> Self {
        self.label.title = Label::short(title);
        self
    }

    /// Shows the version of the service beside its title. It is in every answer too.
    ///
    /// At most 128 characters are kept.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_dashboard::Dashboard;
    ///
    /// let dashboard = Dashboard::new().version(env!("CARGO_PKG_VERSION"));
    /// # let _ = dashboard;
    /// ```
    pub fn version(mut self, version: &str) -> Self {
        self.label.version = Label::short(version);
        self
    }

    /// Shows everybody the name of the host and the process id. Without this, only clients with the token see
    /// them.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_dashboard::Dashboard;
    ///
    /// let dashboard = Dashboard::new().title("checkout").show_process();
    /// # let _ = dashboard;
    /// ```
    pub fn show_process(mut self) -> Self {
        self.label.shows_process = true;
        self
    }

    /// Allows clients with the token to switch circuits: force open, disable, observe, reset, trip. They can also
    /// override an option for a time. In a fleet, they can do what ends by itself for all members. Without this,
    /// there are no controls.
    ///
    /// One order can be about many circuits. An order can have a reason, which is logged and shown. It can be taken
    /// back for ten seconds, except `reset`.
    ///
    /// Each use is logged through `tracing` and on the page, with the address of the client. Only clients
    /// with the token see addresses on the page. If you nest the router in a service, serve it with
    /// `into_make_service_with_connect_info::<SocketAddr>()`, so that it knows addresses.
    ///
    /// A circuit that is switched for a time returns by itself, see
    /// [`override_for`](breaker_runtime::Registry::override_for). That needs no task of this process.
    ///
    /// At most ten wrong tokens per second are checked from one address, or from one IPv6 /64 network. More
    /// get 429. Without addresses, and behind a proxy, all clients count as one.
    ///
    /// # Examples
    ///
    /// ```
    /// use axum::body::Body;
    /// use axum::http::Request;
    /// use breaker_dashboard::{Dashboard, Token};
    /// use tower::ServiceExt;
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let token = Token::random()?;
    /// let bearer = format!("Bearer {}", token.reveal());
    /// let router = Dashboard::new().with_controls(token).into_router();
    /// let request = Request::get("/api/control")
    ///     .header("host", "localhost")
    ///     .header("authorization", bearer)
    ///     .header("x-breaker-control", "1");
    /// let response = router.oneshot(request.body(Body::empty())?).await?;
    /// assert_eq!(response.status(), 204); // the token is right
    /// # Ok(()) }
    /// ```
    pub fn with_controls(mut self, token: Token) -> Self {
        self.token = Some(token);
        self
    }

    /// Also answers requests to this host: a name or an address, at any port. All other hosts get 403. This
    /// stops DNS rebinding.
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

    /// Also accepts orders from pages of this origin: a scheme, a host, and a port if it is not the default.
    /// You need this behind a proxy that changes the `Host`. The new host must be
    /// [allowed](Dashboard::allow_host) too.
    ///
    /// # Errors
    ///
    /// A [`HostError`] if no browser sends such an origin, for example one with a path.
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

    /// Also answers requests to any address, such as `10.0.0.7:3030`. Prometheus and the probes of Kubernetes
    /// send such requests. DNS rebinding works with names only.
    ///
    /// # Examples
    ///
    /// ```
    /// use axum::body::Body;
    /// use axum::http::Request;
    /// use breaker_dashboard::Dashboard;
    /// use tower::ServiceExt;
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let router = Dashboard::new().allow_addresses().into_router();
    /// let request = Request::get("/metrics").header("host", "10.0.0.7:3030").body(Body::empty())?;
    /// assert_eq!(router.oneshot(request).await?.status(), 200);
    /// # Ok(()) }
    /// ```
    pub fn allow_addresses(mut self) -> Self {
        self.hosts.add_addresses();
        self
    }

    /// Lets pages of the same origin show the page in a frame. Without this, no page can.
    ///
    /// The same origin means the same scheme, host and port, such as your own admin page beside the nested
    /// dashboard. Pages of other origins never can, so that none can trick its visitors into clicks on controls.
    ///
    /// # Examples
    ///
    /// ```
    /// use axum::Router;
    /// use axum::response::Html;
    /// use axum::routing::get;
    /// use breaker_dashboard::Dashboard;
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let dashboard = Dashboard::new().allow_same_origin_frames().into_router();
    /// let admin = Html(r#"<iframe src="/breakers/" title="Circuits"></iframe>"#);
    /// let app: Router = Router::new()
    ///     .route("/admin", get(admin))
    ///     .nest_service("/breakers", dashboard);
    /// # let _ = app;
    /// # }
    /// ```
    pub fn allow_same_origin_frames(mut self) -> Self {
        self.frames = Frames::SameOrigin;
        self
    }

    /// Sets the metric names of `/metrics`.
    ///
    /// # Examples
    ///
    /// ```
    /// use axum::body::{Body, to_bytes};
    /// use axum::http::Request;
    /// use breaker_dashboard::Dashboard;
    /// use breaker_runtime::{Config, MetricNames, registry};
    /// use tower::ServiceExt;
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// registry().get_or_create("payments", Config::new())?;
    /// let router = Dashboard::new().metric_names(MetricNames::Resilience4j).into_router();
    /// let request = Request::get("/metrics").header("host", "localhost").body(Body::empty())?;
    /// let text = to_bytes(router.oneshot(request).await?.into_body(), 1 << 20).await?;
    /// assert!(text.starts_with(b"# HELP resilience4j_"));
    /// # Ok(()) }
    /// ```
    pub fn metric_names(mut self, names: MetricNames) -> Self {
        self.metric_names = names;
        self
    }

    /// Ends all event streams when `signal` completes, and [`Server::run`] too.
    ///
    /// A graceful shutdown waits for responses to end. Without this, one open page delays it forever. Open
    /// pages say that the server shut down, and reconnect when there is one again. A stream that is opened
    /// after the signal ends at once. Other requests are answered for as long as the server takes them.
    ///
    /// The last call wins.
    ///
    /// # Examples
    ///
    /// Give the signal to the dashboard and to the server that it is part of:
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

    /// The router. Mount it at any path with [`Router::nest_service`], which serves `/breakers` and
    /// `/breakers/`. [`Router::nest`] serves only the first.
    ///
    /// It starts to poll the circuits now. Outside of a tokio runtime, it starts at the first request.
    ///
    /// # Examples
    ///
    /// ```
    /// use axum::Router;
    /// use axum::body::Body;
    /// use axum::http::Request;
    /// use breaker_dashboard::Dashboard;
    /// use tower::ServiceExt;
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let dashboard = Dashboard::new().title("checkout").into_router();
    /// let app: Router = Router::new().nest_service("/breakers", dashboard);
    /// let request = Request::get("/breakers/").header("host", "localhost").body(Body::empty())?;
    /// assert_eq!(app.oneshot(request).await?.status(), 200);
    /// # Ok(()) }
    /// ```
    pub fn into_router(self) -> Router {
        let Self { label, token, hosts, origins, frames, metric_names, shutdown } = self;
        let access = token.map(Access::new).map(Arc::new);
        let watch = Watch::new(label, access.clone(), shutdown);
        let shared = Shared {
            watch,
            access,
            origins,
            frames,
            metric_names,
            streams: Streams::default(),
            undos: Undos::default(),
        };
        let orders = post(routes::control).layer(DefaultBodyLimit::max(LARGEST_ORDER));
        Router::new()
            .route("/", get(routes::show))
            .route("/api/circuits", get(routes::circuits))
            .route("/api/circuits/{name}", get(routes::circuit))
            .route("/api/histories", get(routes::histories))
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

    /// A server on its own port. It also answers requests to the address that it is bound to.
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

/// The state that handlers share.
#[derive(Clone, Debug)]
struct Shared {
    watch: Arc<Watch>,
    access: Option<Arc<Access>>,
    origins: Origins,
    frames: Frames,
    metric_names: MetricNames,
    streams: Streams,
    undos: Undos,
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

impl FromRef<Shared> for Frames {
    fn from_ref(shared: &Shared) -> Self {
        shared.frames
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

impl FromRef<Shared> for Undos {
    fn from_ref(shared: &Shared) -> Self {
        shared.undos.clone()
    }
}

async fn keep_watching(State(watch): State<Arc<Watch>>, request: Request, next: Next) -> Response {
    watch.start();
    next.run(request).await
}
