//! Small servers that do wrong on purpose: what they did is counted exactly.
#![expect(clippy::unwrap_used, reason = "where a test meets nothing that it expects, it has failed")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use futures_util::{SinkExt, StreamExt};
use loadgen::cli::Cli;
use loadgen::outcome::{Outcome, Verdict};
use loadgen::plan::Plan;
use tokio::net::TcpListener;
use tokio::sync::broadcast;
use tokio::time::sleep;
use tokio_tungstenite::accept_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_util::sync::CancellationToken;

/// 4 clients with 50 messages each.
const LOAD: &str = "--clients 4 --rate 400 --duration 500ms --drain 300ms";

/// What an echo does with some of the messages of each connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    /// Every tenth is not sent back.
    Drop,
    /// Every tenth comes twice.
    Double,
    /// Every tenth comes after the one behind it.
    Swap,
    /// Every tenth comes with another last letter.
    Corrupt,
    /// Something else comes before every tenth.
    Chatter,
    /// The twentieth comes 400 ms late, and so does what is behind it.
    Stall,
    /// The connection is closed with the twentieth.
    Close,
}

/// An echo server; it ends with the test's runtime.
async fn echo(fault: Fault) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut ws = accept_async(stream).await.unwrap();
                let mut held = None;
                let mut count = 0;
                while let Some(Ok(Message::Text(text))) = ws.next().await {
                    count += 1;
                    let text = text.to_string();
                    for answer in answers(fault, count, text, &mut held).await {
                        if ws.send(Message::text(answer)).await.is_err() {
                            return;
                        }
                    }
                    if fault == Fault::Close && count == 20 {
                        ws.close(None).await.ok();
                        return;
                    }
                }
            });
        }
    });
    address
}

async fn answers(fault: Fault, count: usize, text: String, held: &mut Option<String>) -> Vec<String> {
    if let Some(earlier) = held.take() {
        return vec![text, earlier];
    }
    let is_tenth = count % 10 == 9;
    match fault {
        Fault::Stall if count == 20 => {
            // Time passing is what this server is about.
            sleep(Duration::from_millis(400)).await;
            vec![text]
        }
        Fault::Drop if is_tenth => vec![],
        Fault::Double if is_tenth => vec![text.clone(), text],
        Fault::Corrupt if is_tenth => vec![format!("{}#", &text[..text.len() - 1])],
        Fault::Chatter if is_tenth => vec!["hello".to_owned(), text],
        Fault::Swap if is_tenth => {
            *held = Some(text);
            vec![]
        }
        _ => vec![text],
    }
}

/// A server that sends everything to everybody.
async fn broadcast_to_all() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (tx, _) = broadcast::channel::<String>(100_000);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (tx, mut rx) = (tx.clone(), tx.subscribe());
            tokio::spawn(async move {
                let (mut sink, mut stream) = accept_async(stream).await.unwrap().split();
                loop {
                    tokio::select! {
                        said = rx.recv() => {
                            if sink.send(Message::text(said.unwrap())).await.is_err() {
                                return;
                            }
                        }
                        frame = stream.next() => match frame {
                            Some(Ok(Message::Text(text))) => {
                                tx.send(text.to_string()).unwrap();
                            }
                            _ => return,
                        },
                    }
                }
            });
        }
    });
    address
}

fn plan(args: &str) -> Arc<Plan> {
    let cli = Cli::try_parse_from(std::iter::once("loadgen").chain(args.split(' '))).unwrap();
    Arc::new(Plan::new(cli.scenario).unwrap())
}

async fn run(args: &str) -> Outcome {
    loadgen::run(&plan(args), CancellationToken::new(), |_| ()).await.unwrap().0
}

async fn run_echo(fault: Fault) -> Outcome {
    run(&format!("echo --url ws://{}/ {LOAD}", echo(fault).await)).await
}

