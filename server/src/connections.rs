//! How many may be connected at a time: in all, and from one address.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;
use std::sync::Arc;

use parking_lot::Mutex;
use thiserror::Error;

use crate::address::block;
use crate::proxies::Proxies;

/// Counts connections.
#[derive(Debug)]
pub(crate) struct Connections {
    max: usize,
    per_address_max: usize,
    proxies: Proxies,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    all: usize,
    /// None of them 0.
    by_address: HashMap<IpAddr, usize>,
}

/// There is no place for one more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum Full {
    /// For nobody.
    #[error("the server has as many connections as it may have")]
    InAll,
    /// For this address; an IPv6 address stands for its network.
    #[error("this address has as many connections as it may have")]
    OfAddress,
}

/// A connection that was let in, for as long as anybody holds this: the server
/// of its requests, then the session that one of them began.
#[derive(Debug)]
pub(crate) struct Admission {
    own: Place,
    /// Of the client that the last request was about, where a proxy speaks for
    /// it. Kept until the next one: an answer may be long on its way, and what
    /// is idle is soon closed.
    client: Mutex<Option<Place>>,
}

/// Given back when dropped.
#[derive(Debug)]
struct Place {
    connections: Arc<Connections>,
    counted: Counted,
}

/// What a place is counted among.
#[derive(Debug, Clone, Copy)]
enum Counted {
    /// All.
    All,
    /// All, and those of an address.
    AllAndOf(IpAddr),
    /// Those of an address.
    Of(IpAddr),
}

impl Connections {
    /// Nobody is connected.
    #[must_use]
    pub(crate) fn new(max: usize, per_address_max: usize, proxies: Proxies) -> Arc<Self> {
        Arc::new(Self { max, per_address_max, proxies, open: Mutex::default() })
    }

    /// Lets a connection from `peer` in. Proxies, and loopback with them, are
    /// not counted by address.
    ///
    /// # Errors
    ///
    /// When there is no place.
    pub(crate) fn admit(self: &Arc<Self>, peer: IpAddr) -> Result<Arc<Admission>, Full> {
        let counted = if self.proxies.contains(peer) { Counted::All } else { Counted::AllAndOf(block(peer)) };
        Ok(Arc::new(Admission { own: self.place(counted)?, client: Mutex::default() }))
    }

    fn place(self: &Arc<Self>, counted: Counted) -> Result<Place, Full> {
        let mut open = self.open.lock();
        let (all, address) = counted.parts();
        if all && open.all >= self.max {
            return Err(Full::InAll);
        }
        if let Some(address) = address {
            let of_address = open.by_address.get(&address).copied().unwrap_or_default();
            if of_address >= self.per_address_max {
                return Err(Full::OfAddress);
            }
            open.by_address.insert(address, of_address + 1);
        }
        open.all += usize::from(all);
        Ok(Place { connections: Arc::clone(self), counted })
    }
}

impl Admission {
    /// The connection's next request is about `client`, for whom a proxy
    /// speaks.
    ///
    /// # Errors
    ///
    /// When there is no place for it.
    pub(crate) fn speaks_for(&self, client: IpAddr) -> Result<(), Full> {
        let connections = &self.own.connections;
        let mut place = self.client.lock();
        *place = None;
        if !connections.proxies.contains(client) {
            *place = Some(connections.place(Counted::Of(block(client)))?);
        }
        Ok(())
    }
}

impl Counted {
    fn parts(self) -> (bool, Option<IpAddr>) {
        match self {
            Self::All => (true, None),
            Self::AllAndOf(address) => (true, Some(address)),
            Self::Of(address) => (false, Some(address)),
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.connections.open.lock();
        let (all, address) = self.counted.parts();
        open.all -= usize::from(all);
        let Some(address) = address else { return };
        if let Entry::Occupied(mut count) = open.by_address.entry(address) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connections(max: usize, per_address_max: usize) -> Arc<Connections> {
        Connections::new(max, per_address_max, Proxies::new(&["192.0.2.0/24".parse().unwrap()]))
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_place_is_free_again_when_its_holder_is_gone() {
        let connections = connections(2, 2);
        let [one, two] = [(); 2].map(|()| connections.admit(address("127.0.0.1")).unwrap());
        assert_eq!(connections.admit(address("127.0.0.1")).unwrap_err(), Full::InAll);
        drop(one);
        let three = connections.admit(address("198.51.100.7")).unwrap();
        drop((two, three));
        let open = connections.open.lock();
        assert_eq!((open.all, open.by_address.len()), (0, 0));
    }

    #[test]
    fn addresses_are_counted_apart_and_proxies_are_not() {
        let connections = connections(100, 2);
        let admit = |text| connections.admit(address(text));
        let held: Vec<_> = ["198.51.100.7", "198.51.100.7", "198.51.100.8"].map(|text| admit(text).unwrap()).into();
        assert_eq!(admit("198.51.100.7").unwrap_err(), Full::OfAddress);
        let of_proxies: Vec<_> = ["192.0.2.1", "127.0.0.1", "::1"].repeat(3).into_iter().map(admit).collect();
        assert!(of_proxies.iter().all(Result::is_ok));
        drop(held);
        assert!(admit("198.51.100.7").is_ok());
    }

    #[test]
    fn clients_behind_a_proxy_share_the_bound_with_those_who_come_directly() {
        let connections = connections(100, 2);
        let (client, other) = (address("198.51.100.7"), address("198.51.100.8"));
        let _direct = connections.admit(client).unwrap();
        let proxied = [(); 2].map(|()| connections.admit(address("192.0.2.1")).unwrap());
        assert_eq!(proxied[0].speaks_for(client), Ok(()));
        assert_eq!(proxied[1].speaks_for(client), Err(Full::OfAddress));
        assert_eq!(connections.open.lock().all, 3, "who is behind a proxy has no connection of its own");
        assert_eq!(proxied[0].speaks_for(other), Ok(()));
        assert_eq!(proxied[1].speaks_for(client), Ok(()), "the other connection speaks for somebody else");
        assert_eq!(proxied[0].speaks_for(address("127.0.0.1")), Ok(()));
        assert_eq!(connections.open.lock().by_address, HashMap::from([(client, 2)]));
    }

    #[test]
    fn an_ipv6_network_is_one_address() {
        let connections = connections(100, 1);
        let _held = connections.admit(address("2001:db8::1")).unwrap();
        assert_eq!(connections.admit(address("2001:db8::2")).unwrap_err(), Full::OfAddress);
        assert!(connections.admit(address("2001:db8:0:1::1")).is_ok());
    }

    #[test]
    fn a_bound_of_none_lets_nobody_in() {
        assert_eq!(connections(1, 0).admit(address("198.51.100.7")).unwrap_err(), Full::OfAddress);
        assert_eq!(connections(0, 1).admit(address("127.0.0.1")).unwrap_err(), Full::InAll);
    }
}
