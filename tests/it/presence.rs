//! Who is there.

use tests::TestServer;

#[tokio::test]
async fn native_members_are_told_who_comes_and_goes_at_any_door() {
    let server = TestServer::start().await;
    let mut ada = server.native("room=p&name=ada").await;
    assert_eq!(ada.welcome["members"], 1);
    let bob = server.native("room=p&name=bob").await;
    assert_eq!(bob.welcome["members"], 2);
    let join = ada.next(&["join"]).await;
    assert_eq!((join["name"].as_str(), join["members"].as_u64()), (Some("bob"), Some(2)));
    let raw = server.ws("/ws/raw/p").await;
    assert_eq!(ada.next(&["join"]).await["members"], 3);
    drop(bob);
    let leave = ada.next(&["leave"]).await;
    assert_eq!((leave["name"].as_str(), leave["members"].as_u64()), (Some("bob"), Some(2)));
    raw.close().await;
    assert_eq!(ada.next(&["leave"]).await["members"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_count_is_right_after_a_thousand_comings_and_goings() {
    let server = TestServer::start().await;
    let mut watcher = server.native("room=p&name=watcher").await;
    for round in 0..20 {
        let mut crowd = Vec::new();
        for number in 0..50 {
            crowd.push(server.native(&format!("room=p&name=m{round}-{number}")).await);
        }
        drop(crowd);
    }
    let (mut joins, mut leaves) = (0, 0);
    let last = loop {
        let told = watcher.next(&["join", "leave"]).await;
        if told["type"] == "join" {
            joins += 1
        } else {
            leaves += 1
        }
        if leaves == 1000 {
            break told;
        }
    };
    assert_eq!((joins, last["members"].as_u64()), (1000, Some(1)));
    assert_eq!(server.native("room=p").await.welcome["members"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_room_is_told_a_count_from_time_to_time() {
    let server = TestServer::start().await;
    let mut watcher = server.native("room=p&name=watcher").await;
    let mut crowd = Vec::new();
    for number in 0..300 {
        crowd.push(server.native(&format!("room=p&name=m{number}")).await);
    }
    let mut told = 0;
    loop {
        let join = watcher.next(&["join"]).await;
        told += 1;
        if join["members"] == 301 {
            assert!(join.get("name").is_none());
            break;
        }
    }
    assert!(told < 150, "{told} messages for 300 comings");
}

#[tokio::test]
async fn comings_and_goings_are_not_stored() {
    let server = TestServer::start().await;
    let mut ada = server.native("room=p&name=ada").await;
    drop(server.native("room=p&name=bob").await);
    ada.next(&["leave"]).await;
    ada.say("hei").await;
    assert_eq!(ada.next(&["chat"]).await["offset"], 1);
}