/// lost, duplicated, reordered, corrupted, foreign; received.
async fn check(fault: Fault, wrong: [u64; 5], received: u64, verdict: Verdict) {
    let outcome = run_echo(fault).await;
    let tally = outcome.tally;
    assert_eq!((tally.scheduled, tally.sent, tally.expected), (200, 200, 200), "{tally:?}");
    let counted = [tally.lost, tally.duplicated, tally.reordered, tally.corrupted, tally.foreign];
    assert_eq!((counted, tally.received), (wrong, received), "{tally:?}");
    assert_eq!(outcome.verdict, verdict);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_honest_server_passes() {
    check(Fault::None, [0; 5], 200, Verdict::Passed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dropped_messages_are_lost() {
    check(Fault::Drop, [20, 0, 0, 0, 0], 180, Verdict::ThresholdsCrossed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn doubled_messages_are_duplicated() {
    check(Fault::Double, [0, 20, 0, 0, 0], 220, Verdict::ThresholdsCrossed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_swap_of_neighbours_is_one_reordered_message() {
    check(Fault::Swap, [0, 0, 20, 0, 0], 200, Verdict::ThresholdsCrossed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_messages_are_corrupted_and_not_lost_as_well() {
    check(Fault::Corrupt, [0, 0, 0, 20, 0], 200, Verdict::ThresholdsCrossed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_ours_is_foreign_and_hurts_nobody() {
    check(Fault::Chatter, [0, 0, 0, 0, 20], 200, Verdict::Passed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stall_delays_all_that_was_due_and_is_listed() {
    let outcome = run_echo(Fault::Stall).await;
    assert!(outcome.latency_ms.unwrap().max >= 390.0, "{:?}", outcome.latency_ms);
    assert!(outcome.stalls.iter().any(|stall| stall.for_ms >= 300.0), "{:?}", outcome.stalls);
    assert_eq!(outcome.tally.lost, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_hangs_up_fails_the_run() {
    let outcome = run_echo(Fault::Close).await;
    assert_eq!((outcome.verdict, outcome.tally.disconnects), (Verdict::Failed, 4));
    assert!(outcome.tally.sent < outcome.tally.scheduled);
    assert_eq!(outcome.tally.lost, 0, "who has left expects nothing more");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broadcast_is_expected_by_everybody() {
    let address = broadcast_to_all().await;
    let outcome = run(&format!("chat --protocol raw --url ws://{address}/ {LOAD}")).await;
    assert_eq!((outcome.tally.expected, outcome.tally.received), (800, 800));
    assert_eq!(outcome.verdict, Verdict::Passed);
    let fanout = outcome.fanout_ms.unwrap();
    assert!(fanout.first.p50 <= fanout.median.p50 && fanout.median.p50 <= fanout.last.p50);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_there_is_a_failed_run() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let outcome = run(&format!("echo --url ws://{address}/ {LOAD}")).await;
    assert_eq!((outcome.verdict, outcome.tally.connect_errors), (Verdict::Failed, 4));
    assert!(outcome.failure.unwrap().contains("could not connect"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_run_reports_what_was_due_until_then() {
    let plan = plan(&format!("echo --url ws://{}/ --clients 4 --rate 100 --duration 60s", echo(Fault::None).await));
    let stop = CancellationToken::new();
    let interrupt = async {
        sleep(Duration::from_millis(800)).await;
        stop.cancel();
    };
    let (outcome, ()) = tokio::join!(loadgen::run(&plan, stop.clone(), |_| ()), interrupt);
    let outcome = outcome.unwrap().0;
    assert_eq!(outcome.verdict, Verdict::Interrupted);
    assert!((1..200).contains(&outcome.tally.scheduled), "{:?}", outcome.tally);
    assert_eq!(outcome.tally.lost, 0, "messages under way are not lost");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_loop_sends_on_reply() {
    let outcome = run(&format!("echo --pace closed --url ws://{}/ {LOAD}", echo(Fault::None).await)).await;
    let tally = outcome.tally;
    assert!(tally.sent > 200, "an echo on loopback is faster than the open loop here: {tally:?}");
    assert_eq!((tally.scheduled, tally.received), (tally.sent, tally.sent));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_result_has_a_stable_shape() {
    let outcome = run_echo(Fault::None).await;
    let json = serde_json::to_value(&outcome).unwrap();
    for key in ["version", "scenario", "url", "started", "duration_s", "seed", "verdict", "scheduled", "lost"] {
        assert!(json.get(key).is_some(), "{key}");
    }
    assert_eq!((&json["version"], &json["verdict"]), (&1.into(), &"passed".into()));
    assert!(json.get("fanout_ms").is_none(), "an echo has no fan-out: absent, not zero");
    assert!(json["latency_ms"]["p999"].is_number());
}
