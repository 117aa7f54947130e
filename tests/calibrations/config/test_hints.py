"""What a tired person types: never taken for something else in silence, and answered with what was meant."""

from __future__ import annotations

import pytest
import yaml

from lsst.ts.calibrations.config.config import examine
from lsst.ts.calibrations.config.schema import load_schema
from lsst.ts.calibrations.domain.instruments import LATISS

SCHEMA = load_schema("LATISS")


def the_error(text: str) -> str:
    (error,) = examine(text, SCHEMA, LATISS).errors
    return error


@pytest.mark.parametrize("value", ["010", "0x10", "1_0", "1:30", "0b11", "1e1"])
@pytest.mark.parametrize("option", ["n_bias", "exp_times_dark"])
def test_a_number_in_a_form_that_yaml_alone_reads_differently_is_refused(option: str, value: str) -> None:
    assert f"{option}: '{value}' is not allowed" in the_error(f"{option}: {value}")


@pytest.mark.parametrize("value", ["20", "+20", "20.0"])
def test_a_plain_number_is_one(value: str) -> None:
    found = examine(f"n_bias: {value}", SCHEMA, LATISS)
    assert found.errors == ()
    assert yaml.safe_load(found.text)["n_bias"] == 20


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("n_bias: '20'", "without quotation marks, exponent and leading zeros: 20"),
        ("n_bias: 020", "without quotation marks, exponent and leading zeros: 20"),
        ("n_bias:", "leave the line out"),
        ("exp_times_flat: 5 s", "A time is a number of seconds: 5"),
        ("oods_timeout: 90 seconds", "A time is a number of seconds: 90"),
        ("exp_times_flat: 5, 10", "A list is written [5, 10]"),
        ("exp_times_flat: (1.2, 1.2)", "A list is written [1.2, 1.2]"),
        ("exp_times_flat: 5 5 10", "A list is written [5, 5, 10]"),
        ("exp_times_flat: 5;5", "A list is written [5, 5]"),
        ("exp_times_flat: '[5, 5]'", "A list is written [5, 5]"),
        ("exp_times_flat: [1.2 1.2]", "Commas stand between numbers: [1.2, 1.2]"),
        ("exp_times_flat: []", "a list with 1 to 1100 entries"),
        ("detectors: 0", "A list is written [0]"),
        ("detectors: 0 1", "A list is written [0, 1]"),
        ("detectors: all", "Leave the line out for all detectors"),
        ("do_verify: 'True'", "Write true, without quotation marks"),
        ("do_verify: 'no'", "Write false, without quotation marks"),
        ("script_mode: bias_dark", "Write BIAS_DARK"),
        ("script_mode: BIAS, DARK, FLAT", "Write BIAS_DARK_FLAT"),
        ('script_mode: BIAS_DARK"', "Write BIAS_DARK"),
        ("note: no", "becomes text in quotation marks"),
        ("program: 295", "becomes text in quotation marks"),
        ("input_collections_bias: [a/b, c]", "written as one text, with commas: 'a/b,c'"),
        ("n_bias: !!int 20", "the tag !!int is not possible in a configuration; write 'n_bias: 20'"),
        ("n_bias: !!int '3'", "write 'n_bias: 3'"),
        ('wait_between_exposures: !!float "2.5"', "write 'wait_between_exposures: 2.5'"),
        ("detectors: [!!int 0]", "write 'detectors: [0]'"),
        ("note: !important", "a tag (!) is not possible in a configuration; leave it out, or put text in"),
        ("n_bias: &n 20", "an anchor (&) is not possible in a configuration; leave it out"),
        ("n_dark: 25\nexp_times_dark: [30]", "; e.g. exp_times_dark: 30, one time for all, or n_dark: 1"),
        ("n_dark: 25\nexp_times_dark: [15, 15]", "; e.g. exp_times_dark: 15, one time for all, or n_dark: 2"),
        ("n_dark: 25\nexp_times_dark: [30]", "exp_times_dark has 1 entry, but"),
        ("n_flat: 0", "None are taken with script_mode: BIAS or DARK or BIAS_DARK"),
        ("n_dark: 0", "None are taken with script_mode: BIAS"),
        ("n_flat: $n_flat", "It stands for a value that nobody has filled in"),
        ("script_mode: '{mode}'", "It stands for a value that nobody has filled in"),
        ("program: $program", "'$program' stands for a text that nobody has filled in"),
        ("reason: ${REASON}", "'${REASON}' stands for a text that nobody has filled in"),
        ("note: 'biases of {{ night }}'", "'{{ night }}' stands for a text that nobody has filled in"),
        ("note: <your note>", "'<your note>' stands for a text that nobody has filled in"),
        ("test_case: {name: $name, execution: a, version: b}", "'$name' stands for a text"),
        ("repo: $repo", "is no path or label"),
        ("input_collections_bias: u/$USER/calib", "'$USER' in the name of a collection stands for nothing"),
        ("calib_collection: u/{day}.{n}", "'{day}' in the name of a collection stands for nothing; only"),
        ("calib_collection: u/{day_obs}.{m}", "'{m}' in the name of a collection"),
        ("calib_collection: u/{day_obs}.{n:03d}", "'{n:03d}' in the name of a collection"),
        ("input_collections_dark: 'u/{n},{ name }/x'", "'{ name }' in the name of a collection"),
        ("filter: {filter}", ". Text that begins with a brace is written in quotation marks"),
        ("calib_collection: {day_obs}", ". Text that begins with a brace is written in quotation marks"),
        ("calib_collection: {day_obs}.{n}", "text with braces in quotation marks"),
        ("note: {{ night }}", "no name of an option. Text that begins with a brace is written in quotation"),
        ("detectors: {0}", "a list in [brackets]"),
        ("note: @night", "text with such a character in quotation marks"),
        ("note: dome: open", "text with a colon in quotation marks"),
    ],
)
def test_a_wrong_value_is_answered_with_what_may_be_meant(text: str, hint: str) -> None:
    assert hint in the_error(text)


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("n_bias:\u00a03", "'n_bias: 3'"),
        ("certify_calib_begin_date: \u201c2022-11-04\u201d", "'certify_calib_begin_date: \"2022-11-04\"'"),
        ("repo: \u2018/repo/LATISS\u2019", "\"repo: '/repo/LATISS'\""),
        ("config_options_bias: \u2013c isr:doDefect=False", "'config_options_bias: -c isr:doDefect=False'"),
    ],
)
def test_characters_of_a_typeset_page_are_named_with_the_line_as_it_should_be(text: str, right: str) -> None:
    error = the_error(f"n_dark: 22\n{text}")
    assert error.startswith("line 2 holds ")
    assert error.endswith(f"write {right}")
    assert error.isascii()


