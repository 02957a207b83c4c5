//! TLS, client certificates, and what clients present at the door, against a server of rustls.

use std::net::SocketAddr;
use std::sync::Arc;

use futures_util::{SinkExt, StreamExt};
use loadgen::exit::Verdict;
use parking_lot::Mutex;
use rcgen::{BasicConstraints, CertificateParams, CertifiedKey, IsCa, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};

use crate::run;

/// A server that asks for a client certificate, and echoes.
struct TlsServer {
    address: SocketAddr,
    folder: TempDir,
    /// What clients presented.
    requests: Arc<Mutex<Vec<Request>>>,
    _tasks: JoinSet<()>,
}

impl TlsServer {
    /// Its certificate is signed by itself alone; is it one that says it is an authority?
    async fn start(constraints: IsCa) -> Self {
        rustls::crypto::ring::default_provider().install_default().ok();
        let [server, client] = [("localhost", constraints), ("client", IsCa::NoCa)].map(|(name, is_ca)| {
            let mut params = CertificateParams::new([name.to_owned()]).unwrap();
            params.is_ca = is_ca;
            let signing_key = KeyPair::generate().unwrap();
            CertifiedKey { cert: params.self_signed(&signing_key).unwrap(), signing_key }
        });
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: String| std::fs::write(folder.path().join(name), text).unwrap();
        write("ca.pem", server.cert.pem());
        write("cert.pem", client.cert.pem());
        write("key.pem", client.signing_key.serialize_pem());
        let mut trusted = RootCertStore::empty();
        trusted.add(client.cert.der().clone()).unwrap();
        let verifier = WebPkiClientVerifier::builder(Arc::new(trusted)).build().unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(server.signing_key.serialize_der()));
        let config = ServerConfig::builder().with_client_cert_verifier(verifier);
        let config = config.with_single_cert(vec![server.cert.der().clone()], key).unwrap();
        let (acceptor, requests) = (TlsAcceptor::from(Arc::new(config)), Arc::new(Mutex::new(Vec::new())));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (mut tasks, seen) = (JoinSet::new(), Arc::clone(&requests));
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, seen) = (acceptor.clone(), Arc::clone(&seen));
                connections.spawn(async move {
                    let Ok(stream) = acceptor.accept(stream).await else { return };
                    #[expect(clippy::result_large_err, reason = "the signature is the library's")]
                    let note = |request: &Request, response: Response| -> Result<Response, ErrorResponse> {
                        seen.lock().push(request.clone());
                        Ok(response)
                    };
                    let mut socket = tokio_tungstenite::accept_hdr_async(stream, note).await.unwrap();
                    while let Some(Ok(message)) = socket.next().await {
                        if message.is_text() && socket.send(message).await.is_err() {
                            return;
                        }
                    }
                });
            }
        });
        Self { address, folder, requests, _tasks: tasks }
    }

    fn file(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }
}

#[tokio::test]
async fn clients_present_certificate_token_fields_and_cookies() {
    let server = TlsServer::start(IsCa::NoCa).await;
    let [ca, cert, key] = ["ca.pem", "cert.pem", "key.pem"].map(|name| server.file(name));
    let command = format!(
        "echo --clients 3 --rate 60 --duration 500ms --ca {ca} --cert {cert} --key {key} --token secret \
         --header X-Client:{{client}} --cookie a=1 --cookie b=2 --bind 127.0.0.2-127.0.0.4"
    );
    let outcome = run(&command, &format!("wss://localhost:{}/", server.address.port())).await;
    assert_eq!(outcome.verdict, Verdict::Passed, "{:?}", outcome.reason);
    assert_eq!((outcome.tally.sent, outcome.tally.received), (30, 30));
    let requests = server.requests.lock();
    let mut clients = Vec::new();
    for request in requests.iter() {
        let field = |name: &str| request.headers()[name].to_str().unwrap();
        assert_eq!((field("authorization"), field("cookie")), ("Bearer secret", "a=1; b=2"));
        clients.push(field("x-client").to_owned());
    }
    clients.sort_unstable();
    assert_eq!(clients, ["0", "1", "2"]);
}

#[tokio::test]
async fn a_certificate_that_was_given_is_trusted_under_its_name_even_if_it_says_it_is_an_authority() {
    // As `openssl req -x509` makes them.
    let server = TlsServer::start(IsCa::Ca(BasicConstraints::Unconstrained)).await;
    let [ca, cert, key] = ["ca.pem", "cert.pem", "key.pem"].map(|name| server.file(name));
    let command = format!("echo --clients 1 --rate 20 --duration 200ms --ca {ca} --cert {cert} --key {key}");
    let trusted = run(&command, &format!("wss://localhost:{}/", server.address.port())).await;
    assert_eq!((trusted.verdict, trusted.tally.received), (Verdict::Passed, 4), "{:?}", trusted.reason);
    let misnamed = run(&command, &format!("wss://127.0.0.1:{}/", server.address.port())).await;
    assert_eq!(misnamed.verdict, Verdict::Failed);
    assert!(misnamed.reason.as_ref().unwrap().contains("not valid for name"), "{:?}", misnamed.reason);
}

#[tokio::test]
async fn a_server_that_nobody_vouches_for_is_refused_unless_any_will_do() {
    let server = TlsServer::start(IsCa::NoCa).await;
    let url = format!("wss://localhost:{}/", server.address.port());
    let refused = run("echo --clients 1 --duration 200ms", &url).await;
    assert_eq!(refused.verdict, Verdict::Failed);
    assert!(refused.reason.unwrap().contains("--ca"));
    let (cert, key) = (server.file("cert.pem"), server.file("key.pem"));
    let taken = run(&format!("echo --clients 1 --duration 200ms --insecure --cert {cert} --key {key}"), &url).await;
    assert_eq!(taken.verdict, Verdict::Passed, "{:?}", taken.reason);
}
