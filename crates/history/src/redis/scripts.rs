//! The scripts that Redis runs.

use redis::aio::MultiplexedConnection;
use redis::{Cmd, RedisResult, cmd};
use sha1::{Digest, Sha1};

/// One that Redis knows by its digest.
#[derive(Debug)]
pub(super) struct Script {
    code: String,
    digest: String,
}

/// All of them.
#[derive(Debug)]
pub(super) struct Scripts {
    pub(super) append: Script,
    pub(super) check: Script,
    pub(super) put_blob: Script,
}

impl Scripts {
    pub(super) fn new() -> Self {
        let settle = include_str!("settle.lua");
        Self {
            append: Script::new(format!("{settle}\n{}", include_str!("append.lua"))),
            check: Script::new(format!("{settle}\n{}", include_str!("check.lua"))),
            put_blob: Script::new(include_str!("put_blob.lua").to_owned()),
        }
    }

    /// Makes them known.
    pub(super) async fn load(&self, connection: &mut MultiplexedConnection) -> RedisResult<()> {
        for script in [&self.append, &self.check, &self.put_blob] {
            cmd("SCRIPT").arg("LOAD").arg(&script.code).exec_async(connection).await?;
        }
        Ok(())
    }
}

impl Script {
    fn new(code: String) -> Self {
        let digest = Sha1::digest(&code).iter().map(|byte| format!("{byte:02x}")).collect();
        Self { code, digest }
    }

    /// Runs it; its arguments follow.
    pub(super) fn run(&self, keys: &[String]) -> Cmd {
        let mut command = cmd("EVALSHA");
        command.arg(&self.digest).arg(keys.len()).arg(keys);
        command
    }
}
