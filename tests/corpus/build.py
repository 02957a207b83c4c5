"""Makes the corpus: a folder of files and a manifest that says of each what it
is made of. What is there already stays, so that a run may be stopped."""

import fnmatch
import hashlib
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import sources
import variants_jpeg
import variants_other
import variants_png
from pictures import MADE, Pictures
from recipe import EITHER, NEGATIVE, Recipe

MANIFEST = "manifest.json"

# What the quick run takes of the variants: at least one file for each way
# through the inverter.
SMALL = [
    "jpeg_*_q75_*", "jpeg_*_q80_*", "jpeg_*_q100_seq*", "jpeg_*_444_*", "jpeg_*_422_seq*", "jpeg_*_411_prog*",
    "jpeg_*_grey_seq*", "jpeg_*_rgb_seq*", "jpeg_*_restart1_*", "jpeg_*_restart7B_seq*", "jpeg_*_optimised_seq*",
    "jpeg_*_scans_*", "jpeg_*_orientation6*", "jpeg_*_everything*", "jpeg_*_arithmetic_seq*", "jpeg_*_cmyk*",
    "jpeg_*_cut_*", "jpeg_*_7x5_420_*", "png_*_mixed.png", "png_*_rgb*_adam7.png", "png_*_text*",
    "png_*_trns_*", "png_*_exif*", "gif_*_animated_local*", "gif_*_still.gif", "bmp_*_24*", "bmp_*_32*", "bmp_*_8*",
]  # fmt: skip


def variants(pictures: Pictures, photos: list[str]) -> Iterator[Recipe]:
    """Everything that is derived; the first photograph is taken through all."""
    first, *others = photos
    for photo in photos:
        yield from variants_jpeg.coded(pictures, photo)
    for group in (variants_jpeg.sizes, variants_jpeg.transformed, variants_jpeg.described, variants_jpeg.refused):
        yield from group(pictures, first)
    yield from variants_png.filtered(pictures, first)
    for photo in others[:1]:
        yield from variants_png.filtered(pictures, photo, {"mixed": 5})
    for group in (variants_png.compressed, variants_png.described, variants_png.animated):
        yield from group(pictures, first)
    for group in (variants_other.gif, variants_other.webp, variants_other.bmp, variants_other.recoded):
        yield from group(pictures, first)


def small() -> list[Recipe]:
    """What is made in seconds, of a picture that needs no download."""
    recipes = variants(Pictures(Path()), [MADE])
    return [recipe for recipe in recipes if any(fnmatch.fnmatch(recipe.name, pattern) for pattern in SMALL)]


def full(folder: Path) -> list[Recipe]:
    """The pictures of the packages as they are, and their variants."""
    originals = folder / "originals"
    pictures = Pictures(originals)
    recipes = []
    for name, (package, path) in sources.originals(folder.parent / "corpus.packages").items():
        expect = EITHER if path.suffix.lower() in (".tif", ".tiff") else NEGATIVE
        recipes.append(Recipe(f"originals/{name}", package, path.name, path.read_bytes, expect))
    recipes += variants(pictures, ["china", "coffee"])
    recipes += variants_jpeg.large(pictures, "volna")
    recipes += variants_png.compressed(pictures, "logo")
    recipes += variants_png.large(pictures, "volna")
    recipes += variants_other.large(pictures, "volna")
    return recipes


def make(folder: Path, recipes: list[Recipe]) -> None:
    """Makes each file that is not there yet, and writes the manifest."""
    known = {old["name"]: old for old in read_manifest(folder)}
    wanted, begin = {}, time.monotonic()
    for count, recipe in enumerate(recipes, 1):
        path = folder / recipe.name
        if known.get(recipe.name, {}).get("how") != recipe.how or not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            partial = path.with_name(path.name + ".partial")
            partial.write_bytes(recipe.make())
            partial.rename(path)
        wanted[recipe.name] = entry(recipe, path.read_bytes())
        if count % 50 == 0:
            write_manifest(folder, known | wanted)
            print(f"{count} of {len(recipes)} files, {time.monotonic() - begin:.0f} s", flush=True)
    write_manifest(folder, wanted)
    megabytes = sum(made["bytes"] for made in wanted.values()) / 1e6
    print(f"{len(wanted)} files, {megabytes:.0f} MB in {folder}")


def entry(recipe: Recipe, file: bytes) -> dict:
    """A line of the manifest."""
    digest = hashlib.sha256(file).hexdigest()
    return {
        "name": recipe.name, "source": recipe.source, "how": recipe.how, "expect": recipe.expect,
        "bytes": len(file), "sha256": digest,
    }  # fmt: skip


def read_manifest(folder: Path) -> list[dict]:
    """What is in the corpus; nothing where there is none."""
    path = folder / MANIFEST
    return json.loads(path.read_text()) if path.is_file() else []


def write_manifest(folder: Path, entries: dict[str, dict]) -> None:
    """Replaces the manifest as a whole."""
    partial = folder / f"{MANIFEST}.partial"
    folder.mkdir(parents=True, exist_ok=True)
    partial.write_text(json.dumps(list(entries.values()), indent=1) + "\n")
    partial.rename(folder / MANIFEST)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--small", folder]:
            make(Path(folder), small())
        case [folder]:
            make(Path(folder), full(Path(folder)))
        case _:
            sys.exit("usage: build.py [--small] FOLDER")
