//! The structure of TIFF: a header, directories, fields. EXIF and the index of
//! further pictures in a JPEG are made of it (TIFF 6.0 §2).
//!
//! Everything is a position in the block; what lies outside is `None`.

/// A block whose header is right.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tiff<'a> {
    bytes: &'a [u8],
    order: Order,
}

/// The order of the bytes in a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    Little,
    Big,
}

/// Fields that belong together.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Directory {
    position: usize,
    fields: usize,
}

/// One field; its values may lie anywhere in the block.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Field {
    /// Where the field itself stands.
    pub(crate) position: usize,
    kind: u16,
    /// How many values it has.
    pub(crate) count: usize,
    /// Where its values stand; not checked.
    pub(crate) values: usize,
}

const HEADER_BYTES: usize = 8;
const FIELD_BYTES: usize = 12;
const SHORT: u16 = 3;
const LONG: u16 = 4;

impl Order {
    pub(crate) fn u16(self, bytes: [u8; 2]) -> u16 {
        match self {
            Self::Little => u16::from_le_bytes(bytes),
            Self::Big => u16::from_be_bytes(bytes),
        }
    }

    pub(crate) fn u32(self, bytes: [u8; 4]) -> u32 {
        match self {
            Self::Little => u32::from_le_bytes(bytes),
            Self::Big => u32::from_be_bytes(bytes),
        }
    }

    pub(crate) fn u16_bytes(self, number: u16) -> [u8; 2] {
        match self {
            Self::Little => number.to_le_bytes(),
            Self::Big => number.to_be_bytes(),
        }
    }

    /// Overwrites the four bytes at `position`.
    pub(crate) fn put_u32(self, block: &mut [u8], position: usize, number: u32) -> Option<()> {
        let place = block.get_mut(position..)?.first_chunk_mut()?;
        *place = match self {
            Self::Little => number.to_le_bytes(),
            Self::Big => number.to_be_bytes(),
        };
        Some(())
    }
}

impl<'a> Tiff<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Option<Self> {
        let order = match bytes.get(..4)? {
            b"II*\0" => Order::Little,
            b"MM\0*" => Order::Big,
            _ => return None,
        };
        Some(Self { bytes, order })
    }

    pub(crate) fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    pub(crate) fn order(&self) -> Order {
        self.order
    }

    pub(crate) fn u16(&self, position: usize) -> Option<u16> {
        Some(self.order.u16(*self.bytes.get(position..)?.first_chunk()?))
    }

    pub(crate) fn u32(&self, position: usize) -> Option<u32> {
        Some(self.order.u32(*self.bytes.get(position..)?.first_chunk()?))
    }

    /// The directory that the header points to.
    pub(crate) fn first_directory(&self) -> Option<Directory> {
        self.directory(4)
    }

    /// The directory that the four bytes at `link` point to, if it is whole;
    /// zeros point to none.
    pub(crate) fn directory(&self, link: usize) -> Option<Directory> {
        let position = self.u32(link)? as usize;
        if position < HEADER_BYTES {
            return None;
        }
        let fields = usize::from(self.u16(position)?);
        self.bytes.get(..position + 2 + fields * FIELD_BYTES)?;
        Some(Directory { position, fields })
    }

    /// Where the link to the next directory stands.
    pub(crate) fn link(&self, directory: Directory) -> Option<usize> {
        let link = directory.position + 2 + directory.fields * FIELD_BYTES;
        self.u32(link).map(|_| link)
    }

    /// The first field with this tag.
    pub(crate) fn find(&self, directory: Directory, tag: u16) -> Option<Field> {
        let mut positions = (0..directory.fields).map(|index| directory.position + 2 + index * FIELD_BYTES);
        let position = positions.find(|&position| self.u16(position) == Some(tag))?;
        let kind = self.u16(position + 2)?;
        let count = self.u32(position + 4)? as usize;
        let value_bytes = match kind {
            SHORT | 8 => 2,
            LONG | 9 | 11 | 13 => 4,
            5 | 10 | 12 => 8,
            _ => 1,
        };
        // §2: what fits in four bytes stands in the place of the position.
        let in_place = position + 8;
        let values = if count <= 4 / value_bytes { in_place } else { self.u32(in_place)? as usize };
        Some(Field { position, kind, count, values })
    }

    /// The values of a field of whole numbers, as far as they are in the block.
    pub(crate) fn numbers(self, field: Field) -> impl Iterator<Item = u32> + 'a {
        (0..field.count).map_while(move |index| match field.kind {
            SHORT => self.u16(field.values.checked_add(index * 2)?).map(u32::from),
            LONG => self.u32(field.values.checked_add(index * 4)?),
            _ => None,
        })
    }

    /// The only value of a field that has four bytes for it, and where these
    /// stand.
    pub(crate) fn long(&self, directory: Directory, tag: u16) -> Option<(usize, u32)> {
        let Field { kind, count, values, .. } = self.find(directory, tag)?;
        if (kind, count) == (LONG, 1) { Some((values, self.u32(values)?)) } else { None }
    }

    /// The first value of a field of whole numbers.
    pub(crate) fn number(self, directory: Directory, tag: u16) -> Option<u32> {
        self.numbers(self.find(directory, tag)?).next()
    }
}
