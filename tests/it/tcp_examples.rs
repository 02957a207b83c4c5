//! The clients that the documentation of the TCP doors shows, as they stand
//! there, in processes of their own.

use std::net::SocketAddr;
use std::time::Duration;

use rustix::process::Signal;
use tests::{PythonClient, TestServer, within_deadline};

use crate::metrics::value;

const PAIRS: &str = include_str!("../../docs/doors/tcp-pairs.md");
const ROOM: &str = include_str!("../../docs/doors/tcp-room.md");

fn place(address: SocketAddr) -> String {
    format!("(\"{}\", {})", address.ip(), address.port())
}

/// Somebody who has typed a nick.
fn talker(server: &TestServer, nick: &str) -> PythonClient {
    let address = place(server.tcp_pair_address());
    let mut talker = PythonClient::example(PAIRS, &[(r#"("127.0.0.1", 5555)"#, &address)]);
    talker.shows("nick: ");
    talker.types(nick);
    talker
}

async fn until_connected(server: &TestServer, talkers: f64) {
    let connected =
        async { while value(server, r#"negaphone_connections{door="tcp_pair"}"#).await != Some(talkers) {} };
    within_deadline("a connection", connected).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_talk_with_the_client_of_tcp_pairs_and_one_leaves() {
    let server = TestServer::start().await;
    let mut ada = talker(&server, "Åse");
    // Not before the first one is there, so that it begins.
    until_connected(&server, 1.0).await;
    let mut bob = talker(&server, "bob");
    for message in ["blåbær 😀", "<b>&amp;</b>", "q"] {
        ada.shows("> ");
        ada.types(message);
        bob.shows(&format!("Åse: {message}\n"));
        bob.shows("> ");
        bob.types(&format!("re: {message}"));
        ada.shows(&format!("bob: re: {message}\n"));
    }
    ada.signal(Signal::TERM);
    bob.shows("Åse: Åse has left\n");
    bob.types("hallo?");
    assert!(bob.ends().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_process_gets_its_fields_apart_and_holds_up_nobody() {
    // Without a gap it is the mark alone that keeps them apart.
    let server = TestServer::with(|config| config.tcp_pair_gap = Duration::ZERO).await;
    let address = place(server.tcp_pair_address());
    let says_so = ("partner, order", "print('nick sent')\npartner, order");
    let mut late = PythonClient::example(PAIRS, &[(r#"("127.0.0.1", 5555)"#, &address), says_so]);
    late.types("late");
    late.shows("nick sent\n");
    late.signal(Signal::STOP);
    let mut partner = server.tcp_pair().await;
    partner.send("partner").await;
    assert_eq!((partner.receive(2048).await.as_str(), partner.receive(2048).await.as_str()), ("late", "2"));
    // Two others come and talk meanwhile.
    let mut ada = talker(&server, "ada");
    until_connected(&server, 3.0).await;
    let mut bob = talker(&server, "bob");
    ada.shows("> ");
    ada.types("hei");
    bob.shows("ada: hei\n");
    late.signal(Signal::CONT);
    late.shows("> ");
    late.types("here I am");
    assert_eq!(partner.receive(2048).await, "here I am");
    partner.send("at last").await;
    late.shows("partner: at last\n");
}

/// Somebody who has typed a name.
fn member(server: &TestServer, name: &str) -> PythonClient {
    let address = place(server.tcp_room_address());
    let mut member = PythonClient::example(ROOM, &[(r#"("127.0.0.1", 5002)"#, &address)]);
    member.shows("name: ");
    member.types(name);
    member
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_of_the_tcp_room_talk_with_each_other_and_with_a_native_member() {
    let server = TestServer::start().await;
    let mut native = server.native("room=lobby&name=native").await;
    let mut members = Vec::new();
    for name in ["Åse", "bob"] {
        members.push(member(&server, name));
        native.next(&["join"]).await;
    }
    members[0].types("blåbær 😀");
    for member in &mut members {
        member.shows("] Åse: blåbær 😀\u{1b}[39m\n");
    }
    assert_eq!(native.hears().await, "blåbær 😀");
    native.say("hei <b>").await;
    for member in &mut members {
        member.shows("] native: hei <b>\u{1b}[39m\n");
    }
    members[0].types("q");
    assert!(members[0].ends().success());
    native.next(&["leave"]).await;
    members[1].types("still here");
    members[1].shows("] bob: still here\u{1b}[39m\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_class_of_thirty_talks_with_the_client_of_the_tcp_room_and_all_see_one_order() {
    const CLASS: usize = 30;
    let server = TestServer::start().await;
    let mut native = server.native("room=lobby&name=teacher").await;
    let mut class: Vec<_> = (0..CLASS).map(|seat| member(&server, &format!("n{seat}"))).collect();
    for _ in 0..CLASS {
        native.next(&["join"]).await;
    }
    for (seat, member) in class.iter_mut().enumerate() {
        member.types(&format!("hei from {seat} æøå 😀"));
    }
    let mut order = Vec::new();
    while order.len() < CLASS {
        let chat = native.next(&["chat"]).await;
        order.push(format!("] {}: {}\u{1b}[39m", chat["from"].as_str().unwrap(), chat["text"].as_str().unwrap()));
    }
    for member in &mut class {
        for line in &order {
            member.shows(line);
        }
    }
}
