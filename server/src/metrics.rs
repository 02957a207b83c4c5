//! What the program counts, for Prometheus.
//!
//! Every label is of a closed set, so that no peer can make the list longer.
//! Nothing is counted per delivery: the relay's own counter is kept by its one
//! writer, once a batch, and all else happens once a picture or connection.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use invert::{ErrorKind, Inverted};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, prometheus_text};
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use tokio::runtime::Handle;

use crate::connections::Full;
use crate::history_metrics::HistoryMetrics;
use crate::images::{ImageError, ImagePool, Waiting};
use crate::sink::Hub;

/// One label and its value.
type Label = [(&'static str, &'static str); 1];

/// Seconds: from a palette's fraction of a millisecond to the largest PNG.
const SECONDS: [f64; 14] = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5];

/// Which protocol an open connection speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Speaks {
    /// Requests and answers; a WebSocket before its handshake too.
    Http,
    /// `/ws`.
    Native,
    /// `/ws/raw/<room>`.
    Raw,
    /// `/ws/image`.
    Image,
    /// `/rooms/<room>/events`.
    Sse,
    /// `/ws/chat/<room>/`.
    Channels,
    /// `/ws/htmx`.
    Htmx,
    /// The port of TCP pairs.
    TcpPair,
    /// The port of the TCP room.
    TcpRoom,
    /// `/socket.io/`: a WebSocket, or a session that is polled.
    SocketIo,
}

impl Speaks {
    const ALL: [Self; 10] = [
        Self::Http,
        Self::Native,
        Self::Raw,
        Self::Image,
        Self::Sse,
        Self::Channels,
        Self::Htmx,
        Self::TcpPair,
        Self::TcpRoom,
        Self::SocketIo,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Native => "native",
            Self::Raw => "raw",
            Self::Image => "image",
            Self::Sse => "sse",
            Self::Channels => "channels",
            Self::Htmx => "htmx",
            Self::TcpPair => "tcp_pair",
            Self::TcpRoom => "tcp_room",
            Self::SocketIo => "socketio",
        }
    }
}

/// Why somebody was not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// As many connections as there may be.
    FullInAll,
    /// As many of one address as there may be.
    FullOfAddress,
    /// So many were being refused that this one was not even told.
    Untold,
    /// A request's header did not come in time.
    HeaderTimeout,
    /// A request's header was too long.
    HeaderTooLarge,
    /// What came is no HTTP.
    NotHttp,
    /// Another site's page.
    ForeignOrigin,
    /// A WebSocket handshake that is none.
    BadHandshake,
}

impl Refused {
    const ALL: [Self; 8] = [
        Self::FullInAll,
        Self::FullOfAddress,
        Self::Untold,
        Self::HeaderTimeout,
        Self::HeaderTooLarge,
        Self::NotHttp,
        Self::ForeignOrigin,
        Self::BadHandshake,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::FullInAll => "full_in_all",
            Self::FullOfAddress => "full_of_address",
            Self::Untold => "untold",
            Self::HeaderTimeout => "header_timeout",
            Self::HeaderTooLarge => "header_too_large",
            Self::NotHttp => "not_http",
            Self::ForeignOrigin => "foreign_origin",
            Self::BadHandshake => "bad_handshake",
        }
    }
}

impl From<Full> for Refused {
    fn from(full: Full) -> Self {
        match full {
            Full::InAll => Self::FullInAll,
            Full::OfAddress => Self::FullOfAddress,
        }
    }
}

/// All of it.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    connections: Family<Label, Gauge>,
    refused: Family<Label, Counter>,
}

/// Counts as open until it is dropped.
#[derive(Debug)]
pub(crate) struct OpenConnection(Gauge);

impl Metrics {
    /// With what the parts of the program count themselves.
    #[must_use]
    pub(crate) fn new(pictures: &ImageMetrics, history: &HistoryMetrics, hub: Arc<Hub>, pool: Arc<ImagePool>) -> Self {
        let mut registry = Registry::with_prefix("negaphone");
        let connections = Family::<Label, Gauge>::default();
        for door in Speaks::ALL {
            // From the start, so that a rise from none is seen as one.
            drop(connections.get_or_create(&[("door", door.name())]));
        }
        registry.register("connections", "Open connections by the door at which they are", connections.clone());
        let refused = Family::<Label, Counter>::default();
        for reason in Refused::ALL {
            drop(refused.get_or_create(&[("reason", reason.name())]));
        }
        registry.register("connections_refused", "Connections and requests not let in by reason", refused.clone());
        pictures.register(&mut registry);
        history.register(&mut registry);
        registry.register_collector(Box::new(Present { hub, pool }));
        Self { registry, connections, refused }
    }

    /// Somebody is connected.
    #[must_use]
    pub(crate) fn connected(&self, door: Speaks) -> OpenConnection {
        let gauge = self.connections.get_or_create_owned(&[("door", door.name())]);
        gauge.inc();
        OpenConnection(gauge)
    }

    /// Somebody was not let in.
    pub(crate) fn refused(&self, reason: Refused) {
        self.refused.get_or_create(&[("reason", reason.name())]).inc();
    }

