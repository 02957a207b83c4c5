//! The index of further pictures behind the first (CIPA DC-007, Multi-Picture
//! Format).

use crate::tiff::{Directory, Order, Tiff};

pub(super) const MPF: &[u8] = b"MPF\0";

const PICTURES: u16 = 0xB001;
const ENTRIES: u16 = 0xB002;
const IDENTIFIERS: u16 = 0xB003;
/// DC-007 §5.2.3.3 and §5.2.3.4.
const ENTRY_BYTES: usize = 16;
const IDENTIFIER_BYTES: usize = 33;

/// Chosen: panoramas and bursts have some tens.
const PICTURES_MAX: usize = 100;

/// Where the parts of an index are in its block, which is the segment without
/// [`MPF`].
#[derive(Debug, Clone)]
pub(super) struct Index {
    order: Order,
    /// The field that says how many pictures there are.
    pictures: Option<usize>,
    entries: Table,
    identifiers: Option<Table>,
    rows: usize,
}

/// Rows of bytes, one for each picture.
#[derive(Debug, Clone, Copy)]
struct Table {
    /// Where the number of its bytes stands.
    count: usize,
    position: usize,
    row_bytes: usize,
}

/// Where the index says that a picture is: bytes from the start of the block,
/// and how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) position: usize,
    pub(super) bytes: usize,
}

/// Whether a block has an index at all: further pictures have blocks that only
/// describe themselves.
pub(super) fn has_index(block: &[u8]) -> bool {
    let entries = |tiff: Tiff<'_>| tiff.find(tiff.first_directory()?, ENTRIES);
    Tiff::new(block).and_then(entries).is_some()
}

impl Index {
    /// The index, if it can be followed.
    pub(super) fn read(block: &[u8]) -> Option<Self> {
        let tiff = Tiff::new(block)?;
        let directory = tiff.first_directory()?;
        let (entries, rows) = Table::find(tiff, directory, ENTRIES, ENTRY_BYTES)?;
        let identifiers = match tiff.find(directory, IDENTIFIERS) {
            Some(_) => Some(Table::find(tiff, directory, IDENTIFIERS, IDENTIFIER_BYTES)?),
            None => None,
        };
        if !(1..=PICTURES_MAX).contains(&rows) || identifiers.is_some_and(|(_, others)| others != rows) {
            return None;
        }
        let pictures = tiff.long(directory, PICTURES).map(|(position, _)| position);
        let identifiers = identifiers.map(|(table, _)| table);
        Some(Self { order: tiff.order(), pictures, entries, identifiers, rows })
    }

    /// The places of all pictures; the first is the one that the index is in,
    /// whatever its place says.
    pub(super) fn places(&self, block: &[u8]) -> Vec<Place> {
        let entries = block.get(self.entries.position..).unwrap_or_default().as_chunks::<ENTRY_BYTES>().0;
        let place = |&[_, _, _, _, b0, b1, b2, b3, p0, p1, p2, p3, ..]: &[u8; ENTRY_BYTES]| Place {
            position: self.order.u32([p0, p1, p2, p3]) as usize,
            bytes: self.order.u32([b0, b1, b2, b3]) as usize,
        };
        entries.iter().take(self.rows).map(place).collect()
    }

    /// Takes pictures out of the index; all else stays at its place.
    ///
    /// # Panics
    ///
    /// When `is_kept` is not as long as the index.
    pub(super) fn retain(&mut self, block: &mut [u8], is_kept: &[bool]) {
        for entry in 0..self.rows {
            for number in [12, 14] {
                self.renumber(block, self.entries.position + entry * ENTRY_BYTES + number, is_kept);
            }
        }
        let rows = is_kept.iter().filter(|&&kept| kept).count();
        for table in [Some(self.entries), self.identifiers].into_iter().flatten() {
            table.retain(block, is_kept);
            self.put(block, table.count, rows * table.row_bytes);
        }
        if let Some(pictures) = self.pictures {
            self.put(block, pictures, rows);
        }
        self.rows = rows;
    }

    /// DC-007 §5.2.3.3.4: an entry names others by their number, from one on;
    /// zero is none.
    fn renumber(&self, block: &mut [u8], position: usize, is_kept: &[bool]) {
        let Some(place) = block.get_mut(position..).and_then(<[u8]>::first_chunk_mut) else { return };
        let Some(other) = usize::from(self.order.u16(*place)).checked_sub(1) else { return };
        let number = match is_kept.get(other) {
            Some(true) => 1 + is_kept[..other].iter().filter(|&&kept| kept).count(),
            Some(false) => 0,
            None => return,
        };
        *place = self.order.u16_bytes(u16::try_from(number).expect("at most PICTURES_MAX"));
    }

    /// Writes where the pictures are.
    pub(super) fn put_places(&self, block: &mut [u8], places: &[Place]) {
        for (row, place) in places.iter().enumerate().take(self.rows) {
            let entry = self.entries.position + row * ENTRY_BYTES;
            self.put(block, entry + 4, place.bytes);
            self.put(block, entry + 8, place.position);
        }
    }

    fn put(&self, block: &mut [u8], position: usize, number: usize) {
        // An index cannot say more than 32 bits, and the one that was read said less.
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        // Every position was read from before.
        let _is_inside = self.order.put_u32(block, position, number);
    }
}

