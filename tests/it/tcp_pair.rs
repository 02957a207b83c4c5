//! Talks of two over plain TCP, with clients that receive field by field.

use std::net::SocketAddr;
use std::time::Duration;

use tests::{TcpClient, TestServer, within_deadline};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};

use crate::metrics::value;

/// What such a client receives at once.
const RECV: usize = 2048;

/// Those who have been let in.
const OPEN: &str = r#"negaphone_connections{door="tcp_pair"}"#;

/// Somebody who has said a nick.
struct Talker(TcpClient);

impl Talker {
    async fn come(server: &TestServer, nick: impl AsRef<[u8]>) -> Self {
        let mut client = server.tcp_pair().await;
        client.send(nick).await;
        Self(client)
    }

    /// The other's nick, and who begins.
    async fn introduced(&mut self) -> (String, String) {
        (self.hears().await, self.hears().await)
    }

    async fn says(&mut self, text: impl AsRef<[u8]>) {
        self.0.send(text).await;
    }

    async fn hears(&mut self) -> String {
        self.0.receive(RECV).await
    }
}

async fn pair(server: &TestServer) -> [Talker; 2] {
    let mut ada = Talker::come(server, "ada").await;
    let mut bob = Talker::come(server, "bob").await;
    assert_eq!(ada.introduced().await, ("bob".into(), "1".into()));
    assert_eq!(bob.introduced().await, ("ada".into(), "2".into()));
    [ada, bob]
}

/// A server whose gap between fields is so long.
async fn with_gap(gap: Duration) -> TestServer {
    TestServer::with(|config| config.tcp_pair_gap = gap).await
}

#[tokio::test]
async fn two_talk_in_turns_and_who_came_first_begins() {
    let server = TestServer::start().await;
    let [mut ada, mut bob] = pair(&server).await;
    for number in 0..10 {
        ada.says(format!("{number} blåbær 😀\n")).await;
        assert_eq!(bob.hears().await, format!("{number} blåbær 😀\n"));
        bob.says(format!("{number} <b>&amp;</b>")).await;
        assert_eq!(ada.hears().await, format!("{number} <b>&amp;</b>"));
    }
}

#[tokio::test]
async fn a_message_out_of_turn_waits_for_its_turn() {
    let server = TestServer::start().await;
    let [mut ada, mut bob] = pair(&server).await;
    bob.says("early").await;
    ada.says("one").await;
    assert_eq!(bob.hears().await, "one");
    assert_eq!(ada.hears().await, "early");
    ada.says("two").await;
    assert_eq!(bob.hears().await, "two");
}

#[tokio::test]
async fn nick_and_order_come_apart_also_when_both_are_there_before_they_are_received() {
    // Without a gap it is the mark alone that keeps them apart.
    let server = with_gap(Duration::ZERO).await;
    for late in [0, 1] {
        let mut pair = [Talker::come(&server, "ada").await, Talker::come(&server, "bob").await];
        let expected = [("bob".to_owned(), "1".to_owned()), ("ada".to_owned(), "2".to_owned())];
        // Who has its order is the one who was told last, or the other is told right behind it.
        assert_eq!(pair[1 - late].introduced().await, expected[1 - late]);
        assert_eq!(pair[late].introduced().await, expected[late]);
    }
}

/// Something between client and server that passes on what it receives, and
/// no marks.
async fn relay_to(server: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut server = TcpStream::connect(server).await.unwrap();
                copy_bidirectional(&mut client, &mut server).await.ok();
            });
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_come_apart_through_a_relay_too() {
    // Far more than any machine needs to receive one.
    let server = with_gap(Duration::from_secs(2)).await;
    let relay = relay_to(server.tcp_pair_address()).await;
    let mut pairs = Vec::new();
    for _ in 0..10 {
        let mut pair = [Talker(TcpClient::connect(relay).await), Talker(TcpClient::connect(relay).await)];
        for talker in &mut pair {
            talker.says("nick").await;
        }
        pairs.extend(pair);
    }
    let talks = pairs.into_iter().map(|mut talker| {
        tokio::spawn(async move {
            let (nick, order) = talker.introduced().await;
            assert_eq!(nick, "nick");
            match order.as_str() {
                // Sent at once, while the other has just been told who begins.
                "1" => talker.says("hei").await,
                "2" => assert_eq!(talker.hears().await, "hei"),
                order => panic!("{order:?} is no order"),
            }
            talker
        })
    });
    for talk in talks.collect::<Vec<_>>() {
        talk.await.unwrap();
    }
}

