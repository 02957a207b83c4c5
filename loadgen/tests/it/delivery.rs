//! Every delivery is accounted for.

use std::time::Duration;

use loadgen::exit::Verdict;
use loadgen::tally::Tally;

use crate::run;
use crate::server::{Fault, Server, Speech};

/// 25 messages from each of 5 clients.
const ECHO: &str = "echo --clients 5 --rate 500 --duration 250ms --drain 500ms";
/// 24 messages from each of 4 clients in each of 2 rooms: 96 deliveries to each of 8 clients.
const CHAT: &str = "chat --protocol raw --clients 8 --rooms 2 --rate 600 --duration 320ms --drain 500ms";

/// A run in which nothing went wrong.
fn flawless(sent: u64, expected: u64) -> Tally {
    Tally {
        scheduled: sent,
        sent,
        expected,
        received: expected,
        duplicated: Some(0),
        reordered: Some(0),
        corrupted: Some(0),
        foreign: Some(0),
        ..Tally::default()
    }
}

async fn check(command: &str, speech: Speech, fault: Fault, expected: Tally, verdict: Verdict) {
    let server = Server::start(speech, fault).await;
    let outcome = run(command, &server.url()).await;
    assert_eq!(outcome.tally, expected, "{speech:?} {fault:?}");
    assert_eq!(outcome.verdict, verdict, "{speech:?} {fault:?}: {:?}", outcome.reason);
}

#[tokio::test]
async fn echo_of_everything_passes() {
    check(ECHO, Speech::Echo, Fault::Nothing, flawless(125, 125), Verdict::Passed).await;
}

#[tokio::test]
async fn broadcast_to_every_member_of_a_room_passes() {
    check(CHAT, Speech::Raw, Fault::Nothing, flawless(192, 768), Verdict::Passed).await;
}

#[tokio::test]
async fn sender_is_not_expected_to_hear_itself_where_others_only_do() {
    let others = &format!("{CHAT} --others-only");
    check(others, Speech::Others, Fault::Nothing, flawless(192, 576), Verdict::Passed).await;
}

#[tokio::test]
async fn of_clients_that_make_trouble_nothing_is_expected() {
    let trouble = &format!("{CHAT} --slow 1 --half-open 2 --abrupt 1");
    check(trouble, Speech::Raw, Fault::Nothing, flawless(192, 768), Verdict::Passed).await;
}

#[tokio::test]
async fn dropped_deliveries_are_lost() {
    let echo = Tally { lost: 10, received: 115, ..flawless(125, 125) };
    check(ECHO, Speech::Echo, Fault::Drop, echo, Verdict::ThresholdsCrossed).await;
    let chat = Tally { lost: 72, received: 696, ..flawless(192, 768) };
    check(CHAT, Speech::Raw, Fault::Drop, chat, Verdict::ThresholdsCrossed).await;
}

#[tokio::test]
async fn doubled_deliveries_are_duplicated() {
    let echo = Tally { duplicated: Some(10), received: 135, ..flawless(125, 125) };
    check(ECHO, Speech::Echo, Fault::Double, echo, Verdict::ThresholdsCrossed).await;
    let chat = Tally { duplicated: Some(72), received: 840, ..flawless(192, 768) };
    check(CHAT, Speech::Raw, Fault::Double, chat, Verdict::ThresholdsCrossed).await;
}

#[tokio::test]
async fn swapped_neighbours_are_one_reordered() {
    let echo = Tally { reordered: Some(10), ..flawless(125, 125) };
    check(ECHO, Speech::Echo, Fault::Swap, echo, Verdict::ThresholdsCrossed).await;
}

#[tokio::test]
async fn damaged_deliveries_are_corrupted_and_not_lost() {
    let echo = Tally { corrupted: Some(10), ..flawless(125, 125) };
    check(ECHO, Speech::Echo, Fault::Corrupt, echo, Verdict::ThresholdsCrossed).await;
    let chat = Tally { corrupted: Some(72), ..flawless(192, 768) };
    check(CHAT, Speech::Raw, Fault::Corrupt, chat, Verdict::ThresholdsCrossed).await;
}

