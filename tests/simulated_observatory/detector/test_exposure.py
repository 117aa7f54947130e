"""What a simulated exposure shows, measured as one would at the telescope."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from lsst.ts.simulated_observatory.cameras.models import DetectorModel
from lsst.ts.simulated_observatory.detector.illumination import LAMP_RATE
from lsst.ts.simulated_observatory.detector.night import IDLE_LEVEL, draw_night
from lsst.ts.simulated_observatory.detector.patterns import FILTER_RESPONSE
from lsst.ts.simulated_observatory.detector.readout import BITS, COMMON_NOISE, read_out
from lsst.ts.simulated_observatory.detector.truth import DetectorTruth, random_stream


def clipped(values: np.ndarray, sigmas: float = 5.0) -> np.ndarray:
    """Values without outliers."""
    values = np.ravel(values)
    for _ in range(3):
        values = values[np.abs(values - values.mean()) < sigmas * values.std()]
    return values


def of(truth: DetectorTruth, name: str) -> np.ndarray:
    return np.array([getattr(amplifier, name) for amplifier in truth.amplifiers])


def test_overscan_scatters_by_the_read_noise(
    take: Callable[..., np.ndarray], model: DetectorModel, truth: DetectorTruth
) -> None:
    difference = (take(1) - take(2)) / np.sqrt(2)
    amplifier = model.amplifiers[0]
    prescan = difference[:, :, : amplifier.sensor.prescan]
    serial = difference[:, :, amplifier.imaging[1].stop :]
    # Differences of a row from the row's mean: the bias level drifts while the first rows are read.
    noise = (
        (serial - serial.mean(axis=2, keepdims=True)).std(axis=(1, 2)) * np.sqrt(64 / 63) * of(truth, "gain")
    )
    np.testing.assert_allclose(noise, of(truth, "read_noise"), rtol=0.025)
    # What the amplifiers have in common is a part of it, 0.6 %.
    tonight = of(truth, "read_noise") * draw_night(5, "LATISS", 0, 16, 20250115).noise
    assert np.mean(noise / tonight) == pytest.approx(1.0, abs=0.004)
    assert prescan.std(axis=(1, 2)).mean() == pytest.approx(serial.std(axis=(1, 2)).mean(), rel=0.05)


def test_bias_has_a_level_that_wanders_and_a_structure_that_stays(
    take_electrons: Callable[..., np.ndarray], take: Callable[..., np.ndarray]
) -> None:
    assert 0.1 < abs(take(1)[0].mean() - take(2)[0].mean()) < 30
    stack = np.stack([take_electrons(i) for i in range(20)])
    structure = np.median(stack, axis=0)
    again = np.median([take_electrons(i) for i in range(20, 40)], axis=0)
    correlation = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(structure, again, strict=True)]
    # One without structure would scatter by 0.008.
    assert min(correlation) > 0.03


@pytest.mark.parametrize("time", [5.0, 20.0])
def test_photon_transfer_gives_gain_and_brighter_fatter_of_the_truth(
    take_electrons: Callable[..., np.ndarray], truth: DetectorTruth, time: float
) -> None:
    ratios = []
    for pair in range(3):
        first, second = (take_electrons(100 * pair + i, time, True) for i in range(2))
        for k, amplifier in enumerate(truth.amplifiers):
            mean = np.median(first[k])
            variance = clipped(first[k] - second[k]).var() / 2 - amplifier.read_noise**2 * (
                1 + 1 / 64 + 1 / 48
            )
            # In electrons a wrong gain would show as much as the brighter-fatter effect (4 % and 15 %) does.
            expected = (np.exp(2 * amplifier.a00 * mean) - 1) / (2 * amplifier.a00)
            ratios.append(variance / expected)
    assert np.mean(ratios) == pytest.approx(1.0, abs=0.008)
    assert np.std(ratios) < 0.02


def test_brighter_fatter_correlates_neighbours_along_the_column_most(
    take_electrons: Callable[..., np.ndarray], truth: DetectorTruth
) -> None:
    rows, columns = [], []
    for pair in range(3):
        first, second = (take_electrons(100 * pair + i, 20.0, True) for i in range(2))
        for image, amplifier in zip((first - second) / np.sqrt(2), truth.amplifiers, strict=True):
            noise = np.where(np.abs(image) < 5 * image.std(), image, 0.0)
            scale = abs(amplifier.a00) * np.median(first) ** 2
            rows.append((noise[1:] * noise[:-1]).mean() / scale)
            columns.append((noise[:, 1:] * noise[:, :-1]).mean() / scale)
    # First order: 0.20 and 0.12; the next order takes some 15 % of them.
    assert np.mean(rows) == pytest.approx(0.18, abs=0.025)
    assert np.mean(columns) == pytest.approx(0.105, abs=0.025)


def test_lamp_shines_as_documented_with_vignetted_corners(
    take_electrons: Callable[..., np.ndarray],
    assemble: Callable[[np.ndarray], np.ndarray],
    truth: DetectorTruth,
) -> None:
    flat = assemble(take_electrons(1, 5.0, True))
    assert np.median(flat) == pytest.approx(LAMP_RATE * (5.0 + truth.shutter_offset), rel=0.005)
    corners = [
        np.median(flat[y, x]) for y in (slice(8), slice(-8, None)) for x in (slice(8), slice(-8, None))
    ]
    assert 0.95 < np.mean(corners) / np.median(flat) < 0.995


def test_shutter_is_open_a_little_longer_than_asked_for(
    take_electrons: Callable[..., np.ndarray], truth: DetectorTruth
) -> None:
    flat = np.mean([np.median(image) for image in take_electrons(1, 0.1, True)])
    dark = np.mean([np.median(image) for image in take_electrons(2)])
    assert (flat - dark) / LAMP_RATE - 0.1 == pytest.approx(truth.shutter_offset, abs=0.001)


def test_light_of_two_flats_agrees_to_the_repeatability_of_lamp_and_shutter(
    take_electrons: Callable[..., np.ndarray],
) -> None:
    levels = [np.mean([np.median(image) for image in take_electrons(i, 20.0, True)]) for i in range(4)]
    assert np.std(levels) / np.mean(levels) < 5e-4


def test_narrow_filter_and_grating_dim_the_light(take_electrons: Callable[..., np.ndarray]) -> None:
    red = np.median(take_electrons(1, 5.0, True))
    assert np.median(take_electrons(1, 5.0, True, physical_filter="empty~SDSSy_65mm")) / red == pytest.approx(
        0.2, rel=0.01
    )
    with pytest.raises(ValueError, match="nearest is SDSSr_65mm"):
        take_electrons(1, 5.0, True, physical_filter="SDSSr_65m~empty")


def test_dark_current_is_that_of_the_truth(
    take_electrons: Callable[..., np.ndarray], truth: DetectorTruth
) -> None:
    rates = []
    for pair in range(2):
        dark = take_electrons(10 + pair, 300.0) - take_electrons(20 + pair)
        rates.append([clipped(image).mean() / 300.0 for image in dark])
    assert np.mean(rates) == pytest.approx(of(truth, "dark_current").mean(), rel=0.02)
    np.testing.assert_allclose(np.mean(rates, axis=0), of(truth, "dark_current"), rtol=0.1)


def test_defects_are_where_the_truth_has_them(
    take_electrons: Callable[..., np.ndarray],
    assemble: Callable[[np.ndarray], np.ndarray],
    truth: DetectorTruth,
) -> None:
    dark = assemble(take_electrons(1, 60.0) - take_electrons(2))
    flat = assemble(take_electrons(3, 20.0, True)) / (20.0 * LAMP_RATE)
    for defect in truth.defects:
        area = np.s_[defect.y : defect.y + defect.height, defect.x : defect.x + defect.width]
        if defect.rate > 3:
            assert np.median(dark[area]) > 61 * defect.rate * 0.7 - 30, defect
        if defect.response < 0.8:
            assert np.median(flat[area]) == pytest.approx(defect.response, abs=0.05), defect
    assert {defect.kind for defect in truth.defects} == {
        "hot pixel",
        "hot column",
        "cold pixel",
        "dead pixel",
        "bright pixel",
        "vampire",
        "vampire ring",
        "trap",
    }


def test_deferred_charge_is_read_in_the_first_column_of_the_overscan(
    take: Callable[..., np.ndarray], model: DetectorModel, truth: DetectorTruth
) -> None:
    stop = model.amplifiers[0].imaging[1].stop
    flats = np.mean([take(i, 30.0, True)[:, : model.amplifiers[0].height] for i in range(4)], axis=(0, 2))
    signal = flats[:, stop - 10 : stop].mean(axis=1) - flats[:, stop + 3 :].mean(axis=1)
    deferred = (flats[:, stop] - flats[:, stop + 3 :].mean(axis=1)) / signal
    expected = of(truth, "deferred_charge") * stop
    np.testing.assert_allclose(deferred, expected, atol=3e-5)


def test_amplifiers_have_noise_in_common(take: Callable[..., np.ndarray], truth: DetectorTruth) -> None:
    noise = np.diff(take(1)[:, :, -60:].astype(float), axis=2) / np.sqrt(2)
    noise *= of(truth, "gain")[:, None, None]
    common = [(noise[i] * noise[j]).mean() for i in range(16) for j in range(i)]
    assert np.mean(common) == pytest.approx(COMMON_NOISE**2, rel=0.15)


def test_first_frame_after_idling_has_an_excess_that_its_overscan_lacks(
    take_electrons: Callable[..., np.ndarray],
) -> None:
    excess = (take_electrons(1, idle=1e4) - take_electrons(1)).mean(axis=(0, 2))
    assert excess[0] == pytest.approx(1.08 * IDLE_LEVEL, rel=0.05)
    assert abs(excess[-50:].mean()) < 0.5
    assert np.abs(take_electrons(1, idle=3.0) - take_electrons(1)).max() < 2.0


def test_nights_differ_in_level_gain_noise_and_light(
    take: Callable[..., np.ndarray], take_electrons: Callable[..., np.ndarray], model: DetectorModel
) -> None:
    tonight, other = ([take(day * 100_000 + i) for i in range(4)] for day in (0, 1))
    overscan = np.s_[:, :, model.amplifiers[0].imaging[1].stop :]
    moved = np.mean([b[overscan] - a[overscan] for a, b in zip(tonight, other, strict=True)], axis=(0, 2, 3))
    assert np.std(moved) > 10.0  # 20 sqrt(2) adu
    light = [
        np.mean([np.median(each) for each in take_electrons(day * 100_000, 20.0, True)]) for day in (0, 1)
    ]
    nights = [draw_night(5, "LATISS", 0, 16, 20250115 + day) for day in (0, 1)]
    assert light[1] / light[0] == pytest.approx(nights[1].lamp / nights[0].lamp, abs=5e-4)


def test_a_flat_of_another_filter_has_another_pattern(take_electrons: Callable[..., np.ndarray]) -> None:
    red, again, green = (
        np.mean(
            [take_electrons(first + i, 25.0 / light, True, physical_filter=name) for i in range(4)], axis=0
        )
        for first, light, name in (
            (0, 1.0, "SDSSr_65mm~empty"),
            (10, 1.0, "SDSSr_65mm~empty_1"),
            (20, 1.0, "SDSSg_65mm~empty_1"),
        )
    )
    same, differ = (
        np.median([clipped(x / y).std() for x, y in zip(red, other, strict=True)]) for other in (again, green)
    )
    photons = np.sqrt(2 / (4 * np.median(red)))
    assert same == pytest.approx(photons, rel=0.1)
    assert np.sqrt(differ**2 - same**2) == pytest.approx(np.sqrt(2) * FILTER_RESPONSE, rel=0.2)


def test_same_request_gives_the_same_pixels_and_another_exposure_others(
    take: Callable[..., np.ndarray],
) -> None:
    image = take(1, 5.0, True)
    np.testing.assert_array_equal(image, take(1, 5.0, True, path="elsewhere"))
    for other in (take(2, 5.0, True), take(1, 5.0, True, seed=6)):
        assert np.mean(other == image) < 0.03  # in the overscan 1 / (2 sqrt(pi) sigma) by chance


def test_long_exposures_fill_each_amplifier_to_its_own_full_well(
    take: Callable[..., np.ndarray], model: DetectorModel, truth: DetectorTruth
) -> None:
    image = take(1, 60.0, True)
    full = []
    for raw, amplifier, of_amplifier in zip(image, model.amplifiers, truth.amplifiers, strict=True):
        level = np.median(raw[: amplifier.height, amplifier.imaging[1].stop + 3 :])
        full.append((np.median(raw[amplifier.imaging]) - level) / amplifier.sensor.saturation)
        nominal = of_amplifier.full_well / of_amplifier.gain
        recorded = nominal - of_amplifier.nonlinearity * nominal**2
        assert full[-1] * amplifier.sensor.saturation == pytest.approx(recorded, rel=2e-3)
        # What it cannot hold runs into the parallel overscan.
        assert np.median(raw[amplifier.height, amplifier.imaging[1]]) - level > 0.9 * recorded
    assert 0.95 < min(full) < 1.0 < max(full) < 1.06
    assert 2**16 < image.max() < 2**BITS


def test_converter_stops_at_18_bits(truth: DetectorTruth, model: DetectorModel) -> None:
    charge = np.full(
        (16, *np.empty(model.amplifiers[0].raw_shape)[model.amplifiers[0].imaging].shape), 4e5, "f4"
    )
    streams = [random_stream(1, i) for i in range(16)]
    images = read_out(truth, charge, random_stream(1, "common"), streams)
    assert {int(image.max()) for image in images} == {2**BITS - 1}


def test_bright_spot_has_a_ghost_in_the_neighbouring_amplifier_at_the_same_place(
    truth: DetectorTruth, model: DetectorModel
) -> None:
    names = [amplifier.name for amplifier in model.amplifiers]
    source, victim = names.index("C03"), names.index("C04")
    amplifier = model.amplifiers[source]
    charge = np.zeros((16, amplifier.height, amplifier.width), dtype=np.float32)
    quiet = [image[amplifier.imaging] for image in _read(truth, charge)]
    charge[source, 20:40, 10:40] = 1e5
    ghost = (_read(truth, charge)[victim][amplifier.imaging] - quiet[victim]) * truth.amplifiers[victim].gain
    assert ghost[20:40, 10:40].mean() == pytest.approx(1e5 * truth.crosstalk[victim][source], rel=0.01)
    assert abs(ghost[60:, :].mean()) < 0.1


def test_amplifiers_record_less_than_proportional_at_high_signal(
    truth: DetectorTruth, model: DetectorModel
) -> None:
    charge = np.full((16, model.amplifiers[0].height, model.amplifiers[0].width), 1e5, dtype=np.float32)
    dark = _read(truth, np.zeros_like(charge))
    for bright, quiet, amplifier, k in zip(
        _read(truth, charge), dark, truth.amplifiers, range(16), strict=True
    ):
        signal = 1e5 * (1 + sum(truth.crosstalk[k])) / amplifier.gain
        measured = (bright - quiet)[model.amplifiers[k].imaging].mean()
        assert signal - measured == pytest.approx(amplifier.nonlinearity * signal**2, rel=0.01)
        assert 0.001 < 1 - measured / signal < 0.002


def _read(truth: DetectorTruth, charge: np.ndarray) -> list[np.ndarray]:
    streams = [random_stream(1, i) for i in range(16)]
    return list(read_out(truth, charge, random_stream(1, "common"), streams))
