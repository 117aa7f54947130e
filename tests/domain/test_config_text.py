"""Configuration texts as operators type them: understood, or refused in words that say how to write it."""

from __future__ import annotations

import re
import time

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from lsst.ts.calibrations.domain.config import CalibrationConfig
from lsst.ts.calibrations.domain.config_text import examine
from lsst.ts.calibrations.domain.instruments import LATISS
from lsst.ts.calibrations.domain.schema import load_schema

SCHEMA = load_schema("LATISS")


def errors(text):
    return examine(text, SCHEMA, LATISS).errors


def the_error(text):
    (error,) = errors(text)
    return error


@pytest.mark.parametrize("text", ["", "\n", "# nothing\n", "---\n", "null", "{}"])
def test_no_text_is_the_daily_default(text):
    found = examine(text, SCHEMA, LATISS)
    assert found.errors == found.notes == found.warnings == ()
    assert yaml.safe_load(found.text or "{}") == {}


RIGHT_EXAMPLES = {
    "numbers": """
        n_bias: 30
        n_dark: 5
        exp_times_dark: [5, 10, 15, 20, 25]
        n_flat: 10
        exp_times_flat: [5, 10, 15, 20, 25, 30, 35, 40, 45, 50]
        """,
    "defects and ptc": """
        n_bias: 6
        n_dark: 6
        exp_times_dark: [5, 5, 5, 10, 15, 20]
        n_flat: 14
        exp_times_flat: [0.1, 0.1, 0.35, 0.35, 0.6, 0.6, 0.8, 0.8, 1.0, 1.0, 1.35, 1.35, 1.6, 1.6]
        calib_collection: "LATISS/calib/u/plazas/daily.2021SEP13.test1"
        do_verify: True
        input_collections_verify_bias: "u/czw/DM-28920/calib.20210720,LATISS/calib"
        certify_calib_begin_date: "2021-07-15"
        certify_calib_end_date: "2021-07-17"
        script_mode: BIAS_DARK_FLAT
        do_defects: True
        do_ptc: True
        """,
    "three images": """
        script_mode: BIAS_DARK
        n_bias: 3
        n_dark: 3
        exp_times_dark: 15
        calib_collection: "LATISS/calib/u/plazas/daily.2022SEP29.2"
        generate_calibrations: True
        do_verify: True
        certify_calib_begin_date: "1980-01-01"
        certify_calib_end_date: "2051-12-31"
        """,
    "one pair": "n_flat: 2\nexp_times_flat: [1.2, 1.2]",
}


@pytest.mark.parametrize("name", RIGHT_EXAMPLES)
def test_right_examples_of_the_page_are_accepted_as_printed(name):
    found = examine(RIGHT_EXAMPLES[name], SCHEMA, LATISS)
    assert found.errors == ()
    options = yaml.safe_load(found.text)
    assert options == yaml.safe_load(RIGHT_EXAMPLES[name])
    Draft7Validator(SCHEMA).validate(options)
    CalibrationConfig.from_namespace(options, LATISS)


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("exp_times_dark: 20\nexp_times_flats: 30", "write 'exp_times_flat: 30'"),
        ("calibration_collection: LATISS/calib/x", "write 'calib_collection: LATISS/calib/x'"),
        ("n_dark: 3\nexp_ttimes_dark: [5, 5, 5]", r"write 'exp_times_dark: \[5, 5, 5\]'"),
        ('script_mode": BIAS_DARK_FLAT', "write 'script_mode: BIAS_DARK_FLAT'"),
        ("generate_calibrations=True", "write 'generate_calibrations: True'"),
        ("n_bias: 3\ngenerate_calibrations=True\nn_dark: 22", "line 2.*write 'generate_calibrations: True'"),
        ("n_bias:20", "write 'n_bias: 20'"),
        ("filter: ${FILTER_NAME_OR_ID}", "filter: .*write that name"),
    ],
)  # fmt: skip
def test_mistakes_of_the_pages_are_answered_with_the_right_writing(text, advice):
    assert re.search(advice, the_error(text))


