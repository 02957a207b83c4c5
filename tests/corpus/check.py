"""Has every file of the corpus inverted and judges the negatives."""

import argparse
import json
import shutil
import statistics
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from build import MANIFEST, read_manifest
from judge import Verdict, judge
from recipe import EITHER, NEGATIVE, REFUSED

# What all JPEGs together must reach.
JPEG_MEDIAN_PSNR = 51.0
JPEG_MOSTLY, JPEG_SHARE = 4, 0.97


def negate(program: Path, corpus: Path, into: Path) -> dict[str, list[str]]:
    """Runs our program; its word on each file, by name."""
    shutil.rmtree(into, ignore_errors=True)
    into.mkdir(parents=True)
    done = subprocess.run([program, corpus, into], capture_output=True, text=True, timeout=1800)
    if done.returncode != 0:
        sys.exit(f"{program} failed: {done.stderr}")
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    return {name: [outcome, *rest] for outcome, name, *rest in lines if name != MANIFEST}


def judge_all(corpus: Path, into: Path, answers: dict[str, list[str]]) -> Iterator[Verdict]:
    """A verdict for each file that ought to have been inverted or refused."""
    entries = read_manifest(corpus)
    expected = {entry["name"]: entry["expect"] for entry in entries}
    with ProcessPoolExecutor() as pool:
        running = []
        for name, expect in expected.items():
            outcome, *rest = answers[name]
            if outcome == "negative" and expect in (NEGATIVE, EITHER):
                running.append(pool.submit(judge, name, corpus / name, into / name, rest[1] == "same"))
            elif outcome == "negative":
                yield Verdict(name, "refused", faults=["was not refused"])
            else:
                faults = [f"refused: {rest[0]}"] if expect == NEGATIVE else []
                yield Verdict(name, "refused" if expect == REFUSED else "not supported", faults=faults)
        for count, verdict in enumerate(running, 1):
            yield verdict.result()
            if count % 100 == 0:
                print(f"{count} of {len(running)} judged", flush=True)


def summarise(verdicts: list[Verdict]) -> None:
    """One line for each class: counts, medians, worst."""
    print(f"{'class':17} {'files':>5} {'right':>5} {'twice':>5}  {'dB median':>9} {'worst':>5}  "
          f"{'levels 97 %':>11} {'worst':>5}  {'size median':>11} {'worst':>6}")  # fmt: skip
    for kind in sorted({verdict.kind for verdict in verdicts}):
        of_kind = [verdict for verdict in verdicts if verdict.kind == kind]
        right = sum(not verdict.faults for verdict in of_kind)
        if kind in ("refused", "not supported"):
            print(f"{kind:17} {len(of_kind):5} {right:5}")
            continue
        psnr = [verdict.psnr for verdict in of_kind]
        largest = sorted(verdict.largest for verdict in of_kind)
        sizes = [verdict.size for verdict in of_kind]
        print(f"{kind:17} {len(of_kind):5} {right:5} {sum(verdict.is_same_twice for verdict in of_kind):5}  "
              f"{decibel(statistics.median(psnr)):>9} {decibel(min(psnr)):>5}  "
              f"{largest[int(len(largest) * 0.97 - 0.01)]:11} {largest[-1]:5}  "
              f"{statistics.median(sizes):11.4f} {max(sizes):6.3f}")  # fmt: skip
    thumbnails = [verdict.thumbnail for verdict in verdicts if verdict.thumbnail]
    print("thumbnails:", ", ".join(f"{thumbnails.count(word)} {word}" for word in sorted(set(thumbnails))) or "none")


def decibel(value: float) -> str:
    """99 stands for no difference."""
    return "exact" if value == 99 else f"{value:.1f}"


def together(verdicts: list[Verdict]) -> list[str]:
    """What JPEGs miss as a whole."""
    jpeg = [verdict for verdict in verdicts if verdict.kind.startswith("JPEG")]
    median = statistics.median(verdict.psnr for verdict in jpeg)
    share = sum(verdict.largest <= JPEG_MOSTLY for verdict in jpeg) / len(jpeg)
    print(f"JPEG: median {median:.1f} dB, {share:.1%} within {JPEG_MOSTLY} levels")
    missed = []
    if median < JPEG_MEDIAN_PSNR:
        missed.append(f"the JPEGs' median is {median:.1f} dB, below {JPEG_MEDIAN_PSNR}")
    if share < JPEG_SHARE:
        missed.append(f"only {share:.1%} of the JPEGs are within {JPEG_MOSTLY} levels, of {JPEG_SHARE:.0%}")
    return missed


def main() -> None:
    """Exits with 1 when anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--negate", type=Path, required=True, help="the example of that name of the crate invert")
    options = parser.parse_args()
    into = options.corpus.with_name(options.corpus.name + ".negatives")
    answers = negate(options.negate, options.corpus, into)
    verdicts = list(judge_all(options.corpus, into, answers))
    report = [vars(verdict) for verdict in sorted(verdicts, key=lambda verdict: verdict.name)]
    into.joinpath("report.json").write_text(json.dumps(report, indent=1) + "\n")
    for verdict in verdicts:
        for fault in verdict.faults:
            print(f"  {verdict.name}: {fault}")
    summarise(verdicts)
    wrong = sum(bool(verdict.faults) for verdict in verdicts)
    missed = together(verdicts)
    for miss in missed:
        print(f"  {miss}")
    print(f"{len(verdicts)} files, {wrong} wrong; {into / 'report.json'}")
    if wrong or missed:
        sys.exit(1)


if __name__ == "__main__":
    main()
