"""A repository without pixels, and pipelines that store canned results in it."""

from __future__ import annotations

import os
import re
import signal
from collections import defaultdict
from collections.abc import Callable, Collection, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

os.environ.setdefault("TS_CALIBRATIONS_SAL", "embedded")  # also where salobj is installed

from lsst.ts.calibrations.sal_choice import provide_salobj

provide_salobj()

from lsst.ts.calibrations.domain.instruments import AMPLIFIERS, LATISS  # noqa: E402
from lsst.ts.simulated_observatory.faults.faults import Faults  # noqa: E402
from lsst.ts.simulated_observatory.repository.ingest import ButlerIngest, open_anew  # noqa: E402

if TYPE_CHECKING:
    from lsst.daf.butler import Butler, Timespan

    from lsst.ts.simulated_observatory.detector.exposure import ExposureRequest
    from lsst.ts.simulated_observatory.pipelines.ocps_job import Job
    from lsst.ts.simulated_observatory.session.observatory import SimulatedObservatory

    from .open_copy import OpenButler, OpenCopy

DETECTOR = "RXX_S00"

# The same examples each time, unless --hypothesis-profile=long draws many new ones.
settings.register_profile("fixed", derandomize=True, database=None, deadline=None, max_examples=40)
settings.register_profile("long", database=None, deadline=None, max_examples=500, print_blob=True)
settings.load_profile("fixed")


LONGEST = (
    "tests/simulated_observatory/batch/",
    "runner",
    "first_night",
    "pipelines_checked",
    "tests/endtoend/test_daily.py",
    "tests/endtoend/",
    "tests/simulated_observatory/pipelines/test_pipetask.py",
    "tests/mutation/",
    "tests/calibrations/run/",
    "played",
)
"""Groups of tests that take longest: processes that share the tests begin with them, so that none of them has
one of these left when the others have nothing to do any more."""


PREPARED = ("first_night", "pipelines_checked", "runner", "played")
"""Fixtures of the session that take long: all tests that need one are in one process."""


@pytest.hookimpl(tryfirst=True)  # before the groups are read
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let processes that share the tests each take whole files, or all that needs the longest preparation."""
    for item in items:
        item.add_marker(pytest.mark.xdist_group(_group(item)))
    items.sort(key=lambda item: [not _group(item).startswith(each) for each in LONGEST])


def _group(item: pytest.Item) -> str:
    fixtures: Collection[str] = getattr(item, "fixturenames", ())
    return next((each for each in PREPARED if each in fixtures), item.nodeid.partition("::")[0])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Write halves of characters as escapes in what was captured: processes cannot exchange them."""
    report = yield
    report.sections = [
        (name, text.encode("utf-8", "backslashreplace").decode("utf-8")) for name, text in report.sections
    ]
    return report


@pytest.fixture(autouse=True)
def signals_of_the_tests() -> Iterator[None]:
    """Hear Ctrl-C in each test, as at a terminal, also where the tests run in the background.

    Undo what a session does at its end, too: it ignores signals, as its command is to, and not the tests.
    """
    before = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


class ResultsWriter:
    """Puts results into a repository as the pipelines do: below ``<collection>/run``, with a chain above."""

    def __init__(self, repository: Path, open_butler: OpenButler = open_anew) -> None:
        self.repository, self.open_butler = repository, open_butler

    def put(
        self,
        collection: str,
        results: Mapping[str, Mapping[tuple[int, ...], Any]],
        dimensions: Sequence[str] = ("exposure", "detector"),
    ) -> None:
        """Put results, by dataset type and then by exposure, or by exposure and detector."""
        from lsst.daf.butler import CollectionType

        with self.open_butler(str(self.repository), True) as butler:
            butler.collections.register(f"{collection}/run")
            butler.collections.register(collection, CollectionType.CHAINED)
            butler.collections.redefine_chain(collection, [f"{collection}/run"])
            for name, by_key in results.items():
                for key, value in by_key.items():
                    data_id = dict(zip(dimensions, key, strict=False))
                    self._put(butler, f"{collection}/run", name, data_id, value)

    def _put(self, butler: Butler, run: str, name: str, data_id: Mapping[str, int], value: Any) -> None:
        from lsst.daf.butler import DatasetType

        storage = "StructuredDataDict" if isinstance(value, dict) else "CalibrationPhotonTransferCurve"
        dataset = DatasetType(name, ("instrument", *data_id), storage, universe=butler.dimensions)
        butler.registry.registerDatasetType(dataset)
        butler.put(value, dataset, {"instrument": LATISS.name, **data_id}, run=run)


