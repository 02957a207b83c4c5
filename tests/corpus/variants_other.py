"""GIF, WebP, BMP, and formats that are decoded and encoded."""

import io
from collections.abc import Iterator

import numpy
from PIL import Image, ImageCms

from pictures import Pictures, save
from recipe import EITHER, Recipe, run, run_on_files
from variants_png import moving

SIZE = (320, 240)


def gif(pictures: Pictures, photo: str) -> Iterator[Recipe]:
    """One frame and many, global and local colour tables."""
    still = lambda colours=256: save(pictures.rgb(photo, SIZE).quantize(colours), "GIF")
    frames = lambda: moving(pictures.rgba(photo, SIZE), 8)

    def animation(**options) -> bytes:
        first, *others = [frame.convert("RGB").quantize(64) for frame in frames()]
        return save(first, "GIF", save_all=True, append_images=others, duration=60, loop=0, **options)

    def transparent() -> bytes:
        first, *others = frames()
        return save(first, "GIF", save_all=True, append_images=others, duration=60, disposal=2)

    def local_tables() -> bytes:
        first, *others = [frame.convert("RGB").quantize(16 << step % 4) for step, frame in enumerate(frames())]
        return save(first, "GIF", save_all=True, append_images=others, optimize=False)

    cases = {
        "still": still,
        "still_2": lambda: still(2),
        "still_16": lambda: still(16),
        "interlaced": lambda: run(["gifsicle", "--interlace"], still()),
        "comment": lambda: run(["gifsicle", "--comment", "a comment"], still()),
        "animated": animation,
        "animated_optimised": lambda: run(["gifsicle", "-O3"], animation()),
        "animated_transparent": transparent,
        "animated_local": local_tables,
        "animated_unoptimised": lambda: run(["gifsicle", "--unoptimize"], animation()),
    }
    for name, make in cases.items():
        yield Recipe(f"gif_{photo}_{name}.gif", photo, f"Pillow, gifsicle; {name}", make)


def webp(pictures: Pictures, photo: str) -> Iterator[Recipe]:
    """Lossy and lossless, with alpha, with metadata, animated."""
    picture = lambda: save(pictures.rgba(photo, SIZE), "PNG")
    opaque = lambda: save(pictures.rgb(photo, (640, 480)), "PNG")
    cwebp = lambda file, *options: run(["cwebp", "-quiet", *options, "-o", "-", "--", "-"], file)
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()

    def described(kind: str, data: bytes, file: bytes) -> bytes:
        command = ["webpmux", "-set", kind, "data", "in.webp", "-o", "out.webp"]
        return run_on_files(command, "out.webp", data=data, **{"in.webp": file})

    def animation(*options: str) -> bytes:
        first, *others = [frame.convert("RGB").quantize(64) for frame in moving(pictures.rgba(photo, SIZE))]
        file = save(first, "GIF", save_all=True, append_images=others, duration=60)
        return run_on_files(["gif2webp", "-quiet", *options, "in.gif", "-o", "out.webp"], "out.webp", **{"in.gif": file})

    cases = {f"lossy_q{quality}": lambda quality=quality: cwebp(opaque(), "-q", str(quality)) for quality in (30, 75, 95)}
    cases |= {
        "lossy_alpha": lambda: cwebp(picture(), "-q", "80"),
        "lossy_icc": lambda: described("icc", profile, cwebp(opaque(), "-q", "80")),
        "lossless": lambda: cwebp(opaque(), "-lossless"),
        "lossless_alpha": lambda: cwebp(picture(), "-lossless", "-exact"),
        "near_lossless": lambda: cwebp(opaque(), "-near_lossless", "40"),
        "lossless_icc": lambda: described("icc", profile, cwebp(picture(), "-lossless")),
        "lossless_xmp": lambda: described("xmp", b"<x:xmpmeta/>", cwebp(picture(), "-lossless")),
        "lossless_exif": lambda: described("exif", b"II*\0\x08\0\0\0\0\0\0\0\0\0", cwebp(picture(), "-lossless")),
    }
    for name, make in cases.items():
        yield Recipe(f"webp_{photo}_{name}.webp", photo, f"cwebp, webpmux; {name}", make)
    for name, options in {"animated_lossless": [], "animated_lossy": ["-lossy"], "animated_mixed": ["-mixed"]}.items():
        make = lambda options=options: animation(*options)
        yield Recipe(f"webp_{photo}_{name}.webp", photo, f"gif2webp {' '.join(options)}", make, EITHER)