impl Table {
    /// A table that is inside the block, and how many rows it has.
    fn find(tiff: Tiff<'_>, directory: Directory, tag: u16, row_bytes: usize) -> Option<(Self, usize)> {
        let field = tiff.find(directory, tag)?;
        let is_whole = field.count.is_multiple_of(row_bytes);
        tiff.bytes().get(field.values..field.values.checked_add(field.count)?).filter(|_| is_whole)?;
        // The number of values follows the tag and the kind of a field.
        Some((Self { count: field.position + 4, position: field.values, row_bytes }, field.count / row_bytes))
    }

    fn retain(self, block: &mut [u8], is_kept: &[bool]) {
        let mut kept = self.position;
        for (row, _) in is_kept.iter().enumerate().filter(|&(_, &is_kept)| is_kept) {
            let row = self.position + row * self.row_bytes;
            block.copy_within(row..row + self.row_bytes, kept);
            kept += self.row_bytes;
        }
        block[kept..self.position + is_kept.len() * self.row_bytes].fill(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Attributes, bytes, position, and the numbers of two others.
    type Entry = (u32, u32, u32, [u16; 2]);

    /// A block with this index, and identifiers of each picture.
    fn block(entries: &[Entry]) -> Vec<u8> {
        let mut block = b"MM\0*\0\0\0\x08\0\x03".to_vec();
        let rows = entries.len() as u32;
        // Directory of three fields: 2 + 3 * 12 + 4 bytes.
        let entries_at = 8 + 42;
        let identifiers_at = entries_at + 16 * rows;
        for (tag, kind, count, value) in
            [(PICTURES, 4, 1, rows), (ENTRIES, 7, 16 * rows, entries_at), (IDENTIFIERS, 7, 33 * rows, identifiers_at)]
        {
            block.extend_from_slice(&tag.to_be_bytes());
            block.extend_from_slice(&u16::to_be_bytes(kind));
            block.extend_from_slice(&u32::to_be_bytes(count));
            block.extend_from_slice(&value.to_be_bytes());
        }
        block.extend_from_slice(&[0; 4]);
        for (attributes, bytes, position, others) in entries {
            for number in [attributes, bytes, position] {
                block.extend_from_slice(&number.to_be_bytes());
            }
            others.iter().for_each(|number| block.extend_from_slice(&number.to_be_bytes()));
        }
        for row in 0..rows {
            block.extend_from_slice(&[row as u8; 33]);
        }
        block
    }

    const ENTRY: [Entry; 3] =
        [(0x2003_0000, 1000, 0, [2, 3]), (0x0001_0001, 300, 1010, [0, 0]), (7, 200, 1310, [0, 2])];

    #[test]
    fn places_are_those_of_the_entries() {
        let block = block(&ENTRY);
        assert!(has_index(&block));
        let places = Index::read(&block).unwrap().places(&block);
        let expected = [(0, 1000), (1010, 300), (1310, 200)];
        assert_eq!(places, expected.map(|(position, bytes)| Place { position, bytes }));
    }

    #[test]
    fn pictures_that_go_leave_no_trace_and_the_others_stay_in_order() {
        let mut found = block(&ENTRY);
        let mut index = Index::read(&found).unwrap();
        index.retain(&mut found, &[true, false, true]);
        let mut expected = block(&ENTRY);
        let (entries, identifiers) = (50, 50 + 48);
        expected[21] = 2;
        expected[29] = 32;
        expected[41] = 66;
        expected.copy_within(entries + 32..entries + 48, entries + 16);
        expected[entries + 32..entries + 48].fill(0);
        expected.copy_within(identifiers + 66..identifiers + 99, identifiers + 33);
        expected[identifiers + 66..].fill(0);
        // The first named the second and the third, the third the second.
        expected[entries + 12..entries + 16].copy_from_slice(&[0, 0, 0, 2]);
        expected[entries + 16 + 12..entries + 16 + 16].fill(0);
        assert_eq!(found, expected);
        index.put_places(&mut found, &[(0, 999), (1001, 201)].map(|(position, bytes)| Place { position, bytes }));
        let places = Index::read(&found).unwrap().places(&found);
        assert_eq!(places, [(0, 999), (1001, 201)].map(|(position, bytes)| Place { position, bytes }));
    }

    #[test]
    fn nothing_changes_when_all_pictures_stay() {
        let before = block(&ENTRY);
        let mut after = before.clone();
        let mut index = Index::read(&after).unwrap();
        index.retain(&mut after, &[true; 3]);
        let places = index.places(&after);
        index.put_places(&mut after, &places);
        assert_eq!(after, before);
    }

    #[test]
    fn an_index_that_cannot_be_followed_is_none() {
        let whole = block(&ENTRY);
        for bytes in 0..whole.len() {
            assert!(Index::read(&whole[..bytes]).is_none(), "{bytes}");
        }
        assert!(Index::read(&block(&[])).is_none());
        assert!(Index::read(&block(&[ENTRY[0]; PICTURES_MAX + 1])).is_none());
        assert!(Index::read(&block(&[ENTRY[0]; PICTURES_MAX])).is_some());
        let mut uneven = whole;
        uneven[29] = 47;
        assert!(Index::read(&uneven).is_none());
        uneven[29] = 32;
        assert!(Index::read(&uneven).is_none(), "fewer entries than identifiers");
        assert!(!has_index(b"MM\0*\0\0\0\x08\0\0"));
    }
}