    /// The present state as Prometheus reads it.
    #[must_use]
    pub(crate) fn to_text(&self) -> String {
        let mut text = String::new();
        prometheus_text::encode(&mut text, &self.registry).expect("a string takes all that is written");
        text
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// What becomes of pictures.
#[derive(Debug, Clone)]
pub(crate) struct ImageMetrics {
    inverted: Family<Label, Counter>,
    refused: Family<Label, Counter>,
    work_seconds: Family<Label, Histogram>,
    wait_seconds: Histogram,
    read_bytes: Counter,
    written_bytes: Counter,
}

fn seconds() -> Histogram {
    Histogram::new(SECONDS)
}

impl Default for ImageMetrics {
    fn default() -> Self {
        Self {
            inverted: Family::default(),
            refused: Family::default(),
            work_seconds: Family::new_with_constructor(seconds),
            wait_seconds: seconds(),
            read_bytes: Counter::default(),
            written_bytes: Counter::default(),
        }
    }
}

impl ImageMetrics {
    fn register(&self, registry: &mut Registry) {
        registry.register("pictures_inverted", "Negatives made by format", self.inverted.clone());
        registry.register("pictures_refused", "Pictures without a negative by what is wrong", self.refused.clone());
        let help = "Time that a thread worked on a negative by format";
        registry.register_with_unit("pictures_work", help, Unit::Seconds, self.work_seconds.clone());
        let help = "Time that pictures waited for a thread";
        registry.register_with_unit("pictures_wait", help, Unit::Seconds, self.wait_seconds.clone());
        let help = "Size of all pictures that were inverted";
        registry.register_with_unit("pictures_read", help, Unit::Bytes, self.read_bytes.clone());
        registry.register_with_unit(
            "pictures_written",
            "Size of all negatives",
            Unit::Bytes,
            self.written_bytes.clone(),
        );
    }

    /// A thread begins with a picture.
    pub(crate) fn waited(&self, time: Duration) {
        self.wait_seconds.observe(time.as_secs_f64());
    }

    /// A thread is done with a picture.
    pub(crate) fn inverted(&self, inverted: &Inverted, file_bytes: usize, time: Duration) {
        let label = [("format", inverted.format.name())];
        self.inverted.get_or_create(&label).inc();
        self.work_seconds.get_or_create(&label).observe(time.as_secs_f64());
        self.read_bytes.inc_by(file_bytes as u64);
        self.written_bytes.inc_by(inverted.bytes.len() as u64);
    }

    /// There will be no negative.
    pub(crate) fn refused(&self, error: &ImageError) {
        let reason = match error {
            ImageError::Overloaded => "overloaded",
            ImageError::Internal => "internal",
            ImageError::Picture(error) => match error.kind() {
                ErrorKind::Empty => "empty",
                ErrorKind::NotAnImage => "not_an_image",
                ErrorKind::Unsupported => "unsupported",
                ErrorKind::Broken => "broken",
                ErrorKind::TooLarge => "too_large",
            },
        };
        self.refused.get_or_create(&[("reason", reason)]).inc();
    }
}

/// What the parts of the program know anyway, asked when somebody reads it.
#[derive(Debug)]
struct Present {
    hub: Arc<Hub>,
    pool: Arc<ImagePool>,
}

impl Collector for Present {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut put = |name, help, unit: Option<&Unit>, metric: &dyn Encode| metric.put(&mut encoder, name, help, unit);
        let Waiting { pictures, bytes } = self.pool.waiting();
        put(
            "messages_stored",
            "Messages that rooms were given.",
            None,
            &ConstCounter::new(self.hub.messages_stored()),
        )?;
        put(
            "history_available",
            "Whether the history answers: 1, or 0 while new messages are refused.",
            None,
            &gauge(usize::from(self.hub.store().is_available())),
        )?;
        let history = self.hub.store().usage();
        if let Some(bytes) = history.bytes {
            let size = ConstGauge::new(i64::try_from(bytes).unwrap_or(i64::MAX));
            put("history", "Size of what is stored.", Some(&Unit::Bytes), &size)?;
        }
        if let Some(messages) = history.forgotten_messages {
            let forgotten = ConstCounter::new(messages);
            put("history_forgotten_messages", "Messages that retention has taken.", None, &forgotten)?;
        }
        // Whoever asks is a task.
        put("tasks", "Tasks of the program.", None, &gauge(Handle::current().metrics().num_alive_tasks()))?;
        put("rooms", "Rooms in memory.", None, &gauge(self.hub.rooms_in_memory()))?;
        let tapes = ConstGauge::new(i64::try_from(self.hub.tape_bytes()).unwrap_or(i64::MAX));
        put("tapes", "Size of what is held for members who were not written to yet.", Some(&Unit::Bytes), &tapes)?;
        put("pictures_waiting", "Pictures that wait for a thread.", None, &gauge(pictures))?;
        put("pictures_waiting", "Size of the pictures that wait.", Some(&Unit::Bytes), &gauge(bytes))
    }
}

fn gauge(value: usize) -> ConstGauge<i64> {
    ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX))
}

/// A metric of either kind.
trait Encode {
    fn put(&self, encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, unit: Option<&Unit>) -> fmt::Result;
}

impl<M: EncodeMetric> Encode for M {
    fn put(&self, encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, unit: Option<&Unit>) -> fmt::Result {
        self.encode(encoder.encode_descriptor(name, help, unit, self.metric_type())?)
    }
}
