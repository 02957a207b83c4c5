//! Whether what a server holds may be less than what was acked.
//!
//! A replica that took over may lack the last of it, and so may a server that
//! was started again and does not write to the disk before it answers. Neither
//! says so. But each is another *lineage*, which is noted with every room: a
//! room that comes under another one begins a new life, so that no offset is
//! used twice in one, whoever asks first.

use std::collections::HashMap;
use std::sync::Arc;

use hub::Durability;
use redis::aio::MultiplexedConnection;
use redis::{ErrorKind, RedisResult, cmd};

/// Which server this is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Identity {
    /// Another one after each start; empty, where it is not told.
    pub(super) run_id: Arc<str>,
    /// Empty, where nothing can have been lost. A script asks again before it
    /// believes that it has changed.
    pub(super) lineage: Arc<str>,
}

/// Asks it.
///
/// # Errors
///
/// When the connection is lost.
pub(super) async fn read(connection: &mut MultiplexedConnection, durability: Durability) -> RedisResult<Identity> {
    match cmd("INFO").arg("server").arg("replication").query_async::<String>(connection).await {
        Ok(info) => Ok(judge(&info, durability)),
        // Who may not ask learns of a loss from nodes that have seen more.
        Err(error) if matches!(error.kind(), ErrorKind::Server(_) | ErrorKind::Extension) => Ok(judge("", durability)),
        Err(error) => Err(error),
    }
}

fn judge(info: &str, durability: Durability) -> Identity {
    let fields: HashMap<_, _> = info.lines().filter_map(|line| line.split_once(':')).collect();
    let field = |name| fields.get(name).copied().unwrap_or_default();
    // Redis replication, "Replication ID explained": the second id is that of the master that was replaced.
    let has_taken_over = !field("master_replid2").trim_start_matches('0').is_empty();
    let lineage = match durability {
        _ if has_taken_over => field("master_replid"),
        Durability::Disk => "",
        Durability::Memory | Durability::Os | Durability::Seconds | Durability::Unknown => field("run_id"),
    };
    Identity { run_id: field("run_id").into(), lineage: lineage.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_taken_over_or_may_forget_is_another_lineage() {
        let info = |second: &str| {
            format!("# Server\r\nrun_id:run\r\n# Replication\r\nmaster_replid:first\r\nmaster_replid2:{second}\r\n")
        };
        let lineage = |info: &str, durability| judge(info, durability).lineage.to_string();
        let (own, taken_over) = (info("0000"), info("00a0"));
        assert_eq!(lineage(&own, Durability::Disk), "");
        assert_eq!(lineage(&taken_over, Durability::Disk), "first");
        for forgetful in [Durability::Memory, Durability::Os, Durability::Seconds, Durability::Unknown] {
            assert_eq!([lineage(&own, forgetful), lineage(&taken_over, forgetful)], ["run", "first"]);
        }
        assert_eq!(lineage("", Durability::Unknown), "");
    }
}
