//! Who is asking, and by which address it reached us.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode, header};

use crate::app::App;
use crate::connections::Admission;
use crate::error::ApiError;
use crate::metrics::Refused;

/// The other end of the connection; put into every request.
#[derive(Debug, Clone)]
pub(crate) struct Peer {
    /// Its address.
    pub(crate) address: SocketAddr,
    /// Holds its places.
    pub(crate) admission: Arc<Admission>,
}

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
        let address = app.proxies.client_behind(peer, &parts.headers);
        Ok(Self { address, origin: reached_origin(parts, peer, app) })
    }
}

fn peer(parts: &Parts) -> &Peer {
    parts.extensions.get().expect("the listener puts the peer into every request")
}

fn peer_ip(parts: &Parts) -> IpAddr {
    peer(parts).address.ip().to_canonical()
}

fn reached_origin(parts: &Parts, peer: IpAddr, app: &App) -> Arc<str> {
    if let Some(public_url) = &app.config.public_url {
        return Arc::clone(public_url);
    }
    let headers = &parts.headers;
    let forwarded = |name| forwarded(headers, peer, name, app);
    let scheme = forwarded("x-forwarded-proto").filter(|scheme| matches!(*scheme, "http" | "https")).unwrap_or("http");
    let authority = forwarded("x-forwarded-host")
        .or_else(|| headers.get(header::HOST)?.to_str().ok())
        .filter(|authority| authority.parse::<http::uri::Authority>().is_ok());
    format!("{scheme}://{}", authority.unwrap_or(app.local_authority())).into()
}

/// What the first proxy was asked for, from those whose word counts.
fn forwarded<'a>(headers: &'a HeaderMap, peer: IpAddr, name: &str, app: &App) -> Option<&'a str> {
    if !app.proxies.contains(peer) {
        return None;
    }
    let entry = headers.get(name)?.to_str().ok()?.split(',').next()?.trim();
    Some(entry).filter(|entry| !entry.is_empty())
}

/// Counts the clients behind proxies; those who come directly were counted when
/// they came.
pub(crate) async fn count_client(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let Peer { address, admission } = peer(&parts);
    if app.proxies.contains(address.ip())
        && let Err(full) = admission.speaks_for(app.proxies.client_behind(address.ip(), &parts.headers))
    {
        app.metrics.refused(Refused::from(full));
        return ApiError::from(full).into_response();
    }
    next.run(Request::from_parts(parts, body)).await
}

/// Refuses what another site's page asks for in its visitor's name: upgrades,
/// and every request that may change something. Programs send no Origin.
pub(crate) async fn same_origin_only(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let may_change = !matches!(parts.method, Method::GET | Method::HEAD | Method::OPTIONS);
    let upgrades = parts.headers.contains_key(header::UPGRADE);
    if (may_change || upgrades) && !is_same_origin(&parts, &app) {
        app.metrics.refused(Refused::ForeignOrigin);
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
    let forwarded_host = forwarded(&parts.headers, peer_ip(parts), "x-forwarded-host", app);
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
