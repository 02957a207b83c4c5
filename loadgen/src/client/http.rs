//! Requests by HTTP: pictures and messages that are posted, events that are read.

use std::error::Error;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::http::request::Builder;
use hyper::{Request, Response, StatusCode};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use super::gate::Access;
use super::tls;

/// Largest answer that is taken.
const ANSWER_MAX_BYTES: usize = 128 << 20;

/// Keeps connections alive between requests.
#[derive(Debug, Clone)]
pub struct Poster {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    url: hyper::Uri,
    headers: Vec<(String, String)>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum PostError {
    /// The server said no.
    #[error("HTTP status {status} from {url}")]
    Status {
        /// Its code.
        status: u16,
        /// Who was asked.
        url: hyper::Uri,
    },
    /// The connection failed.
    #[error("{0}")]
    Connection(String),
}

impl PostError {
    /// What failed, down to its cause: the library tells no more than "client error" at the top.
    fn of(error: &dyn Error) -> Self {
        let causes = std::iter::successors(Some(error), |&error| error.source());
        Self::Connection(causes.map(ToString::to_string).collect::<Vec<_>>().join(": "))
    }
}

impl Poster {
    /// Posts to this address, as the one client whose access it is.
    ///
    /// # Errors
    ///
    /// When it is none.
    pub fn new(url: &str, access: &Access) -> Result<Self, PostError> {
        let tls = tls::config(&access.tls).map_err(|error| PostError::of(&error))?;
        let mut tcp = HttpConnector::new();
        // The connector around it is the one that knows https.
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_local_address(access.binds.first().copied());
        let connector =
            HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().wrap_connector(tcp);
        let url = url.parse().map_err(|error: hyper::http::uri::InvalidUri| PostError::of(&error))?;
        let client = Client::builder(TokioExecutor::new()).build(connector);
        Ok(Self { client, url, headers: access.headers.clone() })
    }

    /// Posts something and returns what comes back.
    ///
    /// # Errors
    ///
    /// When the server refuses it or the connection fails.
    pub async fn post(&self, content: Bytes) -> Result<Bytes, PostError> {
        let response = self.request(Request::post(self.url.clone()), content).await?;
        let status = response.status();
        let body = Limited::new(response.into_body(), ANSWER_MAX_BYTES).collect().await;
        let body = body.map_err(|error| PostError::Connection(error.to_string()))?.to_bytes();
        if status.is_success() { Ok(body) } else { Err(self.refused(status)) }
    }

    /// Asks for what is there, to be read as it comes.
    ///
    /// # Errors
    ///
    /// As [`Self::post`].
    pub async fn open(&self) -> Result<Incoming, PostError> {
        let response = self.request(Request::get(self.url.clone()), Bytes::new()).await?;
        let status = response.status();
        if status.is_success() { Ok(response.into_body()) } else { Err(self.refused(status)) }
    }

    fn refused(&self, status: StatusCode) -> PostError {
        PostError::Status { status: status.as_u16(), url: self.url.clone() }
    }

    async fn request(&self, mut request: Builder, content: Bytes) -> Result<Response<Incoming>, PostError> {
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let request = request.body(Full::new(content)).map_err(|error| PostError::of(&error))?;
        self.client.request(request).await.map_err(|error| PostError::of(&error))
    }
}
