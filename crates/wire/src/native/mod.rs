//! JSON of the native door: commands come in, [`Message`]s go out.

mod command;
mod message;
#[cfg(test)]
mod tests;

pub use command::{Command, CommandError, NativeLimits, check_data, parse};
pub use message::Message;
