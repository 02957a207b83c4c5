//! Scenario files: TOML whose keys are the flags of a command, so that a file and a command line
//! mean the same and are checked by the same code.

use std::path::{Path, PathBuf};

use clap::{ArgAction, CommandFactory};
use thiserror::Error;
use toml::{Table, Value};

use crate::cli::Cli;

/// The key that names the command.
const SCENARIO: &str = "scenario";
/// Commands that a file can stand for.
const COMMANDS: [&str; 6] = ["chat", "echo", "image", "soak", "connect", "capacity"];

/// A file that cannot be used.
#[derive(Debug, Error)]
pub enum FileError {
    /// It cannot be read.
    #[error("{}: {source}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// It is not TOML.
    #[error("{}: {source}", path.display())]
    Toml {
        /// Which.
        path: PathBuf,
        /// Where and why not.
        source: toml::de::Error,
    },
    /// It does not say what to do.
    #[error("{}: `scenario` must be one of {}", path.display(), COMMANDS.join(", "))]
    Scenario {
        /// Which.
        path: PathBuf,
    },
    /// A key that the command does not have.
    #[error("{}: unknown key `{key}`; `{scenario}` has {known}", path.display())]
    Key {
        /// Which file.
        path: PathBuf,
        /// Which key.
        key: String,
        /// Of which command.
        scenario: String,
        /// What would do.
        known: String,
    },
    /// A table or a date where a value should be.
    #[error("{}: `{key}` must be a string, a number, a boolean or an array of these", path.display())]
    Kind {
        /// Which file.
        path: PathBuf,
        /// Which key.
        key: String,
    },
}

/// The command line that a file means; `flags` of the caller's command line come behind it and win.
///
/// # Errors
///
/// When the file cannot be used. Values are checked by who parses the command line.
pub fn read(path: &Path, flags: &[String]) -> Result<Vec<String>, FileError> {
    let text = std::fs::read_to_string(path).map_err(|source| FileError::Read { path: path.into(), source })?;
    let mut words = parse(path, &text)?;
    words.extend_from_slice(flags);
    Ok(words)
}

fn parse(path: &Path, text: &str) -> Result<Vec<String>, FileError> {
    let table: Table = text.parse().map_err(|source| FileError::Toml { path: path.into(), source })?;
    let scenario = table.get(SCENARIO).and_then(Value::as_str).filter(|name| COMMANDS.contains(name));
    let scenario = scenario.ok_or_else(|| FileError::Scenario { path: path.into() })?;
    let cli = Cli::command();
    let command = cli.find_subcommand(scenario).expect("COMMANDS lists commands");
    let mut words = vec!["loadgen".to_owned(), scenario.to_owned()];
    for (key, value) in table.iter().filter(|(key, _)| *key != SCENARIO) {
        let long = key.replace('_', "-");
        let Some(argument) = command.get_arguments().find(|argument| argument.get_long() == Some(&long)) else {
            let known: Vec<_> = command.get_arguments().filter_map(clap::Arg::get_long).collect();
            let (key, scenario) = (key.clone(), scenario.to_owned());
            return Err(FileError::Key { path: path.into(), key, scenario, known: known.join(", ") });
        };
        let is_switch = matches!(argument.get_action(), ArgAction::SetTrue);
        let values = match value {
            Value::Array(values) => &values[..],
            one => std::slice::from_ref(one),
        };
        for value in values {
            let word = match value {
                Value::Boolean(true) if is_switch => format!("--{long}"),
                Value::Boolean(false) if is_switch => continue,
                Value::String(text) => format!("--{long}={text}"),
                Value::Integer(number) => format!("--{long}={number}"),
                Value::Float(number) => format!("--{long}={number}"),
                Value::Boolean(value) => format!("--{long}={value}"),
                Value::Datetime(_) | Value::Array(_) | Value::Table(_) => {
                    return Err(FileError::Kind { path: path.into(), key: key.clone() });
                }
            };
            words.push(word);
        }
    }
    Ok(words)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::plan::Plan;

    fn words(text: &str) -> Result<Vec<String>, String> {
        parse(Path::new("load.toml"), text).map_err(|error| error.to_string())
    }

    #[test]
    fn every_key_is_a_flag() {
        let text = r#"
            scenario = "chat"
            clients = 20
            rate = 12.5
            warm_up = "1s"
            others-only = false
            binary = true
            threshold = ["lost==0", "latency: p(99)<50ms"]
        "#;
        let mut found = words(text).unwrap().split_off(2);
        found.sort_unstable();
        let expected = [
            "--binary",
            "--clients=20",
            "--rate=12.5",
            "--threshold=latency: p(99)<50ms",
            "--threshold=lost==0",
            "--warm-up=1s",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_mistake_is_named_with_what_would_do() {
        let check = |text, expected: &str| {
            let error = words(text).unwrap_err();
            assert!(error.contains(expected), "{error}");
        };
        check("rate = 1", "`scenario` must be one of chat");
        check("scenario = 'selftest'", "`scenario` must be one of chat");
        check("scenario = 'chat'\nthresholds = []", "unknown key `thresholds`; `chat` has url, protocol");
        check("scenario = 'chat'\nrate = { from = 1 }", "`rate` must be a string");
        check("scenario = chat", "line 1");
    }

    #[test]
    fn the_command_line_wins_over_the_file() {
        let mut words = words("scenario = 'chat'\nclients = 20\nduration = '1m'").unwrap();
        words.extend(["--clients=3".to_owned()]);
        let plan = Plan::new(Cli::try_parse_from(words).unwrap().into_load().unwrap()).unwrap();
        assert_eq!((plan.clients, plan.schedule.duration().as_secs()), (3, 60));
    }

    #[test]
    fn the_examples_are_plans() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
        let mut count = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|ending| ending == "toml") {
                let words = read(&path, &[]).unwrap();
                // Where results go does not matter here, and must not be touched.
                let words = words.into_iter().filter(|word| {
                    !["json", "html", "junit"].iter().any(|kind| word.starts_with(&format!("--{kind}=")))
                });
                let cli = Cli::try_parse_from(words).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
                if let Some(load) = cli.into_load() {
                    Plan::new(load).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
                }
                count += 1;
            }
        }
        assert!(count >= 4, "{count}");
    }
}
