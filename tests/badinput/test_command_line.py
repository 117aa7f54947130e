"""Arguments, files and folders that are given to the commands: refused in words, before anything is made."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from lsst.ts.simulated_observatory.cli import configuration

Make = Callable[..., Any]

ESCAPE = "\x1b[2J\x1b]0;owned\x07"
LONG = "a" * 5000

UTF_16 = "n_bias: 3\n".encode("utf-16")


def refused(outcome: Any, *expected: str) -> None:
    outcome.is_refused(*expected)
    assert not (outcome.folder / "journal.jsonl").exists()
    assert len(outcome.screen) < 5000


@pytest.mark.parametrize("option", ["--out", "--repo", "--resume", "-c"])
@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param(LONG, "File name too long", id="too-long"),
        pytest.param("/a" * 5000, "File name too long", id="too-deep"),
        pytest.param("a\nb", "cannot be printed", id="newline"),
        pytest.param(ESCAPE, "cannot be printed", id="escape-sequence"),
        pytest.param("a\u202eb", "cannot be printed", id="bidi-mark"),
        pytest.param(os.fsdecode(b"bad\xff"), "cannot be printed", id="no-utf-8"),
    ],
)
def test_a_path_that_nothing_has_or_nobody_can_read(
    command: Make, option: str, path: str, expected: str
) -> None:
    refused(command(option, path), option, expected)


@pytest.mark.parametrize("option", ["--out", "--repo", "--resume", "-c"])
def test_an_empty_path_is_not_the_present_folder(command: Make, option: str) -> None:
    """As of ``--out "$NIGHT"``, where no night was set."""
    refused(command(option, ""), f"{option} '': an empty text is no path", "Nothing was touched")


@pytest.mark.parametrize(
    ("path", "expected"),
    [("precious", "not empty"), ("cache", "no folder"), ("cache/x", "folder"), ("/dev/null", "no folder")],
)
def test_a_run_directory_that_is_none(command: Make, tmp_path: Path, path: str, expected: str) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "data").write_text("kept")
    refused(command("--out", path), f"--out {tmp_path.parent.parent}"[:6], expected)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/dev/zero", "no configuration"),
        (".", "cannot be read"),
        ("none", "cannot be read"),
        ("cache/x", "cannot"),
    ],
)
def test_a_configuration_file_that_is_none(command: Make, path: str, expected: str) -> None:
    refused(command("-c", path), f"-c {path}", expected)


def test_a_pipe_into_which_nobody_writes(
    command: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(configuration, "PATIENCE", 0.02)
    os.mkfifo(tmp_path / "pipe")
    refused(command("-c", "pipe"), "-c pipe: it is a pipe, and nobody writes into it")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(UTF_16, "no UTF-8", id="utf-16"),
        pytest.param(b"note: caf\xe9", "no UTF-8", id="latin-1"),
        pytest.param(b"\x80\x81\xfe\xff", "no UTF-8", id="bytes"),
        pytest.param(b"n_bias: 3\0", "not printable", id="nul"),
        pytest.param(b"\x7fELF\x02\x01\x01\x00", "not printable", id="executable"),
        pytest.param("n_bias: 3".encode("utf-16-be"), "not printable", id="utf-16-without-mark"),
        pytest.param(b"\xef\xbb\xbfn_bias: many", "n_bias: 'many'", id="byte-order-mark"),
        pytest.param(b"\tn_bias: 3", "tab", id="tab"),
        pytest.param(b"{" * 40_000, "nested", id="deep"),
        pytest.param(b"x" * 60_000, "characters", id="long"),
    ],
)
def test_a_configuration_file_in_another_form(
    command: Make, tmp_path: Path, content: bytes, expected: str
) -> None:
    (tmp_path / "config.yaml").write_bytes(content)
    outcome = command("-c", "config.yaml", "--out", "run")
    outcome.is_refused(expected)


@pytest.mark.parametrize(
    ("parameter", "expected"),
    [
        ("n_bias", "KEY=VALUE"), ("=3", "KEY=VALUE"), ("", "KEY=VALUE"), ("n_bias=3\nn_dark=4", "KEY=VALUE"),
        ("n_bias=3\rn_dark: 4", "KEY=VALUE"), ('note="a"\u2028n_bias: 3', "KEY=VALUE"),
        ('note="a"\x85n_bias: 3', "KEY=VALUE"), (f"{ESCAPE}=3", "KEY=VALUE"), (LONG, "KEY=VALUE"),
        (os.fsdecode(b"\xff=3"), "KEY=VALUE"), ("__class__=x", "no option '__class__'"),
        ("ignore=[ATSpectrograph]", "no option 'ignore'; nearest is note; the schema lists all options."),
        ("n_bias=!!python/object/apply:os.system [touch canary]", "the tag !!python"),
        ("n_bias=&a 3", "an anchor"),
        ("n_bias=[3", "not YAML"), ("repo=/nowhere/at/all", "no such repository"),
        (f"repo=/{'a' * 300}", "File name too long"), (f"repo={LONG}", "repo"),
        ('resume="/tmp/\\e[31m"', "not the absolute path"),
        ('resume="/tmp/\\u202e"', "not the absolute path"),
        ("resume=../x", "not the absolute path"), ("resume=[/tmp]", "not the absolute path"),
        (f'n_biass="{LONG}"', "no option 'n_biass'"), ('n_biass="\\e[2J"', "n_biass"),
        (os.fsdecode(b"note=bad\xff"), "not printable"), ("note=$(touch canary)\u00a0", "no-break space"),
    ],
)  # fmt: skip
def test_a_parameter_is_one_option(command: Make, parameter: str, expected: str) -> None:
    outcome = command("-p", parameter, "--out", "run")
    outcome.is_refused(expected)


@pytest.mark.parametrize(
    "fault",
    [
        ESCAPE, LONG, "", ":", "=", "camera-fault:" + "image=1," * 10_000, "camera-fault:image=-1",
        "camera-fault:image=1e3", "camera-fault:image=99999999999", "camera-fault:image=1;touch canary",
        "clock-step:seconds=nan", "clock-step:seconds=1e300", "clock-step:seconds=inf",
        "ocps-exit:code=" + "9" * 5000,
        "end-readout-late:seconds=1e9", "end-readout-late:seconds=-1", "ocps-slow:factor=nan",
        "component-absent:component=$(touch canary)", f"component-absent:component={ESCAPE}",
        "component-state:component=../../x,state=FAULT", f"ocps-phase:phase={ESCAPE}",
        "amplifier-noise:amplifier=../../x", "amplifier-noise:amplifier=C00,factor=inf",
        "hot-column:column=99999999999999999999", "light-leak:rate=-1", "shutter-stuck:detector=x",
    ],
    ids=range(26),
)  # fmt: skip
def test_a_fault_that_is_none(command: Make, fault: str) -> None:
    refused(command("--fault", fault, "-p", "script_mode=BIAS"), "--fault")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--seed", "-1"], "--seed"), (["--seed", str(2**63)], "--seed"), (["--seed", "1e3"], "--seed"),
        (["--scale", "0"], "--scale"), (["--scale", "17"], "--scale"), (["--scale", "nan"], "--scale"),
        (["--index", "0"], "--index"), (["--index", str(2**31)], "--index"),
        (["-l", "-1"], "-l '-1': use DEBUG"),
        (["--date", "now"], "--date"), (["--date", "2025-01-15\n"], "--date"),
        (["--date", "1999-12-31"], "--date"),
        (["--date", "2025-02-30"], "--date"), (["--date", ESCAPE], "--date"),
        (["--collection", "../../x"], "--collection"), (["--collection", "a b"], "--collection"),
        (["--collection", "*"], "--collection"), (["--collection", "a,b"], "--collection"),
        (["--collection", LONG], "--collection"), (["--collection", ESCAPE], "--collection"),
        (["--collection", "/x"], "--collection"), (["--collection", ""], "--collection"),
        (["--no-such-option"], "--no-such-option"),
    ],
)  # fmt: skip
def test_an_option_with_an_impossible_value(command: Make, arguments: list[str], expected: str) -> None:
    refused(command(*arguments), expected)


@pytest.mark.parametrize(
    "script",
    [
        "../../../etc/passwd",
        "/etc/passwd",
        LONG,
        ESCAPE,
        ".",
        "/dev/stdin",
        "$(touch canary)",
        "auxtel/../x.py",
    ],
)
def test_a_script_that_is_none(command: Make, script: str) -> None:
    refused(command(script=script), "auxtel/make_latiss_calibrations.py")


@pytest.mark.parametrize(
    ("marker", "expected"),
    [
        ("[]", "no mapping"), ("null", "no mapping"), ("{", "cannot be read"), ("", "cannot be read"),
        ("[" * 50_000, "cannot be read"), (f'{{"instrument": "{ESCAPE}"}}', "cannot be read"),
        ('{"instrument": "\\u001b[2J"}', "made with instrument"),
        ('{"instrument": "LATISS"}', "made with scale"),
    ],
)  # fmt: skip
def test_a_repository_whose_marker_is_spoilt(
    command: Make, tmp_path: Path, marker: str, expected: str
) -> None:
    (tmp_path / "repo").mkdir()
    (tmp_path / "repo" / "SIMULATED.json").write_text(marker)
    refused(command("--repo", "repo"), f"--repo {tmp_path / 'repo'}: ", expected, "Nothing was touched")


@pytest.mark.parametrize("option", ["--out", "--repo", "--resume", "-c"])
def test_a_link_to_itself(command: Make, tmp_path: Path, option: str) -> None:
    (tmp_path / "loop").symlink_to("loop")
    refused(command(option, "loop"), f"{option} loop: ", "symbolic links. Nothing was touched")


@pytest.mark.parametrize("path", ["precious", "cache", "a/b/c", "with.dot"])
def test_a_repository_that_is_none_of_ours(command: Make, tmp_path: Path, path: str) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "butler.yaml").write_text("datastore: {cls: os.system}")
    refused(command("--repo", path), f"--repo {tmp_path / path}: ", "Nothing was touched")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--focus", "nonsense"], "none of"), (["--focus", ESCAPE], "none of"),
        (["--scenarios", "0"], "--scenarios"),
        (["--scenarios", "99999999999"], "--scenarios"), (["--seed", "-1"], "--seed"),
        (["--every", "0"], "--every"),
    ],
)  # fmt: skip
def test_a_campaign_that_would_tell_nothing(arguments: list[str], expected: str) -> None:
    from lsst.ts.simulated_observatory.campaign.__main__ import main

    result = CliRunner().invoke(main, arguments, color=True)
    assert result.exit_code == 2
    assert expected in result.output
    assert "\x1b" not in result.output


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--out", LONG], "File name too long"), (["--repo", ""], "an empty text is no path"),
        (["--repo", ESCAPE], "cannot be printed"),
        (["ATCamera"], "LSSTComCam"),
        (["--speed", "nan"], "--speed"), (["--speed", "0"], "--speed"),
        (["--detectors", "0;1"], "--detectors"),
        (["--collection", "../x"], "--collection"), (["--seed", str(10**30)], "--seed"),
        (["--fault", "x"], "--fault"),
        (["--detectors", ESCAPE], "--detectors"), (["--detectors", "9" * 5000], "--detectors"),
    ],
)  # fmt: skip
def test_the_simulator_refuses_the_same(arguments: list[str], expected: str) -> None:
    from lsst.ts.simulated_observatory.cli.run_simulator import main

    result = CliRunner().invoke(main, arguments, color=True)
    assert result.exit_code == 2
    assert expected in result.output
    assert "Traceback" not in result.output
    assert "\x1b" not in result.output


def test_a_terminal_without_the_characters_gets_escapes(monkeypatch: pytest.MonkeyPatch) -> None:
    from lsst.ts.simulated_observatory.cli.options import print_anything

    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))
    print_anything()
    print("caf\u00e9 \udcff", flush=True)
    assert raw.getvalue() == b"caf\\xe9 \\udcff\n"
    monkeypatch.undo()
