"""What a hostile or a tired person writes into the options: refused in words, or taken for what it is."""

from __future__ import annotations

import time
from typing import Any

import pytest
import yaml

from lsst.ts.calibrations.config.config import MOST_PROBLEMS, CalibrationConfig, examine
from lsst.ts.calibrations.config.schema import load_schema
from lsst.ts.calibrations.domain.instruments import INSTRUMENTS, LATISS
from lsst.ts.calibrations.domain.jobs import pipetask_options

SCHEMA = load_schema("LATISS")
TEXTS = [name for name, about in SCHEMA["properties"].items() if "string" in about.get("type", ())]

COLLECTIONS = [name for name in TEXTS if "collection" in name]
PIPETASK = [name for name in TEXTS if name.startswith("config_options_")]
ONE_SLOT = ["filter", "grating"]
HEADER = ["program", "reason", "note"]
CHOSEN = ["script_mode", "certify_calib_begin_date", "certify_calib_end_date", "repo"]

NEVER = {
    "newline": "a\nb",
    "header-injection": "a\nSIMPLE  = F",
    "carriage-return": "a\rb",
    "nul": "a\0b",
    "bell": "a\ab",
    "escape-sequence": "\x1b[2J\x1b[31mDONE",
    "c1-control": "a\x9b31mb",
    "line-separator": "a\u2028n_bias: 3",
    "next-line": "a\x85b",
    "bidi-mark": "a\u202egnp.b",
    "zero-width": "LATISS\u200b/calib",
    "gigantic": "a" * 5_000,
}
"""What no text may hold."""

SHELL = {
    "semicolon": "x;touch canary",
    "substitution": "$(touch canary)",
    "backticks": "`touch canary`",
    "pipe": "x|touch canary",
    "ampersand": "x&touch canary",
    "redirection": "x>canary",
    "single-quote": "x'y",
    "double-quote": 'x"y',
    "sql": "x' OR 1=1 --",
    "glob": "*",
    "glob-below": "LATISS/*",
    "question-mark": "LATISS/cali?",
    "option": "--help",
    "backslash": "a\\b",
    "format": "{0.__class__}%s%n",
    "non-ascii": "caf\u00e9",
    "full-width": "LATISS\uff0fcalib",
    "emoji": "\U0001f52d",
    "blank-inside": "a b",
    "empty": "",
    "blanks": "   ",
}
"""What no name may hold."""


def errors(options: dict[str, Any]) -> tuple[str, ...]:
    return examine(yaml.safe_dump(options), SCHEMA, LATISS).errors


def text_errors(text: str) -> tuple[str, ...]:
    return examine(text, SCHEMA, LATISS).errors


def is_refused_for(found: tuple[str, ...], option: str) -> None:
    """One problem, which names the option, can be read, and is not longer than a screen."""
    assert found, "it was accepted"
    assert all(each.isprintable() and len(each) < 1000 for each in found)
    assert all(option in each for each in found)


def test_the_tables_leave_no_text_out() -> None:
    assert set(COLLECTIONS + PIPETASK + ONE_SLOT + HEADER + CHOSEN) | {"resume"} == set(TEXTS)


@pytest.mark.parametrize("text", NEVER.values(), ids=NEVER.keys())
def test_no_option_takes_what_is_no_text(text: str) -> None:
    for option in {*TEXTS} - {"resume"}:
        is_refused_for(errors({option: text}), option)


@pytest.mark.parametrize("text", SHELL.values(), ids=SHELL.keys())
def test_a_collection_has_a_plain_name(text: str) -> None:
    for option in COLLECTIONS:
        is_refused_for(errors({option: text}), option)
        is_refused_for(errors({option: f"LATISS/calib,{text}"}), option)


@pytest.mark.parametrize(
    "name", ["..", ".", "../../x", "LATISS/../../x", "LATISS/..", "/etc/passwd", "a//b", "a/", "-b", "a" * 65]
)
def test_a_collection_neither_climbs_nor_is_longer_than_the_butler_takes(name: str) -> None:
    """The name of a RUN collection becomes a part of the paths of its files."""
    for option in COLLECTIONS:
        is_refused_for(errors({option: name}), option)


