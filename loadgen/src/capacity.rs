//! The highest rate that holds what was asked of it: bisection, repeated, given as an interval.

use std::sync::Arc;

use serde::Serialize;
use thiserror::Error;
use tokio_util::sync::CancellationToken;

use crate::StartError;
use crate::cli::{self, CapacityArgs, TalkArgs};
use crate::exit::{FAILED, GENERATOR_LIMITED, INTERRUPTED, Verdict};
use crate::outcome::Outcome;
use crate::plan::{Plan, PlanError};

/// What is asked when nothing else is.
const THRESHOLD_DEFAULT: &str = "latency: p(99)<100ms";
/// Messages per second at which the first search begins, when nothing else is asked.
const RATE_DEFAULT: f64 = 100.0;
/// How long one rate is tried, when nothing else is asked.
const DURATION_DEFAULT: std::time::Duration = std::time::Duration::from_secs(5);
/// Rates that one search tries, at most: from 1 to a million takes 20 doublings and as many halvings.
const PROBES_MAX: usize = 48;

/// A rate that was tried.
#[derive(Debug, Clone, Serialize)]
pub struct Probe {
    /// Messages per second.
    pub rate: f64,
    /// How it ended.
    pub verdict: Verdict,
    /// The latency's 99th percentile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency_p99_ms: Option<f64>,
    /// Why it did not hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What the searches came to.
#[derive(Debug, Clone, Serialize)]
pub struct Capacity {
    version: u32,
    /// Where.
    pub url: String,
    /// What had to hold.
    pub thresholds: Vec<String>,
    /// The lowest of the found rates.
    pub low: f64,
    /// The highest.
    pub high: f64,
    /// What each search found; 0 when not even the lowest rate held.
    pub found: Vec<f64>,
    /// Whether a search ended at a rate at which the generator was the limit: the server's is higher.
    pub is_generator_limited: bool,
    /// Whether a signal ended the search.
    pub is_interrupted: bool,
    /// Everything that was tried.
    pub probes: Vec<Probe>,
}

/// The search could not be carried through.
#[derive(Debug, Error)]
pub enum CapacityError {
    /// A run makes no sense.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// A run did not begin.
    #[error(transparent)]
    Start(#[from] StartError),
    /// A search is made by one process.
    #[error("--processes: capacity is searched by one process")]
    Processes,
    /// Bounds of the search that make none.
    #[error("--precision {precision} --repeat {repeat}: a precision of 0.1 to 100 per cent, 1 to 100 searches")]
    Bounds {
        /// As given.
        precision: f64,
        /// As given.
        repeat: u32,
    },
}

impl Capacity {
    /// The exit code of the process.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            _ if self.is_interrupted => INTERRUPTED,
            _ if self.high == 0.0 => FAILED,
            _ if self.is_generator_limited => GENERATOR_LIMITED,
            _ => 0,
        }
    }
}

/// Searches; `tell` hears of every rate that was tried.
///
/// # Errors
///
/// When a run cannot be made.
pub async fn search(
    args: &CapacityArgs,
    stop: CancellationToken,
    mut tell: impl FnMut(&Probe),
) -> Result<Capacity, CapacityError> {
    let (precision, repeat) = (args.precision, args.repeat);
    if !(0.1..=100.0).contains(&precision) || !(1..=100).contains(&repeat) {
        return Err(CapacityError::Bounds { precision, repeat });
    }
    if args.talk.processes != 1 {
        return Err(CapacityError::Processes);
    }
    let plan = plan_of(&args.talk, RATE_DEFAULT)?;
    let mut capacity = Capacity {
        version: 1,
        url: plan.url.clone(),
        thresholds: plan.thresholds.iter().map(ToString::to_string).collect(),
        low: 0.0,
        high: 0.0,
        found: Vec::new(),
        is_generator_limited: false,
        is_interrupted: false,
        probes: Vec::new(),
    };
    let mut first = args.talk.load.rate.unwrap_or(RATE_DEFAULT);
    for _ in 0..repeat {
        let mut bracket = Bracket::new(first, 1.0 + precision / 100.0);
        let mut limit = None;
        for _ in 0..PROBES_MAX {
            let Some(rate) = bracket.next() else { break };
            let probe = probe(&args.talk, rate, &stop).await?;
            tell(&probe);
            let holds = probe.verdict == Verdict::Passed;
            if !holds {
                limit = Some(probe.verdict);
            }
            capacity.probes.push(probe);
            if stop.is_cancelled() {
                capacity.is_interrupted = true;
                return Ok(capacity);
            }
            bracket.take(rate, holds);
        }
        capacity.is_generator_limited |= limit == Some(Verdict::GeneratorLimited);
        capacity.found.push(bracket.holds);
        // The next search begins near, and may end above or below.
        first = (bracket.holds * 0.75).max(1.0);
    }
    capacity.low = capacity.found.iter().copied().fold(f64::INFINITY, f64::min);
    capacity.high = capacity.found.iter().copied().fold(0.0, f64::max);
    Ok(capacity)
}

