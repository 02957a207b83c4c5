//! What cargo has built, by its own word.

use std::path::PathBuf;

use anyhow::{Context, Result};
use cargo_metadata::Message;
use xshell::Cmd;

use crate::step;

/// Runs a `cargo build` and returns where the programs that it names are.
///
/// # Errors
///
/// When the build fails or one of `programs` is not among what was built.
pub(crate) fn build<const N: usize>(build: Cmd<'_>, programs: [&str; N]) -> Result<[PathBuf; N]> {
    let messages = step::read(build.args(["--message-format", "json-render-diagnostics"]))?;
    let mut paths = [const { PathBuf::new() }; N];
    for (path, program) in paths.iter_mut().zip(programs) {
        *path = executable(&messages, program)?.with_context(|| format!("cargo built no program {program}"))?;
    }
    Ok(paths)
}

/// Finds a program among cargo's messages, one JSON object a line.
fn executable(messages: &str, program: &str) -> Result<Option<PathBuf>> {
    for message in Message::parse_stream(messages.as_bytes()) {
        let Message::CompilerArtifact(artifact) = message.context("cargo's messages cannot be read")? else { continue };
        // The unit tests of a program are an executable of the same name.
        if artifact.target.name == program
            && (artifact.target.is_bin() || artifact.target.is_example())
            && !artifact.profile.test
        {
            return Ok(artifact.executable.map(Into::into));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn artifact(kind: &str, name: &str, test: bool, executable: &str) -> String {
        format!(
            r#"{{"reason":"compiler-artifact","package_id":"p","manifest_path":"/p/Cargo.toml",
            "target":{{"kind":["{kind}"],"crate_types":["{kind}"],"name":"{name}","src_path":"/p/src","edition":"2024",
            "doc":true,"doctest":false,"test":true}},
            "profile":{{"opt_level":"0","debuginfo":2,"debug_assertions":true,"overflow_checks":true,"test":{test}}},
            "features":[],"filenames":[],"executable":{executable},"fresh":true}}"#
        )
        .replace('\n', "")
    }

    #[test]
    fn the_program_is_found_beside_its_library_and_its_tests() {
        let messages = [
            artifact("lib", "server", false, "null"),
            artifact("bin", "server", true, r#""/t/deps/server-1""#),
            artifact("bin", "other", false, r#""/t/other""#),
            artifact("bin", "server", false, r#""/t/server""#),
        ]
        .join("\n");
        assert_eq!(executable(&messages, "server").unwrap(), Some(PathBuf::from("/t/server")));
        assert_eq!(executable(&messages, "another").unwrap(), None);
    }
}