def bmp(pictures: Pictures, photo: str) -> Iterator[Recipe]:
    """By Pillow and djpeg."""
    rgb = lambda: pictures.rgb(photo, (251, 187))
    jpeg = lambda: save(rgb(), "JPEG", quality=90)
    cases = {
        "1": lambda: save(rgb().convert("1"), "BMP"),
        "8": lambda: save(rgb().quantize(256), "BMP"),
        "grey": lambda: save(rgb().convert("L"), "BMP"),
        "24": lambda: save(rgb(), "BMP"),
        "32": lambda: save(pictures.rgba(photo, (251, 187)), "BMP"),
        "os2_24": lambda: run(["djpeg", "-os2"], jpeg()),
        "os2_8": lambda: run(["djpeg", "-os2", "-colors", "100"], jpeg()),
    }
    for name, make in cases.items():
        yield Recipe(f"bmp_{photo}_{name}.bmp", photo, f"Pillow or djpeg; {name}", make)


def large(pictures: Pictures, photo: str) -> Iterator[Recipe]:
    """Two million pixels as they are."""
    make = lambda: save(pictures.rgb(photo, (1632, 1224)), "BMP")
    yield Recipe(f"bmp_{photo}_large.bmp", photo, "1632x1224; Pillow", make)


def recoded(pictures: Pictures, photo: str) -> Iterator[Recipe]:
    """TIFF, PNM and QOI: where there is a negative, it must be right."""
    rgb = lambda: pictures.rgb(photo, (251, 187))
    rgba = lambda: pictures.rgba(photo, (251, 187))
    deep = lambda: Image.fromarray(numpy.asarray(rgb().convert("L")).astype("uint16") * 257)
    tiff = lambda picture, compression: save(picture, "TIFF", compression=compression)
    cases = {
        "raw.tif": lambda: tiff(rgb(), None),
        "lzw.tif": lambda: tiff(rgb(), "tiff_lzw"),
        "deflate.tif": lambda: tiff(rgba(), "tiff_adobe_deflate"),
        "packbits.tif": lambda: tiff(rgb().convert("L"), "packbits"),
        "grey16.tif": lambda: tiff(deep(), None),
        "bilevel.tif": lambda: tiff(rgb().convert("1"), None),
        "palette.tif": lambda: tiff(rgb().quantize(200), None),
        "cmyk.tif": lambda: tiff(rgb().convert("CMYK"), None),
        "rgb.ppm": lambda: save(rgb(), "PPM"),
        "grey.pgm": lambda: save(rgb().convert("L"), "PPM"),
        "bilevel.pbm": lambda: save(rgb().convert("1"), "PPM"),
        "plain.ppm": lambda: plain_ppm(rgb()),
        "rgb.qoi": lambda: save(rgb(), "QOI"),
        "rgba.qoi": lambda: save(rgba(), "QOI"),
    }
    for name, make in cases.items():
        yield Recipe(f"other_{photo}_{name}", photo, f"Pillow; {name}", make, EITHER)


def plain_ppm(picture: Image.Image) -> bytes:
    """PNM in letters (P3)."""
    text = io.StringIO()
    text.write(f"P3\n# a comment\n{picture.width} {picture.height}\n255\n")
    numpy.savetxt(text, numpy.asarray(picture).reshape(picture.height, -1), fmt="%d")
    return text.getvalue().encode()