def test_a_begin_date_given_twice_is_not_silently_the_last():
    error = the_error('certify_calib_begin_date: "2022-11-04"\ncertify_calib_begin_date: "2022-11-05"')
    assert "certify_calib_begin_date" in error
    assert "lines 1, 2" in error
    assert "certify_calib_end_date?" in error


def test_all_problems_are_told_at_once():
    found = errors(
        """
        n_bias: many
        n_dark: 5
        generate_calibrations=True
        certify_calib_begin_date: 2022-11-05
        certify_calib_end_date: 2022-11-04
        detectors: [0, 7]
        script_mod: BIAS_DARK
        number_verification_tests_threshold_dark: 17
        do_defects: true
        """
    )
    for told in (
        "generate_calibrations: True", "n_bias: 'many'", "n_dark: 5 and n_discard_dark: 1", "is not after",
        "has no [7]", "script_mode: BIAS_DARK", "threshold_dark: 17", "do_defects: true needs",
    ):  # fmt: skip
        assert any(told in error for error in found), told
    assert len(found) == 8


def test_unquoted_dates_reach_the_base_class_as_text():
    found = examine(
        "certify_calib_begin_date: 2022-11-04\ncertify_calib_end_date: 2022-11-05 06:00:00", SCHEMA, LATISS
    )
    assert found.errors == ()
    options = yaml.safe_load(found.text)
    assert options == {
        "certify_calib_begin_date": "2022-11-04",
        "certify_calib_end_date": "2022-11-05 06:00:00",
    }


@pytest.mark.parametrize(
    "date", ["2022-13-01", "soon", "2022-11-04T00:00:00Z", "20221104", "2022-11-04T00:00:00+03:00"]
)
def test_what_is_no_tai_date_is_refused(date):
    assert "certify_calib_begin_date" in the_error(f"certify_calib_begin_date: {date}")


def test_the_end_must_come_after_the_begin():
    text = "certify_calib_begin_date: 2022-11-04\ncertify_calib_end_date: 2022-11-04"
    assert "not after certify_calib_begin_date" in the_error(text)


class TestExposureTimes:
    def test_a_default_list_serves_only_the_default_numbers(self):
        for text in ("n_dark: 5", "n_dark: 23\nn_discard_dark: 0", "n_discard_dark: 2"):
            error = the_error(text)
            assert "exp_times_dark: [5," in error
            assert "n_dark" in error

    def test_the_proposed_list_is_accepted(self):
        error = the_error("n_dark: 5")
        proposal = error.partition("e.g. ")[2].partition(", or one time")[0]
        assert errors(f"n_dark: 5\n{proposal}") == ()

    def test_a_list_that_does_not_fit_names_both_options_and_a_list_that_does(self):
        error = the_error("n_flat: 4\nexp_times_flat: [5, 10, 15]\ndo_gain_from_flat_pairs: false")
        assert "exp_times_flat has 3 entries" in error
        assert "n_flat: 4 and n_discard_flat: 1 need 4 or 5 entries" in error
        proposal = error.partition("e.g. ")[2].partition(", or one time")[0]
        assert errors(f"n_flat: 4\n{proposal}") == ()

    def test_types_that_are_not_taken_are_not_checked(self):
        assert errors("script_mode: BIAS\nn_dark: 5\nexp_times_flat: [0.01, 3]") == ()
        assert errors("script_mode: DARK\nn_dark: 3\nexp_times_dark: 5\nn_flat: 3\nexp_times_flat: [1]") == ()

    def test_flats_shorter_than_the_shutter_allows_are_refused(self):
        assert "0.05" in the_error("exp_times_flat: 0.05")
        assert errors("exp_times_flat: 0.1") == ()

    @pytest.mark.parametrize(
        "value", [".nan", ".inf", "-1", "[5, .nan]", "[]", "1e1", '"5"', "true", "[5, x]", "5, 10"]
    )
    def test_what_is_no_time_is_refused(self, value):
        assert "exp_times_dark" in the_error(f"exp_times_dark: {value}")


