//! One worker process's part of a load.

use std::str::FromStr;

use thiserror::Error;

/// The part with this number, from 0, of so many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// Its number.
    pub index: u32,
    /// How many there are.
    pub of: u32,
}

/// Not a part of anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a part is written as its number from 0 and how many there are, such as 0/4")]
pub struct ShareError;

impl FromStr for Share {
    type Err = ShareError;

    fn from_str(text: &str) -> Result<Self, ShareError> {
        let (index, of) = text.split_once('/').ok_or(ShareError)?;
        let share = Self { index: index.parse().map_err(|_| ShareError)?, of: of.parse().map_err(|_| ShareError)? };
        if share.index < share.of { Ok(share) } else { Err(ShareError) }
    }
}

impl Share {
    /// All parts of a load that is spread over so many processes.
    pub fn all(of: u32) -> impl Iterator<Item = Self> {
        (0..of).map(move |index| Self { index, of })
    }

    /// Its part of a number: all parts together are the number, and no two differ by more than one.
    #[must_use]
    pub fn part(self, whole: u32) -> u32 {
        whole / self.of + u32::from(self.index < whole % self.of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_the_whole() {
        let parts = |whole| Share::all(3).map(|share| share.part(whole)).collect::<Vec<_>>();
        assert_eq!((parts(10), parts(2), parts(0)), (vec![4, 3, 3], vec![1, 1, 0], vec![0, 0, 0]));
    }

    #[test]
    fn what_is_no_part_is_refused() {
        assert_eq!("1/2".parse(), Ok(Share { index: 1, of: 2 }));
        for text in ["", "1", "2/2", "0/0", "-1/2", "a/b"] {
            assert_eq!(text.parse::<Share>(), Err(ShareError), "{text}");
        }
    }
}
