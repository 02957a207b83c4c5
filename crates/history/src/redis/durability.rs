//! What Redis says about how well it keeps messages.

use std::collections::HashMap;

use hub::Durability;
use redis::aio::MultiplexedConnection;
use redis::{ErrorKind, RedisResult, cmd};

/// Asks for it; managed services do not tell.
///
/// # Errors
///
/// When the connection is lost.
pub(super) async fn read(connection: &mut MultiplexedConnection) -> RedisResult<Durability> {
    let asked = cmd("CONFIG").arg("GET").arg("append*").query_async::<HashMap<String, String>>(connection).await;
    match asked {
        Ok(config) => Ok(judge(&config)),
        Err(error) if matches!(error.kind(), ErrorKind::Server(_) | ErrorKind::Extension) => Ok(Durability::Unknown),
        Err(error) => Err(error),
    }
}

/// How well messages are kept of which each may be at any of several servers.
pub(super) fn weakest(durabilities: impl Iterator<Item = Durability>) -> Durability {
    let strength = |durability: &Durability| match durability {
        Durability::Unknown => 0,
        Durability::Memory => 1,
        Durability::Seconds => 2,
        Durability::Os => 3,
        Durability::Disk => 4,
    };
    durabilities.min_by_key(strength).unwrap_or(Durability::Unknown)
}

fn judge(config: &HashMap<String, String>) -> Durability {
    let is = |key: &str, value| config.get(key).is_some_and(|held| held == value);
    if is("appendonly", "no") {
        return Durability::Memory;
    }
    if !is("appendonly", "yes") {
        return Durability::Unknown;
    }
    match config.get("appendfsync").map(String::as_str) {
        Some("always") => Durability::Disk,
        // While an fsync takes its time, Redis answers before it has written: up to two seconds.
        Some("everysec") => Durability::Seconds,
        Some("no") => Durability::Os,
        _ => Durability::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_redis_says_counts() {
        let judged = |pairs: &[(&str, &str)]| {
            judge(&pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect())
        };
        let on = |fsync| judged(&[("appendonly", "yes"), ("appendfsync", fsync)]);
        assert_eq!(judged(&[("appendonly", "no"), ("appendfsync", "always")]), Durability::Memory);
        assert_eq!([on("always"), on("everysec"), on("no")], [Durability::Disk, Durability::Seconds, Durability::Os]);
        assert_eq!([judged(&[]), on("some day")], [Durability::Unknown; 2]);
    }
}
