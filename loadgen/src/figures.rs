//! How a run's intervals and histograms travel in its result.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer as HistogramReader, Serializer as _, V2DeflateSerializer};
use serde::{Deserialize, Serialize, Serializer};

use crate::outcome::{Percentiles, ms, round};
use crate::record::Shard;
use crate::timeline::Interval;

/// One interval of the run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct IntervalFigures {
    /// From the start of the load.
    pub at_s: f64,
    /// How long it was.
    pub for_s: f64,
    /// Messages that left in it.
    pub sent: u64,
    /// New deliveries in it.
    pub received: u64,
    /// What went wrong in it.
    pub errors: u64,
    /// Connections made in it.
    pub connected: u64,
    /// Of the deliveries in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<Percentiles>,
    /// To the last receiver, 99th percentile.
    pub fanout_p99_ms: f64,
    /// The latest that the generator itself was.
    pub lateness_max_ms: f64,
    /// Processor time of the generator.
    pub cpu_s: f64,
    /// Time that its threads had no core.
    pub run_queue_s: f64,
    /// The deliveries' times, to two digits.
    pub histogram: Encoded,
}

/// A histogram that travels in JSON: HdrHistogram, V2 deflated, base64.
#[derive(Debug, Clone)]
pub struct Encoded(pub Histogram<u64>);

impl Serialize for Encoded {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut bytes = Vec::new();
        let written = V2DeflateSerializer::new().serialize(&self.0, &mut bytes);
        written.map_err(serde::ser::Error::custom)?;
        STANDARD.encode(bytes).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Encoded {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = STANDARD.decode(text).map_err(serde::de::Error::custom)?;
        let read = HistogramReader::new().deserialize(&mut &bytes[..]);
        read.map(Self).map_err(serde::de::Error::custom)
    }
}

/// All times of a run, in microseconds.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the figures of the same names explain them")]
pub struct Histograms {
    pub latency: Encoded,
    pub naive_latency: Encoded,
    pub lateness: Encoded,
    pub connect: Encoded,
    pub first: Encoded,
    pub median: Encoded,
    pub last: Encoded,
}

impl Histograms {
    pub(crate) fn of(shard: &Shard) -> Self {
        let encoded = |histogram: &Histogram<u64>| Encoded(histogram.clone());
        Self {
            latency: encoded(&shard.latency),
            naive_latency: encoded(&shard.naive),
            lateness: encoded(&shard.lateness),
            connect: encoded(&shard.connect),
            first: encoded(&shard.first),
            median: encoded(&shard.median),
            last: encoded(&shard.last),
        }
    }
}

impl IntervalFigures {
    pub(crate) fn of(interval: &Interval) -> Self {
        Self {
            at_s: round(interval.at.as_secs_f64()),
            for_s: round(interval.length.as_secs_f64()),
            sent: interval.counts.sent,
            received: interval.counts.received,
            errors: interval.counts.errors,
            connected: interval.counts.connected,
            latency_ms: Percentiles::of(&interval.latency),
            fanout_p99_ms: ms(interval.fanout_p99_us),
            lateness_max_ms: ms(interval.lateness_max_us),
            cpu_s: round(interval.usage.cpu.as_secs_f64()),
            run_queue_s: round(interval.usage.run_queue.as_secs_f64()),
            histogram: Encoded(interval.latency.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_histogram_comes_back_as_it_was() {
        let mut histogram = Histogram::<u64>::new(3).unwrap();
        for value in [1, 1, 20, 3000, 3_600_000_000] {
            histogram.record(value).unwrap();
        }
        for histogram in [histogram, Histogram::new(2).unwrap()] {
            let json = serde_json::to_string(&Encoded(histogram.clone())).unwrap();
            assert_eq!(serde_json::from_str::<Encoded>(&json).unwrap().0, histogram);
        }
        assert!(serde_json::from_str::<Encoded>("\"AAAA\"").is_err());
    }
}
