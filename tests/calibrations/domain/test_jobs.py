"""Options written with the documented task label reach the task, whatever the pipeline calls it."""

from lsst.ts.calibrations.domain.jobs import signal_removal_label, with_label, without_labels


def test_the_documented_label_is_left_alone() -> None:
    assert with_label("-c isr:doDefect=False", "isr") == ("-c isr:doDefect=False", [])


def test_the_present_label_takes_its_place_and_it_is_said() -> None:
    options, notes = with_label(
        "-c isr:doDefect=False -c cpFlatMeasure:doVignette=False -c isr:overscan.fitType='MEDIAN'",
        "cpFlatIsr",
    )
    assert options == (
        "-c cpFlatIsr:doDefect=False -c cpFlatMeasure:doVignette=False -c cpFlatIsr:overscan.fitType='MEDIAN'"
    )
    assert len(notes) == 2


def test_without_such_a_task_the_option_is_left_out_and_it_is_said() -> None:
    options, notes = with_label("-c isr:doDefect=False -c cpMergeDefects:x=1", None)
    assert options == "-c cpMergeDefects:x=1"
    assert notes == ["-c isr:doDefect=False is left out: this pipeline has no task isr"]


def test_the_task_of_a_pipeline_is_found_if_there_is_just_one() -> None:
    assert signal_removal_label({"cpBiasIsr", "cpBiasCombine"}) == "cpBiasIsr"
    assert signal_removal_label({"isr", "cpExtract"}) == "isr"
    assert signal_removal_label({"cpMeasureDarkDefects", "cpMergeDefects"}) is None
    assert signal_removal_label({"oneIsr", "otherIsr"}) is None


def test_options_of_tasks_that_are_not_run_are_left_out() -> None:
    options = (
        "-c isr:doCrosstalk=False -c cpPtcSolve:ptcFitType=FULLCOVARIANCE -C cpPtcSolve:x.py -c cpExtract:n=1"
    )
    assert without_labels(options, {"cpPtcSolve"}) == "-c isr:doCrosstalk=False -c cpExtract:n=1"
