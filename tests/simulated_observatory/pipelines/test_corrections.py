from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lsst.ts.simulated_observatory.pipelines.corrections import interpolate, linearize, subtract_crosstalk
from lsst.ts.simulated_observatory.pipelines.defectsearch import fill_columns
from lsst.ts.simulated_observatory.pipelines.images import DetectorImage, MaskPlane


def test_crosstalk_of_a_bright_amplifier_is_removed(rng: np.random.Generator) -> None:
    names = ("C00", "C01", "C02")
    true = {name: rng.normal(100, 10, (130, 40)).astype(np.float32) for name in names}
    true["C01"][50:60] += 90_000.0
    coefficients = np.array([[0, 8e-5, 0], [1e-5, 0, 0], [-3e-5, 2e-5, 0]])
    stack = np.stack(list(true.values()))
    seen = stack + np.tensordot(coefficients, stack, 1)
    pixels = {name: seen[i].astype(np.float32) for i, name in enumerate(names)}
    subtract_crosstalk(pixels, coefficients)
    for name in names:
        np.testing.assert_allclose(pixels[name], true[name], atol=0.02)


def test_linearizer_undoes_a_quadratic_non_linearity() -> None:
    k = 1.5e-8
    signal = np.linspace(0, 120_000, 50)
    recorded = (signal - k * signal**2).astype(np.float32)
    np.testing.assert_allclose(linearize(recorded, [k, 2 * k**2]), signal, atol=0.1)


def test_bad_pixels_are_interpolated_along_their_row(
    image_of: Callable[..., DetectorImage],
) -> None:
    array = np.tile(np.arange(20.0), (4, 1))
    image = image_of(array)
    for row, first, last in ((0, 5, 8), (1, 0, 2), (2, 18, 20), (3, 0, 20)):
        image.image[row, first:last] = 999.0
        image.mask[row, first:last] = MaskPlane.BAD
    interpolate(image, MaskPlane.BAD)
    assert image.image[0].tolist() == list(range(20))
    assert image.image[1, :3].tolist() == [2, 2, 2]
    assert image.image[2, 17:].tolist() == [17, 17, 17]
    assert np.all(image.image[3] == 999.0)
    assert image.mask[0, 6] == MaskPlane.BAD | MaskPlane.INTRP
    assert image.mask[0, 8] == 0
    assert image.mask[3, 6] == MaskPlane.BAD


def test_column_that_is_bad_in_many_places_is_bad_between_them() -> None:
    bad = np.zeros((200, 3), bool)
    bad[20:60:4, 1] = True
    bad[[10, 100], 2] = True
    filled = fill_columns(bad, suspicious=5, gap=30)
    assert filled[20:57, 1].all()
    assert not filled[57:, 1].any()
    assert filled[:, 2].sum() == 2
    far = fill_columns(bad, suspicious=5, gap=3)
    assert far[:, 1].sum() == bad[:, 1].sum()
