//! The parts of the program, wired together.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use hub::{RoomError, RoomName, Store};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::Config;
use crate::connections::Connections;
use crate::doors::socketio;
use crate::formats::DoorFormats;
use crate::history_metrics::{HistoryMetrics, Measured};
use crate::images::ImagePool;
use crate::input::InboundBudget;
use crate::limits::Limits;
use crate::metrics::{ImageMetrics, Metrics};
use crate::proxies::Proxies;
use crate::rate::AddressRates;
use crate::sink::{Hub, Room};

/// Everything that the doors need.
#[derive(Debug)]
pub(crate) struct App {
    /// As the program was set.
    pub(crate) config: Config,
    /// All bounds.
    pub(crate) limits: Limits,
    /// The relay core.
    pub(crate) hub: Arc<Hub>,
    /// The formats that it knows.
    pub(crate) formats: DoorFormats,
    /// Inverts pictures.
    pub(crate) images: Arc<ImagePool>,
    /// What happened.
    pub(crate) metrics: Metrics,
    /// Who is connected.
    pub(crate) connections: Arc<Connections>,
    /// Whose word about their clients counts.
    pub(crate) proxies: Proxies,
    /// Large messages on their way in.
    pub(crate) inbound: InboundBudget,
    /// Requests that change something, by address.
    pub(crate) request_rates: AddressRates,
    /// Socket.IO sessions that are polled.
    pub(crate) socketio: socketio::Sessions,
    /// Cancelled when the program is to stop.
    pub(crate) stop: CancellationToken,
    /// Connections that left HTTP.
    pub(crate) sessions: TaskTracker,
    new_room_rates: AddressRates,
    local_authority: String,
}

impl App {
    /// Starts the hub and the image pool; `local` is where we listen.
    ///
    /// # Errors
    ///
    /// When the system gives no threads.
    pub(crate) fn start(
        config: Config,
        limits: Limits,
        store: Arc<dyn Store>,
        local: SocketAddr,
    ) -> std::io::Result<Arc<Self>> {
        let proxies = Proxies::new(&config.trusted_proxies);
        let (formats, encoders) = DoorFormats::new(&config.base_path, &config.time_zone);
        let history = HistoryMetrics::default();
        let store = Arc::new(Measured { store, metrics: history.clone() });
        let hub = Hub::start(store, encoders, Arc::new(limits.hub.clone()));
        let pictures = ImageMetrics::default();
        let images = Arc::new(ImagePool::start(limits.pool.clone(), limits.image.into(), pictures.clone())?);
        Ok(Arc::new(Self {
            metrics: Metrics::new(&pictures, &history, Arc::clone(&hub), Arc::clone(&images)),
            images,
            connections: Connections::new(limits.connections.max, limits.connections.per_address_max, proxies.clone()),
            inbound: InboundBudget::new(limits.session.inbound_max_bytes, limits.session.inbound_wait_max),
            request_rates: AddressRates::new(limits.rates.messages, limits.rates.addresses_max, proxies.clone()),
            new_room_rates: AddressRates::new(limits.rates.new_rooms, limits.rates.addresses_max, proxies.clone()),
            socketio: socketio::Sessions::new(&limits.socketio, proxies.clone()),
            stop: CancellationToken::new(),
            sessions: TaskTracker::new(),
            local_authority: local.to_string(),
            config,
            limits,
            proxies,
            formats,
            hub,
        }))
    }

    /// Opens a room for somebody at `address`.
    ///
    /// # Errors
    ///
    /// See [`hub::Hub::room`].
    pub(crate) async fn room(&self, name: &RoomName, address: IpAddr) -> Result<Arc<Room>, RoomError> {
        self.hub.room(name, || self.new_room_rates.take(address)).await
    }

    /// Host and port where we listen.
    pub(crate) fn local_authority(&self) -> &str {
        &self.local_authority
    }
}
