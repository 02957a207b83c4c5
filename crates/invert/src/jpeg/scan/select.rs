//! Which bit is the n-th that is set.

/// A way to find it.
pub(super) trait NthOne: Copy {
    /// The `n`-th one of `ones`, from the lowest and from zero, alone; zero
    /// where there are not so many.
    fn nth_one(self, ones: u64, n: u32) -> u64;
}

/// What every processor can.
#[derive(Debug, Clone, Copy)]
pub(super) struct Portable;

impl NthOne for Portable {
    #[inline(always)]
    fn nth_one(self, mut ones: u64, n: u32) -> u64 {
        for _ in 0..n {
            ones &= ones.wrapping_sub(1);
        }
        ones & ones.wrapping_neg()
    }
}

/// Work that is compiled once for each way.
pub(super) trait Task {
    type Output;
    fn run<N: NthOne>(self, way: N) -> Self::Output;
}