@pytest.mark.parametrize("text", SHELL.values(), ids=SHELL.keys())
def test_a_filter_and_a_grating_have_plain_names(text: str) -> None:
    for option in ONE_SLOT:
        is_refused_for(errors({option: text}), option)


@pytest.mark.parametrize("name", ["..", "-rf", "a" * 65, "../../SDSSr_65mm"])
def test_a_filter_is_no_path_and_no_option(name: str) -> None:
    is_refused_for(errors({"filter": name}), "filter")


@pytest.mark.parametrize(
    "options",
    [
        pytest.param("-c isr:x=1; touch canary", id="command"),
        pytest.param("-c isr:x=$(touch canary)", id="substitution"),
        pytest.param("-c isr:x=`touch canary`", id="backticks"),
        pytest.param("-c isr:x=1 | touch canary", id="pipe"),
        pytest.param("-c isr:x=1 > canary", id="redirection"),
        pytest.param("-c isr:x=1 -i other/collection", id="other-inputs"),
        pytest.param("-c isr:x=1 --input=other/collection", id="other-inputs-joined"),
        pytest.param("-iother/collection", id="other-inputs-short"),
        pytest.param("--register-dataset-types -o other/collection", id="other-output"),
        pytest.param("-c isr:x=1 --output-run other/run", id="other-run"),
        pytest.param("-b /other/repo", id="other-repository"),
        pytest.param("-p /other/pipeline.yaml", id="other-pipeline"),
        pytest.param("-d 1=1", id="other-query"),
        pytest.param("--extend-run --clobber-outputs", id="overwriting"),
        pytest.param("--pdb", id="debugger"),
        pytest.param("@/etc/passwd", id="arguments-of-a-file"),
        pytest.param("-c", id="no-value"),
        pytest.param("-c isr:x", id="no-equals"),
        pytest.param("-c 'isr:x=a b'", id="blank-in-quotes"),
        pytest.param("-c -i:x=1", id="option-as-label"),
        pytest.param("-c isr:x=1\n-o other", id="newline"),
        pytest.param("-c isr:x=1\t-o\tother", id="tab"),
        pytest.param("-c isr:x=caf\u00e9", id="non-ascii"),
        pytest.param("-c isr:x=1\u00a0-o\u00a0other", id="no-break-space"),
        pytest.param("-c isr:x=1 " * 500, id="thousands"),
    ],
)
def test_options_of_pipetask_change_a_configuration_and_nothing_else(options: str) -> None:
    for option in PIPETASK:
        found = text_errors(f"{option}: {yaml.safe_dump(options).strip()}")
        assert found
        assert any(option in each or "line 1" in each for each in found)


def test_what_is_accepted_for_pipetask_stays_one_word_each() -> None:
    """Also for who knows a shell; the values are read by the configuration, which evaluates literals only."""
    options = "-c isr:overscan.fitType='MEDIAN_PER_ROW' -c isr:x=[__import__('os').system('touch')]"
    assert errors({"config_options_bias": options}) == ()
    assert pipetask_options(("a", "b"), 1, options) == f"-j 1 -i a,b --register-dataset-types {options}"


@pytest.mark.parametrize("text", ["$(touch canary)", "`touch canary`", "' OR 1=1 --", "*;|&<>\\", "%s{0}"])
def test_a_header_takes_any_ascii_text_as_it_is(text: str) -> None:
    options = dict.fromkeys(HEADER, text)
    assert errors(options) == ()
    config = CalibrationConfig.from_namespace(options, LATISS)
    assert config.annotations == options


