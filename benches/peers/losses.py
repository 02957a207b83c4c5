"""What a negative has lost, by looking at it: nothing is taken from anybody's
documentation."""

import io
from pathlib import Path

import numpy
from PIL import Image

import containers
from pixels import Decoded, decode, difference, negative

ORIENTATION = 0x112


def measure(request: dict) -> dict:
    """Compares an original with its negative and the negative of that."""
    original, once, twice = (Path(request[key]).read_bytes() for key in ("input", "output", "twice"))
    before, after, back = decode(original), decode(once), decode(twice)
    wanted = [negative(frame, before.top) for frame in before.frames]
    psnr, largest = compare(Decoded(wanted, before.top, [], []), after)
    psnr_twice, _ = compare(before, back)
    return {
        "size": len(once) / len(original),
        "psnr": psnr,
        "largest": largest,
        "psnr_twice": psnr_twice,
        "same_twice": original == twice,
        "lost": losses(original, once) + pixel_losses(before, after),
    }


def compare(wanted: Decoded, found: Decoded) -> tuple[float, int]:
    """The worst of all frames, as eight bits of colour without alpha."""
    pairs = list(zip(map(colours(wanted.top), wanted.frames), map(colours(found.top), found.frames)))
    if any(one.shape != other.shape for one, other in pairs):
        return 0.0, 255
    found = [difference(one, other, 255) for one, other in pairs]
    return min(one.psnr for one in found), max(one.largest for one in found)


def colours(top: int):
    """Frames as eight bits of red, green and blue."""

    def convert(frame: numpy.ndarray) -> numpy.ndarray:
        narrow = (frame >> 8).astype("uint8") if top == 65535 else frame
        narrow = narrow[..., :1] if narrow.shape[2] <= 2 else narrow[..., :3]
        return numpy.repeat(narrow, 3, axis=2) if narrow.shape[2] == 1 else narrow

    return convert


def losses(original: bytes, once: bytes) -> list[str]:
    """By what Pillow tells of both files, and our own reading of their parts."""
    lost = []
    before, after = (Image.open(io.BytesIO(file)) for file in (original, once))
    if before.format != after.format:
        lost.append(f"format ({after.format})")
    # EXIF 2.3: a picture that does not tell stands upright, which is 1.
    if before.getexif().get(ORIENTATION, 1) != after.getexif().get(ORIENTATION, 1):
        lost.append("orientation")
    for key, word in {"icc_profile": "ICC", "comment": "comment"}.items():
        if before.info.get(key) != after.info.get(key):
            lost.append(word)
    if bool(xmp(original)) and xmp(original) != xmp(once):
        lost.append("XMP")
    if b"8BIM" in original and b"8BIM" not in once:
        lost.append("IPTC")
    if before.mode == "P" and before.format in ("PNG", "GIF") and after.mode != "P":
        lost.append("palette")
    if original.startswith(containers.PNG_MAGIC) and once.startswith(containers.PNG_MAGIC):
        lost += png_losses(original, once)
    if original.startswith(b"\xff\xd8") and once.startswith(b"\xff\xd8"):
        lost += jpeg_losses(before, after)
    if b"VP8 " in original and b"VP8L" in once:
        lost.append("lossy (lossless)")
    return lost


def xmp(file: bytes) -> bytes:
    """The XMP packet of a JPEG, PNG or WebP, as it stands there."""
    packets = [body for _, body in containers.metadata(file) if b"<x:xmpmeta" in body]
    return packets[0] if packets else b""


def png_losses(original: bytes, once: bytes) -> list[str]:
    """Depth, colour type, interlacing, colour key."""
    lost = []
    # IHDR: depth, colour type, compression, filter, interlacing (PNG §11.2.1).
    if original[24] != once[24]:
        lost.append(f"depth ({once[24]})")
    if original[25] != once[25] and original[25] != 3:
        lost.append("colour type")
    if original[28] != once[28]:
        lost.append("interlacing")
    kinds = [{kind for kind, _ in containers.png_chunks(file)} for file in (original, once)]
    if original[25] in (0, 2) and b"tRNS" in kinds[0] - kinds[1] and once[25] not in (4, 6):
        lost.append("colour key")
    return lost


def jpeg_losses(before: Image.Image, after: Image.Image) -> list[str]:
    """Scans, subsampling, components."""
    lost = []
    if before.info.get("progressive") and not after.info.get("progressive"):
        lost.append("progressive")
    if before.mode != after.mode:
        lost.append(f"grey ({after.mode})" if before.mode == "L" else f"colour ({after.mode})")
    elif [part[1:3] for part in before.layer] != [part[1:3] for part in after.layer]:
        lost.append("subsampling")
    return lost


def pixel_losses(before: Decoded, after: Decoded) -> list[str]:
    """Frames and alpha."""
    lost = []
    if len(before.frames) != len(after.frames):
        lost.append(f"frames ({len(before.frames)} → {len(after.frames)})")
    if before.timing and before.timing[1] != after.timing[1] and len(after.frames) > 1:
        lost.append("timing")
    was, now = before.frames[0], after.frames[0]
    if was.shape[2] in (2, 4):
        if now.shape[2] not in (2, 4):
            lost.append("alpha")
        elif before.top == after.top and not numpy.array_equal(was[..., -1], now[..., -1]):
            lost.append("alpha (inverted)" if numpy.array_equal(before.top - was[..., -1], now[..., -1]) else "alpha (changed)")
    return lost
