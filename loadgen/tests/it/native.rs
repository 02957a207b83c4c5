//! The server's own protocol: acks and refusals decide what is expected.

use loadgen::exit::Verdict;
use loadgen::outcome::Outcome;
use loadgen::tally::Tally;

use crate::run;
use crate::server::{Fault, Server, Speech};

/// 100 messages, each for 5 clients.
const CHAT: &str = "chat --clients 5 --rate 400 --duration 250ms --drain 300ms";

async fn chat(fault: Fault) -> Outcome {
    let server = Server::start(Speech::Native, fault).await;
    run(CHAT, &server.url()).await
}

#[tokio::test]
async fn acked_messages_reach_every_member() {
    let outcome = chat(Fault::Nothing).await;
    let Tally { sent, expected, received, refused, errors, .. } = outcome.tally;
    assert_eq!((sent, expected, received, refused, errors), (100, 500, 500, 0, 0));
    assert_eq!(outcome.verdict, Verdict::Passed);
}

#[tokio::test]
async fn refused_messages_are_counted_apart_and_not_expected() {
    let outcome = chat(Fault::Refuse).await;
    let Tally { sent, expected, received, refused, lost, .. } = outcome.tally;
    assert_eq!((sent, expected, received, refused, lost), (100, 450, 450, 10, 0));
    assert_eq!(outcome.verdict, Verdict::Passed);
}

#[tokio::test]
async fn messages_without_an_answer_are_errors_and_the_run_fails() {
    let outcome = chat(Fault::NoAck).await;
    let Tally { sent, expected, errors, lost, .. } = outcome.tally;
    assert_eq!((sent, expected, errors, lost), (100, 450, 10, 0));
    assert_eq!(outcome.verdict, Verdict::Failed);
}

#[tokio::test]
async fn what_was_said_before_is_not_of_this_run() {
    let outcome = chat(Fault::Backlog).await;
    assert_eq!((outcome.tally.received, outcome.tally.foreign), (500, Some(0)));
    assert_eq!(outcome.verdict, Verdict::Passed);
}

#[tokio::test]
async fn lost_deliveries_of_acked_messages_are_lost() {
    let outcome = chat(Fault::Drop).await;
    assert_eq!((outcome.tally.expected, outcome.tally.lost), (500, 50));
    assert_eq!(outcome.verdict, Verdict::ThresholdsCrossed);
}
