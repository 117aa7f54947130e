"""Reading a Butler repository: what is there, what is not, and what cannot be opened."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.time import Time
from lsst.daf.butler import Butler, CollectionType, Timespan

from lsst.ts.calibrations.butler.archive import Archive
from lsst.ts.calibrations.butler.members import Members
from lsst.ts.calibrations.butler.repository import Repository
from lsst.ts.calibrations.domain.errors import ArchiveError
from lsst.ts.calibrations.domain.instruments import AMPLIFIERS, LATISS
from lsst.ts.calibrations.verification import VerificationResults, VerificationTest
from lsst.ts.simulated_observatory.pipelines.images import Amplifier, DetectorImage
from lsst.ts.simulated_observatory.pipelines.new_repository import calibration_type
from lsst.ts.simulated_observatory.pipelines.tables import PhotonTransferCurve

from ...open_copy import OpenButler

FIRST, SECOND, THIRD = 2025011500001, 2025011500002, 2025011500003
DETECTORS = (0,)


@pytest.fixture
def three_exposures(repository: Path, open_butler: OpenButler) -> Path:
    """A repository that knows three exposures, without files."""
    with open_butler(str(repository), True) as butler:
        butler.registry.syncDimensionData(
            "physical_filter", {"instrument": "LATISS", "name": "r~empty", "band": "r"}
        )
        butler.registry.syncDimensionData("day_obs", {"instrument": "LATISS", "id": 20250115})
        butler.registry.syncDimensionData("group", {"instrument": "LATISS", "name": "g"})
        for exposure in (FIRST, SECOND, THIRD):
            butler.registry.insertDimensionData(
                "exposure",
                {
                    "instrument": "LATISS", "id": exposure, "physical_filter": "r~empty", "day_obs": 20250115,
                    "group": "g", "obs_id": f"AT_O_20250115_{exposure % 100_000:06d}",
                },
            )  # fmt: skip
    return repository


def ask(repository: Path | str, question: Callable[[Archive], Awaitable[Any]]) -> Any:
    async def main() -> Any:
        there = Repository(str(repository))
        try:
            return await question(Archive(there, LATISS))
        finally:
            there.close()

    return asyncio.run(main())


def test_collections_that_are_not_there_are_named_once_and_in_order(repository: Path) -> None:
    names = ["u/none", "LATISS/calib", "LATISS/raw/all", "nowhere", "u/none"]
    assert ask(repository, lambda archive: archive.missing_collections(names)) == ["nowhere", "u/none"]


def test_a_collection_made_by_someone_else_meanwhile_is_seen(repository: Path) -> None:
    async def question(archive: Archive) -> None:
        assert await archive.missing_collections(["u/new"]) == ["u/new"]
        with Butler.from_config(str(repository), writeable=True) as butler:
            butler.collections.register("u/new")
        assert await archive.missing_collections(["u/new"]) == []

    ask(repository, question)


@pytest.mark.parametrize("name", ["nothing", "empty", "file"])
def test_a_repository_that_cannot_be_opened_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("no repository")
    with pytest.raises(ArchiveError, match=f"{name}' cannot be opened"):
        ask(tmp_path / name, lambda archive: archive.missing_collections(["LATISS/calib"]))


GOOD = {"RXX_S00": {"SUCCESS": True}, "SUCCESS": True}


def statistics(**failing: str) -> dict[str, Any]:
    """What was measured and tested; some amplifiers fail a test."""
    tests = {name: {"MEAN": True, "NOISE": True} for name in AMPLIFIERS}
    for amplifier, test in failing.items():
        tests[amplifier][test] = False
    return {"AMP": {name: {"MEAN": 0.5} for name in AMPLIFIERS}, "VERIFY": {"AMP": tests}, "SUCCESS": True}


def gaps(results: VerificationResults) -> list[str]:
    """All that is missing, in words."""
    of_subjects = [gap for each in results.subjects for gap in each.gaps]
    of_detectors = [gap for each in results.subjects for one in each.detectors.values() for gap in one.gaps]
    return list(map(str, of_subjects + of_detectors))


def read(repository: Path, collection: str, calibration: str, *exposures: int) -> VerificationResults:
    found: VerificationResults = ask(
        repository,
        lambda archive: archive.verification(collection, calibration, exposures or None, DETECTORS),
    )
    return found


def test_verification_results_are_read_by_exposure_and_detector_name(
    three_exposures: Path, results_writer: Any
) -> None:
    whole = {"RXX_S00": {"SUCCESS": False, "FAILURES": ["C05 NOISE"]}, "SUCCESS": False}
    results_writer.put(
        "u/ocps/a",
        {
            "verifyBiasExpStats": {(FIRST,): whole},
            "verifyBiasDetStats": {(FIRST, 0): statistics(C05="NOISE")},
        },
    )
    found = read(three_exposures, "u/ocps/a", "BIAS", FIRST)
    noise = VerificationTest("RXX_S00", "C05", "NOISE")
    (exposure,) = found.subjects
    assert exposure.subject == FIRST
    assert exposure.failed == {noise}
    assert gaps(found) == []
    assert exposure.detectors["RXX_S00"].outcomes == {
        VerificationTest("RXX_S00", name, test): (name, test) != ("C05", "NOISE")
        for name in AMPLIFIERS
        for test in ("MEAN", "NOISE")
    }


def test_results_of_a_curve_are_read_by_detector_name_without_any_exposure(
    repository: Path, results_writer: Any
) -> None:
    results_writer.put(
        "u/ocps/a", {"verifyPtcDetStats": {(0,): statistics(C03="MEAN")}}, dimensions=("detector",)
    )
    found = read(repository, "u/ocps/a", "PTC")
    (curve,) = found.subjects
    assert (curve.subject, gaps(found)) == ("PTC", [])
    assert curve.failed == {VerificationTest("RXX_S00", "C03", "MEAN")}


def test_results_that_are_not_there_are_gaps(three_exposures: Path, results_writer: Any) -> None:
    results_writer.put(
        "u/ocps/a",
        {
            "verifyDarkExpStats": {(FIRST,): GOOD, (THIRD,): GOOD},
            "verifyDarkDetStats": {(SECOND, 0): statistics()},
        },
    )
    assert gaps(read(three_exposures, "u/ocps/a", "DARK", FIRST, SECOND, THIRD)) == [
        f"exposure {SECOND}: it has no result",
        f"exposure {FIRST}, RXX_S00: no measurements",
        f"exposure {THIRD}, RXX_S00: no measurements",
    ]


@pytest.mark.parametrize(("collection", "calibration"), [("u/ocps/none", "BIAS"), ("u/ocps/a", "FLAT")])
def test_no_collection_and_no_dataset_type_mean_no_results(
    three_exposures: Path, results_writer: Any, collection: str, calibration: str
) -> None:
    results_writer.put("u/ocps/a", {"verifyBiasExpStats": {(FIRST,): GOOD}})
    assert gaps(read(three_exposures, collection, calibration, FIRST)) == [
        f"exposure {FIRST}: it has no result",
        f"exposure {FIRST}, RXX_S00: no measurements",
    ]


def test_results_of_another_job_are_not_taken(three_exposures: Path, results_writer: Any) -> None:
    bad = {"RXX_S00": {"SUCCESS": False, "FAILURES": ["SCATTER"]}, "SUCCESS": False}
    for name, result in (("u/ocps/a", GOOD), ("u/ocps/b", bad)):
        results_writer.put(name, {"verifyBiasExpStats": {(FIRST,): result}})
    (exposure,) = read(three_exposures, "u/ocps/b", "BIAS", FIRST).subjects
    assert exposure.failed == {VerificationTest("RXX_S00", None, "SCATTER")}


def test_results_that_came_after_the_repository_was_opened_are_seen(
    three_exposures: Path, results_writer: Any
) -> None:
    async def question(archive: Archive) -> None:
        for name in ("u/ocps/a", "u/ocps/b"):
            missing = f"exposure {FIRST}: it has no result"
            assert missing in gaps(await archive.verification(name, "BIAS", [FIRST], DETECTORS))
            results_writer.put(name, {"verifyBiasExpStats": {(FIRST,): GOOD}})
            assert missing not in gaps(await archive.verification(name, "BIAS", [FIRST], DETECTORS))

    ask(three_exposures, question)


def curve(first: int = FIRST, second: int = SECOND, **gains: float) -> PhotonTransferCurve:
    gain = {name: gains.get(name, 1.1) for name in AMPLIFIERS}
    return PhotonTransferCurve(
        detector="RXX_S00",
        gain=gain,
        inputExpIdPairs={name: [(first, second)] for name in AMPLIFIERS},
        noise=dict.fromkeys(AMPLIFIERS, 8.5),
        rawMeans={name: [15_000.0] for name in AMPLIFIERS},
    )


@pytest.mark.parametrize("name", ["cpPtcExtract", "cpPtcPartial"])
def test_gains_are_read_under_either_name(three_exposures: Path, results_writer: Any, name: str) -> None:
    results_writer.put(
        "u/ocps/g", {name: {(FIRST, 0): curve(C05=1.3), (THIRD, 0): curve(THIRD, THIRD + 1, C05=99.0)}}
    )
    gains = ask(three_exposures, lambda archive: archive.pair_gains("u/ocps/g", [(FIRST, SECOND)], [0]))
    assert [each.amplifier for each in gains] == list(AMPLIFIERS)
    (fifth,) = (each for each in gains if each.amplifier == "C05")
    assert (fifth.exposures, fifth.detector, fifth.gain, fifth.noise, fifth.mean) == (
        (FIRST, SECOND), 0, 1.3, 8.5, 15_000.0,
    )  # fmt: skip


def test_an_amplifier_without_light_has_no_gain_and_the_others_have(
    three_exposures: Path, results_writer: Any
) -> None:
    dark = curve(C03=math.nan)
    dark.rawMeans["C03"] = []
    results_writer.put("u/ocps/g", {"cpPtcExtract": {(FIRST, 0): dark}})
    gains = ask(three_exposures, lambda archive: archive.pair_gains("u/ocps/g", [(FIRST, SECOND)], [0]))
    assert [each.amplifier for each in gains if math.isnan(each.gain)] == ["C03"]
    assert [each.amplifier for each in gains if math.isnan(each.mean)] == ["C03"]


def test_a_pair_without_result_is_named(three_exposures: Path, results_writer: Any) -> None:
    results_writer.put("u/ocps/g", {"cpPtcExtract": {(FIRST, 0): curve()}})
    with pytest.raises(ArchiveError, match=rf"u/ocps/g for the flats {SECOND} and {THIRD}, detector 0"):
        ask(
            three_exposures,
            lambda archive: archive.pair_gains("u/ocps/g", [(FIRST, SECOND), (SECOND, THIRD)], [0]),
        )


def test_an_image_that_is_not_there_is_named(three_exposures: Path) -> None:
    with pytest.raises(ArchiveError, match=f"exposure {FIRST}, detector 0: no raw image"):
        ask(three_exposures, lambda archive: archive.image(FIRST, [0]))


def day(text: str) -> Time:
    return Time(text, scale="tai")


NOON = day("2025-01-15T12:00:00").unix_tai


@pytest.fixture
def seasons(repository: Path, open_butler: OpenButler, certify_stand_ins: Any) -> Path:
    """A repository with flats of two seasons, and chains over them."""
    with open_butler(str(repository), True) as butler:
        for name, season in {
            "u/old": Timespan(None, day("2025-01-01")),
            "u/new": Timespan(day("2025-01-01"), day("2025-02-01")),
        }.items():
            certify_stand_ins(
                butler, name, filters={"SDSSg_65mm~empty": "g"}, types=["flat"], timespan=season
            )
        for name, members in {
            "u/all": ["u/old", "u/new"],
            "u/empty": [],
            "u/chain": ["u/empty", "u/all"],
        }.items():
            butler.collections.register(name, CollectionType.CHAINED)
            butler.collections.redefine_chain(name, members)
    return repository


@pytest.mark.parametrize(
    ("collection", "there"),
    [("u/old", False), ("u/new", True), ("u/all", True), ("u/chain", True), ("u/old/run", True)],
)
def test_a_flat_is_found_in_collections_and_chains_where_it_is_valid_now(
    seasons: Path, collection: str, there: bool
) -> None:
    found = ask(seasons, lambda archive: archive.combined("flat", [collection], NOON))
    assert found == ({(0, "SDSSg_65mm~empty")} if there else set())


def test_biases_and_darks_have_no_filter(repository: Path) -> None:
    async def question(archive: Archive) -> None:
        for name in ("bias", "dark"):
            assert await archive.combined(name, ["LATISS/calib"], NOON) == {(0, None)}

    ask(repository, question)


@pytest.mark.parametrize(
    ("name", "collection"), [("flat", "u/none"), ("flat", "LATISS/raw/all"), ("fringe", "LATISS/calib")]
)
def test_where_there_is_nothing_of_the_type_nothing_is_found(
    repository: Path, name: str, collection: str
) -> None:
    assert ask(repository, lambda archive: archive.combined(name, [collection], NOON)) == set()


def test_results_of_many_are_found_with_few_questions(
    three_exposures: Path, results_writer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A question to the registry takes 20 ms: one for each result would take minutes for LSSTCam."""
    ids = (FIRST, SECOND, THIRD)
    results_writer.put(
        "u/ocps/a",
        {
            "verifyBiasExpStats": {(each,): GOOD for each in ids},
            "verifyBiasDetStats": {(each, 0): statistics() for each in ids},
        },
    )
    asked = []
    find = Archive._find

    def count(*args: Any, **values: Any) -> Any:
        asked.append(args)
        return find(*args, **values)

    monkeypatch.setattr(Archive, "_find", count)
    assert gaps(read(three_exposures, "u/ocps/a", "BIAS", *ids)) == []
    assert len(asked) == 2


