//! Bits into bytes, in both orders.

/// Highest bit first, as in JPEG.
#[derive(Debug, Default)]
pub(crate) struct HighFirst {
    bytes: Vec<u8>,
    bits: u32,
    held: u64,
}

impl HighFirst {
    pub(crate) fn put(&mut self, value: u32, bits: u32) {
        self.held = (self.held << bits) | u64::from(value);
        self.bits += bits;
        while self.bits >= 8 {
            self.bits -= 8;
            let byte = (self.held >> self.bits) as u8;
            self.bytes.push(byte);
            // T.81 B.1.1.5: a marker would begin like this.
            if byte == 0xFF {
                self.bytes.push(0);
            }
        }
    }

    /// Fills the last byte with ones.
    pub(crate) fn into_bytes(mut self) -> Vec<u8> {
        if self.bits > 0 {
            self.put(0x7F, 7);
        }
        self.bytes
    }
}

/// Lowest bit first, as in deflate and WebP.
#[derive(Debug, Default)]
pub(crate) struct LowFirst {
    bytes: Vec<u8>,
    bits: u32,
    held: u64,
}

impl LowFirst {
    pub(crate) fn put(&mut self, value: u32, bits: u32) {
        self.held |= u64::from(value) << self.bits;
        self.bits += bits;
        while self.bits >= 8 {
            self.bytes.push(self.held as u8);
            self.held >>= 8;
            self.bits -= 8;
        }
    }

    /// Fills the last byte with zeros.
    pub(crate) fn into_bytes(mut self) -> Vec<u8> {
        if self.bits > 0 {
            self.put(0, 8 - self.bits);
        }
        self.bytes
    }
}
