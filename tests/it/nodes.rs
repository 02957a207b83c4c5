//! Several nodes over one Redis.

use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tests::fault_proxy::{Fault, FaultProxy};
use tests::resuming::{self, Script, check};
use tests::{
    DEADLINE, NativeClient, RedisCluster, RedisServer, ServerProcess, TestServer, lasting_address, within_deadline,
};

use crate::images::png;

fn redis() -> (RedisServer, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    (RedisServer::start(folder.path(), lasting_address(), &[]), folder)
}

async fn nodes<const N: usize>(redis: &RedisServer) -> [TestServer; N] {
    let mut nodes = Vec::new();
    for _ in 0..N {
        nodes.push(TestServer::over(&redis.url()).await);
    }
    nodes.try_into().expect("as many")
}

async fn acked(client: &mut NativeClient, id: &str) -> u64 {
    client.send(json!({"type": "chat", "text": id, "id": id})).await;
    client.next(&["ack"]).await["offset"].as_u64().unwrap()
}

/// Who says what where, until so many have been heard.
async fn hear(client: &mut NativeClient, count: usize) -> Vec<(u64, String)> {
    let mut heard = Vec::new();
    while heard.len() < count {
        let chat = client.next(&["chat"]).await;
        heard.push((chat["offset"].as_u64().unwrap(), format!("{} {}", chat["from"], chat["text"])));
    }
    heard
}

/// What was said at that offset; what comes before is passed over.
async fn hear_up_to(client: &mut NativeClient, offset: u64) -> String {
    loop {
        if let Some((_, said)) = hear(client, 1).await.pop().filter(|(at, _)| *at == offset) {
            return said;
        }
    }
}

