//! The polling sessions, by their ids.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use parking_lot::Mutex;

use super::exchange::Exchange;
use crate::connections::{Admission, Connections, Full};
use crate::limits::SocketIoLimits;
use crate::proxies::Proxies;

type ById = Arc<Mutex<HashMap<Arc<str>, Arc<Exchange>>>>;

/// All of them; a session on a WebSocket needs no place here.
#[derive(Debug)]
pub(crate) struct Sessions {
    by_id: ById,
    /// A session has no connection of its own, and is counted like one.
    places: Arc<Connections>,
}

/// A session's place; given up when it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    by_id: ById,
    id: Arc<str>,
    _admission: Arc<Admission>,
}

impl Sessions {
    /// There are none.
    #[must_use]
    pub(crate) fn new(limits: &SocketIoLimits, proxies: Proxies) -> Self {
        let (max, per_address_max) = (limits.polling_sessions_max, limits.polling_sessions_per_address_max);
        Self { by_id: ById::default(), places: Connections::new(max, per_address_max, proxies) }
    }

    pub(super) fn get(&self, id: &str) -> Option<Arc<Exchange>> {
        self.by_id.lock().get(id).cloned()
    }

    /// Gives a new session its place.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub(super) fn add(&self, id: &str, exchange: Arc<Exchange>, address: IpAddr) -> Result<Place, Full> {
        let admission = self.places.admit(address)?;
        let id: Arc<str> = id.into();
        self.by_id.lock().insert(Arc::clone(&id), exchange);
        Ok(Place { by_id: Arc::clone(&self.by_id), id, _admission: admission })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.by_id.lock().remove(&self.id);
    }
}
