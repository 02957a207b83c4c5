"""PNG of all colour types, depths and filters, by optipng, Pillow and pypng."""

import io
import struct
import zlib
from collections.abc import Callable, Iterator

import numpy
import png
from PIL import Image, ImageCms, ImageDraw

import exif
from containers import PNG_MAGIC, png_chunks
from pictures import Pictures, save
from recipe import EITHER, REFUSED, Recipe, run_on_files

SIZE = (250, 187)
FILTERS = {"none": 0, "sub": 1, "up": 2, "average": 3, "paeth": 4, "mixed": 5}
COLOURS = ("#dae8fc", "#d5e8d4", "#ffe6cc", "#f8cecc")
# As they are, without reductions of colour type, depth or palette.
OPTIPNG = ["optipng", "-quiet", "-force", "-nb", "-nc", "-np", "-nx"]


def kinds(pictures: Pictures, photo: str) -> dict[str, Callable[[], bytes]]:
    """A file of each colour type and depth."""
    rgb = lambda: pictures.rgb(photo, SIZE)
    rgba = lambda: pictures.rgba(photo, SIZE)
    palette = lambda colours: rgb().quantize(colours)
    return {
        "l1": lambda: save(rgb().convert("1"), "PNG"),
        "l2": lambda: pypng(numpy.asarray(rgb().convert("L")) >> 6, greyscale=True, bitdepth=2),
        "l4": lambda: pypng(numpy.asarray(rgb().convert("L")) >> 4, greyscale=True, bitdepth=4),
        "l8": lambda: save(rgb().convert("L"), "PNG"),
        "l16": lambda: pypng(deep(rgb().convert("L")), greyscale=True, bitdepth=16),
        "la8": lambda: save(rgba().convert("LA"), "PNG"),
        "la16": lambda: pypng(deep(rgba().convert("LA")), greyscale=True, alpha=True, bitdepth=16),
        "rgb8": lambda: save(rgb(), "PNG"),
        "rgb16": lambda: pypng(deep(rgb()), greyscale=False, bitdepth=16),
        "rgba8": lambda: save(rgba(), "PNG"),
        "rgba16": lambda: pypng(deep(rgba()), greyscale=False, alpha=True, bitdepth=16),
        "p1": lambda: save(palette(2), "PNG", bits=1),
        "p2": lambda: save(palette(4), "PNG", bits=2),
        "p4": lambda: save(palette(16), "PNG", bits=4),
        "p8": lambda: save(palette(200), "PNG", bits=8),
    }


def deep(picture) -> numpy.ndarray:
    """Sixteen bits a sample, the lower eight of them not the upper eight again."""
    samples = numpy.asarray(picture).astype("uint32")
    return (samples * 256 + (samples * 7919 + numpy.arange(samples.shape[1]).reshape((1, -1) + (1,) * (samples.ndim - 2))) % 256).astype("uint16")


def pypng(samples: numpy.ndarray, **options) -> bytes:
    """A PNG whose samples are written as they are."""
    file = io.BytesIO()
    height, width = samples.shape[:2]
    png.Writer(width, height, **options).write(file, samples.reshape(height, -1).tolist())
    return file.getvalue()


def optipng(file: bytes, *options: str) -> bytes:
    """The same pixels, filtered and compressed anew."""
    return run_on_files([*OPTIPNG, *options, "-out", "out.png", "in.png"], "out.png", **{"in.png": file})


def filtered(pictures: Pictures, photo: str, filters: dict[str, int] = FILTERS) -> Iterator[Recipe]:
    """Each colour type with each filter, one pass and seven."""
    for kind, make in kinds(pictures, photo).items():
        interlaced = lambda make=make: optipng(make(), "-f5", "-zc9", "-i1")
        yield Recipe(f"png_{photo}_{kind}_adam7.png", photo, "optipng -f5 -zc9 -i1", interlaced)
        # Depths below eight are read whole, whatever their filter; one with a mixture will do.
        narrow = kind in ("l1", "l2", "l4", "p1", "p2", "p4")
        for word, number in {"mixed": 5}.items() if narrow else filters.items():
            options = [f"-f{number}", "-zc6", "-i0"]
            file = lambda make=make, options=options: optipng(make(), *options)
            yield Recipe(f"png_{photo}_{kind}_{word}.png", photo, f"optipng {' '.join(options)}", file)


def compressed(pictures: Pictures, photo: str) -> Iterator[Recipe]:
    """Levels and strategies of zlib, on a larger picture."""
    size = (768, 512)
    for level, strategy in [(1, 0), (6, 0), (9, 0), (9, 1), (9, 2), (9, 3)]:
        options = ["-f5", f"-zc{level}", f"-zs{strategy}", "-i0"]
        for kind, picture in {"rgb8": pictures.rgb, "rgba8": pictures.rgba}.items():
            make = lambda picture=picture, options=options: optipng(save(picture(photo, size), "PNG"), *options)
            yield Recipe(f"png_{photo}_{kind}_zc{level}_zs{strategy}.png", photo, f"optipng {' '.join(options)}", make)
    stored = lambda: save(pictures.rgb(photo, size), "PNG", compress_level=0)
    yield Recipe(f"png_{photo}_stored.png", photo, "Pillow, not compressed", stored)


def large(pictures: Pictures, photo: str) -> Iterator[Recipe]:
    """A palette of two million pixels, and a drawing as large as a screen."""
    palette = lambda: save(pictures.rgb(photo, (1632, 1224)).quantize(256), "PNG")
    yield Recipe(f"png_{photo}_palette.png", photo, "1632x1224; Pillow, quantized", palette)
    yield Recipe(f"png_{photo}_diagram.png", photo, "3840x2160; Pillow, drawn", lambda: save(diagram(), "PNG"))