async fn nodes_see_one_order_and_each_sender_in_its_own(nodes: &[TestServer]) {
    const EACH: usize = 200;
    let mut clients = Vec::new();
    for (number, node) in nodes.iter().chain(nodes).enumerate() {
        clients.push(node.native(&format!("room=n&name=client-{number}")).await);
    }
    let total = EACH * clients.len();
    let talks = clients.into_iter().map(|mut client| {
        tokio::spawn(async move {
            for number in 1..=EACH {
                client.say(&number.to_string()).await;
            }
            hear(&mut client, total).await
        })
    });
    let mut pages = Vec::new();
    for talk in talks.collect::<Vec<_>>() {
        pages.push(within_deadline("all that was said", talk).await.unwrap());
    }
    assert!(pages[0].iter().map(|(offset, _)| *offset).eq(1..=total as u64), "holes or repeats");
    for page in &pages {
        assert_eq!(page, &pages[0]);
    }
    for number in 0..pages.len() {
        let own = pages[0].iter().filter_map(|(_, said)| said.strip_prefix(&format!("\"client-{number}\" ")));
        assert!(own.eq((1..=EACH).map(|number| format!("\"{number}\""))), "a sender's messages are out of order");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn three_nodes_see_one_order() {
    let (redis, _folder) = redis();
    nodes_see_one_order_and_each_sender_in_its_own(&nodes::<3>(&redis).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_over_a_cluster_see_one_order() {
    let folder = tempfile::tempdir().unwrap();
    let cluster = tokio::task::block_in_place(|| RedisCluster::start(folder.path()));
    let nodes = [TestServer::over(&cluster.url()).await, TestServer::over(&cluster.url()).await];
    nodes_see_one_order_and_each_sender_in_its_own(&nodes).await;
}

#[tokio::test]
async fn who_comes_back_at_another_node_misses_nothing_and_is_known() {
    let (redis, _folder) = redis();
    let [one, other] = nodes(&redis).await;
    let mut ada = one.native("room=n&name=ada").await;
    for number in 1..=80 {
        assert_eq!(acked(&mut ada, &format!("m{number}")).await, number);
    }
    let session = ada.welcome["session"].as_str().unwrap();
    let mut back = other.native(&format!("room=n&session={session}&{}", ada.position(10))).await;
    assert_eq!((&back.welcome["recovered"], &back.welcome["head"]), (&json!(true), &json!(80)));
    assert_eq!(back.welcome["durability"], "disk");
    assert!(hear(&mut back, 70).await.into_iter().map(|(offset, _)| offset).eq(11..=80));
    assert_eq!(acked(&mut back, "m80").await, 80);
    assert_eq!(acked(&mut back, "m81").await, 81);
    hear_up_to(&mut ada, 81).await;
    // A node where nobody is has it, too.
    let page = TestServer::over(&redis.url()).await.http().get("/rooms/n/messages?limit=1", &[]).await.json();
    assert_eq!((&page["head"], &page["messages"][0]["offset"]), (&json!(81), &json!(81)));
}

#[tokio::test]
async fn members_who_came_before_the_first_message_agree_on_the_epoch() {
    let (redis, _folder) = redis();
    let [one, other] = nodes(&redis).await;
    let (mut ada, mut bob) = (one.native("room=n&name=ada").await, other.native("room=n&name=bob").await);
    assert_eq!(ada.welcome["epoch"], bob.welcome["epoch"]);
    assert_eq!(acked(&mut ada, "a").await, 1);
    assert_eq!(hear(&mut bob, 1).await[0].0, 1);
    assert_eq!(acked(&mut bob, "b").await, 2);
    assert_eq!(hear_up_to(&mut ada, 2).await, "\"bob\" \"b\"");
}

#[tokio::test]
async fn a_shared_negative_is_found_from_any_node() {
    let (redis, _folder) = redis();
    let [one, other] = nodes(&redis).await;
    let mut bob = other.native("room=n&name=bob").await;
    let shared = one.http().post("/rooms/n/images?name=ada", &[], png(1)).await;
    assert_eq!(shared.status, 201);
    let url = bob.next(&["image"]).await["url"].as_str().unwrap().to_owned();
    let (here, there) = (one.http().get(&url, &[]).await, other.http().get(&url, &[]).await);
    assert_eq!((there.status, there.header("content-type"), &there.body), (200, "image/png", &here.body));
}

async fn until_members(client: &mut NativeClient, kind: &str, members: u64) {
    while client.next(&[kind]).await["members"] != members {}
}

#[tokio::test(flavor = "multi_thread")]
async fn members_of_all_nodes_are_counted_and_those_of_a_dead_one_no_more() {
    let (redis, _folder) = redis();
    let [one] = nodes(&redis).await;
    let mut ada = one.native("room=n&name=ada").await;
    let dying = tokio::task::block_in_place(|| ServerProcess::start_over(&redis.url()));
    let url = |name: &str| format!("ws://{}/ws?room=n&name={name}", dying.address());
    let mut bob = NativeClient::join(tests::WsClient::connect(&url("bob")).await).await;
    until_members(&mut ada, "join", 2).await;
    until_members(&mut bob, "join", 2).await;
    dying.signal(rustix::process::Signal::KILL);
    // Its word holds for 15 seconds.
    until_members(&mut ada, "leave", 1).await;
}

#[tokio::test]
async fn a_node_without_redis_keeps_its_connections_refuses_messages_and_recovers() {
    let (mut redis, _folder) = redis();
    let [one, other] = nodes(&redis).await;
    let (mut ada, mut bob) = (one.native("room=n&name=ada").await, other.native("room=n&name=bob").await);
    assert_eq!(acked(&mut ada, "before").await, 1);
    redis.kill();
    ada.send(json!({"type": "chat", "text": "lost", "id": "lost"})).await;
    assert_eq!(ada.next(&["ack", "error"]).await["code"], "store_down");
    let posted = one.http().post_json("/rooms/n/messages", &json!({"name": "eve", "text": "hei"})).await;
    assert_eq!((posted.status, &posted.json()["error"]["code"]), (503, &json!("store_down")));
    let ready = one.http().get("/health/ready", &[]).await;
    assert_eq!((ready.status, &ready.json()["status"]), (503, &json!("store_down")));
    redis.start_again();
    let begin = tokio::time::Instant::now();
    loop {
        ada.send(json!({"type": "chat", "text": "after", "id": "after"})).await;
        if ada.next(&["ack", "error"]).await["offset"] == 2 {
            break;
        }
        assert!(begin.elapsed() < DEADLINE, "it does not recover");
        // Nothing tells when: it is looked again, within a deadline.
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let heard = hear(&mut bob, 2).await;
    assert_eq!(
        heard.iter().map(|(_, said)| said.as_str()).collect::<Vec<_>>(),
        ["\"ada\" \"before\"", "\"ada\" \"after\""]
    );
    assert_eq!(one.http().get("/health/ready", &[]).await.json()["status"], "ready");
}

#[tokio::test]
async fn when_redis_has_lost_everything_members_come_back_and_are_told() {
    let (redis, _folder) = redis();
    let [one, other] = nodes(&redis).await;
    let (mut ada, mut bob) = (one.native("room=n&name=ada").await, other.native("room=n&name=bob").await);
    for number in 1..=5 {
        assert_eq!(acked(&mut ada, &format!("m{number}")).await, number);
    }
    hear(&mut bob, 5).await;
    assert_eq!(redis.ask("FLUSHALL"), "+OK\r\n");
    for client in [&mut ada, &mut bob] {
        assert_eq!(client.closed().await, Some(1012));
    }
    let mut back = other.native(&format!("room=n&{}", bob.position(5))).await;
    assert_eq!(back.welcome["recovered"], false);
    assert_eq!(back.welcome["epoch"], format!("{}.1", ada.welcome["epoch"].as_str().unwrap()));
    assert_eq!(acked(&mut back, "m6").await, 6);
    let again = one.native(&format!("room=n&{}", back.position(5))).await;
    assert_eq!(again.welcome["recovered"], true);
}

#[tokio::test]
async fn a_silent_subscription_is_found_by_comparing_positions() {
    let (redis, _folder) = redis();
    let [one, other] = nodes(&redis).await;
    let (mut ada, mut bob) = (one.native("room=n&name=ada").await, other.native("room=n&name=bob").await);
    assert_eq!(acked(&mut ada, "heard").await, 1);
    hear(&mut bob, 1).await;
    // What is told on the channel is taken for what was said at this node itself, and so left aside.
    let forged = "EVAL \"redis.call('XADD', KEYS[1], '2-0', 't', '1', 'b', '1', 'm', redis.call('XRANGE', KEYS[1], '-', \
                  '+')[1][2][6]) return redis.call('HSET', KEYS[2], 'head', 2)\" 2 negaphone:1:{n}:messages \
                  negaphone:1:{n}:room";
    assert_eq!(redis.ask(forged), ":0\r\n");
    assert_eq!(hear(&mut bob, 1).await, [(2, "\"ada\" \"heard\"".to_owned())]);
    hear_up_to(&mut ada, 2).await;
}

/// Clients of two nodes, one of which reaches Redis through a bad network; how
/// often that one had to connect.
async fn talk_while_redis_is_reached_through(fault: Fault, count: u64) -> usize {
    let (redis, _folder) = redis();
    let proxy = FaultProxy::start(redis.address(), fault).await;
    let (good, bad) =
        (TestServer::over(&redis.url()).await, TestServer::over(&format!("redis://{}", proxy.address())).await);
    let epoch = good.native("room=net").await.welcome["epoch"].as_str().map(str::to_owned);
    let clients: Vec<_> = (0..4)
        .map(|client| {
            tokio::spawn(resuming::run(Script {
                addresses: vec![if client % 2 == 0 { good.address() } else { bad.address() }],
                room: "net".to_owned(),
                epoch: epoch.clone(),
                name: format!("client-{client}"),
                count,
                interval: Duration::from_millis(1),
                window: 8,
                patience: Duration::from_secs(5),
                total: count * 4,
            }))
        })
        .collect();
    let mut all = Vec::new();
    for client in clients {
        all.push(within_deadline("all that was said", client).await.unwrap());
    }
    check(&all, count);
    assert!(all.iter().all(|seen| seen.told_of_holes == 0));
    proxy.connections()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_network_to_redis_only_takes_longer() {
    for fault in [Fault::Delay(Duration::from_millis(20)), Fault::OneByte, Fault::Narrow(100_000)] {
        assert_eq!(talk_while_redis_is_reached_through(fault, 20).await, 1, "{fault:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_cut_off_from_redis_goes_on_from_there() {
    for fault in [Fault::CutAfter(9_001), Fault::HalfCloseAfter(15_001)] {
        assert!(talk_while_redis_is_reached_through(fault, 200).await > 1, "{fault:?} was not felt");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_whose_redis_is_silent_connects_again() {
    assert!(talk_while_redis_is_reached_through(Fault::BlackHoleAfter(12_000), 100).await > 1, "it was not felt");
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_is_reached_by_tls_with_a_password_and_not_where_its_certificate_is_not_trusted() {
    let folder = tempfile::tempdir().unwrap();
    let own = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("cert.pem"), own.cert.pem()).unwrap();
    std::fs::write(path("key.pem"), own.signing_key.serialize_pem()).unwrap();
    let port = lasting_address().port().to_string();
    let (cert, key) = (path("cert.pem"), path("key.pem"));
    let (cert, key) = (cert.to_str().unwrap(), key.to_str().unwrap());
    let tls = ["--tls-port", &port, "--tls-cert-file", cert, "--tls-key-file", key, "--tls-auth-clients", "no"];
    let options = [&tls[..], &["--requirepass", "secret"]].concat();
    let _redis = RedisServer::start(folder.path(), lasting_address(), &options);
    let url = format!("rediss://:secret@127.0.0.1:{port}");
    let node = tokio::task::block_in_place(|| ServerProcess::start_trusting(folder.path(), &url));
    let url_of_node = format!("ws://{}/ws?room=n", node.address());
    let mut ada = NativeClient::join(tests::WsClient::connect(&url_of_node).await).await;
    assert_eq!(acked(&mut ada, "m1").await, 1);
    let mut config = TestServer::config();
    config.history = negaphone::config::History::Redis { url: url.parse().unwrap() };
    let error = within_deadline("an error", Box::pin(negaphone::start(config))).await.unwrap_err().to_string();
    assert!(error.contains("certificate") && !error.contains("secret"), "{error}");
}

#[tokio::test]
async fn a_polling_session_is_at_one_node_and_the_others_say_so() {
    let (redis, _folder) = redis();
    let [one, other] = nodes(&redis).await;
    let opened = one.http().get("/socket.io/?EIO=4&transport=polling", &[]).await;
    let open: Value = serde_json::from_slice(&opened.body[1..]).unwrap();
    let path = format!("/socket.io/?EIO=4&transport=polling&sid={}", open["sid"].as_str().unwrap());
    let refused = other.http().get(&path, &[]).await;
    assert_eq!((refused.status, &refused.json()["code"]), (400, &json!(1)));
    assert!(refused.json()["message"].as_str().unwrap().contains("another node"), "{}", refused.json());
    let unknown = other.http().get("/socket.io/?EIO=4&transport=polling&sid=x", &[]).await;
    assert_eq!(unknown.json()["message"], "Session ID unknown");
}
