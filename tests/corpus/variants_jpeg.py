"""JPEG in all the ways that libjpeg-turbo's tools and Pillow write it."""

from collections.abc import Iterator

from PIL import ImageCms

import exif
from pictures import Pictures, save
from recipe import EITHER, REFUSED, Recipe, run, run_on_files

QUALITIES = (50, 75, 80, 90, 95, 100)
SAMPLINGS = {"444": "1x1", "422": "2x1", "420": "2x2", "440": "1x2", "411": "4x1", "410": "4x2", "441": "1x4"}
MODES = {"seq": [], "prog": ["-progressive"]}
WEBCAM = (640, 480)
ODD_SIZES = [(1, 1), (7, 5), (8, 8), (17, 33), (639, 479)]

# Sequential, one scan for each component.
APART = b"0;\n1;\n2;\n"
# Progressive without successive approximation, and with as much of it as may be.
SPECTRAL = b"0,1,2: 0-0, 0, 0;\n0: 1-9, 0, 0;\n1: 1-63, 0, 0;\n2: 1-63, 0, 0;\n0: 10-63, 0, 0;\n"
DEEP = b"0 1 2: 0-0, 0, 3;\n" + b"".join(b"%d: 1-63, 0, 3;\n" % component for component in range(3))
DEEP += b"".join(
    b"0 1 2: 0-0, %d, %d;\n" % (bit, bit - 1) + b"".join(b"%d: 1-63, %d, %d;\n" % (c, bit, bit - 1) for c in range(3))
    for bit in (3, 2, 1)
)


def cjpeg(pictures: Pictures, photo: str, size: tuple[int, int], name: str, *options: str, expect="negative") -> Recipe:
    """A file as cjpeg writes it."""
    command = ["cjpeg", *options]
    how = f"{size[0]}x{size[1]}; {' '.join(command)}"
    return Recipe(f"jpeg_{photo}_{name}.jpg", photo, how, lambda: run(command, pictures.ppm(photo, size)), expect)


def scripted(pictures: Pictures, photo: str, name: str, script: bytes) -> Recipe:
    """A file whose scans are told one by one."""

    def make() -> bytes:
        command = ["cjpeg", "-quality", "85", "-scans", "script", "-outfile", "out", "picture"]
        return run_on_files(command, "out", script=script, picture=pictures.ppm(photo, WEBCAM))

    how = f"640x480; cjpeg -quality 85 -scans {script.decode().split()}"
    return Recipe(f"jpeg_{photo}_scans_{name}.jpg", photo, how, make)


def coded(pictures: Pictures, photo: str) -> Iterator[Recipe]:
    """Quality, sampling, restart intervals, tables, components, scans."""
    for mode, options in MODES.items():
        for quality in QUALITIES:
            yield cjpeg(pictures, photo, WEBCAM, f"q{quality}_{mode}", "-quality", str(quality), *options)
    for mode, options in MODES.items():
        for sampling, factors in SAMPLINGS.items():
            chosen = ["-quality", "80", "-sample", factors, *options]
            # libjpeg-turbo itself reads all of these; those with four rows are rare.
            expect = EITHER if sampling in ("410", "441") else "negative"
            yield cjpeg(pictures, photo, WEBCAM, f"{sampling}_{mode}", *chosen, expect=expect)
        yield cjpeg(pictures, photo, WEBCAM, f"mixed_{mode}", *options, "-sample", "2x2,1x2,2x1")
        yield cjpeg(pictures, photo, WEBCAM, f"third_{mode}", *options, "-sample", "3x1,1x1,1x1", expect=EITHER)
        yield cjpeg(pictures, photo, WEBCAM, f"grey_{mode}", *options, "-grayscale", "-quality", "85")
        yield cjpeg(pictures, photo, WEBCAM, f"rgb_{mode}", *options, "-rgb", "-quality", "85")
        yield cjpeg(pictures, photo, WEBCAM, f"arithmetic_{mode}", *options, "-arithmetic", expect=REFUSED)
        for interval in ("1", "3", "1B", "7B"):
            yield cjpeg(pictures, photo, WEBCAM, f"restart{interval}_{mode}", *options, "-restart", interval)
    yield cjpeg(pictures, photo, WEBCAM, "optimised_seq", "-optimize", "-quality", "85")
    yield cjpeg(pictures, photo, WEBCAM, "optimised_restart", "-optimize", "-quality", "85", "-restart", "1")
    yield from [scripted(pictures, photo, *script) for script in (("apart", APART), ("spectral", SPECTRAL), ("deep", DEEP))]


def sizes(pictures: Pictures, photo: str) -> Iterator[Recipe]:
    """Borders within a block, and coarse tables."""
    for size in ODD_SIZES:
        for sampling in ("444", "420", "411"):
            for mode, options in MODES.items():
                name = f"{size[0]}x{size[1]}_{sampling}_{mode}"
                yield cjpeg(pictures, photo, size, name, "-quality", "85", "-sample", SAMPLINGS[sampling], *options)
    for quality in (1, 10, 25):
        for mode, options in MODES.items():
            yield cjpeg(pictures, photo, WEBCAM, f"q{quality}_{mode}", "-quality", str(quality), *options)


