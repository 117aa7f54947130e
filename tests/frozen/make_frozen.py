"""Makes what is frozen: ``python -m tests.frozen.make_frozen``, in the top folder of a checkout.

What is committed was made before the packages were moved, with commit 3b0e4bc. It is made anew only where
behaviour is to change, and the change is then what the commit shows; the old run and the lines of journals
that must remain readable stay as they are, unless ``--old-run`` or ``--fact-samples`` is given. ``--whole
FOLDER`` writes the texts of the runs, with nothing left out, to another folder: those of two commits can be
compared there.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

from .normal import lines_of, parts_of, shape_of
from .old_run import DATA, PLACE, keep_old_run
from .play import fact_types, schema
from .runs import NAMES, SCRIPTS, play_run

LOST = {
    "fact": "ExposureLost",
    "time": 1736964300.25,
    "id": 2025011500003,
    "reason": "its files are not there",
}
"""Written by hand: no run that is frozen has lost an exposure."""


def make_runs(data: Path, folder: Path, *, whole: bool) -> list[Path]:
    """Play all runs, write down what is frozen of them, and return their run directories."""
    played = [(name, play_run(name, folder / name)) for name in NAMES]
    for name, run in played:
        (data / name).mkdir(parents=True, exist_ok=True)
        for part, text in parts_of(run, whole=whole).items():
            (data / name / f"{part}.txt").write_text(text, encoding="utf-8")
    return [run.folder for _, run in played]


def make_shapes(data: Path, runs: list[Path], *, samples: bool) -> None:
    """Write down the schemas, the keys of the summary, and what the journals of runs consist of."""
    for name, script in SCRIPTS.items():
        (data / f"schema_{name}.json").write_text(lines_of(schema(script)), encoding="utf-8")
    types: dict[str, set[str]] = {}
    for run in runs:
        for path, name in shape_of(json.loads((run / "summary.json").read_text())):
            types.setdefault(path, set()).add(name)
    shape = {path: " or ".join(sorted(types[path])) for path in sorted(types)}
    (data / "summary_keys.json").write_text(lines_of(shape), encoding="utf-8")
    (data / "fact_types.json").write_text(lines_of(fact_types()), encoding="utf-8")
    if samples:
        (data / "fact_samples.jsonl").write_text("\n".join(_samples(runs)) + "\n", encoding="utf-8")


def _samples(runs: list[Path]) -> list[str]:
    """Lines of journals: of each kind one, and of those that are filled in otherwise one each."""
    samples: dict[object, str] = {"ExposureLost": json.dumps(LOST)}
    for run in runs:
        journal = run / "journal.jsonl"
        text = journal.read_text().replace(str(run), str(PLACE)) if journal.exists() else ""
        for fact in map(json.loads, text.splitlines()):
            if "gains" in fact:
                fact["gains"] = fact["gains"][:2]
            filled = [] if "config" in fact else sorted(set(shape_of(fact)))
            samples.setdefault((fact["fact"], *filled), json.dumps(fact))
    return list(samples.values())


def main() -> None:
    """Make everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--whole", type=Path, metavar="FOLDER")
    parser.add_argument("--old-run", action="store_true")
    parser.add_argument("--fact-samples", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="frozen-") as name:
        if asked.old_run:
            keep_old_run(Path(name) / "old")
        runs = make_runs(asked.whole or DATA, Path(name), whole=asked.whole is not None)
        if asked.whole is None:
            make_shapes(DATA, runs, samples=asked.fact_samples)


if __name__ == "__main__":
    main()
