"""Configuration texts as operators type them: understood, or refused in words that say how to write it."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from lsst.ts.calibrations.config.config import CalibrationConfig, examine
from lsst.ts.calibrations.config.schema import load_schema
from lsst.ts.calibrations.domain.instruments import LATISS

SCHEMA = load_schema("LATISS")


def errors(text: str) -> tuple[str, ...]:
    return examine(text, SCHEMA, LATISS).errors


def the_error(text: str) -> str:
    (error,) = errors(text)
    return error


@pytest.mark.parametrize("text", ["", "\n", "# nothing\n", "---\n", "null", "{}", "\ufeff"])
def test_no_text_is_the_daily_default(text: str) -> None:
    found = examine(text, SCHEMA, LATISS)
    assert found.errors == found.notes == found.warnings == ()
    assert yaml.safe_load(found.text or "{}") == {}


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("n_bias: 3\ngenerate_calibrations=True\nn_dark: 22", "line 2.*write 'generate_calibrations: True'"),
        ("n_bias = 20", "write 'n_bias: 20'"),
        ("n_bias:20", "write 'n_bias: 20'"),
        ("n_bias 20", "write 'n_bias: 20'"),
        ("n_dark: 22\nscript_mode BIAS", "line 2.*write 'script_mode: BIAS'"),
        ("filter: $FILTER", "write that name, e.g. SDSSr_65mm"),
        ("grating: <GRATING>", "write that name, e.g. empty_1"),
        ("filter: None", "leave the line out"),
    ],
)  # fmt: skip
def test_a_line_that_is_nearly_right_is_answered_with_the_right_writing(text: str, advice: str) -> None:
    assert re.search(advice, the_error(text))


@pytest.mark.parametrize(
    ("text", "nearest"),
    [
        ("exposure_times_dark: 5", "write 'exp_times_dark: 5'"),
        ("N_BIAS: 5", "write 'n_bias: 5'"),
        ("n-bias: 5", "write 'n_bias: 5'"),
        ("mode: BIAS", "write 'script_mode: BIAS'"),
        ("begin_date: 2022-11-04", "write 'certify_calib_begin_date: 2022-11-04'"),
        ("exp_times: 5", "nearest is exp_times_dark or exp_times_flat;"),
        ("number_verification_tests_threshold: 5", "threshold_bias: 5' and .*dark: 5' and .*flat: 5'"),
        ("exp_times_bias: 0", "nearest is exp_times_[a-z]+;"),
        ("oods_timeout_tries: 5", "nearest is [a-z_]+;"),
        ("n_skip_flat: 2", "write 'n_discard_flat: 2'$"),
        ("do_defect: true", "write 'do_defects: true'$"),
        ("xyzzy: 5", "nearest is [a-z_]+;"),
    ],
)  # fmt: skip
def test_an_unknown_option_is_answered_with_the_nearest(text: str, nearest: str) -> None:
    assert re.search(nearest, the_error(text))


def test_a_begin_date_given_twice_is_not_silently_the_last() -> None:
    error = the_error('certify_calib_begin_date: "2022-11-04"\ncertify_calib_begin_date: "2022-11-05"')
    assert "certify_calib_begin_date" in error
    assert "lines 1, 2" in error
    assert "certify_calib_end_date?" in error


def test_all_problems_are_told_at_once() -> None:
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
    for words in (
        "generate_calibrations: True", "n_bias: 'many'", "n_dark: 5 and n_discard_dark: 1", "is not after",
        "has no [7]", "script_mode: BIAS_DARK", "threshold_dark: 17", "do_defects: true needs",
    ):  # fmt: skip
        assert any(words in error for error in found), words
    assert len(found) == 8


def test_unquoted_dates_reach_the_base_class_as_text() -> None:
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
def test_what_is_no_tai_date_is_refused(date: str) -> None:
    assert "certify_calib_begin_date" in the_error(f"certify_calib_begin_date: {date}")


def test_the_end_must_come_after_the_begin() -> None:
    text = "certify_calib_begin_date: 2022-11-04\ncertify_calib_end_date: 2022-11-04"
    assert "not after certify_calib_begin_date" in the_error(text)


@pytest.mark.parametrize(("begin", "end"), [("1950-01-01", "1970-01-02"), ("2099-12-31", "9999-12-31")])
def test_a_range_may_go_on_beyond_them(begin: str, end: str) -> None:
    assert errors(f"certify_calib_begin_date: {begin}\ncertify_calib_end_date: {end}") == ()


@pytest.mark.parametrize(("begin", "end"), [("1950-01-01", "1970-01-01"), ("2100-01-01", "2150-01-01")])
def test_a_range_must_reach_into_the_time_that_the_butler_knows(begin: str, end: str) -> None:
    assert "1970 to 2100" in the_error(f"certify_calib_begin_date: {begin}\ncertify_calib_end_date: {end}")


@pytest.mark.parametrize("value", ["20221104", "2022", "2022.11"])
def test_a_number_is_told_to_be_no_date(value: str) -> None:
    assert "2022-11-04" in the_error(f"certify_calib_begin_date: {value}")


class TestExposureTimes:
    def test_a_default_list_serves_only_the_default_numbers(self) -> None:
        for text in ("n_dark: 5", "n_dark: 23\nn_discard_dark: 0", "n_discard_dark: 2"):
            error = the_error(text)
            assert "exp_times_dark: [5," in error
            assert "n_dark" in error

    def test_the_proposed_list_is_accepted(self) -> None:
        error = the_error("n_dark: 5")
        proposal = error.partition("e.g. ")[2].partition(", or one time")[0]
        assert errors(f"n_dark: 5\n{proposal}") == ()

    def test_a_list_that_does_not_fit_names_both_options_and_a_list_that_does(self) -> None:
        error = the_error("n_flat: 4\nexp_times_flat: [5, 10, 15]\ndo_gain_from_flat_pairs: false")
        assert "exp_times_flat has 3 entries" in error
        assert "n_flat: 4 and n_discard_flat: 1 need 4 or 5 entries" in error
        proposal = error.partition("e.g. ")[2].partition(", or one time")[0]
        assert errors(f"n_flat: 4\n{proposal}") == ()

    def test_the_number_that_fits_the_list_is_told_too(self) -> None:
        error = the_error("exp_times_flat: [5, 5, 10, 10]")
        assert "n_flat: 4 for this list" in error
        assert errors("exp_times_flat: [5, 5, 10, 10]\nn_flat: 4") == ()

    def test_no_list_of_a_thousand_is_proposed(self) -> None:
        error = the_error("n_flat: 1000\nexp_times_flat: [5, 5]")
        assert "e.g. exp_times_flat: 5, one time for all" in error
        assert len(error) < 300

    def test_types_that_are_not_taken_are_not_checked(self) -> None:
        assert errors("script_mode: BIAS\nn_dark: 5\nexp_times_flat: [0.01, 3]") == ()
        assert errors("script_mode: DARK\nn_dark: 3\nexp_times_dark: 5\nn_flat: 3\nexp_times_flat: [1]") == ()

    def test_flats_shorter_than_the_shutter_allows_are_refused(self) -> None:
        assert "0.05" in the_error("exp_times_flat: 0.05")
        assert errors("exp_times_flat: 0.1") == ()

    @pytest.mark.parametrize(
        "value", [".nan", ".inf", "-1", "[5, .nan]", "[]", "1e1", '"5"', "true", "[5, x]", "5, 10"]
    )
    def test_what_is_no_time_is_refused(self, value: str) -> None:
        assert "exp_times_dark" in the_error(f"exp_times_dark: {value}")


class TestPhotonTransferCurve:
    @pytest.mark.parametrize("mode", ["BIAS", "DARK", "BIAS_DARK"])
    @pytest.mark.parametrize("option", ["do_ptc", "do_defects"])
    def test_products_need_flats(self, mode: str, option: str) -> None:
        assert f"{option}: true needs script_mode: BIAS_DARK_FLAT" in the_error(
            f"script_mode: {mode}\n{option}: true"
        )

    @pytest.mark.parametrize("option", ["do_ptc", "do_defects"])
    def test_products_are_not_certified_unverified_in_passing(self, option: str) -> None:
        flats = "n_flat: 6\nexp_times_flat: [5, 5, 15, 15, 30, 30]\nn_discard_flat: 0"
        text = f"{option}: true\ndo_verify: false\n{flats}"
        assert "would certify what was not verified" in the_error(text)
        assert examine(f"{text}\ngenerate_calibrations: true", SCHEMA, LATISS).errors == ()

    def test_pairs_at_one_exposure_time_are_no_curve(self) -> None:
        assert "pairs of flats at 3 or more exposure times" in the_error("do_ptc: true")

    def test_a_flat_without_partner_is_named(self) -> None:
        assert "no second of 40 s" in the_error(
            "do_ptc: true\nn_flat: 7\nexp_times_flat: [5, 5, 20, 20, 30, 30, 40]"
        )

    def test_gains_are_measured_only_where_there_are_flats_and_that_is_no_error(self) -> None:
        assert errors("script_mode: BIAS") == ()


class TestDetectors:
    @pytest.mark.parametrize("text", ["(0)", '"(0,)"', '"[0]"', '"0"'])
    def test_a_text_is_understood_with_a_note(self, text: str) -> None:
        found = examine(f"detectors: {text}", SCHEMA, LATISS)
        assert found.errors == ()
        assert yaml.safe_load(found.text) == {"detectors": [0]}
        assert "understood as [0]" in found.notes[0]

    @pytest.mark.parametrize("text", [f"(0,{'9' * 5000})", f"'{'9' * 5000}'", "'(\u0660)'"])
    def test_texts_that_are_no_numbers_are_refused_in_words(self, text: str) -> None:
        assert the_error(f"detectors: {text}").startswith("detectors: ")

    @pytest.mark.parametrize("text", ["(0,1)", "[1]", "[0, 0]", "all", "[-1]", "[0.5]"])
    def test_detectors_that_do_not_exist_are_refused(self, text: str) -> None:
        assert "detectors" in the_error(f"detectors: {text}")


class TestTexts:
    @pytest.mark.parametrize(
        "value",
        ["-b /repo/other", "-o u/me/x", "--output-run x", "-d 'exposure=1'", "-p other.yaml", "-i a", "-c",
         "isr:a=b", "-c isr", "-c isr:doDefect=False; rm -rf /", "-c isr:a=$(id)", "-C x",
         "-c isr:a=1 --register-dataset-types"],
    )  # fmt: skip
    def test_options_of_pipetask_cannot_change_inputs_and_outputs(self, value: str) -> None:
        assert "config_options_bias" in the_error(yaml.safe_dump({"config_options_bias": value}))

    @pytest.mark.parametrize(
        "value",
        ["", " ", "-c isr:doDefect=False -c isr:doLinearize=False",
         "-c isr:overscan.fitType='MEDIAN_PER_ROW'", "-c cpFlatMeasure:doVignette=False ", "-cisr:a=1",
         "--config=isr:a=1", "-C isr:config/overrides.py"],
    )  # fmt: skip
    def test_options_that_configure_a_task_are_passed_on(self, value: str) -> None:
        assert errors(yaml.safe_dump({"config_options_bias": value})) == ()

    @pytest.mark.parametrize(
        "value", ["-c isr:x={field}", "-c isr:x=$BIAS", "--config=isr:x=${BIAS}", "-C isr:{file}",
                  "-Cisr:a/{ day }.py"],
    )  # fmt: skip
    def test_what_nobody_has_filled_in_is_refused(self, value: str) -> None:
        assert "config_options_bias" in the_error(yaml.safe_dump({"config_options_bias": value}))

    @pytest.mark.parametrize("value", ["-C isr:$OBS_LSST_DIR/config/isr.py", "-C isr:${OBS_LSST_DIR}/isr.py"])
    def test_the_path_of_a_file_may_begin_with_a_variable(self, value: str) -> None:
        assert errors(yaml.safe_dump({"config_options_bias": value})) == ()

    def test_a_number_with_thousands_of_digits_is_refused_in_words(self) -> None:
        assert the_error(f"n_bias: {'9' * 5000}").endswith("a number has thousands of digits")

    @pytest.mark.parametrize("value", ["a;b", "a b", "-x", "", "a,,b", "$(id)", "a,", "LATISS/calib\nx"])
    def test_names_of_collections_are_checked(self, value: str) -> None:
        assert "input_collections_bias" in the_error(yaml.safe_dump({"input_collections_bias": value}))

    def test_one_collection_is_certified_in(self) -> None:
        assert "one collection" in the_error("calib_collection: a,b")

    @pytest.mark.parametrize("value", ["a, b", "BLOCK: 3", "two\nlines", "bell\x07"])
    @pytest.mark.parametrize("option", ["program", "reason"])
    def test_what_would_corrupt_the_keywords_of_the_camera_is_refused(self, option: str, value: str) -> None:
        assert option in the_error(yaml.safe_dump({option: value}))

    def test_a_note_may_have_commas_and_no_line_breaks(self) -> None:
        assert errors("note: 'bright, dome: open'") == ()
        assert "note" in the_error('note: "a\\nb"')

    @pytest.mark.parametrize("value", ["-x", "a b", "", "x;y"])
    def test_a_repository_is_a_path_or_label(self, value: str) -> None:
        assert "repo" in the_error(yaml.safe_dump({"repo": value}))


class TestWarnings:
    DATES = "\ngenerate_calibrations: true\ncertify_calib_begin_date: 2022-11-04\n"

    def warnings(self, text: str) -> tuple[str, ...]:
        found = examine(text, SCHEMA, LATISS)
        assert found.errors == ()
        return found.warnings

    @pytest.mark.parametrize(
        ("n", "words"), [(1, "will fail"), (9, "will fail"), (10, "may fail"), (13, "may fail")]
    )
    def test_few_images_of_their_own_calibration(self, n: int, words: str) -> None:
        (warning,) = self.warnings(f"script_mode: BIAS\nn_bias: {n}{self.DATES}")
        images = "image is" if n == 1 else "images are"
        assert warning.startswith(f"n_bias: {n} {images} too few: NOISE {words}; 20 are recommended")

    def test_enough_images_or_an_older_calibration(self) -> None:
        assert self.warnings(f"script_mode: BIAS\nn_bias: 14{self.DATES}") == ()
        assert self.warnings("script_mode: BIAS\nn_bias: 3") == ()

    @pytest.mark.parametrize("option", ["generate_calibrations", "do_defects"])
    def test_a_range_that_leaves_no_room_for_the_next_run(self, option: str) -> None:
        (warning,) = self.warnings(f"{option}: true")
        assert "LATISS/calib/daily will be valid from 1950-01-01 to 2050-01-01" in warning
        assert self.warnings(f"{option}: true\ncertify_calib_end_date: 2022-11-05") == ()

    def test_a_name_with_a_placeholder(self) -> None:
        (warning,) = self.warnings(f"calib_collection: LATISS/calib/u/plazas/YYYYMMMDD.test{self.DATES}")
        assert "placeholder" in warning

    def test_certifying_without_verification(self) -> None:
        (warning,) = self.warnings(f"do_verify: false{self.DATES}")
        assert "unverified" in warning

    def test_an_option_without_effect_is_noted(self) -> None:
        assert "no effect" in examine("background_task_timeout: 60", SCHEMA, LATISS).notes[0]


class TestBadYaml:
    @pytest.mark.parametrize(
        ("text", "words"),
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
    def test_is_told_in_words(self, text: str, words: str) -> None:
        assert any(words in error for error in errors(text)), errors(text)

    def test_an_alias_bomb_is_defused(self) -> None:
        levels = "\n".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 20))
        begun = time.monotonic()
        assert "anchor" in the_error(f"a0: &a0 [lol]\n{levels}")
        assert time.monotonic() - begun < 2.0

    @given(st.text(max_size=200))
    def test_no_text_breaks_the_script(self, text: str) -> None:
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
    def test_no_values_break_the_script(self, options: dict[str, Any]) -> None:
        found = examine(yaml.safe_dump(options, allow_unicode=True), SCHEMA, LATISS)
        if not found.errors:
            accepted = yaml.safe_load(found.text or "{}")
            Draft7Validator(SCHEMA).validate(accepted)
            CalibrationConfig.from_namespace(accepted, LATISS)
