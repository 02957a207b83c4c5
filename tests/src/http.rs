//! Plain HTTP requests.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::header::HeaderMap;
use hyper::{Method, Request};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::within_deadline;

/// How long a connection may rest between two requests: half of what the server
/// allows, since a request that meets its end is lost (RFC 9112 section 9.6).
const IDLE_MAX: Duration = Duration::from_secs(5);

/// Sends requests to one server.
#[derive(Debug)]
pub struct Http {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    base: String,
}

/// What a server answered.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Answer {
    /// The body as JSON.
    ///
    /// # Panics
    ///
    /// When it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    /// A header's value, empty where there is none.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

impl Http {
    /// Requests under this address, such as `http://127.0.0.1:8080`.
    #[must_use]
    pub fn new(base: String) -> Self {
        let nobody = ClientConfig::builder().with_root_certificates(RootCertStore::empty()).with_no_client_auth();
        Self::over_tls(base, nobody)
    }

    /// Where the base says https, by whoever `tls` trusts.
    pub(crate) fn over_tls(base: String, tls: ClientConfig) -> Self {
        let connector = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().build();
        Self { client: Client::builder(TokioExecutor::new()).pool_idle_timeout(IDLE_MAX).build(connector), base }
    }

    /// `GET`.
    pub async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.request(Method::GET, path, headers, "").await
    }

    /// `POST`.
    pub async fn post(&self, path: &str, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Answer {
        self.request(Method::POST, path, headers, body).await
    }

    /// `POST` of JSON.
    pub async fn post_json(&self, path: &str, body: &Value) -> Answer {
        self.post(path, &[("content-type", "application/json")], body.to_string()).await
    }

    /// `GET` of what does not end: what came up to and with `wanted`.
    ///
    /// # Panics
    ///
    /// When it ends before that.
    pub async fn get_until(&self, path: &str, wanted: &str) -> String {
        let request = Request::get(format!("{}{path}", self.base)).body(Full::default()).expect("a request");
        let mut response = within_deadline("an answer", self.client.request(request)).await.expect("an answer");
        let mut came = String::new();
        while !came.contains(wanted) {
            let frame = within_deadline("a part of it", response.frame()).await.expect("more").expect("a connection");
            came += std::str::from_utf8(frame.data_ref().expect("a part of the body")).expect("whole characters");
        }
        came
    }

    /// Any request.
    ///
    /// # Panics
    ///
    /// When there is no answer.
    pub async fn request(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Answer {
        self.try_request(method, path, headers, body).await.expect("an answer")
    }

    /// Any request; nothing when there is no answer, since the server has
    /// gone.
    ///
    /// # Panics
    ///
    /// When it is there, and does not answer.
    pub async fn try_request(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Option<Answer> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(body.into())).expect("a request");
        let response = within_deadline("an answer", self.client.request(request)).await.ok()?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = within_deadline("a body", response.into_body().collect()).await.ok()?.to_bytes();
        Some(Answer { status, headers, body })
    }
}
