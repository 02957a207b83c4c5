//! Pictures come back as their negatives, or are counted as wrong.

use std::convert::Infallible;
use std::io::Cursor;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use http_body_util::{BodyExt, Full};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use loadgen::exit::Verdict;
use loadgen::tally::Tally;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::Message;

use crate::run;

const IMAGES: &str = "image --clients 2 --rate 60 --duration 500ms --drain 30s";

fn negative(picture: &[u8]) -> Bytes {
    let mut decoded = image::load_from_memory(picture).unwrap();
    decoded.invert();
    let mut file = Cursor::new(Vec::new());
    decoded.write_to(&mut file, image::guess_format(picture).unwrap()).unwrap();
    file.into_inner().into()
}

/// Negatives, but for every 10th picture (the same again) and every 15th (refused).
fn answer(count: u64, picture: &Bytes) -> Option<Bytes> {
    match count {
        _ if count.is_multiple_of(15) => None,
        _ if count.is_multiple_of(10) => Some(picture.clone()),
        _ => Some(negative(picture)),
    }
}

async fn serve_websocket(stream: TcpStream, count: Arc<AtomicU64>) {
    let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
    while let Some(Ok(message)) = socket.next().await {
        let Message::Binary(picture) = message else { continue };
        let answer = match answer(count.fetch_add(1, Ordering::Relaxed) + 1, &picture) {
            Some(bytes) => Message::Binary(bytes),
            None => Message::text(r#"{"error":{"code":"overloaded","message":"later"}}"#),
        };
        socket.send(answer).await.unwrap();
    }
}

async fn serve_http(stream: TcpStream, count: Arc<AtomicU64>) {
    let service = service_fn(|request: Request<hyper::body::Incoming>| {
        let count = Arc::clone(&count);
        async move {
            let picture = request.into_body().collect().await.unwrap().to_bytes();
            let response = match answer(count.fetch_add(1, Ordering::Relaxed) + 1, &picture) {
                Some(bytes) => Response::new(Full::new(bytes)),
                None => Response::builder().status(StatusCode::SERVICE_UNAVAILABLE).body(Full::default()).unwrap(),
            };
            Ok::<_, Infallible>(response)
        }
    });
    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await.ok();
}

async fn check(scheme: &str) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("{scheme}://{}/", listener.local_addr().unwrap());
    let is_http = scheme == "http";
    let mut server = JoinSet::new();
    server.spawn(async move {
        let (mut connections, count) = (JoinSet::new(), Arc::new(AtomicU64::new(0)));
        while let Ok((stream, _)) = listener.accept().await {
            if is_http {
                connections.spawn(serve_http(stream, Arc::clone(&count)));
            } else {
                connections.spawn(serve_websocket(stream, Arc::clone(&count)));
            }
        }
    });
    let outcome = run(IMAGES, &url).await;
    // Of 30 pictures the 15th and the 30th are refused, and the 10th and the 20th come back as they were.
    let expected = Tally {
        scheduled: 30,
        sent: 30,
        refused: 2,
        expected: 28,
        received: 28,
        corrupted: Some(2),
        ..Tally::default()
    };
    assert_eq!(outcome.tally, expected);
    assert_eq!(outcome.verdict, Verdict::ThresholdsCrossed);
    assert_eq!(outcome.by_file.len(), 6);
}

#[tokio::test]
async fn negatives_are_checked_on_a_websocket() {
    check("ws").await;
}

#[tokio::test]
async fn negatives_are_checked_by_http() {
    check("http").await;
}