#[tokio::test]
async fn who_comes_one_after_the_other_is_paired_in_that_order() {
    let server = with_gap(Duration::ZERO).await;
    let mut talkers = Vec::new();
    for number in 0..40 {
        talkers.push(Talker::come(&server, format!("n{number}")).await);
    }
    for (number, talker) in talkers.iter_mut().enumerate() {
        let expected = if number % 2 == 0 { (number + 1, "1") } else { (number - 1, "2") };
        assert_eq!(talker.introduced().await, (format!("n{}", expected.0), expected.1.to_owned()));
    }
}

/// Talks ten messages each way; what is heard is the partner's alone.
async fn talk_all(mut talker: Talker, nick: String) -> (String, String) {
    let (partner, order) = talker.introduced().await;
    let begins = order == "1";
    for number in 0..10 {
        if begins {
            talker.says(format!("{nick} {number}")).await;
        }
        assert_eq!(talker.hears().await, format!("{partner} {number}"));
        if !begins {
            talker.says(format!("{nick} {number}")).await;
        }
    }
    (nick, partner)
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_pairs_talk_at_once_and_nobody_hears_anybody_elses_partner() {
    let server = std::sync::Arc::new(TestServer::start().await);
    let talks: Vec<_> = (0..100)
        .map(|number| {
            let (server, nick) = (std::sync::Arc::clone(&server), format!("nick-{number}"));
            tokio::spawn(async move { talk_all(Talker::come(&server, &nick).await, nick).await })
        })
        .collect();
    let mut partners = std::collections::HashMap::new();
    for talk in talks {
        let (nick, partner) = talk.await.unwrap();
        partners.insert(nick, partner);
    }
    for (nick, partner) in &partners {
        assert_eq!(partners.get(partner), Some(nick), "partners are each other's");
    }
}

#[tokio::test]
async fn only_who_has_said_a_nick_becomes_a_partner() {
    let server = TestServer::start().await;
    let silent = server.tcp_pair().await;
    drop(server.tcp_pair().await);
    server.tcp_pair().await.reset();
    for no_nick in ["GET / HTTP/1.1\r\nHost: x\r\n\r\n", "\n", &"x".repeat(65), "\u{16}\u{3}\u{1}hello of TLS"] {
        let mut prober = Talker::come(&server, no_nick).await;
        assert_eq!(prober.hears().await, "", "the end of the stream");
    }
    pair(&server).await;
    drop(silent);
}

#[tokio::test]
async fn who_leaves_while_it_waits_is_nobodys_partner() {
    let server = TestServer::start().await;
    drop(Talker::come(&server, "gone").await);
    Talker::come(&server, "broken").await.0.reset();
    let mut said = Talker::come(&server, "said more").await;
    said.says("and left").await;
    drop(said);
    pair(&server).await;
}

#[tokio::test]
async fn when_one_leaves_the_other_is_told_and_the_stream_ends() {
    let server = TestServer::start().await;
    for (leaves, turns) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
        let mut pair = pair(&server).await.map(Some);
        let nick = ["ada", "bob"][leaves];
        if turns == 1 {
            pair[0].as_mut().unwrap().says("hei").await;
            assert_eq!(pair[1].as_mut().unwrap().hears().await, "hei");
        }
        drop(pair[leaves].take());
        let other = pair[1 - leaves].as_mut().unwrap();
        assert_eq!(other.hears().await, format!("{nick} has left"));
        assert_eq!(other.hears().await, "");
    }
}

#[tokio::test]
async fn last_words_are_heard_before_the_end() {
    let server = TestServer::start().await;
    let [mut ada, mut bob] = pair(&server).await;
    ada.says("bye").await;
    drop(ada);
    assert_eq!(bob.hears().await, "bye");
    // Whoever types an answer to it learns why nobody answers.
    bob.says("bye").await;
    assert_eq!(bob.hears().await, "ada has left");
    assert_eq!(bob.hears().await, "");
}

#[tokio::test]
async fn who_leaves_before_the_order_is_known_is_told_of_too() {
    let server = with_gap(Duration::from_secs(1)).await;
    let ada = Talker::come(&server, "ada").await;
    let mut bob = Talker::come(&server, "bob").await;
    assert_eq!(bob.hears().await, "ada");
    drop(ada);
    assert_eq!(bob.hears().await, "ada has left");
    assert_eq!(bob.hears().await, "");
}

#[tokio::test]
async fn a_long_message_is_cut_between_characters_and_goes_on_in_the_next_turns() {
    let server = TestServer::start().await;
    let [mut ada, mut bob] = pair(&server).await;
    let text = format!("x{}", "å".repeat(2500));
    ada.says(&text).await;
    let mut heard = String::new();
    while heard.len() < text.len() {
        let part = bob.hears().await;
        assert!(part.len() == 2047 || part.len() == 2048 || heard.len() + part.len() == text.len(), "{}", part.len());
        heard += &part;
        bob.says("go on").await;
        assert_eq!(ada.hears().await, "go on");
    }
    assert_eq!(heard, text);
    ada.says("done").await;
    assert_eq!(bob.hears().await, "done");
}

