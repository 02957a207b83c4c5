//! Who is asking, and by which address it reached us.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode, header};

use crate::app::App;
use crate::error::ApiError;

/// The address of the other end of the connection; put into every request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PeerAddress(pub(crate) SocketAddr);

/// The client behind a request, proxies looked through.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    /// Its address.
    pub(crate) address: IpAddr,
    /// Scheme and authority by which it reached us, such as
    /// `https://chat.example:8443`.
    pub(crate) origin: Arc<str>,
}

impl FromRequestParts<Arc<App>> for Client {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Self::Rejection> {
        let peer = peer_ip(parts);
        let address = forwarded(&parts.headers, peer, "x-forwarded-for", Which::Last)
            .and_then(|text| text.parse().ok())
            .map_or(peer, |address: IpAddr| address.to_canonical());
        Ok(Self { address, origin: reached_origin(parts, peer, app) })
    }
}

fn peer_ip(parts: &Parts) -> IpAddr {
    parts
        .extensions
        .get::<PeerAddress>()
        .expect("the listener puts the peer's address into every request")
        .0
        .ip()
        .to_canonical()
}

fn reached_origin(parts: &Parts, peer: IpAddr, app: &App) -> Arc<str> {
    if let Some(public_url) = &app.config.public_url {
        return Arc::clone(public_url);
    }
    let headers = &parts.headers;
    let scheme = forwarded(headers, peer, "x-forwarded-proto", Which::First)
        .filter(|scheme| matches!(*scheme, "http" | "https"))
        .unwrap_or("http");
    let authority = forwarded(headers, peer, "x-forwarded-host", Which::First)
        .or_else(|| headers.get(header::HOST)?.to_str().ok())
        .filter(|authority| authority.parse::<http::uri::Authority>().is_ok());
    format!("{scheme}://{}", authority.unwrap_or(app.local_authority())).into()
}

/// Which of several proxies' entries counts.
#[derive(Debug, Clone, Copy)]
enum Which {
    /// What the first proxy was asked for.
    First,
    /// Whom the last proxy, the only one we trust, saw.
    Last,
}

/// A proxy's word, from those whose word counts: loopback peers.
fn forwarded<'a>(headers: &'a HeaderMap, peer: IpAddr, name: &str, which: Which) -> Option<&'a str> {
    if !peer.is_loopback() {
        return None;
    }
    let mut values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    let entry = match which {
        Which::First => values.next()?.split(',').next()?,
        Which::Last => values.next_back()?.rsplit(',').next()?,
    };
    Some(entry.trim()).filter(|entry| !entry.is_empty())
}

/// Refuses what another site's page asks for in its visitor's name: upgrades,
/// and every request that may change something. Programs send no Origin.
pub(crate) async fn same_origin_only(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let may_change = !matches!(parts.method, Method::GET | Method::HEAD | Method::OPTIONS);
    let upgrades = parts.headers.contains_key(header::UPGRADE);
    if (may_change || upgrades) && !is_same_origin(&parts, &app) {
        let message = "this request comes from a page of another site";
        return ApiError::new(StatusCode::FORBIDDEN, "foreign_origin", message).into_response();
    }
    next.run(Request::from_parts(parts, body)).await
}

fn is_same_origin(parts: &Parts, app: &App) -> bool {
    let Some(origin) = parts.headers.get(header::ORIGIN) else { return true };
    let Some((scheme, authority)) = origin.to_str().ok().and_then(|origin| origin.split_once("://")) else {
        return false;
    };
    let host = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let forwarded_host = forwarded(&parts.headers, peer_ip(parts), "x-forwarded-host", Which::First);
    let public = app.config.public_url.as_deref().and_then(|url| url.split_once("://")).map(|(_, authority)| authority);
    [host, forwarded_host, public]
        .into_iter()
        .flatten()
        .any(|ours| without_default_port(scheme, ours).eq_ignore_ascii_case(without_default_port(scheme, authority)))
}

fn without_default_port<'a>(scheme: &str, authority: &'a str) -> &'a str {
    let port = match scheme {
        "http" => ":80",
        "https" => ":443",
        _ => return authority,
    };
    authority.strip_suffix(port).unwrap_or(authority)
}
