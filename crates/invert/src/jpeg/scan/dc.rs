//! Differences of mean values: their categories and bits (T.81 F.1.2.1).

/// Bits of the magnitude: the category of a difference.
pub(in crate::jpeg) fn category(difference: i32) -> u32 {
    i32::BITS - difference.unsigned_abs().leading_zeros()
}

/// The magnitude bits of a difference.
pub(in crate::jpeg) fn magnitude(difference: i32) -> u32 {
    let below_zero = if difference < 0 { difference - 1 } else { difference };
    below_zero.cast_unsigned() & ((1 << category(difference)) - 1)
}

/// The difference that `size` magnitude bits stand for (T.81 F.2.2.1, EXTEND).
pub(in crate::jpeg) fn extend(magnitude: u32, size: u32) -> i32 {
    let value = magnitude.cast_signed();
    if size > 0 && magnitude >> (size - 1) == 0 { value - (1 << size) + 1 } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_become_the_difference_that_they_were_made_of() {
        for difference in -2048..=2048 {
            assert_eq!(extend(magnitude(difference), category(difference)), difference);
        }
        assert_eq!([0, 1, -1, 2, -3, 255, -256].map(category), [0, 1, 1, 2, 2, 8, 9]);
        assert_eq!(magnitude(-5), 0b010);
    }
}
