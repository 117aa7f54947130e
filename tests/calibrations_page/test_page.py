"""The page of a run: what it shows, that it is one file, and that nothing of it can hurt a run."""

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Sequence
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.table import Table, join

from lsst.ts.calibrations.domain.instruments import AMPLIFIERS
from lsst.ts.calibrations.run.page_process import PAGE
from lsst.ts.calibrations_page.__main__ import load, write_page
from lsst.ts.calibrations_page.curves import model_variance
from lsst.ts.calibrations_page.datasets import Datasets
from lsst.ts.calibrations_page.document import Run, make_page
from lsst.ts.calibrations_page.html import breakable, tag
from lsst.ts.calibrations_page.images import png, stretched
from lsst.ts.calibrations_page.results import Results
from lsst.ts.calibrations_page.statistics import summary_tables
from lsst.ts.calibrations_page.svg import Axis
from lsst.ts.calibrations_page.tables import write_tables

from .example_run import FIRST, row, run_facts, write_journal


def page_of(run: Run) -> str:
    return make_page(run, Datasets("/nowhere", run.instrument.name))


def first_screen(page: str) -> str:
    return page.partition('<header class="top">')[2].partition("</header>")[0]


class _Outline(HTMLParser):
    """Elements that are not closed, addresses that are outside, and titles of sections."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.outside: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag_: str, attrs: list[tuple[str, str | None]]) -> None:
        for key, value in attrs:
            if key in ("src", "href", "xlink:href") and value and value.startswith(("http", "//", "file")):
                self.outside.append(value)
            if key == "href" and value and value.startswith("#"):
                self.links.append(value[1:])
            if key == "id" and value:
                self.ids.append(value)
        if tag_ not in ("meta", "link", "img", "br", "wbr"):
            self.open.append(tag_)

    def handle_endtag(self, tag_: str) -> None:
        assert self.open.pop() == tag_


def test_the_first_screen_names_a_few_of_many_exposures_that_were_left_out(folder: Path) -> None:
    run = load(folder)
    left_out = [{"calibration": "BIAS", "exposure": FIRST + k, "reason": f"light {k}"} for k in range(5)]
    first = first_screen(page_of(replace(run, summary={**run.summary, "left_out": left_out})))
    assert f"Left out of BIAS: exposure {FIRST}: light 0" in first
    assert f"Left out of BIAS: exposure {FIRST + 2}: light 2" in first
    assert "2 more were left out: report.txt names them." in first
    assert "light 3" not in first


def test_the_first_screen_says_that_more_failed_than_the_summary_has(folder: Path) -> None:
    run = load(folder)
    assert "more are not in the summary" not in first_screen(page_of(run))
    verdicts = {**run.summary["verification"]}
    verdicts["BIAS"] = {**verdicts["BIAS"], "n_failed": 20_000}
    first = first_screen(page_of(replace(run, summary={**run.summary, "verification": verdicts})))
    assert re.search(r"These are \d+ of the 20000 failed tests: more are not in the summary\.", first)


def test_the_first_screen_tells_which_amplifier_fails_and_by_how_much(folder: Path) -> None:
    first = first_screen(page_of(load(folder)))
    assert "C05 NOISE" in first
    assert "failed in 5 of 5 exposures: 13.25 electron" in first
    assert "reference 10, +32.5\u00a0%; allowed 9.5 to 10.5" in first
    assert "Injected faults: amplifier-noise:amplifier=C05,factor=1.2." in first
    assert "5 of 160 tests failed" in first
    failed = re.findall(r'class="cell (\w+) failed"[^>]*><title>RXX_S00 (\w+) BIAS NOISE: FAILED|', first)
    drawn = re.findall(r"<title>RXX_S00 (C\d\d) BIAS (\w+): (\w+)", first)
    assert [(name, outcome) for name, _, outcome in drawn if outcome == "FAILED"] == [("C05", "FAILED")], (
        failed
    )
    assert sorted(name for name, *_ in drawn) == sorted(AMPLIFIERS)


def test_a_good_run_names_what_is_nearest_to_its_limits(tmp_path: Path) -> None:
    first = first_screen(page_of(load(write_journal(tmp_path, run_facts(noisy=None)))))
    assert "No test that counts failed." in first
    assert "Nearest to their limits:" in first
    assert "What failed" not in first
    assert "FAILED" not in first


def test_a_run_that_was_resumed_says_so(folder: Path) -> None:
    run = load(folder)
    assert ", resumed" not in first_screen(page_of(run))
    run.record.parts.append(run.record.parts[0])
    assert "LATISS, 2025-01-15 18:00 TAI, resumed" in first_screen(page_of(run))


@pytest.mark.parametrize(("made", "word"), [(None, "failed"), ("u/made", "rejected")])
def test_a_negative_verdict_rejects_only_what_was_made(folder: Path, made: str | None, word: str) -> None:
    run = load(folder)
    bias = {**run.summary["verification"]["BIAS"], "passed": False, "generation_collection": made}
    first = first_screen(page_of(replace(run, summary={**run.summary, "verification": {"BIAS": bias}})))
    assert re.findall(r'<span class="pill bad">(\w+)</span>', first) == [word]


def test_a_statistic_without_limits_has_no_columns_of_limits() -> None:
    level = {"reference": None, "limit": None, "counted": False}
    rows = [
        {**row("C00", "RXX_S00", FIRST, test, **more), "calibration": "BIAS"}
        for test, more in (("LEVEL", level), ("NOISE", {}))
    ]
    (shown,) = summary_tables(Results(rows))
    head = re.findall(r'<th scope="col">([^<]*)</th>', shown)
    assert head == [
        "amplifier",
        *("NOISE [electron]", "spread", "allowed", "failed"),
        *("LEVEL [electron]", "spread"),  # it does not count
    ]
    assert shown.count("<td") == len(head) - 1


def test_the_detector_with_failures_comes_first_and_says_how_many() -> None:
    rows = [
        {**row("C00", f"R22_S0{n}", FIRST, "NOISE"), "calibration": "BIAS", "passed": n != 2}
        for n in range(3)
    ]
    titles = re.findall(r"<summary>(.*?)</summary>", "".join(summary_tables(Results(rows))))
    assert titles == ["BIAS, R22_S02: 1 failed", "BIAS, R22_S00", "BIAS, R22_S01"]


def test_what_failed_comes_first_and_what_does_not_count_last() -> None:
    rows = [
        {
            **row("C00", "RXX_S00", FIRST, test),
            "calibration": "BIAS",
            "passed": test[0] != "N",
            "counted": test != "LEVEL",
        }
        for test in ("CR_NOISE", "LEVEL", "MEAN", "NOISE")
    ]
    assert list(Results(rows).of("BIAS")) == ["NOISE", "CR_NOISE", "MEAN", "LEVEL"]


def test_the_name_of_a_test_fits_into_an_amplifier(tmp_path: Path) -> None:
    run = load(write_journal(tmp_path, run_facts()))
    tests = [
        {**each, "test": "PTC_TURNOFF" if each["amplifier"] == "C05" else "READ_NOISE_CONSISTENT"}
        for each in run.summary["tests"]
    ]
    first = first_screen(page_of(replace(run, summary={**run.summary, "tests": tests})))
    assert re.search(r'class="on test f\d"[^>]*>TURNOFF</text>', first)


def test_the_page_is_one_file_with_sound_elements(folder: Path) -> None:
    page = page_of(load(folder))
    outline = _Outline()
    outline.feed(page)
    assert not outline.open
    assert not outline.outside
    assert "url(" not in page
    assert "@import" not in page
    assert set(outline.links) <= set(outline.ids)
    assert len(outline.ids) == len(set(outline.ids))
    for picture in re.findall(r"<svg.*?</svg>", page, re.DOTALL):
        assert ET.fromstring(picture).get("aria-label")  # noqa: S314, our own


def test_parts_come_in_the_order_of_the_issue(folder: Path) -> None:
    titles = re.findall(r"<h2 id=[^>]*>([^<]*)</h2>", page_of(load(folder)))
    order = [
        "Failed tests",
        "Statistics by amplifier",
        "Distributions against the limits",
        "Exposure by exposure",
    ]
    assert titles == [*order, "Timeline", "Configuration and provenance"]


def test_the_focal_plane_comes_first_where_there_are_several_detectors(tmp_path: Path) -> None:
    first = first_screen(page_of(load(write_journal(tmp_path, run_facts("LSSTComCam")))))
    plane = re.findall(r"<title>(R22_S\d\d): (\d+) of 16 amplifiers have failed tests", first)
    assert sorted(plane) == [
        (f"R22_S{a}{b}", "1" if (a, b) == (0, 0) else "0") for a in range(3) for b in range(3)
    ]
    assert first.index("Focal plane") < first.index("Amplifiers of R22_S00")


def test_a_whole_camera_stays_small(tmp_path: Path) -> None:
    page = page_of(load(write_journal(tmp_path, run_facts("LSSTCam", n=3))))
    assert len(page) < 5_000_000
    assert page.count("have failed tests") == 189


def test_why_a_job_failed_is_said_without_its_id_and_its_log_in_a_line_of_its_own(folder: Path) -> None:
    run, log = load(folder), "/nowhere/uws/c2bb/outs/ocps.log"
    job = run.summary["jobs"][0] | {"exit_code": 1, "log": log}
    reason = f"Not done: verify BIAS (exit code 1, ValueError: odd (job {job['job_id']}, its log: {log}))."
    failed = {**run.summary, "state": "FAILED", "reason": reason, "jobs": [job]}
    first = re.sub("<[^>]*>", "", first_screen(page_of(replace(run, summary=failed))))
    assert "Not done: verify BIAS (exit code 1, ValueError: odd).Log of the job: " + log in first


def test_the_problems_of_a_run_that_was_refused_are_a_list_and_all_there(folder: Path) -> None:
    run = load(folder)
    problems = [f"AT{name} is STANDBY, not ENABLED: enable it." for name in "ABCDEFGHIJKLMNOP"]
    reason = "\n".join(
        ["There are 16 problems:", *(f"  - {each}" for each in problems), "Nothing was changed."]
    )
    refused = {**run.summary, "state": "FAILED", "reason": reason, "exposures": [], "tests": []}
    page = page_of(replace(run, summary=refused))
    shown = re.findall("<li>(AT[^<]*)</li>", first_screen(page))
    assert shown == problems
    assert "<p>Nothing was changed.</p>" in first_screen(page)
    assert "Timeline" not in page


def test_the_job_of_the_gains_has_the_name_that_the_log_has(folder: Path) -> None:
    run = load(folder)
    job = run.summary["jobs"][0] | {"kind": "gain", "calibration": "GAIN"}
    page = page_of(replace(run, summary={**run.summary, "jobs": [job]}))
    assert "gains from flat pairs" in page
    assert "gain GAIN" not in page


def test_a_run_in_which_nothing_that_counts_failed_has_no_title_that_says_so(tmp_path: Path) -> None:
    run = load(write_journal(tmp_path, run_facts(noisy=None)))
    prob = {**run.summary["tests"][0], "test": "PROB_TEST", "passed": False, "counted": False}
    page = page_of(replace(run, summary={**run.summary, "tests": [*run.summary["tests"], prob]}))
    assert "Failed tests, none of which counts</h2>" in page


def test_texts_of_others_are_escaped(folder: Path) -> None:
    run = load(folder)
    evil = "<script>alert(1)</script>"
    run = replace(run, summary={**run.summary, "state": "FAILED", "reason": evil, "repo": f'"{evil}'})
    page = page_of(run)
    assert evil not in page
    assert "&lt;script&gt;alert(1)" in first_screen(page)
    assert tag("p", evil, title='a"b') == '<p title="a&quot;b">&lt;script&gt;alert(1)&lt;/script&gt;</p>'


def test_a_run_that_was_killed_is_shown_as_far_as_its_journal_tells(folder: Path) -> None:
    run = load(folder)
    assert run.summary["state"] == "RUNNING"
    assert "under way" in first_screen(page_of(run))
    (folder / "summary.json").write_text(json.dumps({**run.summary, "state": "STOPPED"}), encoding="utf-8")
    assert "STOPPED" in first_screen(page_of(load(folder)))


def test_page_and_tables_are_written_without_a_butler(folder: Path) -> None:
    assert write_page(folder) == folder / PAGE
    tests = Table.read(folder / "tests.ecsv")
    assert len(tests) == 160
    assert sum(~np.asarray(tests["passed"], dtype=bool)) == 5
    assert all(tests[name].description for name in tests.colnames)
    assert not list(folder.glob("*.part"))
    assert 'href="tests.ecsv"' in (folder / PAGE).read_text(encoding="utf-8")


def test_tests_and_gains_of_an_amplifier_are_joined_by_its_detector(folder: Path) -> None:
    run = load(folder)
    gain = {"exposures": [1, 2], "detector": 0, "amplifier": "C05", "gain": 1.1, "gain_corrected": 1.05}
    summary = {**run.summary, "gains": [gain | {"noise": 9.0, "reason": None}]}
    write_tables(folder, summary, Datasets("/nowhere", "LATISS"), run.detectors)
    tests, gains = (Table.read(folder / f"{name}.ecsv") for name in ("tests", "gains"))
    both = join(gains, tests, keys=["detector", "detector_name", "amplifier"])
    assert len(both) == 10, "two tests of five exposures"
    assert set(zip(both["detector"], both["detector_name"], strict=True)) == {(0, "RXX_S00")}


def test_a_table_of_the_butler_is_written_with_units_and_descriptions(folder: Path) -> None:
    class Stored(Datasets):
        def get(self, names: str | Iterable[str], collections: Sequence[str], **_: int | None) -> Any:
            assert names == "verifyBiasResults"
            assert list(collections) == [run.summary["verification"]["BIAS"]["verification_collection"]]
            return Table({"exposure": [7], "amplifier": ["C05"], "BIAS_NOISE": [9.0]})

    run = load(folder)
    names = write_tables(folder, run.summary, Stored("/nowhere", "LATISS"), run.detectors)
    assert names == ["verifyBiasResults.ecsv", "tests.ecsv"]
    written = Table.read(folder / "verifyBiasResults.ecsv")
    assert written["BIAS_NOISE"].unit == "electron"
    assert all(written[name].description for name in written.colnames)


def test_ticks_are_round_and_inside() -> None:
    ticks = Axis(-0.13, 1.02).ticks
    assert [value for value, _ in ticks] == pytest.approx([0.0, 0.5, 1.0]) or len(ticks) > 3
    assert all(-0.13 <= value <= 1.02 for value, _ in ticks)


def test_a_png_is_one(tmp_path: Path) -> None:
    from matplotlib.image import imread

    grey = np.arange(12, dtype=np.uint8).reshape(3, 4) * 20
    (tmp_path / "a.png").write_bytes(png(grey))
    assert np.array_equal(np.round(imread(tmp_path / "a.png") * 255), grey)


def test_a_stretch_has_row_zero_below_and_bears_pixels_without_values() -> None:
    pixels = np.zeros((900, 840), dtype=np.float32)
    pixels[:450] = 5.0
    pixels[0, 0] = np.nan
    grey, low, high = stretched(pixels)
    assert (low, high) == (0.0, 5.0)
    assert max(grey.shape) <= 420
    assert grey[-1, 1] > grey[0, 1]


def test_the_model_of_a_curve_is_linear_without_the_brighter_fatter_effect() -> None:
    assert model_variance(1000.0, 2.0, 10.0, 0.0) == pytest.approx(525.0)
    slope = model_variance(20_000.0, 1.0, 0.0, -2e-6) / 20_000.0
    assert slope == pytest.approx(1.0 - 2e-6 * 20_000.0, rel=2e-3)


def test_a_collection_breaks_after_its_slashes_and_is_escaped() -> None:
    assert breakable("in u/a&b/c") == "in u/<wbr>a&amp;b/<wbr>c"


def test_amplifiers_known_to_be_bad_are_shown_as_such(tmp_path: Path) -> None:
    run = load(write_journal(tmp_path, run_facts()))
    bad = {"detector": "RXX_S00", "amplifier": "C05", "source": "no gain in the ptc in use"}
    healthy = {**bad, "amplifier": "C06", "looks_healthy": True}
    page = page_of(replace(run, summary={**run.summary, "known_bad_amplifiers": [bad, healthy]}))
    first = first_screen(page)
    assert "Known to be bad and not counted: RXX_S00 C05 (no gain in the ptc in use), RXX_S00 C06" in first
    assert "in use; it looks healthy)." in first
    assert "C05 is known to be bad and not counted." in page
    assert "Known to be bad" not in page_of(run)
