"""LATISS: filter, grating and stage."""

from __future__ import annotations

from typing import Any

import pytest

from lsst.ts.simulated_observatory import clock
from lsst.ts.simulated_observatory import embedded_sal as salobj


def test_all_axes_move_at_the_same_time(run_check: Any) -> None:
    async def check(components: Any) -> None:
        begun = clock.current_tai()
        await components.latiss.setup_instrument(filter=1, grating="empty_1", linear_stage="67")
        assert clock.current_tai() - begun == 5
        assert [move[1:] for move in components.spectrograph.moves] == [
            ("filter", {"filter": 1, "name": ""}),
            ("grating", {"disperser": 0, "name": "empty_1"}),
            ("stage", {"distanceFromHome": 67.0}),
        ]
        assert await components.latiss.get_setup() == ("", "empty_1", 67.0)

    run_check(check)


def test_nothing_moves_unless_asked(run_check: Any) -> None:
    async def check(components: Any) -> None:
        await components.latiss.setup_instrument(filter=None, grating=None)
        assert components.spectrograph.moves == []

    run_check(check)


def test_a_filter_that_is_not_there_is_an_error_with_the_reason(run_check: Any) -> None:
    async def check(components: Any) -> None:
        with pytest.raises(salobj.AckError, match="no filter mirror"):
            await components.latiss.setup_atspec(filter="mirror")
        with pytest.raises(RuntimeError, match="Filter must be a string or an int"):
            await components.latiss.setup_atspec(filter=1.5)
        with pytest.raises(RuntimeError, match="Invalid argument stage"):
            await components.latiss.setup_instrument(stage=1)

    run_check(check)


def test_what_is_available_comes_from_the_settings_of_the_spectrograph(run_check: Any) -> None:
    async def check(components: Any) -> None:
        with pytest.raises(RuntimeError, match="Could not determine instrument setup"):
            await components.latiss.get_available_instrument_setup()
        await components.spectrograph.evt_settingsAppliedValues.set_write(
            filterNames="empty_1,SDSSr_65mm",
            gratingNames="empty_1",
            linearStageMinPos=2,
            linearStageMaxPos=135,
        )
        assert await components.latiss.get_available_instrument_setup() == (
            ["empty_1", "SDSSr_65mm"],
            ["empty_1"],
            [2.0, 135.0],
        )

    run_check(check)
