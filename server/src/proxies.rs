//! Which peers are proxies, and who is behind them.

use std::net::IpAddr;
use std::sync::Arc;

use http::HeaderMap;
use ipnet::IpNet;

/// Peers whose word about others counts: loopback ones, since whoever runs
/// programs on this machine needs no lies, and those that were configured.
#[derive(Debug, Clone)]
pub(crate) struct Proxies(Arc<[IpNet]>);

impl Proxies {
    /// `configured` beside loopback.
    #[must_use]
    pub(crate) fn new(configured: &[IpNet]) -> Self {
        Self(configured.into())
    }

    /// Whether the peer at `address` speaks for others.
    #[must_use]
    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_loopback() || self.0.iter().any(|network| network.contains(&address))
    }

    /// The client for which the peer at `address` speaks: the last entry of
    /// `X-Forwarded-For` that is no proxy itself. What stands before it is what
    /// the client says.
    #[must_use]
    pub(crate) fn client_behind(&self, address: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = address.to_canonical();
        let fields = headers.get_all("x-forwarded-for").iter().rev().filter_map(|value| value.to_str().ok());
        for entry in fields.flat_map(|field| field.rsplit(',')) {
            if !self.contains(client) {
                break;
            }
            // Whoever is behind an entry that makes no sense is not known.
            let Ok(address) = entry.trim().parse::<IpAddr>() else { break };
            client = address.to_canonical();
        }
        client
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[track_caller]
    fn check(peer: &str, fields: &[&'static str], expected: &str) {
        let proxies = Proxies::new(&["192.0.2.0/24".parse().unwrap()]);
        let headers =
            fields.iter().map(|field| ("x-forwarded-for".parse().unwrap(), HeaderValue::from_static(field))).collect();
        let client = proxies.client_behind(peer.parse().unwrap(), &headers);
        assert_eq!(client, expected.parse::<IpAddr>().unwrap(), "{peer}, {fields:?}");
    }

    #[test]
    fn the_client_is_the_last_one_that_is_no_proxy() {
        check("127.0.0.1", &[], "127.0.0.1");
        check("127.0.0.1", &["198.51.100.7"], "198.51.100.7");
        check("::1", &["2001:db8::1"], "2001:db8::1");
        check("::ffff:127.0.0.1", &["::ffff:198.51.100.7"], "198.51.100.7");
        check("192.0.2.1", &["198.51.100.7, 192.0.2.9,127.0.0.1"], "198.51.100.7");
        check("192.0.2.1", &["198.51.100.7", "192.0.2.9"], "198.51.100.7");
        check("192.0.2.1", &["192.0.2.9"], "192.0.2.9");
    }

    #[test]
    fn what_a_client_says_of_itself_does_not_count() {
        check("203.0.113.5", &["198.51.100.7"], "203.0.113.5");
        check("127.0.0.1", &["198.51.100.7, 203.0.113.5"], "203.0.113.5");
        check("127.0.0.1", &["198.51.100.7, nonsense"], "127.0.0.1");
        check("127.0.0.1", &["198.51.100.7", "203.0.113.5"], "203.0.113.5");
    }
}