#[tokio::test]
async fn a_message_in_parts_is_one_and_a_character_in_parts_is_waited_for() {
    let server = TestServer::start().await;
    let [mut ada, mut bob] = pair(&server).await;
    for byte in "blåbær".as_bytes() {
        ada.says([*byte]).await;
    }
    assert_eq!(bob.hears().await, "blåbær");
    bob.says(b"sm\xC3").await;
    // Longer than a silence that ends a message, and shorter than the wait for the rest of a character.
    tokio::time::sleep(Duration::from_millis(100)).await;
    bob.says(b"\xB8r").await;
    assert_eq!(ada.hears().await, "smør");
}

#[tokio::test]
async fn bytes_pass_unchanged_in_any_encoding() {
    let server = TestServer::start().await;
    let mut ada = Talker::come(&server, b"\xC5se\r\n").await;
    let mut bob = Talker::come(&server, "b o b 😀").await;
    assert_eq!(ada.introduced().await, ("b o b 😀".into(), "1".into()));
    assert_eq!(bob.0.receive_bytes(RECV).await, b"\xC5se");
    assert_eq!(bob.hears().await, "2");
    let all: Vec<u8> = (0..=255).collect();
    // The last byte begins a character that never goes on.
    for message in [&all[..], b"bl\xE5b\xE6"] {
        ada.says(message).await;
        assert_eq!(bob.0.receive_bytes(RECV).await, message);
        bob.says("next").await;
        assert_eq!(ada.hears().await, "next");
    }
}

#[tokio::test]
async fn a_stop_ends_the_stream_of_everybody() {
    let server = TestServer::start().await;
    let newcomer = server.tcp_pair().await;
    let [ada, bob] = pair(&server).await;
    let waiting = Talker::come(&server, "waiting").await;
    let let_in = async { while value(&server, OPEN).await != Some(4.0) {} };
    within_deadline("the last one at the door", let_in).await;
    // A message out of turn does not turn the end into a reset.
    let mut everybody = [Talker(newcomer), ada, bob, waiting];
    everybody[2].says("out of turn").await;
    server.stop();
    for talker in &mut everybody {
        assert_eq!(talker.hears().await, "");
    }
    within_deadline("the end", server.stopped()).await;
}

#[tokio::test]
async fn the_door_can_be_switched_off() {
    let server = TestServer::with(|config| config.tcp_pair = negaphone::config::TcpDoor::Off).await;
    assert_eq!(server.running().tcp_pair_address(), None);
}

#[tokio::test]
async fn a_nick_has_its_time_and_so_has_waiting() {
    let server = TestServer::bounded(|limits| limits.tcp.pair.nick_wait_max = Duration::from_millis(200)).await;
    let mut silent = server.tcp_pair().await;
    assert_eq!(silent.receive(RECV).await, "");
    let server = TestServer::bounded(|limits| limits.tcp.pair.idle_max = Duration::from_millis(200)).await;
    assert_eq!(Talker::come(&server, "waiting").await.hears().await, "");
}

#[tokio::test]
async fn a_talk_in_which_nobody_says_anything_ends_for_both() {
    let server = TestServer::bounded(|limits| limits.tcp.pair.idle_max = Duration::from_secs(1)).await;
    let mut pair = pair(&server).await;
    for talker in &mut pair {
        assert_eq!(talker.hears().await, "");
    }
}

#[tokio::test]
async fn who_sends_without_end_out_of_turn_is_not_read_and_hurts_nobody() {
    let server = TestServer::start().await;
    let [mut ada, bob] = pair(&server).await;
    // More than the systems at both ends keep.
    let flood = tokio::spawn(async move {
        let mut bob = bob;
        bob.0.send("x".repeat(64 << 20)).await;
    });
    let others = pair(&server).await;
    drop(others);
    ada.says("hei").await;
    // One field a turn, as always.
    for _ in 0..10 {
        assert_eq!(ada.hears().await.len(), RECV);
        ada.says("go on").await;
    }
    assert!(!flood.is_finished());
    flood.abort();
}

#[tokio::test]
async fn without_a_place_there_is_the_end_of_the_stream() {
    let server = TestServer::bounded(|limits| limits.connections.max = 1).await;
    let mut first = Talker::come(&server, "ada").await;
    let mut second = server.tcp_pair().await;
    assert_eq!(second.receive(RECV).await, "");
    drop(second);
    server.stop();
    assert_eq!(first.hears().await, "");
}
