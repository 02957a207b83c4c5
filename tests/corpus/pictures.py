"""The pictures that variants are made of: photographs, or one made from a
seed where nothing may be downloaded."""

import functools
import io
from pathlib import Path

import numpy
from PIL import Image, ImageDraw

# The largest picture of the corpus has 18 million pixels.
Image.MAX_IMAGE_PIXELS = 64_000_000

MADE = "made"

# Short names of originals that become variants.
PHOTOS = {
    "china": "sklearn_china.jpg",
    "flower": "sklearn_flower.jpg",
    "coffee": "skimage_coffee.png",
    "elephants": "mate_Elephants_3840x2160.jpg",
    "volna": "plasma_Volna_5120x2880.jpg",
    "cascade": "plasma_Cascade_3840x2160.png",
    "logo": "skimage_logo.png",
}


class Pictures:
    """Pictures by name."""

    def __init__(self, originals: Path):
        self.originals = originals

    @functools.lru_cache(maxsize=8)
    def rgb(self, name: str, size: tuple[int, int] | None = None) -> Image.Image:
        """A picture, scaled and cropped to `size`."""
        picture = made() if name == MADE else Image.open(self.originals / PHOTOS[name]).convert("RGB")
        return picture if size is None else cover(picture, size)

    def rgba(self, name: str, size: tuple[int, int]) -> Image.Image:
        """The same with every kind of alpha: none, full, and all between."""
        picture = self.rgb(name, size).copy()
        ramp = numpy.linspace(-64, 320, size[0]).clip(0, 255).astype("uint8")
        picture.putalpha(Image.fromarray(numpy.tile(ramp, (size[1], 1))))
        return picture

    def ppm(self, name: str, size: tuple[int, int] | None = None) -> bytes:
        """A picture as the tools of libjpeg-turbo take it."""
        return save(self.rgb(name, size), "PPM")


def save(picture: Image.Image, kind: str, **options) -> bytes:
    """A picture as a file."""
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def cover(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    """The middle of a picture in another size, its proportions kept."""
    scale = max(size[0] / picture.width, size[1] / picture.height)
    scaled = picture.resize((round(picture.width * scale), round(picture.height * scale)), Image.Resampling.LANCZOS)
    left, top = (scaled.width - size[0]) // 2, (scaled.height - size[1]) // 2
    return scaled.crop((left, top, left + size[0], top + size[1]))


@functools.cache
def made(size: tuple[int, int] = (640, 480)) -> Image.Image:
    """Smooth light, sharp edges and grain, the same in every run."""
    random = numpy.random.default_rng(20261125)
    light = numpy.zeros((size[1], size[0], 3))
    for points, weight in [(4, 150), (16, 60), (64, 25)]:
        grid = random.random((points, points, 3)) * 255
        smooth = Image.fromarray(grid.astype("uint8")).resize(size, Image.Resampling.BICUBIC)
        light += (numpy.asarray(smooth, dtype=float) - 127.5) * weight / 255
    light += 127.5 + random.normal(0, 4, light.shape)
    picture = Image.fromarray(light.clip(0, 255).astype("uint8"))
    draw = ImageDraw.Draw(picture)
    for step in range(12):
        box = (step * 50 + 5, 20, step * 50 + 40, 60 + step * 10)
        draw.rectangle(box, fill=(step * 21, 255 - step * 21, 255 * (step % 2)))
    draw.text((20, 420), "The quick brown fox jumps over the lazy dog. 0123456789", fill="black")
    return picture
