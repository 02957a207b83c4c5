//! The polling sessions, by their ids.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use parking_lot::Mutex;
use wire::engineio::RequestError;

use super::exchange::Exchange;
use super::random_id;
use crate::connections::{Admission, Connections, Full};
use crate::limits::SocketIoLimits;
use crate::proxies::Proxies;

/// Random bytes that tell nodes apart; ids are secret for what follows.
const NODE_BYTES: usize = 6;

type ById = Arc<Mutex<HashMap<Arc<str>, Arc<Exchange>>>>;

/// All of them; a session on a WebSocket needs no place here.
#[derive(Debug)]
pub(crate) struct Sessions {
    by_id: ById,
    /// Every id begins with it, so that requests which reach another node are
    /// told so.
    node: String,
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
        let node = URL_SAFE_NO_PAD.encode(rand::random::<[u8; NODE_BYTES]>());
        Self { by_id: ById::default(), node, places: Connections::new(max, per_address_max, proxies) }
    }

    /// The id of a new session.
    pub(super) fn new_id(&self) -> String {
        format!("{}.{}", self.node, random_id())
    }

    /// # Errors
    ///
    /// When there is none, or it is at another node.
    pub(super) fn get(&self, id: &str) -> Result<Arc<Exchange>, RequestError> {
        let held = self.by_id.lock().get(id).cloned();
        held.ok_or_else(|| match id.split_once('.') {
            Some((node, _)) if node.len() == self.node.len() && node != self.node => RequestError::SessionElsewhere,
            Some(_) | None => RequestError::UnknownSession,
        })
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