@pytest.mark.parametrize(
    ("option", "text"),
    [
        ("program", "a" * 65),
        ("reason", "a" * 69),
        ("program", "BLOCK,imageType: OBJECT"),
        ("reason", "x, groupId: other"),
        ("program", "BLOCK:295"),
        *((option, "caf\u00e9") for option in HEADER),
    ],
)
def test_a_header_is_not_given_what_it_cannot_hold(option: str, text: str) -> None:
    """Camera and Butler would refuse each image, or read another key in it."""
    is_refused_for(errors({option: text}), option)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("n_bias", "3"), ("n_bias", "0x10"), ("n_bias", "3; touch canary"), ("n_bias", True), ("n_bias", 3.5),
        ("n_bias", -1), ("n_bias", 0), ("n_bias", 10**30), ("n_bias", -(10**30)), ("n_bias", [3]),
        ("n_bias", {"a": 3}), ("n_bias", None), ("n_dark", "\u0663"), ("n_discard_flat", 10**6),
        ("exp_times_dark", float("nan")), ("exp_times_dark", float("inf")), ("exp_times_dark", -1),
        ("exp_times_dark", [5, float("nan")]), ("exp_times_dark", [5, "15"]), ("exp_times_dark", [5, True]),
        ("exp_times_dark", [[5]]), ("exp_times_dark", []), ("exp_times_dark", 1e308), ("exp_times_flat", 0),
        ("oods_timeout", float("inf")), ("job_timeout", "1e400"), ("job_timeout", 0), ("job_timeout", True),
        ("wait_between_exposures", float("-inf")), ("wait_between_exposures", -0.1),
        ("do_verify", "yes please"), ("do_verify", 1), ("do_verify", "false"), ("do_verify", [True]),
        ("detectors", [-1]), ("detectors", [0, 0]), ("detectors", [0.5]), ("detectors", [10**30]),
        ("detectors", [True]), ("detectors", "0; touch canary"), ("detectors", "0,"*3000),
        ("n_processes", 10**9), ("number_verification_tests_threshold_bias", 0),
        ("script_mode", "BIAS;DARK"), ("script_mode", 1), ("repo", 1), ("repo", ["a"]),
        ("calib_collection", ["a", "b"]), ("note", 1e5), ("test_case", "x"), ("test_case", {"name": "\x1b"}),
        ("test_case", {"name": "a", "execution": "b", "version": "c\nd"}),
        ("test_case", {"name": "a", "execution": "b", "version": "c", "$(touch canary)": 1}),
    ],
)  # fmt: skip
def test_a_value_of_another_kind_is_refused_with_its_option(option: str, value: Any) -> None:
    is_refused_for(text_errors(yaml.safe_dump({option: value}, allow_unicode=True)), option)


@pytest.mark.parametrize(
    "written", ["1e400", "-1e400", ".inf", "1_0", "0o17", "010", "1:30", "0x10", "+ 3", "3,0", "\u00bd"]
)
def test_a_number_in_an_odd_form_is_no_number(written: str) -> None:
    is_refused_for(text_errors(f"n_bias: {written}"), "n_bias")


@pytest.mark.parametrize(
    "date",
    [
        "now", "2022-11-04T00:00:00Z", "2022-11-04+03:00", "2022-W44-5", "20221104", "2022-02-30",
        "0000-01-01", "-2022-11-04", "10000-01-01", "04.11.2022", "2022/11/04", "2022-11-04 25:00",
        "2022-11-04T12:00:60",
        "\uff12\uff10\uff12\uff12-11-04", "2022-11-04; touch canary", "2022-11-04'", "1e400", "2022-11-4",
    ],
)  # fmt: skip
def test_a_date_in_an_odd_form_is_no_date(date: str) -> None:
    for option in ("certify_calib_begin_date", "certify_calib_end_date"):
        is_refused_for(text_errors(f'{option}: "{date}"'), option)


def test_all_that_is_wrong_is_told_at_once() -> None:
    options = {
        "calib_collection": "../x",
        "config_options_bias": "-o y",
        "filter": "$(z)",
        "reason": "a:b",
        "n_bias": "3",
        "detectors": [7],
        "certify_calib_end_date": "soon",
        "job_timeout": -1,
    }
    found = errors(options)
    assert len(found) == len(options)
    for option in options:
        assert any(each.startswith(option) for each in found), option


@pytest.mark.parametrize("instrument", INSTRUMENTS.values(), ids=INSTRUMENTS.keys())
def test_the_other_cameras_refuse_the_same(instrument: Any) -> None:
    schema = load_schema(instrument.name)
    for option in ("calib_collection", "config_options_ptc", "repo", "filter"):
        text = yaml.safe_dump({option: "$(touch canary)"})
        is_refused_for(examine(text, schema, instrument).errors, option)


