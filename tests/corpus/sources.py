"""Real pictures out of packages: of PyPI (scikit-image, scikit-learn) and of
Debian (backgrounds of two desktops)."""

import hashlib
import subprocess
import sys
import zipfile
from pathlib import Path

from recipe import run

# Name in the corpus -> package. The versions fix what is in the corpus.
WHEELS = {"skimage": "scikit-image==0.26.0", "sklearn": "scikit-learn==1.9.1"}
DEBS = {"mate": "mate-backgrounds", "plasma": "plasma-workspace-wallpapers"}
ENDINGS = {".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}
# Words of a path that say nothing: what is left tells the picture.
DULL = {"backgrounds", "contents", "data", "datasets", "images", "share", "usr", "wallpapers"}


def originals(work: Path) -> dict[str, tuple[str, Path]]:
    """Each picture by its name in the corpus, with package and file."""
    found: dict[str, tuple[str, Path]] = {}
    seen = set()
    for short, (package, folder) in unpack_all(work).items():
        files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in ENDINGS)
        for path in files:
            # Wallpapers are one file under many names.
            if path.is_symlink() or not path.is_file():
                continue
            digest = hashlib.sha256(path.read_bytes()).digest()
            if digest not in seen:
                seen.add(digest)
                found[name(short, path.relative_to(folder))] = (package, path)
    return found


def name(short: str, path: Path) -> str:
    """`usr/share/wallpapers/Flow/contents/images_dark/1.jpg` -> `plasma_Flow_images_dark_1.jpg`."""
    parts = [part for part in path.parts if part not in DULL and part not in ("skimage", "sklearn", "mate")]
    kinds = {"abstract", "desktop", "nature"}
    return "_".join([short, *(part for part in parts if part not in kinds)])


def unpack_all(work: Path) -> dict[str, tuple[str, Path]]:
    """Downloads what is not there yet; a folder is whole once it has its name."""
    folders = {}
    for short, package in {**WHEELS, **DEBS}.items():
        folder = work / short
        if not folder.is_dir():
            print(f"fetching {package}", flush=True)
            partial = work / f"{short}.partial"
            partial.mkdir(parents=True, exist_ok=True)
            fetch(short, package, partial)
            partial.rename(folder)
        folders[short] = (package, folder)
    return folders


def fetch(short: str, package: str, folder: Path) -> None:
    """Downloads one package and unpacks it into `folder`, without installing it."""
    archives = folder / "archive"
    archives.mkdir(exist_ok=True)
    if short in WHEELS:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
        run([*pip, "--no-deps", "--only-binary=:all:", f"--dest={archives}", package])
        for wheel in archives.glob("*.whl"):
            with zipfile.ZipFile(wheel) as archive:
                archive.extractall(folder)
                wheel.unlink()
        return
    done = subprocess.run(["apt-get", "download", package], cwd=archives, capture_output=True, text=True, timeout=900)
    if done.returncode != 0:
        sys.exit(f"{package} cannot be downloaded: run `apt-get update`, then this again\n{done.stderr}")
    for deb in archives.glob("*.deb"):
        run(["dpkg-deb", "--extract", str(deb), str(folder)])
        deb.unlink()
