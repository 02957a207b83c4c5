//! Masking (RFC 6455 §5.3): byte `i` of a payload is XORed with byte `i % 4`
//! of the key.

/// Bytes that are copied and then unmasked while they are in the L1 cache; a
/// multiple of the key's length.
const BLOCK_BYTES: usize = 4096;

/// A masking key, turned so that its first byte is for the next payload byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mask([u8; 4]);

impl Mask {
    pub(super) fn new(key: [u8; 4]) -> Self {
        Self(key)
    }

    /// Unmasks a stretch of the payload, and is then for what comes after it.
    pub(super) fn apply(&mut self, payload: &mut [u8]) {
        let [a, b, c, d] = self.0;
        let key = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
        let (words, tail) = payload.as_chunks_mut::<8>();
        // Words, so that LLVM makes vectors of them.
        for word in words {
            *word = (u64::from_ne_bytes(*word) ^ key).to_ne_bytes();
        }
        for (byte, key) in tail.iter_mut().zip(self.0.iter().cycle()) {
            *byte ^= key;
        }
        self.0.rotate_left(payload.len() % 4);
    }

    /// Appends a stretch of the payload, unmasked.
    pub(super) fn append(&mut self, masked: &[u8], out: &mut Vec<u8>) {
        for block in masked.chunks(BLOCK_BYTES) {
            let start = out.len();
            out.extend_from_slice(block);
            self.apply(&mut out[start..]);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_byte_meets_its_byte_of_the_key_wherever_the_payload_is_cut(
            payload in prop::collection::vec(any::<u8>(), 0..10_000),
            key: [u8; 4],
            cut: prop::sample::Index,
        ) {
            let (left, right) = payload.split_at(cut.index(payload.len() + 1));
            let mut mask = Mask::new(key);
            let mut unmasked = Vec::new();
            mask.append(left, &mut unmasked);
            mask.append(right, &mut unmasked);

            let expected: Vec<u8> = payload.iter().enumerate().map(|(i, byte)| byte ^ key[i % 4]).collect();
            prop_assert_eq!(unmasked, expected);
        }
    }
}