def detector_statistics(failing: Mapping[str, Collection[str]]) -> dict[str, Any]:
    """``verify<X>DetStats`` of healthy amplifiers but those that fail some tests."""
    tests = {
        name: {test: test not in failing.get(name, ()) for test in ("MEAN", "NOISE")} for name in AMPLIFIERS
    }
    return {
        "AMP": {name: {"MEAN": 0.1, "NOISE": 8.0} for name in AMPLIFIERS},
        "DET": {},
        "VERIFY": {
            "AMP": {name: {**passed, "SUCCESS": all(passed.values())} for name, passed in tests.items()},
            "DET": {},
        },
        "SUCCESS": not failing,
    }


def exposure_statistics(failing: Mapping[str, Collection[str]]) -> dict[str, Any]:
    """``verify<X>ExpStats`` of the same."""
    names = [f"{amplifier} {test}" for amplifier, tests in failing.items() for test in tests]
    return {
        DETECTOR: {"SUCCESS": not names} | ({"FAILURES": names} if names else {}),
        "SUCCESS": not names,
    }


@dataclass
class CannedPipelines:
    """Jobs that need no pixels: they end with the exit code, and store the results, that a test asks for.

    Parameters
    ----------
    repository
        Where results are stored.
    exit_codes
        By kind and calibration; 0 if there is none.
    failing
        Tests that fail, by calibration and amplifier.
    without_result
        Positions in the job's list of exposures for which nothing is stored, by calibration.
    dark_amplifiers
        Those that have no gain.
    open_butler
        Opens the repository.
    """

    repository: Path
    exit_codes: dict[tuple[str, str], int] = field(default_factory=dict)
    failing: defaultdict[str, dict[str, list[str]]] = field(default_factory=lambda: defaultdict(dict))
    without_result: defaultdict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    dark_amplifiers: tuple[str, ...] = ()
    open_butler: OpenButler = open_anew
    jobs: list[Job] = field(default_factory=list)

    def __call__(self, job: Job, /) -> _CannedJob:
        self.jobs.append(job)
        return _CannedJob(self, job)

    def results(self, job: Job) -> dict[str, dict[tuple[int, ...], Any]]:
        """What a job stores."""
        exposures = _exposures(job)
        if job.kind == "gain":
            pairs = zip(exposures[::2], exposures[1::2], strict=True)
            return {
                "cpPtcExtract": {
                    (each, 0): _pair(both, self.dark_amplifiers) for both in pairs for each in both
                }
            }
        kept = [
            each
            for position, each in enumerate(exposures)
            if position not in self.without_result[job.calibration]
        ]
        prefix, failing = f"verify{job.calibration.capitalize()}", self.failing[job.calibration]
        return {
            f"{prefix}ExpStats": {(each,): exposure_statistics(failing) for each in kept},
            f"{prefix}DetStats": {(each, 0): detector_statistics(failing) for each in kept},
        }


@dataclass
class _CannedJob:
    pipelines: CannedPipelines
    job: Job

    def run(self) -> int:
        self.job.log.parent.mkdir(parents=True)
        self.job.log.write_text("canned\n")
        code = self.pipelines.exit_codes.get((self.job.kind, self.job.calibration), 0)
        if code == 0:
            writer = ResultsWriter(self.pipelines.repository, self.pipelines.open_butler)
            writer.put(self.job.collection, self.pipelines.results(self.job))
        return code

    def kill(self) -> None:
        """It ends by itself."""


def _exposures(job: Job) -> list[int]:
    found = re.search(r"exposure IN \(([^)]*)\)", job.data_query)
    assert found is not None
    return [int(each) for each in found[1].split(",")]


def _pair(exposures: tuple[int, int], dark: Collection[str]) -> Any:
    from lsst.ts.simulated_observatory.pipelines.tables import PhotonTransferCurve

    return PhotonTransferCurve(
        detector=DETECTOR,
        inputExpIdPairs={name: [exposures] for name in AMPLIFIERS},
        gain={name: float("nan") if name in dark else 1.1 for name in AMPLIFIERS},
        noise={name: float("nan") if name in dark else 8.0 for name in AMPLIFIERS},
        rawMeans={name: [15_000.0] for name in AMPLIFIERS},
    )


def no_pixels(request: ExposureRequest, /) -> None:
    """Write the file of the segments without any."""
    Path(request.path).touch()


