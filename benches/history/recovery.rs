//! Somebody comes back to the server and is given what it missed.

use std::time::{Duration, Instant};

use clap::Parser;
use futures_util::StreamExt;
use negaphone::config::{Cli, Config};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;

use crate::mode::{Mode, Opened, RedisServer, append, room};

pub(crate) const MISSED: usize = 10_000;
/// An odd number, for the median.
pub(crate) const RUNS: usize = 5;

pub(crate) async fn measure(mode: Mode) -> Duration {
    let folder = tempfile::tempdir().expect("a folder");
    let Opened { store, redis } = mode.open(folder.path()).await;
    for number in 0..MISSED as u64 / 1000 {
        store.append((0..1000).map(|place| append(0, number * 1000 + place)).collect()).await;
    }
    let epoch = store.head(&room(0)).await.expect("it is there").expect("it is stored").epoch;
    store.close().await;
    let data_dir = folder.path().to_str().expect("a path of letters");
    let history = redis.as_ref().map_or("sqlite".to_owned(), RedisServer::url);
    let arguments = ["--listen=127.0.0.1:0", "--tcp-pair=off", "--history", &history, "--data-dir", data_dir];
    let arguments = ["negaphone"].into_iter().chain(arguments);
    let config = Config::try_from(Cli::parse_from(arguments).serve).expect("good settings");
    let server = negaphone::start(config).await.expect("a free port");
    let url = format!("ws://{}/ws?room={}&since=0&epoch={epoch}", server.address(), room(0));
    let mut times = Vec::new();
    for _ in 0..RUNS {
        times.push(recover(&url).await);
    }
    times.sort_unstable();
    server.stop();
    server.stopped().await;
    times[RUNS / 2]
}

async fn recover(url: &str) -> Duration {
    let begin = Instant::now();
    let (mut socket, _) = Box::pin(connect_async(url)).await.expect("the server lets us in");
    let mut heard = 0;
    while heard < MISSED {
        let message = socket.next().await.expect("more to come").expect("a connection");
        let Message::Text(text) = message else { continue };
        if text.starts_with(r#"{"type":"chat""#) {
            heard += 1;
            assert!(text.contains(&format!(r#""offset":{heard},"#)), "{heard} is missing");
        }
    }
    begin.elapsed()
}
