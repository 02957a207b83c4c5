"""Negatives by Pillow, OpenCV and pyvips, as their documentation shows it; and
what is left of a picture."""

import io
import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "tests" / "corpus"))

import cv2
import numpy
import PIL
import pyvips
from PIL import Image, ImageChops

from losses import measure

cv2.setNumThreads(1)


def pillow(file: bytes, kind: str, quality: int) -> bytes:
    """Alpha is put aside, as ImageChops would invert it."""
    image = Image.open(io.BytesIO(file))
    # A converted picture has none.
    form = image.format
    if image.mode in ("P", "PA") or "transparency" in image.info:
        image = image.convert("RGBA" if "transparency" in image.info else "RGB")
    if image.mode in ("RGBA", "LA"):
        *colours, alpha = image.split()
        inverted = Image.merge(image.mode, [*map(ImageChops.invert, colours), alpha])
    else:
        inverted = ImageChops.invert(image)
    out = io.BytesIO()
    inverted.save(out, form, quality=quality)
    return out.getvalue()


def opencv(file: bytes, kind: str, quality: int) -> bytes:
    """IMREAD_UNCHANGED keeps alpha and depth."""
    image = cv2.imdecode(numpy.frombuffer(file, "uint8"), cv2.IMREAD_UNCHANGED)
    if image is None:
        raise ValueError("not decoded")
    if image.ndim == 3 and image.shape[2] == 4:
        image[..., :3] = ~image[..., :3]
    else:
        image = ~image
    options = {"jpg": [cv2.IMWRITE_JPEG_QUALITY, quality], "webp": [cv2.IMWRITE_WEBP_QUALITY, quality]}
    return cv2.imencode("." + kind, image, options.get(kind, []))[1].tobytes()


def vips(file: bytes, kind: str, quality: int) -> bytes:
    """All frames; alpha is put aside."""
    image = pyvips.Image.new_from_buffer(file, "n=-1" if kind in ("gif", "webp") else "")
    if image.hasalpha():
        colours = image[: image.bands - 1]
        inverted = colours.invert().bandjoin(image[image.bands - 1])
    else:
        inverted = image.invert()
    options = {"Q": quality} if kind in ("jpg", "webp") else {}
    return inverted.write_to_buffer("." + kind, **options)


TOOLS = {
    f"Pillow {PIL.__version__}": pillow,
    f"OpenCV {cv2.__version__}": opencv,
    f"pyvips {pyvips.__version__}": vips,
}


def run(request: dict) -> dict:
    """One negative; the time of all threads, without reading and writing files."""
    file = Path(request["input"]).read_bytes()
    begin = time.process_time()
    try:
        made = TOOLS[request["tool"]](file, Path(request["input"]).suffix[1:], request["quality"])
    # Whatever a library raises is its answer.
    except Exception as error:
        return {"error": str(error).splitlines()[0] if str(error) else type(error).__name__}
    ms = (time.process_time() - begin) * 1000
    Path(request["output"]).write_bytes(made)
    return {"ms": ms}


def main() -> None:
    """One request a line, one answer a line."""
    print(json.dumps(list(TOOLS)), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        answer = measure(request) if "twice" in request else run(request)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
