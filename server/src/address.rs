//! Whom an address stands for.

use std::net::IpAddr;

/// What one subscriber is given: an IPv4 address or an IPv6 /64 network.
#[must_use]
pub(crate) fn block(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}
