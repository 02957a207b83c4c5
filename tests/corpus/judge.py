"""Whether one negative is right: by other decoders, and by what stands around
the pixels."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy

import containers
import exif
from pixels import Decoded, decode, difference, negative

# What a lossy negative may differ from 255-x of the decoded original, in levels.
JPEG_LARGEST = 6
# A lossy WebP is encoded once more; this is what quality 90 keeps (chosen).
WEBP_PSNR = 34.0
# Of the file's size, or so many bytes of a small file, a JPEG may grow or shrink:
# where a byte becomes 0xFF or no longer is, a zero comes or goes (T.81 F.1.2.3).
JPEG_SIZE, JPEG_SIZE_BYTES = 0.003, 100
# A thumbnail is itself a JPEG.
THUMBNAIL_LARGEST = 12


@dataclass
class Verdict:
    """What was found of one file."""

    name: str
    kind: str
    psnr: float = 99.0
    largest: int = 0
    size: float = 1.0
    is_same_twice: bool = True
    thumbnail: str = ""
    faults: list[str] = field(default_factory=list)


def judge(name: str, original: Path, made: Path, is_same_twice: bool) -> Verdict:
    """Compares a negative with its original."""
    before, after = original.read_bytes(), made.read_bytes()
    verdict = Verdict(name, kind(before), size=len(after) / len(before), is_same_twice=is_same_twice)
    try:
        seen_before, seen_after = decode(before), decode(after)
    except (OSError, SyntaxError, ValueError) as error:
        verdict.faults.append(f"cannot be decoded: {error}")
        return verdict
    compare_pixels(verdict, seen_before, seen_after)
    if not is_same_twice:
        # A table made for one picture may lack a code that its negative needs and gets.
        has_new_code = verdict.kind.startswith("JPEG") and containers.jpeg_codes(after) > containers.jpeg_codes(before)
        compare_twice(verdict, seen_before, made.with_name(made.name + ".twice").read_bytes(), has_new_code)
    compare_rest(verdict, before, after)
    return verdict


def kind(file: bytes) -> str:
    """The class under which a file is counted."""
    if file.startswith(b"\xff\xd8"):
        markers = {marker for marker, _ in containers.jpeg_segments(file)}
        return "JPEG progressive" if 0xC2 in markers else "JPEG sequential"
    if file.startswith(containers.PNG_MAGIC):
        return {3: "PNG palette"}.get(file[25], "PNG other")
    if file.startswith(b"RIFF"):
        # Frames of an animation are chunks within chunks.
        return "WebP lossy" if b"VP8 " in file else "WebP lossless"
    return {b"GI": "GIF", b"BM": "BMP"}.get(file[:2], "other")


def compare_pixels(verdict: Verdict, before: Decoded, after: Decoded) -> None:
    """The negative must be 255-x, exactly or nearly."""
    new = [complaint for complaint in after.complaints if complaint not in before.complaints]
    if new:
        verdict.faults.append(f"decoders complain: {new[0]}")
    if [frame.shape for frame in before.frames] != [frame.shape for frame in after.frames]:
        shapes = [(len(one.frames), one.frames[0].shape) for one in (before, after)]
        verdict.faults.append(f"frames, sizes or channels differ: {shapes[0]}, then {shapes[1]}")
        return
    if before.timing != after.timing:
        verdict.faults.append(f"timing or interlacing differs: {before.timing}, then {after.timing}")
    for frame, made in zip(before.frames, after.frames, strict=True):
        wanted = negative(frame, before.top)
        if verdict.kind == "GIF" and frame.shape[2] == 4:
            # A transparent pixel has no colour to be seen.
            wanted, made = (numpy.where(frame[..., 3:] == 0, one * [0, 0, 0, 1], one) for one in (wanted, made))
        found = difference(wanted, made, before.top)
        verdict.psnr, verdict.largest = min(verdict.psnr, found.psnr), max(verdict.largest, found.largest)
    judge_error(verdict)


def judge_error(verdict: Verdict) -> None:
    """How near is near enough depends on the format."""
    if verdict.kind.startswith("JPEG"):
        if verdict.largest > JPEG_LARGEST:
            verdict.faults.append(f"{verdict.largest} levels from the negative, {verdict.psnr:.1f} dB")
    elif verdict.kind == "WebP lossy":
        if verdict.psnr < WEBP_PSNR:
            verdict.faults.append(f"{verdict.psnr:.1f} dB from the negative")
    elif verdict.largest:
        verdict.faults.append(f"not exact: {verdict.largest} levels from the negative")


def compare_twice(verdict: Verdict, before: Decoded, twice: bytes, has_new_code: bool) -> None:
    """The negative of the negative is the original: its bytes, or its pixels."""
    if not has_new_code and verdict.kind in ("PNG palette", "GIF", "BMP", "JPEG sequential", "JPEG progressive"):
        verdict.faults.append("the negative of the negative is another file")
        return
    if verdict.kind == "WebP lossy":
        return
    back = decode(twice)
    is_equal = all(numpy.array_equal(was, now) for was, now in zip(before.frames, back.frames, strict=True))
    if not is_equal:
        verdict.faults.append("the negative of the negative has other pixels")


def compare_rest(verdict: Verdict, before: bytes, after: bytes) -> None:
    """Metadata byte by byte; size; thumbnails."""
    was, now = containers.metadata(before), containers.metadata(after)
    names = [[name for name, _ in one] for one in (was, now)]
    if names[0] != names[1]:
        verdict.faults.append(f"metadata differs: {names[0]}, then {names[1]}")
    else:
        pairs = zip(was, now, strict=True)
        changed = [name for (name, body), (_, after_body) in pairs if not is_kept(name, body, after_body)]
        verdict.faults.extend(f"{name} differs" for name in changed)
    if not verdict.kind.startswith("JPEG"):
        return
    if abs(len(after) - len(before)) > max(JPEG_SIZE * len(before), JPEG_SIZE_BYTES):
        verdict.faults.append(f"size ×{verdict.size:.4f}")
    for was, now in zip(containers.jpeg_thumbnails(before), containers.jpeg_thumbnails(after), strict=False):
        if was is not None:
            judge_thumbnail(verdict, was, now)


def is_kept(name: str, before: bytes, after: bytes) -> bool:
    """Byte by byte, but for the thumbnails of EXIF and of Photoshop."""
    if name.upper().strip() == "EXIF":
        return exif.is_kept(before, after)
    if name == "APP13":
        return before == after or containers.photoshop(before)[0] == containers.photoshop(after)[0] != []
    return before == after


def judge_thumbnail(verdict: Verdict, before: bytes, after: bytes | None) -> None:
    """A thumbnail becomes a negative, or goes; it never stays as it was."""
    if after is None:
        verdict.thumbnail = "dropped"
        return
    was, now = decode(before), decode(after)
    found = difference(negative(was.frames[0], 255), now.frames[0], 255)
    verdict.thumbnail = "negative"
    if found.largest > THUMBNAIL_LARGEST:
        verdict.faults.append(f"the thumbnail is {found.largest} levels from its negative")
