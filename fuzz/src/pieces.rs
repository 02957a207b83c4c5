//! Bytes as a connection may deliver them.

/// Cuts `bytes` into pieces, whose lengths come from `seed`: most are a few
/// bytes, some are none, some are many.
pub(crate) fn pieces(bytes: &[u8], seed: u8) -> impl Iterator<Item = &[u8]> {
    let (mut rest, mut state) = (bytes, u32::from(seed) + 1);
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        // Knuth's multiplier: good enough to vary lengths.
        state = state.wrapping_mul(2_654_435_761).wrapping_add(1);
        let [chance, length, ..] = state.to_be_bytes();
        let length = if chance < 32 { usize::from(length) } else { usize::from(length % 6) };
        let (piece, behind) = rest.split_at(length.min(rest.len()));
        rest = behind;
        Some(piece)
    })
}
