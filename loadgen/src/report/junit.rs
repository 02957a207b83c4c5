//! Thresholds as test cases, and the verdict as one more: what CI shows beside its tests.

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use crate::exit::Verdict;
use crate::outcome::Outcome;

pub(super) fn make(outcome: &Outcome) -> std::io::Result<Vec<u8>> {
    let mut suite = TestSuite::new(format!("loadgen {}", outcome.scenario));
    for threshold in &outcome.thresholds {
        let value = threshold.value.map_or("not measured".to_owned(), |value| value.to_string());
        suite.add_test_case(case(&threshold.expression, threshold.passed, &format!("it was {value}")));
    }
    let could_run = matches!(outcome.verdict, Verdict::Passed | Verdict::ThresholdsCrossed);
    let reason = outcome.reason.clone().unwrap_or_else(|| outcome.verdict.to_string());
    suite.add_test_case(case("the load was carried through", could_run, &reason));
    let mut report = Report::new("loadgen");
    report.add_test_suite(suite);
    report.to_string().map(String::into_bytes).map_err(std::io::Error::other)
}

fn case(name: &str, passed: bool, message: &str) -> TestCase {
    let status = if passed {
        TestCaseStatus::success()
    } else {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
        status.set_message(message);
        status
    };
    TestCase::new(name, status)
}
