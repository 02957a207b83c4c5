//! Lookup tables whose entries cover as many whole symbols as fit.

use crate::jpeg::huffman::{Definition, Huffman, LOOKUP_BITS, LOOKUPS};

/// An entry, from its low end:
///
/// | bits | what |
/// |---|---|
/// | 0–5 | bits of all its symbols, codes and magnitudes, at most [`GROUP_BITS_MAX`] |
/// | 8–13 | coefficients that it covers |
/// | 14 | no group begins so: one symbol has to be decoded |
/// | 15 | it ends its block |
/// | 16–31 | which of its bits are magnitudes, the last one lowest |
///
/// Where the lookup begins a longer code, bits 16–31 have the number of a
/// further table instead, which is looked up by the next [`LONG_BITS`] bits
/// and covers one symbol; zero where there is none.
pub(super) type Group = u32;
/// A table of [`LOOKUPS`] entries, and the further ones, of [`LONG_LOOKUPS`]
/// entries each, numbered from the beginning of all.
pub(super) type Groups = [Group];

/// The same for a band of a progressive picture, and from bit
/// [`PATTERN_SHIFT`]: which of the coefficients are not zero.
pub(super) type BandGroups = [u64; LOOKUPS];

/// With [`LOOKUP_BITS`], all that the longest code has (T.81 C.1).
pub(super) const LONG_BITS: u32 = 16 - LOOKUP_BITS;
pub(super) const LONG_LOOKUPS: usize = 1 << LONG_BITS;

/// Bits that a group may have: three of them fit into the 57 bits that a
/// window has at the least.
pub(super) const GROUP_BITS_MAX: u32 = 19;
pub(super) const GROUP_BITS: Group = 0x3F;
pub(super) const GROUP_COUNTS: Group = 0xFFFF;
pub(super) const SINGLE: Group = 1 << 14;
pub(super) const BLOCK_END: Group = 1 << 15;
pub(super) const MASK_SHIFT: u32 = 16;
pub(super) const PATTERN_SHIFT: u32 = 32;

/// Coefficients of a block that one entry may cover.
const COEFFICIENTS_MAX: u32 = 63;
/// The same where their pattern has to be told.
const BAND_COEFFICIENTS_MAX: u32 = 32;

/// Tables that were made for earlier scans and pictures: files of one camera
/// have the same ones.
#[derive(Debug, Default)]
pub(in crate::jpeg) struct GroupCache {
    cached: Vec<Cached>,
}

#[derive(Debug)]
struct Cached {
    /// `None` for groups within a block, else the table of the first
    /// coefficient.
    dc: Option<Definition>,
    ac: Definition,
    groups: Vec<Group>,
}

/// A place in the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Handle(usize);

impl GroupCache {
    /// Tables that are kept. A scan needs eight at most.
    const KEPT_MAX: usize = 32;

    /// Forgets what is too much; handles end here.
    pub(in crate::jpeg) fn trim(&mut self) {
        if self.cached.len() > Self::KEPT_MAX {
            self.cached.clear();
        }
    }

    /// The groups from the beginning of a block, or from within it where `dc`
    /// is `None`.
    pub(super) fn find_or_make(&mut self, dc: Option<&Huffman>, ac: &Huffman) -> Handle {
        let is_same =
            |cached: &Cached| cached.dc.as_ref() == dc.map(Huffman::definition) && cached.ac == *ac.definition();
        if let Some(found) = self.cached.iter().position(is_same) {
            return Handle(found);
        }
        let groups = match dc {
            Some(dc) => block_groups(dc, ac),
            None => within_groups(ac),
        };
        self.cached.push(Cached { dc: dc.map(|dc| dc.definition().clone()), ac: ac.definition().clone(), groups });
        Handle(self.cached.len() - 1)
    }

    pub(super) fn groups(&self, handle: Handle) -> &Groups {
        &self.cached[handle.0].groups
    }
}

/// Whole symbols from the beginning of a lookup.
#[derive(Debug, Clone, Copy, Default)]
struct Prefix {
    bits: u32,
    coefficients: u32,
    /// Which of the bits are magnitudes, the last one lowest.
    mask: u32,
    /// Which of the coefficients are not zero, the first one lowest.
    pattern: u64,
    ends_block: bool,
}

