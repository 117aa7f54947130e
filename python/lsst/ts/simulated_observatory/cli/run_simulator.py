"""The command ``run_simulator``: the simulated components of an instrument on the observatory's own bus."""

from __future__ import annotations

import datetime
import importlib.util
import math
import os
import socket
import sys
from pathlib import Path

import click

from lsst.ts.calibrations.domain.instruments import INSTRUMENTS
from lsst.ts.calibrations.domain.text import one_line

from ..repository.database import Database
from .options import print_anything, simulation_options

__all__ = ["main"]

BROKER = "broker:29092"
"""Address of the broker where ``LSST_KAFKA_BROKER_ADDR`` names no other, as in salobj."""

BROKER_TIMEOUT = 10.0
"""Seconds within which a broker takes a connection; salobj would wait for ever, and cannot be interrupted."""


def _check_bus() -> None:
    """Refuse to run without salobj, without a bus, and at the site of the telescopes."""
    if not (importlib.util.find_spec("lsst.ts") and importlib.util.find_spec("lsst.ts.salobj")):
        raise click.UsageError(
            "lsst.ts.salobj is not installed here, so there is no bus for the simulated components."
            " bin/run_script simulates the observatory without it."
        )
    if os.environ.get("LSST_SITE", "").lower() == "summit":
        raise click.UsageError("LSST_SITE is summit: no simulated camera goes on the bus of the telescopes.")
    if not os.environ.get("LSST_TOPIC_SUBNAME"):
        raise click.UsageError("LSST_TOPIC_SUBNAME is not set: say which bus, e.g. LSST_TOPIC_SUBNAME=test")
    addresses = os.environ.get("LSST_KAFKA_BROKER_ADDR", BROKER)
    if not any(_answers(address) for address in addresses.split(",")):
        raise click.UsageError(f"no Kafka broker answers at {addresses}: see LSST_KAFKA_BROKER_ADDR")
    os.environ["TS_CALIBRATIONS_SAL"] = "kafka"


def _answers(address: str) -> bool:
    host, _, port = address.strip().rpartition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=BROKER_TIMEOUT):
            return True
    except (OSError, ValueError):
        return False


def _detectors(_context: click.Context, _: click.Parameter, value: str | None) -> tuple[int, ...] | None:
    if value is None:
        return None
    try:
        return tuple(int(each) for each in value.split(","))
    except ValueError:
        raise click.UsageError(f"--detectors {one_line(repr(value), 80)}: write ids like 0,1,2") from None


def _speed(_context: click.Context, _: click.Parameter, value: float) -> float:
    if math.isnan(value):  # which is within any range
        raise click.UsageError("--speed nan: it is no number")
    return value


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("instrument", type=click.Choice(list(INSTRUMENTS)), default="LATISS")
@simulation_options("Directory of the simulation", "today")
@click.option(
    "--speed",
    type=click.FloatRange(0, 1000, min_open=True),
    callback=_speed,
    default=1.0,
    show_default=True,
    help="Simulated seconds per second: exposures, readouts, ingests and jobs are faster by this factor, the"
    " computation of pixels and the pipelines are not.",
)
@click.option(
    "--without-pixels",
    is_flag=True,
    help="Images have only headers, jobs run no pipelines, and their results are drawn at random.",
)
@click.option(
    "--detectors", callback=_detectors, metavar="N,N,...", help="Butler ids of the detectors with pixels."
)
@click.option(
    "--filter",
    "filters",
    multiple=True,
    metavar="NAME",
    help="Also make a reference flat for this filter, besides the usual one; can be repeated.",
)
def main(
    instrument: str,
    out: Path | None,
    repo: Path | Database | None,
    scale: int,
    seed: int,
    date: datetime.date | None,
    speed: float,
    without_pixels: bool,
    detectors: tuple[int, ...] | None,
    filters: tuple[str, ...],
    collections: tuple[str, ...],
    batch: str | None,
    reference: str,
    faults: tuple[str, ...],
) -> None:
    """Put the simulated camera, spectrograph, header service, OODS and OCPS of INSTRUMENT on the bus.

    The bus is the one that the environment variables of lsst.ts.salobj name. All components are ENABLED, and
    run until SIGTERM or Ctrl-C ends them. Exit status: 0, or 2 if nothing was started.
    \f

    Parameters
    ----------
    instrument, speed, without_pixels, detectors, filters, out, repo, scale, seed, date, collections
        As the help texts of the options say.
    batch, reference, faults
        As the help texts of the options say.

    Raises
    ------
    click.UsageError
        The batch system was asked for where there are no pipelines; nothing was touched.
    """  # noqa: D301 (click shows nothing that comes after a form feed)
    print_anything()
    if batch is not None and without_pixels:
        raise click.UsageError("--batch and --without-pixels: without pixels there are no pipelines to run")
    _check_bus()
    from ..session.checks import run_folder
    from ..session.request import ServiceRequest
    from ..session.service import simulate

    request = ServiceRequest(
        folder=run_folder(out, "simulator"),
        repository=repo,
        scale=scale,
        seed=seed,
        night=date,
        speed=speed,
        detectors=detectors,
        filters=filters,
        collections=collections,
        batch=batch,
        faults=faults,
        without_pixels=without_pixels,
        measured=reference == "measured",
    )
    sys.exit(simulate(instrument, request))


if __name__ == "__main__":
    main(prog_name="bin/run_simulator")
