"""Plays scenarios against a changed copy of the packages, and prints as JSON what the invariants notice.

It is run in a process of its own in which the copy is found first: see ``Copy.play`` in test_mutants.py.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence

from lsst.ts.simulated_observatory.sal_names import use_embedded_sal

use_embedded_sal()

from lsst.ts.simulated_observatory.campaign.campaign import check_scenario, matrix  # noqa: E402
from lsst.ts.simulated_observatory.campaign.drawing import draw_scenario  # noqa: E402
from lsst.ts.simulated_observatory.campaign.runner import Runner, open_runner  # noqa: E402
from lsst.ts.simulated_observatory.campaign.scenario import Act  # noqa: E402
from lsst.ts.simulated_observatory.campaign.workers import scratch_folder  # noqa: E402


def stops_at_the_begin(runner: Runner) -> Iterator[set[str]]:
    """Play the stops of the matrix around the moment at which a run begins.

    Parameters
    ----------
    runner
        Plays them.

    Yields
    ------
    invariants
        Those that each of them violates.
    """
    for each in matrix(runner):
        place = each.interruption
        if place is not None and place.state and place.act is Act.STOP:
            yield check_scenario(runner, each).invariants


def drawn(runner: Runner, invariant: str, first: int, most: int, focus: Sequence[str]) -> Iterator[set[str]]:
    """Play scenarios that are drawn until one violates an invariant.

    Parameters
    ----------
    runner
        Plays them.
    invariant
        The one that is to notice.
    first, most
        Seed of the first, and how many there are at most.
    focus
        As for `draw_scenario`.

    Yields
    ------
    invariants
        Those that each of them violates.
    """
    for seed in range(first, first + most):
        found = check_scenario(runner, draw_scenario(seed, focus)).invariants
        yield found
        if invariant in found:
            return


def main(arguments: Sequence[str]) -> None:
    """Play what the arguments say: nothing, or those of `drawn`."""
    with scratch_folder() as folder:
        runner = open_runner(folder)
        if arguments:
            invariant, first, most, *focus = arguments
            found = list(drawn(runner, invariant, int(first), int(most), focus))
        else:
            found = list(stops_at_the_begin(runner))
    print(json.dumps([sorted(each) for each in found]))


if __name__ == "__main__":
    main(sys.argv[1:])