impl Prefix {
    /// With one symbol more, if all of it can be told in an entry. Only its
    /// code has to be within the lookup.
    fn with(self, code_bits: u32, size: u32, coefficients: u32) -> Option<Self> {
        let bits = self.bits + code_bits + size;
        let mask = u64::from(self.mask) << (code_bits + size) | ((1 << size) - 1);
        let coefficients = self.coefficients + coefficients;
        if coefficients > COEFFICIENTS_MAX {
            return None;
        }
        let pattern = if size > 0 { self.pattern | 1 << (coefficients - 1) } else { self.pattern };
        let fits =
            self.bits + code_bits <= LOOKUP_BITS && bits <= GROUP_BITS_MAX && mask >> (Group::BITS - MASK_SHIFT) == 0;
        fits.then_some(Self { bits, coefficients, mask: mask as u32, pattern, ends_block: false })
    }

    /// Goes on with the coefficients of a block as far as it can.
    fn extend(mut self, ac: &Huffman, lookup: u64, coefficients_max: u32) -> Self {
        while !self.ends_block && self.bits < LOOKUP_BITS {
            let Some(symbol) = ac.decode_short(lookup << self.bits) else { break };
            let (run, size) = (u32::from(symbol.value >> 4), u32::from(symbol.value & 0x0F));
            let next = match (run, size) {
                // F.1.2.2.1: end of block, and sixteen zeros.
                (0, 0) => self.with(symbol.code_bits, 0, 0).map(|next| Self { ends_block: true, ..next }),
                (15, 0) => self.with(symbol.code_bits, 0, 16),
                // Not in a sequential picture: left to the one who decodes single symbols.
                (_, 0) => None,
                (run, size) => self.with(symbol.code_bits, size, run + 1),
            };
            let Some(next) = next.filter(|next| next.coefficients <= coefficients_max) else { break };
            self = next;
        }
        self
    }

    fn group(self) -> Group {
        if self.bits == 0 {
            return SINGLE;
        }
        let end = if self.ends_block { BLOCK_END } else { 0 };
        self.bits | self.coefficients << 8 | end | self.mask << MASK_SHIFT
    }
}

/// For the first scan of a band.
pub(super) fn band_groups(ac: &Huffman) -> Box<BandGroups> {
    make(|lookup| {
        let prefix = Prefix::default().extend(ac, lookup, BAND_COEFFICIENTS_MAX);
        u64::from(prefix.group()) | prefix.pattern << PATTERN_SHIFT
    })
}

fn within_groups(ac: &Huffman) -> Vec<Group> {
    let mut groups = make(|lookup| Prefix::default().extend(ac, lookup, COEFFICIENTS_MAX).group()).to_vec();
    for lookup in 0..LOOKUPS {
        let longer = (0..LONG_LOOKUPS).map(|rest| long_group(ac, lookup << LONG_BITS | rest));
        // Codes are given in order: where the first place has none, the others have none.
        if groups[lookup] == SINGLE && longer.clone().next() != Some(SINGLE) {
            groups[lookup] |= ((groups.len() / LONG_LOOKUPS) as Group) << MASK_SHIFT;
            groups.extend(longer);
        }
    }
    groups
}

/// The symbol whose code begins these 16 bits.
fn long_group(ac: &Huffman, bits: usize) -> Group {
    let Some(symbol) = ac.decode((bits as u64) << 48) else { return SINGLE };
    let (run, size) = (u32::from(symbol.value >> 4), u32::from(symbol.value & 0x0F));
    let bits = symbol.code_bits + size;
    match (run, size) {
        (0, 0) => bits | BLOCK_END,
        (15, 0) | (_, 1..) => bits | (run + 1) << 8 | ((1 << size) - 1) << MASK_SHIFT,
        (_, 0) => SINGLE,
    }
}

fn block_groups(dc: &Huffman, ac: &Huffman) -> Vec<Group> {
    let group = |lookup| {
        let first = dc.decode_short(lookup).filter(|symbol| symbol.value < 16);
        let prefix = first.and_then(|symbol| Prefix::default().with(symbol.code_bits, symbol.value.into(), 1));
        prefix.map_or(SINGLE, |prefix| prefix.extend(ac, lookup, COEFFICIENTS_MAX).group())
    };
    make(group).to_vec()
}

fn make<G: Copy + Default>(group: impl Fn(u64) -> G) -> Box<[G; LOOKUPS]> {
    let mut groups = Box::new([G::default(); LOOKUPS]);
    for (bits, entry) in groups.iter_mut().enumerate() {
        *entry = group((bits as u64) << (64 - LOOKUP_BITS));
    }
    groups
}
