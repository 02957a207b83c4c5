"""The parts of a file that are not its pixels, told apart by our own reading
of the standards rather than by a decoder's."""

import zlib
from collections.abc import Iterator

import exif

PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
# What a negative changes, or must not keep (PNG §14.2: not safe to copy).
PNG_PIXELS = {b"IHDR", b"PLTE", b"IDAT", b"fdAT", b"fcTL", b"tRNS", b"bKGD", b"sPLT", b"IEND"}
PNG_DROPPED = {b"iDOT", b"caBX", b"dSIG"}
JPEG_APP = range(0xE0, 0xF0)
JPEG_COMMENT = 0xFE
JPEG_HUFFMAN = 0xC4
JPEG_PHOTOSHOP = 0xED
PHOTOSHOP_THUMBNAILS = (0x0409, 0x040C)


def metadata(file: bytes) -> list[tuple[str, bytes]]:
    """Everything in a file that its negative must have too, in order."""
    if file.startswith(b"\xff\xd8"):
        return list(jpeg_metadata(file))
    if file.startswith(PNG_MAGIC):
        return [(kind.decode("latin-1"), body) for kind, body in png_chunks(file) if png_stays(kind)]
    if file.startswith(b"RIFF"):
        return [(kind.decode("latin-1"), body) for kind, body in webp_chunks(file) if kind in (b"ICCP", b"EXIF", b"XMP ")]
    if file.startswith(b"GIF8"):
        return [("all but colour tables", gif_without_tables(file))]
    return []


def jpeg_segments(file: bytes) -> Iterator[tuple[int, bytes]]:
    """Marker and body of each segment, of all scans."""
    at = 2
    while at + 4 <= len(file):
        if file[at] != 0xFF or file[at + 1] in (0x00, 0xFF) or 0xD0 <= file[at + 1] <= 0xD8:
            at += 1
            continue
        if file[at + 1] == 0xD9:
            return
        end = at + 2 + int.from_bytes(file[at + 2 : at + 4], "big")
        yield file[at + 1], file[at + 4 : end]
        at = end


def jpeg_codes(file: bytes) -> int:
    """How many bytes of Huffman tables there are; each code is one of them."""
    return sum(len(body) for marker, body in jpeg_segments(file) if marker == JPEG_HUFFMAN)


def jpeg_metadata(file: bytes) -> Iterator[tuple[str, bytes]]:
    """APPn and comments."""
    for marker, body in jpeg_segments(file):
        if body.startswith(b"Exif\0\0"):
            yield "EXIF", body[6:]
        elif marker in JPEG_APP:
            yield f"APP{marker - 0xE0}", body
        elif marker == JPEG_COMMENT:
            yield "comment", body


def jpeg_thumbnails(file: bytes) -> list[bytes | None]:
    """What EXIF and Photoshop keep as thumbnails, one for each that may be there."""
    found = []
    for marker, body in jpeg_segments(file):
        if body.startswith(b"Exif\0\0"):
            found.append(exif.thumbnail(body[6:]))
        elif marker == JPEG_PHOTOSHOP:
            found.append(photoshop(body)[1])
    return found


def photoshop(body: bytes) -> tuple[list[tuple[int, bytes]], bytes | None]:
    """The image resources of an APP13 but the thumbnail, and the thumbnail."""
    rest, thumbnail, at = [], None, body.find(b"8BIM")
    while 0 <= at and body[at : at + 4] == b"8BIM":
        number = int.from_bytes(body[at + 4 : at + 6], "big")
        # A name of Pascal and the data are each padded to an even length.
        size_at = at + 6 + (body[at + 6] + 2) // 2 * 2
        size = int.from_bytes(body[size_at : size_at + 4], "big")
        data = body[size_at + 4 : size_at + 4 + size]
        if number in PHOTOSHOP_THUMBNAILS:
            # The JPEG stands behind a header of 28 bytes.
            thumbnail = data[28:]
        else:
            rest.append((number, data))
        at = size_at + 4 + size + size % 2
    return rest, thumbnail


def png_chunks(file: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Type and body of each chunk, the checksums verified."""
    at = 8
    while at < len(file):
        end = at + 8 + int.from_bytes(file[at : at + 4], "big")
        if zlib.crc32(file[at + 4 : end]) != int.from_bytes(file[end : end + 4], "big"):
            raise ValueError(f"the checksum of {file[at + 4 : at + 8]!r} is wrong")
        yield file[at + 4 : at + 8], file[at + 8 : end]
        at = end + 4


def png_stays(kind: bytes) -> bool:
    """Whether a chunk must be there in the negative."""
    if kind in PNG_PIXELS or kind in PNG_DROPPED:
        return False
    # Bit 5 of the last letter: safe to copy. All registered chunks are known by name.
    known = {b"cHRM", b"gAMA", b"sBIT", b"sRGB", b"iCCP", b"cICP", b"mDCV", b"cLLI", b"hIST"}
    return kind in known or bool(kind[3] & 0x20)


def webp_chunks(file: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Type and body of each chunk of a RIFF container."""
    at = 12
    while at + 8 <= len(file):
        end = at + 8 + int.from_bytes(file[at + 4 : at + 8], "little")
        yield file[at : at + 4], file[at + 8 : end]
        at = end + end % 2


def gif_without_tables(file: bytes) -> bytes:
    """A GIF with nothing where its colour tables are."""
    flags, at = file[10], 13
    kept = bytearray(file[:13])
    if flags & 0x80:
        at += 3 << (flags % 8 + 1)
    while file[at] != 0x3B:
        start = at
        if file[at] == 0x21:
            at += 2
        else:
            at += 10
            kept += file[start:at]
            if file[at - 1] & 0x80:
                at += 3 << (file[at - 1] % 8 + 1)
            start = at
            at += 1  # the code size
        while file[at]:
            at += 1 + file[at]
        at += 1
        kept += file[start:at]
    return bytes(kept + file[at:])