def certify_without_files(
    butler: Butler,
    collection: str,
    *,
    filters: Mapping[str, str],
    detectors: Collection[int] = (0,),
    types: Collection[str] = ("bias", "dark", "flat"),
    timespan: Timespan | None = None,
) -> None:
    """Certify combined calibrations that have no files; `filters` are those of the flats, with bands."""
    from lsst.daf.butler import CollectionType, Timespan

    from lsst.ts.simulated_observatory.pipelines.new_repository import calibration_type

    (instrument,) = (record.name for record in butler.query_dimension_records("instrument"))
    for name, band in filters.items():
        butler.registry.syncDimensionData(
            "physical_filter", {"instrument": instrument, "name": name, "band": band}
        )
    run = f"{collection}/run"
    butler.collections.register(run)
    butler.collections.register(collection, CollectionType.CALIBRATION)
    for dataset_type in types:
        each_filter = [{"physical_filter": name} for name in filters] if dataset_type == "flat" else [{}]
        data_ids = [
            {"instrument": instrument, "detector": detector, **other}
            for detector in detectors
            for other in each_filter
        ]
        kind = calibration_type(butler, dataset_type)
        refs = butler.registry.insertDatasets(kind, data_ids, run=run)
        butler.registry.certify(collection, refs, timespan or Timespan(None, None))


@pytest.fixture(scope="session")
def certify_stand_ins() -> Callable[..., None]:
    return certify_without_files


@pytest.fixture(scope="session")
def empty_repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with LATISS registered, and calibrations that are certified but have no files: to copy.

    It has the tables of all dimensions of results: a copy that is open does not make any again.
    """
    from lsst.daf.butler import Butler, DatasetType

    from lsst.ts.simulated_observatory.pipelines.new_repository import create_repository

    path = tmp_path_factory.mktemp("repositories") / "empty"
    create_repository(str(path))
    with Butler.from_config(str(path), writeable=True) as butler:
        filters = {"SDSSr_65mm~empty": "r", "SDSSg_65mm~empty": "g"}
        certify_without_files(butler, "LATISS/calib", filters=filters)
        of_exposure = ("instrument", "exposure")
        butler.registry.registerDatasetType(
            DatasetType("ofExposure", of_exposure, "StructuredDataDict", universe=butler.dimensions)
        )
    return path


@pytest.fixture(scope="session")
def open_copy(empty_repository: Path, tmp_path_factory: pytest.TempPathFactory) -> OpenCopy:
    """The place of the repository of each test."""
    from .open_copy import OpenCopy

    return OpenCopy(empty_repository, tmp_path_factory.mktemp("repositories") / "copy")


@pytest.fixture
def repository(open_copy: OpenCopy) -> Path:
    """A repository of this test's own."""
    return open_copy.renew()


@pytest.fixture
def open_butler(open_copy: OpenCopy) -> OpenButler:
    """Open the repository of this test, which is faster than to open it anew, or any other one."""
    return open_copy.open


@pytest.fixture
def results_writer(repository: Path, open_butler: OpenButler) -> ResultsWriter:
    """Puts results into the repository."""
    return ResultsWriter(repository, open_butler)


@pytest.fixture(scope="session")
def canned_pipelines() -> type[CannedPipelines]:
    return CannedPipelines


@pytest.fixture
def pipelines(repository: Path, open_butler: OpenButler) -> CannedPipelines:
    """The jobs of the simulated OCPS."""
    return CannedPipelines(repository, open_butler=open_butler)


@pytest.fixture(scope="session")
def make_observatory() -> Callable[..., SimulatedObservatory]:
    """Make a simulated observatory, complete but for pixels and pipelines, below a folder."""
    from lsst.ts.simulated_observatory.components.machinery import Machinery
    from lsst.ts.simulated_observatory.session.observatory import SimulatedObservatory

    def make(folder: Path, pipelines: CannedPipelines, *faults: str, **kwargs: Any) -> SimulatedObservatory:
        ingest = ButlerIngest(pipelines.repository, pipelines.open_butler)
        return SimulatedObservatory(
            LATISS,
            Machinery(ingest, pipelines, make_pixels=no_pixels, processes=0),
            images=folder / "images",
            jobs=folder / "run" / "uws",
            scale=16,
            faults=Faults(faults),
            **kwargs,
        )

    return make


@pytest.fixture
def observatory(
    make_observatory: Callable[..., SimulatedObservatory], pipelines: CannedPipelines, tmp_path: Path
) -> Callable[..., SimulatedObservatory]:
    """Make the observatory of this test, with its faults."""
    return partial(make_observatory, tmp_path, pipelines)