def diagram() -> Image.Image:
    """Boxes, lines and text on white, with the soft edges of a drawing program."""
    # Drawn at twice the size: scaling down makes the edges soft.
    picture = Image.new("RGB", (7680, 4320), "white")
    draw = ImageDraw.Draw(picture)
    for row in range(12):
        for column in range(16):
            x, y = column * 470 + 100, row * 350 + 80
            draw.rounded_rectangle((x, y, x + 340, y + 220), 30, fill=COLOURS[(row * 5 + column) % 4], outline="black", width=6)
            draw.text((x + 30, y + 80), f"step {row}.{column}", fill="black", font_size=64)
            draw.line((x + 340, y + 110, x + 470, y + 110 + row * 7), fill="black", width=6)
    return picture.resize((3840, 2160), Image.Resampling.BOX)


def described(pictures: Pictures, photo: str) -> Iterator[Recipe]:
    """Chunks beside the pixels, transparent colours, many small IDAT."""
    files = kinds(pictures, photo)
    rgb, grey, palette = (lambda: files["rgb8"]()), (lambda: files["l8"]()), (lambda: files["p8"]())
    thumbnail = lambda: save(pictures.rgb(photo, (160, 120)), "JPEG")
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    text = [(b"gAMA", struct.pack(">I", 45455)), (b"pHYs", struct.pack(">IIB", 2835, 2835, 1)),
            (b"tEXt", b"Title\0A title"), (b"zTXt", b"Comment\0\0" + zlib.compress(b"long " * 99)),
            (b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0<x/>"), (b"tIME", struct.pack(">HBBBBB", 2026, 11, 25, 1, 2, 3))]
    suggested = (b"sPLT", b"name\0\x08" + bytes([10, 20, 30, 255, 0, 9]))
    first = lambda: first_pixel(rgb())
    cases = {
        "text": lambda: with_chunks(rgb(), *text),
        "icc": lambda: with_chunks(rgb(), (b"iCCP", b"sRGB\0\0" + zlib.compress(profile))),
        "exif": lambda: with_chunks(rgb(), (b"eXIf", exif.build(6, thumbnail(), ">"))),
        "trns_rgb": lambda: with_chunks(rgb(), (b"tRNS", struct.pack(">HHH", *first()))),
        "trns_grey": lambda: with_chunks(grey(), (b"tRNS", struct.pack(">H", first_pixel(grey())[0]))),
        "trns_l2": lambda: with_chunks(files["l2"](), (b"tRNS", struct.pack(">H", 2))),
        "trns_rgb16": lambda: with_chunks(files["rgb16"](), (b"tRNS", struct.pack(">HHH", *first_pixel(files["rgb16"]())))),
        "trns_palette": lambda: with_chunks(palette(), (b"tRNS", bytes(range(0, 200, 2)))),
        "bkgd_rgb": lambda: with_chunks(rgb(), (b"bKGD", struct.pack(">HHH", 1, 2, 200))),
        "bkgd_palette": lambda: with_chunks(palette(), (b"bKGD", b"\7")),
        "splt": lambda: with_chunks(rgb(), suggested),
        "suggested_palette": lambda: with_chunks(rgb(), (b"PLTE", bytes(range(30)))),
        "idot": lambda: with_chunks(rgb(), (b"iDOT", bytes(28))),
        "unknown_safe": lambda: with_chunks(rgb(), (b"abCd", b"kept")),
        "small_idat": lambda: split_idat(rgb(), 100),
    }
    for name, make in cases.items():
        yield Recipe(f"png_{photo}_{name}.png", photo, f"Pillow, pypng; {name}", make)
    cut = lambda: rgb()[: len(rgb()) // 2]
    yield Recipe(f"png_{photo}_cut.png", photo, "Pillow; its first half", cut, REFUSED)


def animated(pictures: Pictures, photo: str) -> Iterator[Recipe]:
    """APNG by Pillow."""
    for kind in ("RGB", "RGBA", "L", "P"):
        def make(kind=kind) -> bytes:
            frames = [turned.convert(kind) for turned in moving(pictures.rgba(photo, SIZE))]
            return save(frames[0], "PNG", save_all=True, append_images=frames[1:], duration=80)

        yield Recipe(f"png_{photo}_animated_{kind.lower()}.png", photo, f"Pillow, APNG, {kind}", make, EITHER)


def moving(picture, count: int = 5) -> list:
    """Frames of which the next differs from the one before only in a part."""
    frames = [picture]
    for step in range(1, count):
        frame = picture.copy()
        frame.paste(picture.crop((0, 0, 60, 60)), (step * 25, step * 20))
        frames.append(frame)
    return frames


def with_chunks(file: bytes, *chunks: tuple[bytes, bytes]) -> bytes:
    """Puts chunks before the first IDAT."""
    at = file.index(b"IDAT") - 4
    return file[:at] + b"".join(chunk(*one) for one in chunks) + file[at:]


def chunk(kind: bytes, body: bytes) -> bytes:
    """A chunk with its checksum."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def split_idat(file: bytes, size: int) -> bytes:
    """The same stream in many chunks."""
    parts = [PNG_MAGIC]
    for kind, body in png_chunks(file):
        pieces = [body[at : at + size] for at in range(0, len(body), size)] if kind == b"IDAT" else [body]
        parts += [chunk(kind, piece) for piece in pieces]
    return b"".join(parts)


def first_pixel(file: bytes) -> tuple[int, ...]:
    """A colour that is in the picture."""
    rows = png.Reader(bytes=file).asDirect()
    return tuple(next(iter(rows[2]))[: rows[3]["planes"]])
