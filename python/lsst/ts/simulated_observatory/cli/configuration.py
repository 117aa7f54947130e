"""The configuration text as the command line gives it."""

from __future__ import annotations

import io
import json
import os
import re
import select
import stat
from collections.abc import Sequence
from pathlib import Path

import click

from lsst.ts.calibrations.domain.text import one_line

__all__ = ["configuration_text"]

_PARAMETER = re.compile(r"^(?P<key>[A-Za-z_]\w*)=(?P<value>.*)$")

LARGEST = 1_000_000
"""Bytes of a configuration file beyond which it is none."""

PATIENCE = 5.0
"""Seconds within which somebody must have opened a pipe to write the configuration into it."""


def configuration_text(file: Path | None, parameters: Sequence[str]) -> str:
    """Read the configuration from ``-c FILE`` or from ``-p KEY=VALUE``.

    Parameters
    ----------
    file, parameters
        Path of a file or pipe, and ``KEY=VALUE`` each.

    Returns
    -------
    text
        YAML; empty for the defaults.

    Raises
    ------
    click.UsageError
        Both were given, the file cannot be read, or a parameter is not KEY=VALUE on one line.
    """
    if file is not None and parameters:
        raise click.UsageError("give either -c FILE or -p KEY=VALUE, not both")
    if file is not None:
        return _read(file)
    lines = []
    for parameter in parameters:
        match = _PARAMETER.match(parameter)
        if match is None or len(parameter.splitlines()) > 1:
            shown = one_line(repr(parameter), 80)
            raise click.UsageError(f"-p {shown}: write KEY=VALUE on one line, e.g. -p n_bias=3")
        if re.search("[\ud800-\udfff]", parameter):
            raise click.UsageError(f"-p {match['key']}: it has bytes that are no UTF-8, and not printable")
        lines.append(f"{match['key']}: {_value(match['value'])}")
    return "\n".join(lines)


def _value(text: str) -> str:
    """A value as YAML: what it says, with no comment and no further key in it."""
    is_plain = text[:1] not in ("'", '"', "[", "{")
    return json.dumps(text) if is_plain and re.search(r"#|:(\s|$)", text) else text


def _read(file: Path) -> str:
    try:
        raw = _first_bytes(file, LARGEST + 1)
    except OSError as error:
        raise click.UsageError(f"-c {file}: it cannot be read: {error.strerror}") from None
    if len(raw) > LARGEST:
        raise click.UsageError(f"-c {file}: more than {LARGEST} bytes are no configuration")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise click.UsageError(f"-c {file}: it is no UTF-8 text (byte {error.start})") from None


def _first_bytes(file: Path, most: int) -> bytes:
    """Read a file, or a pipe to its end: its writer may take any time, but there must be one."""
    with open(file, "rb", buffering=0, opener=_open_at_once) as raw, io.BufferedReader(raw) as stream:
        begun, mode = b"", os.fstat(raw.fileno()).st_mode
        if stat.S_ISFIFO(mode) and not select.select([raw], [], [], PATIENCE)[0]:
            first = raw.read(1)  # None if there is a writer, who has written nothing yet
            if first == b"":
                raise click.UsageError(f"-c {file}: it is a pipe, and nobody writes into it")
            begun = first or b""
        os.set_blocking(raw.fileno(), True)
        content = begun + stream.read(most)
    if not content and not stat.S_ISREG(mode):
        raise click.UsageError(
            f"-c {file}: an empty pipe is refused, since the command behind it probably failed. For the"
            " defaults leave -c out."
        )
    return content


def _open_at_once(path: str, flags: int) -> int:
    """Open a file; a pipe without a writer, too, for which one would wait otherwise."""
    return os.open(path, flags | os.O_NONBLOCK)
