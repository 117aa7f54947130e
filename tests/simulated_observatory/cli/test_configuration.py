"""The configuration text from a file or from single options."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import click
import pytest

from lsst.ts.simulated_observatory.cli import configuration
from lsst.ts.simulated_observatory.cli.configuration import configuration_text


def test_nothing_is_the_defaults() -> None:
    assert configuration_text(None, ()) == ""


def test_options_become_lines() -> None:
    assert configuration_text(None, ("n_bias=3", "exp_times_flat=[1, 2]", "note=a=b")) == (
        "n_bias: 3\nexp_times_flat: [1, 2]\nnote: a=b"
    )


@pytest.mark.parametrize("parameter", ["n_bias", "=3", "n bias=3", "n_bias=3\nrepo: /elsewhere", "n:x=1"])
def test_what_is_not_key_and_value_is_refused(parameter: str) -> None:
    with pytest.raises(click.UsageError, match="KEY=VALUE"):
        configuration_text(None, (parameter,))


def test_a_file_is_passed_on_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("n_bias: 3\n# ünicode\n", encoding="utf-8")
    assert configuration_text(path, ()) == "n_bias: 3\n# ünicode\n"


def test_files_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "latin").write_bytes(b"note: \xe9")
    (tmp_path / "large").write_bytes(b"#" * 2_000_000)
    refused = {"none": "cannot be read", "latin": "UTF-8", "large": "no configuration", ".": "read"}
    for name, expected in refused.items():
        with pytest.raises(click.UsageError, match=expected):
            configuration_text(tmp_path / name, ())


def test_the_output_of_a_process_is_a_file_too() -> None:
    """As the shell gives it: -c <(command), or -c /dev/stdin behind a pipe."""
    reader, writer = os.pipe()
    os.write(writer, b"n_bias: 3\n")
    os.close(writer)
    try:
        assert configuration_text(Path(f"/dev/fd/{reader}"), ()) == "n_bias: 3\n"
    finally:
        os.close(reader)


def test_an_empty_pipe_is_a_writer_that_has_failed_and_not_the_defaults(tmp_path: Path) -> None:
    """As -c <(command that is misspelt): a night of the defaults is not what was wanted."""
    reader, writer = os.pipe()
    os.close(writer)
    try:
        with pytest.raises(click.UsageError, match=r"an empty pipe.*leave -c out"):
            configuration_text(Path(f"/dev/fd/{reader}"), ())
    finally:
        os.close(reader)
    with pytest.raises(click.UsageError, match="an empty pipe"):
        configuration_text(Path("/dev/null"), ())


def test_an_empty_file_is_the_defaults_as_an_empty_configuration_is_in_the_queue(tmp_path: Path) -> None:
    (tmp_path / "empty.yaml").touch()
    assert configuration_text(tmp_path / "empty.yaml", ()) == ""


def test_the_writer_of_a_pipe_may_come_late(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Timer(0.05, path.write_text, ["n_bias: 3\n"])
    writer.start()
    assert configuration_text(path, ()) == "n_bias: 3\n"
    writer.join()


def test_a_writer_who_is_there_may_take_any_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    monkeypatch.setattr(configuration, "PATIENCE", 0.02)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # without whom no writer can be
    pipe = path.open("wb", buffering=0)

    def write() -> None:
        with pipe:
            pipe.write(b"n_bias: 3\n")

    writer = threading.Timer(0.1, write)
    writer.start()
    assert configuration_text(path, ()) == "n_bias: 3\n"
    writer.join()
    os.close(reader)


def test_file_and_options_exclude_each_other(tmp_path: Path) -> None:
    with pytest.raises(click.UsageError, match="not both"):
        configuration_text(tmp_path / "x", ("n_bias=3",))


@pytest.mark.parametrize("note", ["daily #3", "dome: open", "as ever:"])
def test_number_signs_and_colons_are_part_of_a_value(note: str) -> None:
    assert configuration_text(None, (f"note={note}",)) == f'note: "{note}"'


@pytest.mark.parametrize("value", ["[5, 5]", "{name: a, execution: b}", "'a # b'", "a:b=c"])
def test_what_is_yaml_stays_as_it_is(value: str) -> None:
    assert configuration_text(None, (f"x={value}",)) == f"x: {value}"