class TestPhotonTransferCurve:
    @pytest.mark.parametrize("mode", ["BIAS", "DARK", "BIAS_DARK"])
    @pytest.mark.parametrize("option", ["do_ptc", "do_defects"])
    def test_products_need_flats(self, mode, option):
        assert f"{option}: true needs script_mode: BIAS_DARK_FLAT" in the_error(
            f"script_mode: {mode}\n{option}: true"
        )

    def test_pairs_at_one_exposure_time_are_no_curve(self):
        assert "pairs of flats at 3 or more exposure times" in the_error("do_ptc: true")

    def test_a_flat_without_partner_is_named(self):
        assert "no second of 40 s" in the_error(
            "do_ptc: true\nn_flat: 7\nexp_times_flat: [5, 5, 20, 20, 30, 30, 40]"
        )

    def test_gains_are_measured_only_where_there_are_flats_and_that_is_no_error(self):
        assert errors("script_mode: BIAS") == ()


class TestDetectors:
    @pytest.mark.parametrize("text", ["(0)", '"(0,)"', '"[0]"', '"0"'])
    def test_a_text_is_understood_with_a_note(self, text):
        found = examine(f"detectors: {text}", SCHEMA, LATISS)
        assert found.errors == ()
        assert yaml.safe_load(found.text) == {"detectors": [0]}
        assert "understood as [0]" in found.notes[0]

    @pytest.mark.parametrize("text", ["(0,1)", "[1]", "[0, 0]", "all", "[-1]", "[0.5]"])
    def test_detectors_that_do_not_exist_are_refused(self, text):
        assert "detectors" in the_error(f"detectors: {text}")


class TestTexts:
    @pytest.mark.parametrize(
        "value",
        ["-b /repo/other", "-o u/me/x", "--output-run x", "-d 'exposure=1'", "-p other.yaml", "-i a", "-c",
         "isr:a=b", "-c isr", "-c isr:doDefect=False; rm -rf /", "-c isr:a=$(id)", "-C x",
         "-c isr:a=1 --register-dataset-types"],
    )  # fmt: skip
    def test_options_of_pipetask_cannot_change_inputs_and_outputs(self, value):
        assert "config_options_bias" in the_error(yaml.safe_dump({"config_options_bias": value}))

    @pytest.mark.parametrize(
        "value",
        ["", " ", "-c isr:doDefect=False -c isr:doLinearize=False",
         "-c isr:overscan.fitType='MEDIAN_PER_ROW'", "-c cpFlatMeasure:doVignette=False ", "-cisr:a=1",
         "--config=isr:a=1", "-C isr:config/overrides.py"],
    )  # fmt: skip
    def test_options_that_configure_a_task_are_passed_on(self, value):
        assert errors(yaml.safe_dump({"config_options_bias": value})) == ()

    @pytest.mark.parametrize("value", ["a;b", "a b", "-x", "", "a,,b", "$(id)", "a,", "LATISS/calib\nx"])
    def test_names_of_collections_are_checked(self, value):
        assert "input_collections_bias" in the_error(yaml.safe_dump({"input_collections_bias": value}))

    def test_one_collection_is_certified_in(self):
        assert "one collection" in the_error("calib_collection: a,b")

    @pytest.mark.parametrize("value", ["a, b", "BLOCK: 3", "two\nlines", "bell\x07"])
    @pytest.mark.parametrize("option", ["program", "reason"])
    def test_what_would_corrupt_the_keywords_of_the_camera_is_refused(self, option, value):
        assert option in the_error(yaml.safe_dump({option: value}))

    def test_a_note_may_have_commas_and_no_line_breaks(self):
        assert errors("note: 'bright, dome: open'") == ()
        assert "note" in the_error('note: "a\\nb"')

    @pytest.mark.parametrize("value", ["-x", "a b", "", "x;y"])
    def test_a_repository_is_a_path_or_label(self, value):
        assert "repo" in the_error(yaml.safe_dump({"repo": value}))