/// Where the limit is between.
#[derive(Debug, Clone, Copy)]
struct Bracket {
    holds: f64,
    fails: Option<f64>,
    next: f64,
    precision: f64,
}

impl Bracket {
    fn new(first: f64, precision: f64) -> Self {
        Self { holds: 0.0, fails: None, next: first, precision }
    }

    /// The rate to try; `None` when the limit is known well enough.
    fn next(&self) -> Option<f64> {
        let is_known = self.fails.is_some_and(|fails| fails <= self.holds * self.precision || fails < 1.0);
        (!is_known).then_some(self.next)
    }

    fn take(&mut self, rate: f64, holds: bool) {
        if holds {
            self.holds = rate;
        } else {
            self.fails = Some(rate);
        }
        self.next = match self.fails {
            None => self.holds * 2.0,
            Some(fails) if self.holds == 0.0 => fails / 2.0,
            // In the middle by ratio, as the precision is one.
            Some(fails) => (self.holds * fails).sqrt(),
        };
    }
}

async fn probe(talk: &TalkArgs, rate: f64, stop: &CancellationToken) -> Result<Probe, CapacityError> {
    let plan = Arc::new(plan_of(talk, rate)?);
    let (outcome, ()) = crate::run(&plan, stop.child_token(), |_| ()).await?;
    let Outcome { verdict, latency_ms, thresholds, reason, .. } = outcome;
    let crossed =
        || thresholds.iter().find(|threshold| !threshold.passed).map(|threshold| threshold.expression.clone());
    Ok(Probe { rate, verdict, latency_p99_ms: latency_ms.map(|ms| ms.p99), reason: reason.or_else(crossed) })
}

fn plan_of(talk: &TalkArgs, rate: f64) -> Result<Plan, PlanError> {
    let mut talk = talk.clone();
    talk.load.rate = Some(rate);
    talk.load.duration.get_or_insert(DURATION_DEFAULT);
    if talk.load.run.thresholds.is_empty() {
        talk.load.run.thresholds.push(THRESHOLD_DEFAULT.to_owned());
    }
    let is_echo = talk.protocol == Some(cli::Protocol::Echo);
    Plan::new(if is_echo { cli::Scenario::Echo(talk) } else { cli::Scenario::Chat(talk) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn search_for(limit: f64, first: f64) -> (f64, usize) {
        let mut bracket = Bracket::new(first, 1.05);
        let mut probes = 0;
        while let Some(rate) = bracket.next() {
            bracket.take(rate, rate <= limit);
            probes += 1;
            assert!(probes <= PROBES_MAX);
        }
        (bracket.holds, probes)
    }

    #[test]
    fn the_limit_is_found_from_below_and_from_above() {
        for (limit, first) in [(1000.0, 100.0), (100.0, 90_000.0), (123_456.0, 1.0), (50.0, 50.0)] {
            let (found, _) = search_for(limit, first);
            assert!(found <= limit && found * 1.05 >= limit, "{found} for {limit}");
        }
    }

    #[test]
    fn a_server_that_holds_nothing_has_no_capacity() {
        assert_eq!(search_for(0.0, 100.0).0, 0.0);
    }
}
