//! Ports for servers that are stopped and started again.

use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

/// Below those that Linux gives to connections and for port 0 (from 32768 on,
/// `net.ipv4.ip_local_port_range`): while the server is away, no other test's
/// connection is given its port by chance.
const FIRST: u16 = 20_000;
const COUNT: u16 = 10_000;

static TRIED: AtomicU16 = AtomicU16::new(0);

/// An address that is free and stays so, but for those who ask here, too.
///
/// # Panics
///
/// When all ports are taken.
#[must_use]
pub fn lasting_address() -> SocketAddr {
    // Another program of tests begins elsewhere.
    let begin = std::process::id() % u32::from(COUNT);
    for _ in 0..COUNT {
        let tried = u32::from(TRIED.fetch_add(1, Ordering::Relaxed));
        let port = FIRST + u16::try_from((begin + tried) % u32::from(COUNT)).expect("less than COUNT");
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
    panic!("no port is free");
}
