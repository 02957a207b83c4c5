//! What the store in memory keeps beside the contract.

use std::time::Duration;

use history::{MemoryLimits, MemoryStore};

use crate::fixture::{append, head, outcomes};

#[tokio::test(start_paused = true)]
async fn unused_rooms_are_forgotten() {
    let store = MemoryStore::new(MemoryLimits::default());
    outcomes(&store, vec![append("a", "m", None)]).await;
    tokio::time::advance(Duration::from_secs(3599)).await;
    outcomes(&store, vec![append("b", "m", None)]).await;
    assert!(head(&store, "a").await.is_some());
    tokio::time::advance(Duration::from_secs(61)).await;
    outcomes(&store, vec![append("b", "m", None)]).await;
    assert_eq!(head(&store, "a").await, None);
}

#[tokio::test(start_paused = true)]
async fn when_memory_is_spent_the_rooms_unused_for_longest_go_first() {
    let store = MemoryStore::new(MemoryLimits { total_max_bytes: 10_000, ..MemoryLimits::default() });
    for name in ["a", "b", "c", "d"] {
        tokio::time::advance(Duration::from_secs(1)).await;
        outcomes(&store, vec![append(name, &"x".repeat(3000), None)]).await;
    }
    let mut held = Vec::new();
    for name in ["a", "b", "c", "d"] {
        held.push(head(&store, name).await.is_some());
    }
    assert_eq!(held, [false, false, true, true]);
}

#[tokio::test]
async fn rooms_used_at_the_same_moment_do_not_all_go_at_once() {
    let store = MemoryStore::new(MemoryLimits { total_max_bytes: 10_000, ..MemoryLimits::default() });
    let batch = ["a", "b", "c", "d"].map(|name| append(name, &"x".repeat(3000), None)).to_vec();
    outcomes(&store, batch).await;
    let mut held = 0;
    for name in ["a", "b", "c", "d"] {
        held += usize::from(head(&store, name).await.is_some());
    }
    assert_eq!(held, 2);
}
