//! Servers that do what no server should: each ends in a clear reason and an exit code, never in a hang.

use std::net::SocketAddr;
use std::time::Duration;

use loadgen::exit::Verdict;
use loadgen::outcome::Outcome;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use wire::websocket::handshake::accept_key;

use crate::{run, run_until};

/// What the server does with a connection.
#[derive(Debug, Clone, Copy)]
enum Manner {
    /// Closes without a word.
    HangsUp,
    /// Answers that it is busy.
    Refuses,
    /// Answers what is not HTTP.
    Babbles,
    /// Never answers.
    Sulks,
    /// Upgrades with a proof of its own.
    Forges,
    /// Upgrades, then sends these bytes for ever.
    Floods(&'static [u8]),
}

async fn start(manner: Manner) -> (SocketAddr, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            connections.spawn(async move {
                // A client that has had enough closes.
                behave(stream, manner).await.ok();
            });
        }
    });
    (address, tasks)
}

async fn behave(mut stream: TcpStream, manner: Manner) -> std::io::Result<()> {
    if matches!(manner, Manner::HangsUp) {
        return Ok(());
    }
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        if stream.read_buf(&mut request).await? == 0 {
            return Ok(());
        }
    }
    let request = String::from_utf8_lossy(&request).into_owned();
    let key = request.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: ")).unwrap_or_default();
    let upgrade = |proof: &str| {
        format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {proof}\r\n\r\n"
        )
    };
    match manner {
        Manner::HangsUp => {}
        Manner::Refuses => {
            stream.write_all(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 9\r\n\r\ntoo many!").await?;
        }
        Manner::Babbles => stream.write_all(b"220 mail.example ESMTP\r\n").await?,
        Manner::Sulks => std::future::pending().await,
        Manner::Forges => stream.write_all(upgrade("bm90IHRoZSBwcm9vZg==").as_bytes()).await?,
        Manner::Floods(bytes) => {
            stream.write_all(upgrade(&accept_key(key.as_bytes())).as_bytes()).await?;
            loop {
                stream.write_all(bytes).await?;
            }
        }
    }
    stream.shutdown().await
}

async fn outcome(manner: Manner, more: &str) -> Outcome {
    let (address, _tasks) = start(manner).await;
    let command = format!("echo --clients 2 --rate 20 --duration 500ms --drain 200ms {more}");
    tokio::time::timeout(Duration::from_secs(60), run(&command, &format!("ws://{address}/"))).await.unwrap()
}

async fn fails(manner: Manner, more: &str, expected: &str) {
    let outcome = outcome(manner, more).await;
    assert_eq!(outcome.verdict, Verdict::Failed, "{manner:?}");
    let reason = outcome.reason.unwrap();
    assert!(reason.contains(expected), "{manner:?}: {reason}");
}

#[tokio::test]
async fn a_server_that_does_not_upgrade_is_told_with_its_answer() {
    fails(Manner::HangsUp, "", "2 of 2 clients could not connect").await;
    fails(Manner::Refuses, "", "HTTP status 503 instead of 101: too many!").await;
    fails(Manner::Babbles, "", "it is not HTTP").await;
    fails(Manner::Sulks, "--connect-timeout 200ms", "no connection within 200ms").await;
    fails(Manner::Forges, "", "a wrong Sec-WebSocket-Accept").await;
}

#[tokio::test]
async fn who_is_interrupted_does_not_wait_for_a_server_that_never_answers() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    let stop = CancellationToken::new();
    let connecting = run_until("connect --clients 2 --connect-timeout 1h", &url, stop.clone());
    let interrupted = async {
        let reached = listener.accept().await.unwrap();
        stop.cancel();
        // Open to the end: to hang up would be an answer.
        std::future::pending::<()>().await;
        drop(reached);
    };
    let outcome = tokio::select! {
        outcome = tokio::time::timeout(Duration::from_secs(60), connecting) => outcome.unwrap(),
        () = interrupted => unreachable!("it never ends"),
    };
    assert_eq!((outcome.verdict, outcome.tally.connect_errors), (Verdict::Interrupted, 0));
}

#[tokio::test]
async fn a_server_that_breaks_the_protocol_is_told_how() {
    fails(Manner::Floods(b"\x81\x82abcdef"), "", "the server broke the protocol: a masked frame").await;
    fails(Manner::Floods(b"\x81\x02\xff\xff"), "", "text that is not UTF-8").await;
    fails(Manner::Floods(b"\x83\x00"), "", "unknown opcode 3").await;
    fails(Manner::Floods(b"\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xff"), "", "a message of 9223372036854775807 bytes")
        .await;
    fails(Manner::Floods(b"rubbish"), "", "the server broke the protocol").await;
}

#[tokio::test]
async fn a_flood_of_foreign_frames_is_counted_and_does_not_stop_the_load() {
    // It reads nothing, but the kernel takes what little is sent.
    let outcome = outcome(Manner::Floods(b"\x81\x05Hello"), "").await;
    assert_eq!((outcome.tally.sent, outcome.tally.lost), (10, 10), "{:?}", outcome.reason);
    assert!(outcome.tally.foreign.unwrap() > 10, "{:?}", outcome.tally);
    assert_eq!(outcome.verdict, Verdict::ThresholdsCrossed);
}
