//! The polling sessions, by their ids.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;
use std::sync::Arc;

use parking_lot::Mutex;

use super::exchange::Exchange;
use crate::limits::SocketIoLimits;

/// All of them; a session on a WebSocket needs no place here.
#[derive(Debug, Default)]
pub(crate) struct Sessions(Arc<Mutex<Table>>);

#[derive(Debug, Default)]
struct Table {
    by_id: HashMap<Arc<str>, Arc<Exchange>>,
    /// How many each address has; loopback is not counted, since all of its
    /// peers share it.
    of_address: HashMap<IpAddr, usize>,
}

/// Why there is no place for another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Full {
    /// In all.
    InAll,
    /// Of this address.
    OfAddress,
}

/// A place in the table; given up when it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    table: Arc<Mutex<Table>>,
    id: Arc<str>,
    address: IpAddr,
}

impl Sessions {
    pub(super) fn get(&self, id: &str) -> Option<Arc<Exchange>> {
        self.0.lock().by_id.get(id).cloned()
    }

    /// Gives a new session its place.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub(super) fn add(
        &self,
        id: &str,
        exchange: Arc<Exchange>,
        address: IpAddr,
        limits: &SocketIoLimits,
    ) -> Result<Place, Full> {
        let mut table = self.0.lock();
        if table.by_id.len() >= limits.polling_sessions_max {
            return Err(Full::InAll);
        }
        if !address.is_loopback() {
            let count = table.of_address.entry(address).or_default();
            if *count >= limits.polling_sessions_per_address_max {
                return Err(Full::OfAddress);
            }
            *count += 1;
        }
        let id: Arc<str> = id.into();
        table.by_id.insert(Arc::clone(&id), exchange);
        Ok(Place { table: Arc::clone(&self.0), id, address })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut table = self.table.lock();
        table.by_id.remove(&self.id);
        if let Entry::Occupied(mut count) = table.of_address.entry(self.address) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}
