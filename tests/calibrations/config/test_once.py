"""A script reads its configuration once, and does what it means; what is recorded of it decides nothing."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import lsst.ts.calibrations
from lsst.ts.calibrations.auxtel import MakeLatissCalibrations
from lsst.ts.calibrations.config import config
from lsst.ts.calibrations.config.config import CalibrationConfig
from lsst.ts.calibrations.domain.instruments import LATISS
from lsst.ts.calibrations.journal.facts import RunConfigured
from lsst.ts.simulated_observatory import clock

SMALL = "script_mode: BIAS\nn_bias: 1\nn_discard_bias: 0"
PACKAGES = Path(lsst.ts.calibrations.__file__).parents[1]


def understood(text: str) -> dict[str, Any]:
    """All options that a journaled text stands for."""
    found = config.examine(text, MakeLatissCalibrations.get_schema(), LATISS).config
    assert found is not None
    return found.as_dict()


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often a text was read, compared with the schema and checked by the rules."""
    count: Counter[str] = Counter()

    def counted(name: str) -> Callable[..., Any]:
        function = getattr(config, name)

        def call(*arguments: Any, **options: Any) -> Any:
            count[name] += 1
            return function(*arguments, **options)

        return call

    for name in ("read_mapping", "compare", "rule_problems"):
        monkeypatch.setattr(config, name, counted(name))
    return count


def test_a_script_reads_and_checks_its_configuration_once(night: Any, calls: Counter[str]) -> None:
    assert night(SMALL).state == "DONE"
    assert calls == {"read_mapping": 1, "compare": 1, "rule_problems": 1}


def test_a_refused_configuration_is_read_once_too(night: Any, calls: Counter[str]) -> None:
    assert "n_bias: 0 is not allowed" in night("n_bias: 0").reason
    assert calls == {"read_mapping": 1, "compare": 1, "rule_problems": 1}


def test_what_a_script_changes_before_it_configures_its_base_counts(
    night: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure = MakeLatissCalibrations.configure

    async def change(self: MakeLatissCalibrations, options: SimpleNamespace) -> None:
        options.n_bias = 2
        await configure(self, options)

    monkeypatch.setattr(MakeLatissCalibrations, "configure", change)
    changed = night(SMALL)
    assert changed.summary["config"]["n_bias"] == len(changed.summary["exposures"]) == 2
    assert understood(changed.of(RunConfigured)[0].text)["n_bias"] == 2  # as a resumed run has it


def test_options_without_a_text_are_written_down_as_one(observatory: Any) -> None:
    options = {"script_mode": "BIAS", "n_bias": 2}

    async def main() -> str:
        async with observatory():
            script = MakeLatissCalibrations(index=1)
            await script.start_task
            await script.configure(SimpleNamespace(**options))
            await script.close()
            return script.prepared.text

    assert understood(clock.run(main)) == CalibrationConfig.from_namespace(options, LATISS).as_dict()


def test_the_rules_hold_for_what_a_script_changes(night: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    configure = MakeLatissCalibrations.configure

    async def change(self: MakeLatissCalibrations, options: SimpleNamespace) -> None:
        options.do_ptc = True
        await configure(self, options)

    monkeypatch.setattr(MakeLatissCalibrations, "configure", change)
    assert "do_ptc: true needs script_mode: BIAS_DARK_FLAT" in night(SMALL).reason


def test_nothing_reads_the_recorded_options_to_decide_by_them() -> None:
    readers = [
        path.relative_to(PACKAGES).as_posix()
        for path in PACKAGES.rglob("*.py")
        if re.search(r"\.recorded\b", path.read_text(encoding="utf-8"))
    ]
    assert readers == ["calibrations/config/config.py"]
