//! The load generator at our own doors: what it expects of each is what a server does that is right.

use std::sync::Arc;

use ::loadgen::cli::Cli;
use ::loadgen::exit::Verdict;
use ::loadgen::outcome::Outcome;
use ::loadgen::plan::Plan;
use clap::Parser;
use negaphone::config::{Config, History};
use tests::TestServer;
use tokio_util::sync::CancellationToken;

/// Runs `loadgen` with these words. A test is about counts, not about how busy the machine is.
async fn load(words: &str, url: &str) -> Outcome {
    let words = ["loadgen"].into_iter().chain(words.split_whitespace());
    let words = words.chain(["--url", url, "--max-lateness", "1m", "--drain", "30s", "--connect-timeout", "30s"]);
    let scenario = Cli::try_parse_from(words).unwrap().into_load().unwrap();
    let plan = Arc::new(Plan::new(scenario).unwrap());
    ::loadgen::run(&plan, CancellationToken::new(), |_| ()).await.unwrap().0
}

/// 40 messages, each for `hearers`.
async fn check(protocol: &str, address: &str, hearers: u64) {
    let server = TestServer::start().await;
    let words = format!("chat --protocol {protocol} --clients 4 --rooms 2 --rate 100 --duration 400ms");
    let outcome = load(&words, &address.replace("SERVER", &server.address().to_string())).await;
    let tally = outcome.tally;
    assert_eq!(outcome.verdict, Verdict::Passed, "{protocol}: {:?} {tally:?}", outcome.reason);
    assert_eq!((tally.sent, tally.expected, tally.received), (40, 40 * hearers, 40 * hearers), "{protocol}");
    assert_eq!((tally.refused, tally.errors, tally.foreign.unwrap_or(0)), (0, 0, 0), "{protocol}");
}

#[tokio::test]
async fn every_door_for_messages_delivers_what_the_generator_expects() {
    check("native", "ws://SERVER/ws?room={room}&name=client-{client}", 2).await;
    check("raw", "ws://SERVER/ws/raw/{room}", 2).await;
    check("sse", "http://SERVER/rooms/{room}", 2).await;
    check("http", "http://SERVER/rooms/{room}/messages", 1).await;
    check("channels", "ws://SERVER/ws/chat/{room}/", 2).await;
    check("echo", "ws://SERVER/ws/raw/{room}-{client}", 1).await;
}

#[tokio::test]
async fn socketio_clients_are_all_in_one_room() {
    let server = TestServer::start().await;
    let url = format!("ws://{}/socket.io/?EIO=4&transport=websocket", server.address());
    let outcome = load("chat --protocol socketio --clients 4 --rate 100 --duration 400ms", &url).await;
    let tally = outcome.tally;
    assert_eq!(outcome.verdict, Verdict::Passed, "{:?} {tally:?}", outcome.reason);
    assert_eq!((tally.sent, tally.expected, tally.received, tally.errors), (40, 160, 160, 0));
}

#[tokio::test]
async fn clients_that_come_and_go_miss_nothing_and_say_nothing_twice() {
    let server = TestServer::start().await;
    let url = format!("ws://{}/ws?room={{room}}&name=client-{{client}}", server.address());
    let outcome = load("chat --clients 5 --rate 400 --duration 1s --churn 40", &url).await;
    let tally = outcome.tally;
    assert_eq!(outcome.verdict, Verdict::Passed, "{:?} {tally:?}", outcome.reason);
    assert_eq!((tally.sent, tally.expected, tally.received), (400, 2000, 2000));
    assert!(tally.resumed.unwrap() > 10, "{tally:?}");
}

#[tokio::test]
async fn a_server_that_is_started_again_has_lost_nothing_of_the_load() {
    let folder = tempfile::tempdir().unwrap();
    let config = Config {
        history: History::Sqlite { data_dir: folder.path().to_owned(), sync: history::Sync::Os },
        ..TestServer::config()
    };
    let listen = config.listen;
    let server = TestServer::with(|set| *set = config.clone()).await;
    let url = format!("ws://{listen}/ws?room={{room}}&name=client-{{client}}");
    let restart = async {
        // Once the load is under way.
        let mut watcher = server.native("room=again-0&name=watcher").await;
        watcher.next(&["chat"]).await;
        drop(watcher);
        server.stop();
        server.stopped().await;
        TestServer::with(|set| *set = config).await
    };
    let load = load("chat --clients 4 --rate 100 --duration 1500ms --resume --run-id again", &url);
    let (outcome, _server) = tokio::join!(load, restart);
    let tally = outcome.tally;
    assert_eq!(outcome.verdict, Verdict::Passed, "{:?} {tally:?}", outcome.reason);
    assert_eq!((tally.sent, tally.expected, tally.received, tally.disconnects), (150, 600, 600, 4));
    assert_eq!(tally.resumed, Some(4));
}
