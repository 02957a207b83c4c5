"""One file of the corpus: what it is made from, and how."""

import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

# What the inverter is expected to do with a file.
NEGATIVE = "negative"
REFUSED = "refused"
# A format or feature that may or may not be there; if there is an answer, it must be right.
EITHER = "either"

# Programs that are called, each with the Debian package that has it.
PACKAGES = {
    "apt-get": "apt",
    "cjpeg": "libjpeg-turbo-progs",
    "cwebp": "webp",
    "djpeg": "libjpeg-turbo-progs",
    "dpkg-deb": "dpkg",
    "gif2webp": "webp",
    "gifsicle": "gifsicle",
    "jpegtran": "libjpeg-turbo-progs",
    "optipng": "optipng",
    "webpmux": "webp",
}


@dataclass(frozen=True)
class Recipe:
    """A file that does not exist yet."""

    name: str
    source: str
    # Shown in the manifest; when it changes, the file is made anew.
    how: str
    make: Callable[[], bytes]
    expect: str = NEGATIVE


def run(command: list[str], data: bytes = b"") -> bytes:
    """Gives `data` to a program and returns what it prints."""
    try:
        done = subprocess.run(command, input=data, capture_output=True, timeout=300)
    except FileNotFoundError:
        sys.exit(f"{command[0]} is missing: apt-get install {PACKAGES.get(command[0], command[0])}")
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


def run_on_files(command: list[str], output: str, **inputs: bytes) -> bytes:
    """Runs a program that knows no pipes; `inputs` and `output` are files in
    its working folder."""
    with tempfile.TemporaryDirectory() as folder:
        for name, data in inputs.items():
            Path(folder, name).write_bytes(data)
        try:
            done = subprocess.run(command, cwd=folder, capture_output=True, timeout=300)
        except FileNotFoundError:
            sys.exit(f"{command[0]} is missing: apt-get install {PACKAGES.get(command[0], command[0])}")
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)}: {done.stderr.decode(errors='replace').strip()}")
        return Path(folder, output).read_bytes()
