//! Who may change which bytes of a file.

use std::ops::Range;

use crate::error::InvertError;

use super::directory::damaged;

/// Ranges that are changed, and ranges that must not change with them.
#[derive(Debug)]
pub(super) struct Claims {
    own: Vec<Range<usize>>,
    together: Vec<Range<usize>>,
    shared: Vec<Range<usize>>,
}

impl Claims {
    pub(super) fn new(header: Range<usize>) -> Self {
        Self { own: vec![header], together: Vec::new(), shared: Vec::new() }
    }

    /// Nobody else has any of these bytes.
    pub(super) fn own(&mut self, range: Range<usize>) {
        self.own.push(range);
    }

    /// As for [`own`](Self::own), except for others that have just the same
    /// range and change it in the same way.
    pub(super) fn own_together(&mut self, range: Range<usize>) {
        self.together.push(range);
    }

    /// Others may read the same bytes.
    pub(super) fn share(&mut self, range: Range<usize>) {
        self.shared.push(range);
    }

    pub(super) fn check(self) -> Result<(), InvertError> {
        let Self { mut own, mut together, shared } = self;
        together.sort_by_key(|range| (range.start, range.end));
        together.dedup();
        own.append(&mut together);
        own.retain(|range| !range.is_empty());
        own.sort_by_key(|range| range.start);
        let overlap = |at| Err(damaged("parts that overlap", at));
        if let Some(pair) = own.windows(2).find(|pair| pair[1].start < pair[0].end) {
            return overlap(pair[1].start);
        }
        for range in shared.iter().filter(|range| !range.is_empty()) {
            // The first one that ends behind the start is the only one that may begin before the end.
            let at = own.partition_point(|owned| owned.end <= range.start);
            if own.get(at).is_some_and(|owned| owned.start < range.end) {
                return overlap(range.start);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Start and end.
    type Ends = (usize, usize);

    fn check(own: &[Ends], together: &[Ends], shared: &[Ends], expected: bool) {
        let mut claims = Claims::new(0..8);
        own.iter().for_each(|&(start, end)| claims.own(start..end));
        together.iter().for_each(|&(start, end)| claims.own_together(start..end));
        shared.iter().for_each(|&(start, end)| claims.share(start..end));
        assert_eq!(claims.check().is_ok(), expected, "{own:?} {together:?} {shared:?}");
    }

    #[test]
    fn what_changes_belongs_to_one_owner() {
        check(&[(8, 20), (20, 30)], &[], &[(30, 40), (35, 45)], true);
        check(&[(7, 20)], &[], &[], false);
        check(&[(8, 20), (19, 30)], &[], &[], false);
        check(&[(8, 20), (8, 20)], &[], &[], false);
        check(&[(20, 30)], &[(8, 12), (8, 12)], &[], true);
        check(&[(20, 30)], &[(8, 12), (8, 14)], &[], false);
        check(&[(20, 30)], &[], &[(10, 21)], false);
        check(&[(20, 30)], &[], &[(29, 30)], false);
        check(&[(20, 20)], &[], &[(10, 30)], true);
    }
}