BOMBS = {
    "million-entries": "exp_times_dark: [" + "5," * 1_000_000 + "5]",
    "thousands-of-entries": "exp_times_dark: [" + "5," * 3_000 + "5]",
    "detectors": "detectors: [" + ",".join(map(str, range(2_000))) + "]",
    "digits-as-text": "exp_times_flat: '" + "1" * 45_000 + "x'",
    "digits-and-blanks-as-text": "exp_times_flat: '" + "1 " * 22_000 + "x'",
    "ids-and-blanks": "detectors: '1" + " " * 45_000 + "x'",
    "blanks-in-an-assignment": "n_bias=3" + " " * 45_000 + "x",
    "underscores": "a_" * 22_000,
    "brackets-of-a-placeholder": "filter: '" + "<" * 45_000 + "'",
    "deep": "n_bias: " + "[" * 45_000,
    "deep-mappings": "n_bias: " + "{a: " * 11_000,
    "deep-blocks": "- " * 22_000,
    "digits": "n_bias: " + "9" * 45_000,
    "unknown-options": "\n".join(f"k{number}: 1" for number in range(2_000)),
    "no-options": "\n".join(["a=b"] * 2_000),
    "one-option-again-and-again": "n_bias: 3\n" * 2_000,
    "collections": "input_collections_bias: '" + "a," * 22_000 + "a'",
    "aliases": "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]",
    "merge": "a: &a {n_bias: 3}\n<<: *a",
}


@pytest.mark.parametrize("text", BOMBS.values(), ids=BOMBS.keys())
def test_what_is_gigantic_is_refused_soon_and_briefly(text: str) -> None:
    """The script has a heartbeat to send, and the reason goes to every operator's screen."""
    begun = time.process_time()
    found = text_errors(text)
    assert time.process_time() - begun < 5.0  # the regular expressions of before took a minute and more
    assert 1 <= len(found) <= MOST_PROBLEMS + 1
    assert sum(map(len, found)) < 10_000


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param(
            "n_bias: !!python/object/apply:os.system ['touch canary']", "tag !!python", id="python-object"
        ),
        pytest.param("n_bias: !!python/name:os.system", "tag !!python", id="python-name"),
        pytest.param("!!python/object/new:os.system [touch canary]", "tag !!python", id="python-new"),
        pytest.param("%TAG ! tag:yaml.org,2002:python/\n---\nx: !name:os.system", "directive", id="own-tags"),
        pytest.param("n_bias: 3\nn_bias: 4", "more than once", id="key-twice"),
        pytest.param('n_bias: 3\n"n_bias": 4', "more than once", id="key-twice-quoted"),
        pytest.param("n_bias: 3\nN_BIAS: 4", "no option 'N_BIAS'", id="key-twice-other-case"),
        pytest.param("n_bias: 3\n...\nn_bias: 4", "line", id="second-document"),
        pytest.param("n_bias: 3\n\tn_dark: 4", "tab", id="tab"),
        pytest.param('"\\e[2J": 1', r"\x1b[2J", id="escape-as-key"),
        pytest.param('n_biass: "\\e[2J"', r"\x1b[2J", id="escape-as-value-of-an-unknown-key"),
        pytest.param('"a\\u202eb": 1\n"a\\u202eb": 2', r"\u202e", id="bidi-key-twice"),
        pytest.param("n_bias=\u202e3", r"\u202e", id="bidi-in-a-mended-line"),
        pytest.param("__class__: 1", "no option", id="python-attribute"),
        pytest.param("n_bias: 3\n  x: y: z", "line 2", id="no-yaml"),
    ],
)
def test_yaml_does_nothing_but_name_options(text: str, words: str) -> None:
    found = text_errors(text)
    assert any(words in each for each in found), found
    assert all(each.isprintable() for each in found)


def test_a_byte_order_mark_is_no_part_of_an_option() -> None:
    found = examine("\ufeffn_bias: 3", SCHEMA, LATISS)
    assert found.errors == ()
    assert yaml.safe_load(found.text) == {"n_bias": 3}
