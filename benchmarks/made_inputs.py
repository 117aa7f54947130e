"""Images, curves and pairs of known truth for `bad_inputs`, and what the functions make of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lsst.ts.simulated_observatory.pipelines.combine import (
    CombineConfig,
    CombineFlatConfig,
    CombineFlatTask,
    CombineTask,
)
from lsst.ts.simulated_observatory.pipelines.cosmicrays import CosmicRayFinder
from lsst.ts.simulated_observatory.pipelines.criteria import verified_image
from lsst.ts.simulated_observatory.pipelines.curvepoints import variance_model
from lsst.ts.simulated_observatory.pipelines.defectcriteria import verified_defects
from lsst.ts.simulated_observatory.pipelines.flatpairs import measure_pair
from lsst.ts.simulated_observatory.pipelines.images import Amplifier, DetectorImage, Key, MaskPlane
from lsst.ts.simulated_observatory.pipelines.measuredefects import (
    MeasureDefectsConfig,
    MeasureDefectsTask,
    UnusableImagesError,
)
from lsst.ts.simulated_observatory.pipelines.members import UnusableSetError
from lsst.ts.simulated_observatory.pipelines.overscan import subtract_overscan
from lsst.ts.simulated_observatory.pipelines.ptcfit import fit_curve
from lsst.ts.simulated_observatory.pipelines.raws import RawAmplifier

Reals = NDArray[np.float64]
Outcome = tuple[str, bool]
SAT, BAD, CR = MaskPlane.SAT, MaskPlane.BAD, MaskPlane.CR
NOISE, GAIN, A00, LAMP = 9.0, 1.05, -2.5e-6, 3300.0
"""Of the made detector: electron, electron/adu, 1/electron, electron/s."""

ROWS, COLUMNS, PRESCAN, SERIAL, PARALLEL = 200, 90, 3, 64, 48
"""Of a raw amplifier."""

SHAPE = 120, 320
"""Of a detector of eight amplifiers, 60 rows and 80 columns each."""

AMPLIFIERS = {f"C{y}{x}": Amplifier(f"C{y}{x}", 80 * x, 60 * y, 80, 60) for y in range(2) for x in range(4)}
C01 = AMPLIFIERS["C01"].box

Rng = np.random.Generator

CASES: list[tuple[str, str, str, Callable[[Rng], Outcome]]] = []


def case(group: str, what: str, right: str) -> Callable[[Any], Any]:
    """Declare a function that makes a bad input, and says what came out and whether it is right."""

    def declare(function: Callable[[Rng], Outcome]) -> Any:
        CASES.append((group, what, right, function))
        return function

    return declare


class Stored:
    """A stored image; see `ImageHandle`."""

    def __init__(self, image: DetectorImage) -> None:
        self.image = image

    def get(self, *, parameters: Mapping[str, tuple[int, int]] | None = None) -> DetectorImage:
        """Read the image, or some of its rows."""
        part = slice(*(parameters or {}).get("rows", (0, None)))
        whole = self.image
        return DetectorImage(whole.image[part], whole.mask[part], whole.amplifiers, whole.metadata)


def image(array: Reals, exposure: int = 1, time: float = 15.0, **metadata: Any) -> DetectorImage:
    """An image of the detector, in electrons."""
    known = {
        "EXPOSURE": exposure,
        "OBSID": f"AT_O_20250115_{exposure:06d}",
        "EXPTIME": time,
        "DARKTIME": time,
    }
    known |= {"DATE-END": "2025-01-15T18:01:00", "IMAGE SHAPE": list(SHAPE), Key.UNITS: "electron"}
    known |= {Key.DETECTOR_NAME: "RXX_S00"}
    for name in AMPLIFIERS:
        known |= {Key.IMAGE_NOISE.format(name): NOISE, Key.READ_NOISE.format(name): NOISE}
        known |= {Key.APPLIED_GAIN.format(name): 1.0, Key.OVERSCAN_NOISE.format(name): NOISE}
    mask = np.zeros(SHAPE, np.uint16)
    return DetectorImage(array.astype(np.float32), mask, dict(AMPLIFIERS), known | metadata)


def biases(rng: Rng, levels: Sequence[float]) -> list[Stored]:
    """Biases with some light in each, electron."""
    return [Stored(image(rng.normal(each, NOISE, SHAPE), n, 0.0)) for n, each in enumerate(levels, 1)]


def darks(rng: Rng, rates: Sequence[float], time: float = 30.0) -> list[Stored]:
    """Darks of some dark current, electron/s."""
    return [
        Stored(image(rng.poisson(each * time, SHAPE) + rng.normal(0, NOISE, SHAPE), n, time))
        for n, each in enumerate(rates, 1)
    ]


def flats(rng: Rng, levels: Sequence[float], response: Any = 1.0) -> list[Stored]:
    """Flats of some light, electron."""
    ones = np.ones(SHAPE)
    return [
        Stored(
            image(
                rng.poisson(np.maximum(each, 0) * response * ones)
                + min(each, 0.0)
                + rng.normal(0, NOISE, SHAPE),
                n,
                max(each, LAMP) / LAMP,
            )
        )
        for n, each in enumerate(levels, 1)
    ]


def combined(images: Sequence[Stored], **options: Any) -> DetectorImage:
    """Combine biases, or with ``scale="darkTime"`` darks, as the pipelines do."""
    config: Any = CombineConfig()
    config.update(**options)
    found: DetectorImage = CombineTask(config=config).run(images).combined
    return found


def combined_flat(images: Sequence[Stored], levels: Sequence[float | None] | None = None) -> DetectorImage:
    """Combine flats as the pipelines do, with these levels or their own."""
    own = [float(np.median(each.image.image)) for each in images]
    config: Any = CombineFlatConfig()
    scales = {"EXPOSURES": dict(enumerate(own if levels is None else levels, 1))}
    found: DetectorImage = CombineFlatTask(config=config).run(images, scales).combined
    return found


def left_out(result: DetectorImage) -> list[int]:
    """Exposures that a combination left out."""
    found: list[int] = result.metadata["LEFT OUT EXPOSURES"]
    return found


def refused(make: Callable[[], Any]) -> Outcome:
    """Whether no product was made, and why."""
    try:
        make()
    except (UnusableSetError, UnusableImagesError) as error:
        return f"refused: {error}"[:230], True
    return "a product was made", False


def level_of(result: DetectorImage, truth: float, allowed: float, out: Iterable[int]) -> Outcome:
    """Mean of a combination beside its truth, and who was left out."""
    mean = float(np.mean(result.image))
    good = abs(mean - truth) <= allowed and left_out(result) == list(out)
    return f"mean {mean:.4g}, left out {left_out(result)}", good


def removed(array: Reals, saturation: float = 120_000.0, fit_type: str = "MEDIAN_PER_ROW") -> Any:
    """Subtract the overscans of a raw amplifier."""
    imaging = slice(0, ROWS), slice(PRESCAN, PRESCAN + COLUMNS)
    raw = RawAmplifier(np.rint(array).astype(np.int32), imaging, Amplifier("C00", 0, 0, COLUMNS, ROWS))
    return subtract_overscan(raw, saturation=saturation, fit_type=fit_type)


def raw(rng: Rng, signal: float, level: float = 20_000.0) -> Reals:
    """Raw amplifier with some signal, adu."""
    array = rng.normal(level, 8.0, (ROWS + PARALLEL, PRESCAN + COLUMNS + SERIAL))
    area = array[:ROWS, PRESCAN : PRESCAN + COLUMNS]
    area += rng.normal(signal, math.sqrt(signal), area.shape)
    return array


def curve(
    rng: Rng,
    times: Sequence[float],
    *,
    gain: float = GAIN,
    a00: float = A00,
    pixels: int = 900_000,
) -> tuple[Reals, Reals, Reals]:
    """Means (adu), variances and numbers of pixels of pairs that saturate at 110 kadu."""
    mean = LAMP * np.asarray(times, float) / gain
    exact = variance_model(mean, gain, a00, 8.3)
    variance = exact * (1 + rng.normal(0, math.sqrt(2.0 / pixels), mean.shape))
    full = 115_500.0 / gain
    return (
        np.minimum(mean, full),
        np.where(mean > full, 0.01 * variance, variance),
        np.full(mean.shape, pixels),
    )


def pulls(off: float, where: int, times: Sequence[float] = (5, 10, 15, 20, 25, 30, 35)) -> Outcome:
    """Mean error of the gain and width of the pulls over 300 curves with one variance that is off."""
    errors, ratios, failed = [], [], 0
    for seed in range(300):
        mean, variance, number = curve(np.random.default_rng(seed), times)
        variance[where] *= 1 + off
        fit = fit_curve(mean, variance, number, 8.3)
        if not math.isfinite(fit.gain):
            failed += 1
            continue
        errors.append(fit.gain / GAIN - 1)
        ratios.append((fit.gain - GAIN) / fit.gain_error)
    width = float(np.std(ratios))
    text = f"gain {np.mean(errors):+.2%}, width of the pulls {width:.2f}, {failed} of 300 without a fit"
    return text, abs(float(np.mean(errors))) < 0.003 and 0.85 <= width <= 1.15 and failed == 0


def fitted(fit: Any, gain: float, percent: float) -> Outcome:
    """Gain of a fit beside the truth, or null."""
    if not math.isfinite(fit.gain):
        return f"null: {fit.reason}", math.isnan(percent)
    text = f"gain {fit.gain:.4g} +- {fit.gain_error:.2g} (truth {gain:g}), chi^2 {fit.chi_square:.3g}"
    honest = abs(fit.gain - gain) <= max(percent / 100 * gain, 4 * fit.gain_error)
    return text, not math.isnan(percent) and honest


def pair(
    rng: Rng,
    light: float,
    ratio: float = 1.0,
    change: Callable[[Reals], None] | None = None,
    **options: Any,
) -> Any:
    """Measure a pair of flats, the second with a ratio of the light and a change of its pixels."""
    shape = 400, 500
    one, two = (rng.poisson(each, shape) + rng.normal(0, NOISE, shape) for each in (light, ratio * light))
    if change is not None:
        change(two)
    flats_ = [(each / GAIN).astype(np.float32) for each in (one, two)]
    return measure_pair(flats_[0], flats_[1], np.ones(shape, bool), NOISE / GAIN, side=4, **options)


def of_pair(found: Any, percent: float = math.nan) -> Outcome:
    """Gain of a pair; null is right without a number of per cent."""
    if not math.isfinite(found.gain):
        return f"null: {found.reason}", math.isnan(percent)
    off = found.gain / GAIN - 1
    return f"gain off by {off:+.2%}", not math.isnan(percent) and abs(off) < percent / 100


def defects(kind: str, images: Sequence[Stored]) -> Any:
    """Find defects as the pipelines do."""
    config: Any = MeasureDefectsConfig()
    config.imageType = kind
    return MeasureDefectsTask(config=config).run(images).outputDefects


def part_of(found: Any, box: Any) -> float:
    """Part of a box that is a defect."""
    return float(np.mean(found.mask[box]))


def known_detector(rng: Rng) -> tuple[dict[str, DetectorImage], NDArray[np.bool_]]:
    """Flat, combined dark and combined flat of a detector, and its true defects."""
    response, rate = rng.normal(1.0, 0.005, SHAPE), np.full(SHAPE, 0.02)
    cold, hot = (np.column_stack([rng.integers(12, n - 12, 12) for n in SHAPE]) for _ in range(2))
    response[cold[:, 0], cold[:, 1]] = 0.5
    rate[hot[:, 0], hot[:, 1]] = 10.0
    light = 16_500.0 * response
    shown = {
        "image": image(rng.normal(light, np.sqrt(light))),
        "dark": image(rng.normal(rate, 0.15)),
        "flat": image(rng.normal(response, 0.001)),
    }
    return shown, (response < 0.9) | (rate > 3.0)


def of_list(shown: dict[str, DetectorImage], mask: NDArray[np.bool_], passes: bool = False) -> Outcome:
    """What verification says of a list of defects."""
    others = shown["image"].mask & ~np.uint16(BAD)
    shown["image"].mask[:] = np.where(mask, others | np.uint16(BAD), others)
    result = verified_defects(shown["image"], dark=shown["dark"], flat=shown["flat"])
    failed = [name for name, passed in result["VERIFY"]["DET"].items() if not passed and name != "SUCCESS"]
    return f"SUCCESS {result['SUCCESS']}, detector fails {failed}", result["SUCCESS"] is passes


def verified(
    kind: str, array: Reals, change: Callable[[DetectorImage], None] | None = None, **metadata: Any
) -> dict[str, Any]:
    """Results of an image by amplifier."""
    made = image(array, **metadata)
    if change is not None:
        change(made)
    return verified_image(made, kind, CosmicRayFinder())


def failing(result: Mapping[str, Any], name: str = "C01") -> set[str]:
    """Tests of an amplifier that fail."""
    return {test for test, passed in result["VERIFY"]["AMP"][name].items() if not passed}


def must_fail(result: Mapping[str, Any], *tests: str, name: str = "C01") -> Outcome:
    """Whether these tests fail, in an amplifier."""
    found = failing(result, name)
    return f"{name} fails {sorted(found - {'SUCCESS'})}", found >= set(tests)