class TestWarnings:
    def test_few_images_of_their_own_calibration(self):
        found = examine(RIGHT_EXAMPLES["three images"], SCHEMA, LATISS)
        assert [warning.partition(":")[0] for warning in found.warnings] == ["n_bias", "n_dark"]
        assert all("will fail" in warning for warning in found.warnings)
        found = examine("generate_calibrations: true\nscript_mode: BIAS\nn_bias: 13", SCHEMA, LATISS)
        assert "may fail" in found.warnings[0]
        assert (
            examine("generate_calibrations: true\nscript_mode: BIAS\nn_bias: 14", SCHEMA, LATISS).warnings
            == ()
        )
        assert examine("script_mode: BIAS\nn_bias: 3", SCHEMA, LATISS).warnings == ()

    def test_certifying_without_verification(self):
        found = examine("generate_calibrations: true\ndo_verify: false", SCHEMA, LATISS)
        assert "unverified" in found.warnings[0]

    def test_an_option_without_effect_is_noted(self):
        assert "no effect" in examine("background_task_timeout: 60", SCHEMA, LATISS).notes[0]


class TestBadYaml:
    @pytest.mark.parametrize(
        ("text", "told"),
        [
            ("- n_bias", "one option per line"),
            ("just words", "one option per line"),
            ("n_bias: [1, 2\nn_dark: 3", "line 2"),
            ('note: "open\nn_dark: 3', "line"),
            ("n_bias: 3\n\tn_dark: 4", "tab"),
            ("a: &x 3\nb: *x", "anchor"),
            ("n_bias: !!int 3", "tag"),
            ("x: !!python/object/apply:os.system [ls]", "tag"),
            ("n_bias: 3\n---\nn_dark: 4", "line 2: a second document"),
            ("%YAML 1.1\n---\nn_bias: 3", "directive"),
            ("? [a, b]\n: 3", "no name of an option"),
            ("3: 4", "no name of an option"),
            ("<<: {n_bias: 3}", "no name of an option"),
            ("n_bias: \x07", "not printable"),
            ("note: " + "[" * 20_000, "nested"),
            ("x" * 100_001, "characters"),
            ("n_bias: " + "9" * 5000, "cannot be read"),
        ],
    )
    def test_is_told_in_words(self, text, told):
        assert any(told in error for error in errors(text)), errors(text)

    def test_an_alias_bomb_is_defused(self):
        levels = "\n".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 20))
        begun = time.monotonic()
        assert "anchor" in the_error(f"a0: &a0 [lol]\n{levels}")
        assert time.monotonic() - begun < 2.0

    @given(st.text(max_size=200))
    @settings(max_examples=200, deadline=None)
    def test_no_text_breaks_the_script(self, text):
        found = examine(text, SCHEMA, LATISS)
        if not found.errors:
            options = yaml.safe_load(found.text or "{}")
            Draft7Validator(SCHEMA).validate(options)
            CalibrationConfig.from_namespace(options, LATISS)

    @given(
        st.dictionaries(
            st.sampled_from(sorted(SCHEMA["properties"])),
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
            | st.lists(st.integers() | st.floats() | st.text(max_size=5), max_size=5),
            max_size=6,
        )
    )  # fmt: skip
    @settings(max_examples=200, deadline=None)
    def test_no_values_break_the_script(self, options):
        found = examine(yaml.safe_dump(options, allow_unicode=True), SCHEMA, LATISS)
        if not found.errors:
            accepted = yaml.safe_load(found.text or "{}")
            Draft7Validator(SCHEMA).validate(accepted)
            CalibrationConfig.from_namespace(accepted, LATISS)
