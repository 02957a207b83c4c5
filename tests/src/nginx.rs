//! nginx in front of servers, as docs/proxy.md says.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::{fmt, fs};

use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;

use crate::http::Http;
use crate::polling::Polling;
use crate::port::lasting_address;
use crate::server::TestServer;
use crate::websocket::WsClient;
use crate::within_deadline;

/// The directives that the documentation gives.
const DIRECTIVES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/proxy/negaphone.conf");

/// What a rewriting proxy puts into `Host`.
const INTERNAL_HOST: &str = "negaphone.internal";

/// A running nginx; ended when dropped.
#[derive(Debug)]
pub struct Nginx {
    child: Child,
    fronts: Vec<Front>,
    _folder: TempDir,
}

/// One way to reach a server through nginx.
#[derive(Clone)]
pub struct Front {
    scheme: Scheme,
    host: Host,
    address: SocketAddr,
    base_path: String,
    tls: Arc<ClientConfig>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scheme {
    Http,
    Https,
}

/// What becomes of `Host` on the way.
#[derive(Debug, Clone, Copy)]
enum Host {
    Kept,
    Rewritten,
}

impl fmt::Debug for Front {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} with Host {:?}", self.url("http", ""), self.host)
    }
}

impl Front {
    /// What a browser calls a page's origin.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("{}{}", self.url_scheme("http"), self.address)
    }

    /// The path under which everything lies.
    #[must_use]
    pub fn base_path(&self) -> &str {
        &self.base_path
    }

    /// Plain HTTP, or over TLS.
    #[must_use]
    pub fn http(&self) -> Http {
        Http::over_tls(self.url("http", ""), ClientConfig::clone(&self.tls))
    }

    /// A WebSocket as the page of `origin` opens it; the status where it is
    /// refused.
    ///
    /// # Errors
    ///
    /// The HTTP status.
    ///
    /// # Panics
    ///
    /// When there is no answer.
    pub async fn ws_from(&self, origin: &str, path: &str) -> Result<WsClient, u16> {
        let mut request = self.url("ws", path).into_client_request().expect("a request");
        request.headers_mut().insert("origin", HeaderValue::from_str(origin).expect("a header"));
        WsClient::try_connect_over_tls(request, Arc::clone(&self.tls)).await
    }

    /// An Engine.IO session that is polled.
    pub async fn polling(&self) -> Polling {
        Polling::begin(self.http()).await
    }

    /// A WebSocket as our own page opens it.
    ///
    /// # Panics
    ///
    /// When it is refused.
    pub async fn ws(&self, path: &str) -> WsClient {
        self.ws_from(&self.origin(), path).await.expect("a WebSocket")
    }

    /// A WebSocket's or, with `http`, any other URL.
    fn url(&self, scheme: &str, path: &str) -> String {
        format!("{}{}{}{path}", self.url_scheme(scheme), self.address, self.base_path)
    }

    fn url_scheme(&self, scheme: &str) -> String {
        let s = if self.scheme == Scheme::Https { "s" } else { "" };
        format!("{scheme}{s}://")
    }
}

impl Nginx {
    /// In front of `servers`: each by http and https, with `Host` kept and
    /// rewritten.
    ///
    /// # Panics
    ///
    /// When it does not start.
    pub async fn before(servers: &[&TestServer]) -> Self {
        let folder = TempDir::new().expect("a folder");
        let tls = certify(folder.path());
        let mut fronts = Vec::new();
        let mut blocks = String::new();
        for server in servers {
            for scheme in [Scheme::Http, Scheme::Https] {
                for host in [Host::Kept, Host::Rewritten] {
                    let (address, base_path) = (lasting_address(), server.base_path().to_owned());
                    let front = Front { scheme, host, address, base_path, tls: Arc::clone(&tls) };
                    blocks.push_str(&server_block(&front, server.address()));
                    fronts.push(front);
                }
            }
        }
        fs::write(folder.path().join("nginx.conf"), configuration(folder.path(), &blocks)).expect("a file");
        let mut command = Command::new("nginx");
        command.arg("-p").arg(folder.path()).args(["-e", "error.log", "-c", "nginx.conf"]).stdin(Stdio::null());
        let child = command.spawn().expect("nginx, which `cargo xtask test` installs");
        let listening = async {
            for front in &fronts {
                while TcpStream::connect(front.address).await.is_err() {
                    tokio::task::yield_now().await;
                }
            }
        };
        within_deadline("nginx", listening).await;
        Self { child, fronts, _folder: folder }
    }

    /// All ways to the servers.
    #[must_use]
    pub fn fronts(&self) -> &[Front] {
        &self.fronts
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Both fail only for a process that has ended, which is what they are for.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Writes a key and a certificate for it; returns clients' trust in it.
fn certify(folder: &Path) -> Arc<ClientConfig> {
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let certified = rcgen::generate_simple_self_signed(names).expect("a certificate");
    fs::write(folder.join("cert.pem"), certified.cert.pem()).expect("a file");
    fs::write(folder.join("key.pem"), certified.signing_key.serialize_pem()).expect("a file");
    let mut roots = RootCertStore::empty();
    roots.add(certified.cert.der().clone()).expect("a certificate");
    Arc::new(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth())
}

fn configuration(folder: &Path, blocks: &str) -> String {
    let folder = folder.display();
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|what| format!("    {what}_temp_path {folder}/{what};\n"))
        .concat();
    format!(
        "daemon off;\nmaster_process off;\npid {folder}/nginx.pid;\nevents {{}}\nhttp {{\n    access_log off;\n{temporary}    \
         map $http_upgrade $connection_upgrade {{ default upgrade; \"\" \"\"; }}\n{blocks}}}\n"
    )
}

fn server_block(front: &Front, server: SocketAddr) -> String {
    let Front { address, base_path, .. } = front;
    let ssl = match front.scheme {
        Scheme::Http => "",
        Scheme::Https => " ssl",
    };
    let host = match front.host {
        Host::Kept => "$http_host",
        Host::Rewritten => INTERNAL_HOST,
    };
    format!(
        "    server {{\n        listen {address}{ssl};\n        ssl_certificate cert.pem;\n        \
         ssl_certificate_key key.pem;\n        location {base_path}/ {{\n            proxy_pass http://{server};\n            \
         proxy_set_header Host {host};\n            include {DIRECTIVES};\n        }}\n    }}\n"
    )
}
