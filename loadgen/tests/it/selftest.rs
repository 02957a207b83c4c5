//! The program proves itself: counts, percentiles, and whom it blames.

use std::process::{Command, Stdio};

/// The one test that asserts times: within 5 % of theory and what the generator itself was late.
#[test]
fn the_program_proves_itself() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_loadgen"));
    let output = command.arg("selftest").stdin(Stdio::null()).output().unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{told}{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!((told.matches('✓').count(), told.matches('✗').count()), (11, 0), "{told}");
}