def large(pictures: Pictures, photo: str) -> Iterator[Recipe]:
    """Photographs of one to twelve million pixels."""
    for name, size in {"1mp": (1152, 864), "2mp": (1632, 1224), "6mp": (3000, 2000), "12mp": (4000, 3000)}.items():
        for mode, options in MODES.items():
            yield cjpeg(pictures, photo, size, f"{name}_q90_{mode}", "-quality", "90", *options)
    yield cjpeg(pictures, photo, (1632, 1224), "2mp_q90_restart", "-quality", "90", "-restart", "1")


def transformed(pictures: Pictures, photo: str) -> Iterator[Recipe]:
    """Coefficients in another order, as jpegtran leaves them."""
    for turn in (["-rotate", "90"], ["-transpose"], ["-flip", "horizontal"], ["-crop", "333x222+48+32"]):
        name = turn[0][1:]
        command = ["jpegtran", "-copy", "all", *turn]

        def make(command=command) -> bytes:
            return run(command, run(["cjpeg", "-quality", "85", "-sample", "2x1"], pictures.ppm(photo, WEBCAM)))

        yield Recipe(f"jpeg_{photo}_{name}.jpg", photo, f"cjpeg -sample 2x1; {' '.join(command)}", make)


def described(pictures: Pictures, photo: str) -> Iterator[Recipe]:
    """EXIF, colour profiles, XMP, comments, and what stands around a picture."""
    size = WEBCAM

    def saved(**options) -> bytes:
        return save(pictures.rgb(photo, size), "JPEG", quality=85, **options)

    def with_exif(orientation: int, order: str, is_progressive: bool) -> bytes:
        thumbnail = save(pictures.rgb(photo, (160, 120)), "JPEG", quality=70)
        block = b"Exif\0\0" + exif.build(orientation, thumbnail, order)
        return saved(exif=block, progressive=is_progressive)

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    # A profile's size stands in its first four bytes; beyond 64 kB it takes several segments.
    long_profile = (200_000).to_bytes(4, "big") + (profile + bytes(200_000))[4:200_000]
    xmp = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>" + b" " * 500 + b"</x:xmpmeta>"
    photoshop = b"Photoshop 3.0\x008BIM\x04\x04\0\0\0\0\0\x0f\x1c\x02\x78\x00\x0aA caption.\0"
    cases = {f"orientation{turn}": lambda turn=turn: with_exif(turn, "<>"[turn % 2], turn > 6) for turn in range(1, 9)}
    cases |= {
        "icc": lambda: saved(icc_profile=profile),
        "icc_long": lambda: saved(icc_profile=long_profile),
        "xmp": lambda: saved(xmp=xmp),
        "comment": lambda: saved(comment="A comment — not only ASCII"),
        "iptc": lambda: insert(saved(), segment(0xED, photoshop)),
        "everything": lambda: insert(
            insert(saved(icc_profile=profile, xmp=xmp, comment="x", progressive=True), segment(0xED, photoshop)),
            segment(0xE1, b"Exif\0\0" + exif.build(6, save(pictures.rgb(photo, (160, 120)), "JPEG"))),
        ),
        "fill_bytes": lambda: insert(saved(), b"\xff\xff\xff" + segment(0xFE, b"behind fill bytes")),
        "trailer": lambda: saved() + b"bytes behind the picture",
        "no_jfif": lambda: without(saved(), 0xE0),
    }
    for name, make in cases.items():
        yield Recipe(f"jpeg_{photo}_{name}.jpg", photo, f"Pillow, quality 85, {name}", make)
    yield Recipe(
        f"jpeg_{photo}_no_tables.jpg", photo, "cjpeg; DHT taken out, as in motion JPEG",
        lambda: without(run(["cjpeg", "-quality", "80"], pictures.ppm(photo, size)), 0xC4), EITHER,
    )


def refused(pictures: Pictures, photo: str) -> Iterator[Recipe]:
    """What is no whole picture, or of four components."""
    cmyk = lambda: save(pictures.rgb(photo, WEBCAM).convert("CMYK"), "JPEG", quality=85)
    yield Recipe(f"jpeg_{photo}_cmyk.jpg", photo, "Pillow, CMYK", cmyk, REFUSED)
    for mode, options in MODES.items():
        def cut(options=options) -> bytes:
            file = run(["cjpeg", *options], pictures.ppm(photo, WEBCAM))
            return file[: len(file) // 2]

        yield Recipe(f"jpeg_{photo}_cut_{mode}.jpg", photo, f"cjpeg {' '.join(options)}; its first half", cut, REFUSED)


def insert(file: bytes, segments: bytes) -> bytes:
    """Puts segments behind the first one, as APP0 must stay the first."""
    end = 4 + int.from_bytes(file[4:6], "big")
    return file[:end] + segments + file[end:]


def segment(marker: int, body: bytes) -> bytes:
    """A marker segment."""
    return bytes([0xFF, marker]) + (len(body) + 2).to_bytes(2, "big") + body


def without(file: bytes, marker: int) -> bytes:
    """The file without the segments of one kind before its first scan."""
    kept, at = bytearray(file[:2]), 2
    while file[at + 1] != 0xDA:
        end = at + 2 + int.from_bytes(file[at + 2 : at + 4], "big")
        if file[at + 1] != marker:
            kept += file[at:end]
        at = end
    return bytes(kept) + file[at:]