def test_a_file_of_results_that_is_spoilt_is_an_error_in_words(
    three_exposures: Path, results_writer: Any
) -> None:
    results_writer.put("u/ocps/a", {"verifyBiasExpStats": {(FIRST,): GOOD}})
    for file in three_exposures.rglob("verifyBiasExpStats*"):
        if file.is_file():
            file.write_text("{ \x1b[2J" + "x" * 10_000)
    with pytest.raises(ArchiveError, match=r"verifyBiasExpStats .* in u/ocps/a/run cannot be read") as caught:
        read(three_exposures, "u/ocps/a", "BIAS", FIRST)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 1000


def put_bias(repository: Path, run: str, **metadata: Any) -> None:
    image = DetectorImage(
        np.zeros((4, 6), np.float32),
        np.zeros((4, 6), np.uint16),
        {"C00": Amplifier("C00", 0, 0, 6, 4)},
        metadata,
    )
    with Butler.from_config(str(repository), writeable=True) as butler:
        butler.collections.register(run)
        butler.put(image, calibration_type(butler, "bias"), run=run, instrument="LATISS", detector=0)


def test_exposures_that_a_combination_left_out_are_in_its_metadata(repository: Path) -> None:
    left_out = {"LEFT OUT EXPOSURES": [SECOND], "LEFT OUT REASONS": ["light"]}
    put_bias(repository, "u/ocps/1/run", **left_out, **{"ODD EXPOSURES": [], "ODD REASONS": []})
    put_bias(repository, "u/ocps/2/run", **{"INPUT EXPOSURES": [FIRST]})
    put_bias(repository, "u/ocps/3/run", **left_out | {"LEFT OUT REASONS": []})
    found = ask(repository, lambda archive: archive.members("bias", "u/ocps/1/run", DETECTORS))
    assert found == Members({SECOND: "light"})
    for run in ("u/ocps/2/run", "u/ocps/none"):
        used_all = partial(lambda archive, name: archive.members("bias", name, DETECTORS), name=run)
        assert ask(repository, used_all) == Members()
    with pytest.raises(ArchiveError, match="the exposures that bias in u/ocps/3/run was made of"):
        ask(repository, lambda archive: archive.members("bias", "u/ocps/3/run", DETECTORS))