#[tokio::test]
async fn rooms_are_counted_one_by_one() {
    let server = Server::start(Speech::Raw, Fault::CloseFirst).await;
    let outcome = run(&format!("{CHAT} --run-id it"), &server.url()).await;
    let [first, second] = &outcome.rooms[..] else { panic!("{:?}", outcome.rooms) };
    assert_eq!([&first.room, &second.room], ["it-0", "it-1"]);
    // The first client, of the first room, was closed at its tenth delivery.
    assert!(first.expected < 384 && first.sent < 96, "{first:?}");
    assert_eq!((second.clients, second.sent, second.expected, second.received, second.faults()), (4, 96, 384, 384, 0));
    assert_eq!(outcome.tally.expected, first.expected + second.expected);
    assert!(run(ECHO, &server.url()).await.rooms.is_empty(), "one room is all there is");
}

#[tokio::test]
async fn frames_of_others_are_foreign_and_do_no_harm() {
    let echo = Tally { foreign: Some(10), ..flawless(125, 125) };
    check(ECHO, Speech::Echo, Fault::Chatter, echo, Verdict::Passed).await;
}

#[tokio::test]
async fn messages_of_another_room_are_foreign() {
    let chat = Tally { foreign: Some(768), ..flawless(192, 768) };
    check(CHAT, Speech::Raw, Fault::Leak, chat, Verdict::Passed).await;
}

#[tokio::test]
async fn closed_loop_goes_on_when_an_answer_is_lost() {
    let server = Server::start(Speech::Echo, Fault::Drop).await;
    let outcome = run("echo --pace closed --clients 1 --duration 600ms --drain 30ms", &server.url()).await;
    let Tally { scheduled, sent, lost, .. } = outcome.tally;
    assert_eq!(scheduled, sent);
    assert!(lost > 1 && lost == sent / 10, "{:?}", outcome.tally);
    assert!(outcome.lateness_ms.is_none(), "nothing is late in a closed loop");
}

#[tokio::test]
async fn closed_loop_keeps_below_a_rate() {
    let server = Server::start(Speech::Echo, Fault::Nothing).await;
    let outcome = run("echo --pace closed --rate 50 --clients 2 --duration 400ms", &server.url()).await;
    assert!((1..=20).contains(&outcome.tally.sent), "{:?}", outcome.tally);
    assert_eq!(outcome.tally.lost, 0);
}

#[tokio::test]
async fn closed_loop_keeps_below_its_stages() {
    let server = Server::start(Speech::Echo, Fault::Nothing).await;
    let stages = "echo --pace closed --clients 2 --stage 200ms:0..100 --stage 200ms:50";
    let outcome = run(stages, &server.url()).await;
    assert!((1..=20).contains(&outcome.tally.sent), "{:?}", outcome.tally);
    assert_eq!((outcome.tally.lost, outcome.tally.scheduled), (0, outcome.tally.sent));
}

#[tokio::test]
async fn stall_shows_in_the_latency_from_the_intended_time() {
    let stall = Duration::from_millis(600);
    let server = Server::start(Speech::Echo, Fault::Stall(stall)).await;
    let outcome = run("echo --clients 1 --rate 200 --duration 1s", &server.url()).await;
    assert_eq!(outcome.tally, flawless(200, 200));
    assert!(outcome.latency_ms.unwrap().max >= 599.0);
    assert!(outcome.stalls.iter().any(|stall| stall.for_ms >= 400), "{:?}", outcome.stalls);
}

#[tokio::test]
async fn fanout_has_a_last_receiver_only_when_all_have_the_message() {
    let server = Server::start(Speech::Raw, Fault::Nothing).await;
    let fanout = run(CHAT, &server.url()).await.fanout_ms.unwrap();
    assert!(fanout.first.p50 <= fanout.median.p50 && fanout.median.p50 <= fanout.last.p50);
    let echo = Server::start(Speech::Echo, Fault::Nothing).await;
    assert!(run(ECHO, &echo.url()).await.fanout_ms.is_none());
}
