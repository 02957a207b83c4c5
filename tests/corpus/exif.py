"""EXIF with a thumbnail, and what may differ in that of a negative."""

import struct

SHORT, LONG, ASCII = 3, 4, 2
ORIENTATION, MAKE, EXIF_IFD, THUMBNAIL_AT, THUMBNAIL_BYTES = 0x112, 0x10F, 0x8769, 0x201, 0x202


def build(orientation: int, thumbnail: bytes, order: str = "<") -> bytes:
    """A TIFF block as a camera writes it: two directories, a thumbnail."""
    make = b"Example Camera\0"
    first = [(ORIENTATION, SHORT, 1, orientation), (EXIF_IFD, LONG, 1, 0)]
    # Header, IFD0 with three entries, IFD of Exif with one, IFD1 with three, text, thumbnail.
    ifd0, exif_at = 8, 8 + 2 + 3 * 12 + 4
    ifd1 = exif_at + 2 + 12 + 4
    make_at = ifd1 + 2 + 3 * 12 + 4
    thumbnail_at = make_at + len(make)
    first[1] = (EXIF_IFD, LONG, 1, exif_at)
    block = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", ifd0)
    block += directory(order, [(MAKE, ASCII, len(make), make_at), *first], ifd1 if thumbnail else 0)
    block += directory(order, [(0xA001, SHORT, 1, 1)], 0)
    links = [(0x103, SHORT, 1, 6), (THUMBNAIL_AT, LONG, 1, thumbnail_at), (THUMBNAIL_BYTES, LONG, 1, len(thumbnail))]
    return block + directory(order, links, 0) + make + thumbnail


def directory(order: str, entries: list[tuple[int, int, int, int]], following: int) -> bytes:
    """One image file directory."""
    block = struct.pack(order + "H", len(entries))
    for tag, kind, count, value in entries:
        packed = struct.pack(order + "HH", value, 0) if kind == SHORT else struct.pack(order + "I", value)
        block += struct.pack(order + "HHI", tag, kind, count) + packed
    return block + struct.pack(order + "I", following)


def thumbnail(block: bytes) -> bytes | None:
    """The thumbnail of a TIFF block, if it has one."""
    try:
        order, ifd1, entries = links(block)
        at, size = (value(block, order, entries[tag]) for tag in (THUMBNAIL_AT, THUMBNAIL_BYTES))
    except (struct.error, KeyError):
        return None
    found = block[at : at + size]
    return found if found.startswith(b"\xff\xd8") else None


def is_kept(before: bytes, after: bytes) -> bool:
    """Whether two TIFF blocks differ in nothing but the thumbnail: in its bytes
    and their number, or in the link to its directory, cleared."""
    if thumbnail(before) is None:
        return before == after
    _, link, _ = links(before)
    unlinked = before[:link] + bytes(4) + before[link + 4 :]
    return after == unlinked or without_thumbnail(before) == without_thumbnail(after)


def without_thumbnail(block: bytes) -> bytes:
    """The block without the thumbnail, zeros for its length."""
    if thumbnail(block) is None:
        return block
    order, _, entries = links(block)
    at, size = (value(block, order, entries[tag]) for tag in (THUMBNAIL_AT, THUMBNAIL_BYTES))
    length = entries[THUMBNAIL_BYTES] + 8
    bare = block[:length] + bytes(4) + block[length + 4 :]
    return bare[:at] + bare[at + size :]


def links(block: bytes) -> tuple[str, int, dict[int, int]]:
    """Byte order, where the link to IFD1 stands, and IFD1's entries by tag."""
    order = "<" if block[:2] == b"II" else ">"
    (ifd0,) = struct.unpack_from(order + "I", block, 4)
    (count,) = struct.unpack_from(order + "H", block, ifd0)
    link = ifd0 + 2 + 12 * count
    (ifd1,) = struct.unpack_from(order + "I", block, link)
    if ifd1 == 0:
        return order, link, {}
    (count,) = struct.unpack_from(order + "H", block, ifd1)
    places = [ifd1 + 2 + 12 * index for index in range(count)]
    return order, link, {struct.unpack_from(order + "H", block, place)[0]: place for place in places}


def value(block: bytes, order: str, entry: int) -> int:
    """A number of four bytes in a directory."""
    return struct.unpack_from(order + "I", block, entry + 8)[0]