def test_typeset_characters_in_a_comment_do_no_harm() -> None:
    assert examine("n_bias: 3  # \u201cfew\u201d\u00a0!", SCHEMA, LATISS).errors == ()


@pytest.mark.parametrize("note", ["5 $", "n < 5 and m > 3", "set {1, 2}", "cost: none", "50 % of <3 s>"])
def test_a_note_may_have_the_characters_of_what_stands_for_a_text(note: str) -> None:
    assert examine(yaml.safe_dump({"note": note}), SCHEMA, LATISS).errors == ()


@pytest.mark.parametrize(
    "option", ["oods_timeout_max_retry", "oods_timeout_retry_rate", "max_counter_archiver_check"]
)
def test_an_option_of_before_that_has_no_effect_is_accepted_with_a_note(option: str) -> None:
    found = examine(f"{option}: 5", SCHEMA, LATISS)
    assert found.errors == ()
    (note,) = found.notes
    assert note.startswith(f"{option} has no effect: ")
    assert found.config is not None
    assert found.config.oods_timeout == 120
    assert found.text == ""


@pytest.mark.parametrize("name", ["LATISS/calib/", "/LATISS/calib", "LATISS//calib"])
def test_a_collection_with_an_empty_part_is_refused(name: str) -> None:
    assert "is no name of a collection" in the_error(f"calib_collection: {name}")


def test_lines_may_end_as_on_windows() -> None:
    assert yaml.safe_load(examine("n_bias: 3\r\nn_flat: 4\r\n", SCHEMA, LATISS).text) == {
        "n_bias": 3,
        "n_flat": 4,
    }
