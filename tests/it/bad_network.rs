//! Whatever the network does, nothing that was acked is lost, and what is said
//! again is said once.

use std::time::Duration;

use tests::fault_proxy::{Fault, FaultProxy};
use tests::resuming::{self, Script, check};
use tests::{TestServer, within_deadline};

const CLIENTS: u64 = 3;

/// Clients behind the fault, and one without, all in one room.
async fn talk_through(fault: Fault, count: u64) -> usize {
    let folder = tempfile::tempdir().unwrap();
    let server = TestServer::in_folder(folder.path()).await;
    let proxy = FaultProxy::start(server.address(), fault).await;
    let clients: Vec<_> = (0..=CLIENTS)
        .map(|client| {
            tokio::spawn(resuming::run(Script {
                addresses: vec![if client == CLIENTS { server.address() } else { proxy.address() }],
                room: "net".to_owned(),
                epoch: None,
                name: format!("client-{client}"),
                count,
                interval: Duration::from_millis(1),
                window: 8,
                patience: Duration::from_secs(2),
                total: count * (CLIENTS + 1),
            }))
        })
        .collect();
    let mut all = Vec::new();
    for client in clients {
        all.push(within_deadline("all that was said", client).await.unwrap());
    }
    check(&all, count);
    let connections = all.iter().map(|seen| seen.connections).sum();
    assert!(all.iter().all(|seen| seen.told_of_holes == 0));
    connections
}

#[tokio::test]
async fn a_slow_network_only_takes_longer() {
    for fault in [Fault::Delay(Duration::from_millis(20)), Fault::OneByte, Fault::Narrow(100_000)] {
        assert_eq!(talk_through(fault, 20).await, 4, "{fault:?}");
    }
}

#[tokio::test]
async fn who_is_cut_off_in_the_middle_of_a_frame_goes_on_from_there() {
    for bytes in [2_001, 3_333] {
        assert!(talk_through(Fault::CutAfter(bytes), 50).await > 10, "{bytes}: it was not cut off");
    }
}

#[tokio::test]
async fn who_is_cut_off_on_the_way_out_says_it_again() {
    assert!(talk_through(Fault::HalfCloseAfter(777), 50).await > 10, "it was not cut off");
}

#[tokio::test]
async fn who_hears_nothing_any_more_comes_back() {
    assert!(talk_through(Fault::BlackHoleAfter(20_000), 60).await > 4, "it was not cut off");
}
