"""What other decoders see in a file: libjpeg-turbo, Pillow, pypng."""

import io
import subprocess
import warnings
from dataclasses import dataclass

import numpy
import png
from PIL import Image, ImageSequence

# The largest picture of the corpus has 18 million pixels.
Image.MAX_IMAGE_PIXELS = 64_000_000


@dataclass
class Decoded:
    """Frames of samples; an even number of channels ends with alpha."""

    frames: list[numpy.ndarray]
    top: int
    # What must be the same in the negative, such as how long each frame is shown.
    timing: list
    complaints: list[str]


def decode(file: bytes) -> Decoded:
    """A file as the strictest decoder for it sees it."""
    if file.startswith(b"\xff\xd8"):
        return jpeg(file)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with Image.open(io.BytesIO(file)) as image:
            frames = [samples(frame) for frame in ImageSequence.Iterator(image)]
            image.seek(0)
            timing = [image.info.get(key) for key in ("loop", "duration", "interlace")]
    top = 65535 if frames[0].dtype == numpy.uint16 else 255
    if image.format == "PNG" and file[24] == 16:
        frames, top = [deep_png(file)], 65535
    return Decoded(frames, top, timing, [str(warning.message) for warning in caught])


def jpeg(file: bytes) -> Decoded:
    """By libjpeg-turbo, which tells whatever it does not like."""
    done = subprocess.run(["djpeg", "-pnm"], input=file, capture_output=True, timeout=300)
    complaints = done.stderr.decode(errors="replace").splitlines()
    if done.returncode not in (0, 2) or not done.stdout:
        raise ValueError(f"djpeg: {complaints}")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with Image.open(io.BytesIO(file)) as image:
            image.load()
            image.getexif()
    complaints += [str(warning.message) for warning in caught]
    return Decoded([pnm(done.stdout)], 255, [], complaints)


def pnm(file: bytes) -> numpy.ndarray:
    """The samples of a P5 or P6 as djpeg writes it."""
    # Three lines; the samples behind them may look like space.
    kind, size, _, data = file.split(b"\n", 3)
    width, height = map(int, size.split())
    return numpy.frombuffer(data, "uint8").reshape(height, width, 3 if kind == b"P6" else 1)


def samples(frame: Image.Image) -> numpy.ndarray:
    """Height, width, channels; a palette is looked up, a colour key is alpha."""
    if frame.mode.startswith("I"):
        return numpy.asarray(frame).astype("uint16")[..., None]
    if frame.mode == "CMYK":
        return numpy.asarray(frame)
    has_alpha = frame.mode in ("RGBA", "LA", "PA") or "transparency" in frame.info
    return numpy.asarray(frame.convert("RGBA" if has_alpha else "RGB"))


def deep_png(file: bytes) -> numpy.ndarray:
    """All sixteen bits, a colour key as alpha."""
    width, height, rows, info = png.Reader(bytes=file).asDirect()
    return numpy.vstack([numpy.asarray(row, dtype="uint16") for row in rows]).reshape(height, width, info["planes"])


@dataclass
class Difference:
    """How far a picture is from what it should be."""

    psnr: float
    largest: int

    @property
    def is_none(self) -> bool:
        return self.largest == 0


def difference(wanted: numpy.ndarray, found: numpy.ndarray, top: int) -> Difference:
    """Over all channels of all pixels."""
    errors = numpy.abs(wanted.astype("int32") - found.astype("int32"))
    mean_square = float((errors.astype("float64") ** 2).mean())
    # 99 stands for no difference at all, so that medians can be taken.
    psnr = 99.0 if mean_square == 0 else 10 * numpy.log10(top**2 / mean_square)
    return Difference(float(psnr), int(errors.max(initial=0)))


def negative(frame: numpy.ndarray, top: int) -> numpy.ndarray:
    """Each sample but alpha as its distance from the top."""
    flipped = top - frame
    if frame.shape[2] in (2, 4):
        flipped[..., -1] = frame[..., -1]
    return flipped
