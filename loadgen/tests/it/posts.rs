//! Messages by POST alone: the answer to each says what became of it.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use loadgen::exit::Verdict;
use parking_lot::Mutex;
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::run;

/// What a server was told: source address, a header field, the body.
type Heard = Arc<Mutex<Vec<(IpAddr, String, Value)>>>;

async fn serve(stream: TcpStream, heard: Heard, takes: fn(usize) -> bool) {
    let source = stream.peer_addr().unwrap().ip();
    let service = service_fn(|request: Request<hyper::body::Incoming>| {
        let heard = Arc::clone(&heard);
        async move {
            let seat = request.headers().get("x-seat").map(|seat| seat.to_str().unwrap().to_owned());
            let body = request.into_body().collect().await.unwrap().to_bytes();
            let mut heard = heard.lock();
            heard.push((source, seat.unwrap_or_default(), serde_json::from_slice(&body).unwrap()));
            let status = if takes(heard.len()) { StatusCode::CREATED } else { StatusCode::NOT_FOUND };
            Ok::<_, Infallible>(Response::builder().status(status).body(Full::<Bytes>::default()).unwrap())
        }
    });
    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await.ok();
}

/// A server that takes these messages, by their number from 1; and what it was told.
async fn start(takes: fn(usize) -> bool) -> (String, Heard, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/rooms/{{room}}/messages", listener.local_addr().unwrap());
    let heard = Heard::default();
    let mut server = JoinSet::new();
    let of_server = Arc::clone(&heard);
    server.spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            connections.spawn(serve(stream, Arc::clone(&of_server), takes));
        }
    });
    (url, heard, server)
}

#[tokio::test]
async fn a_server_that_refuses_everything_does_not_pass_and_has_not_stalled() {
    let (url, _, _server) = start(|_| false).await;
    let outcome = run("chat --protocol http --rate 100 --duration 500ms --drain 30s", &url).await;
    assert_eq!((outcome.tally.sent, outcome.tally.refused, outcome.tally.expected), (50, 50, 0));
    assert_eq!((outcome.verdict, outcome.stalls.len()), (Verdict::Failed, 0), "{:?}", outcome.stalls);
    assert!(outcome.reason.unwrap().contains("refused all"));
}

#[tokio::test]
async fn what_is_answered_has_arrived_and_what_is_refused_is_not_expected() {
    let (url, heard, _server) = start(|number| !number.is_multiple_of(10)).await;
    let posts = "chat --protocol http --clients 2 --rooms 2 --rate 100 --duration 500ms --drain 30s";
    let access = "--header X-Seat:{client} --bind 127.0.0.2-127.0.0.3";
    let outcome = run(&format!("{posts} {access}"), &url).await;
    let tally = outcome.tally;
    assert_eq!(outcome.verdict, Verdict::Passed, "{:?} {tally:?}", outcome.reason);
    assert_eq!((tally.sent, tally.refused, tally.expected, tally.received), (50, 5, 45, 45));
    assert_eq!((tally.lost, tally.duplicated, tally.corrupted, tally.foreign), (0, None, None, None));
    let of_rooms: Vec<_> = outcome.rooms.iter().map(|room| (room.sent, room.lost, room.duplicated)).collect();
    assert_eq!(of_rooms, [(25, 0, None); 2]);
    assert_eq!(outcome.histograms.latency.0.len(), 45);

    let heard = heard.lock();
    assert_eq!(heard.len(), 50);
    let seats: BTreeSet<_> =
        heard.iter().map(|(source, seat, body)| (source, &**seat, body["name"].as_str())).collect();
    let [two, three] = [2, 3].map(|last| IpAddr::from(Ipv4Addr::new(127, 0, 0, last)));
    assert_eq!(seats, BTreeSet::from([(&two, "0", Some("client-0")), (&three, "1", Some("client-1"))]));
}
