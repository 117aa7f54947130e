"""Why a job failed, as its log says."""

from pathlib import Path

import pytest

from lsst.ts.calibrations.components.job_log import LONGEST_REASON, failure_in_log

REFUSED = """\
INFO 2025-01-15T11:21:07.283+00:00 lsst.isr ()(isr.py:7) - a line that says Error: nothing
ERROR 2025-01-15T11:21:08.255+00:00 lsst.pipe.base.single_quantum_executor ()(e.py:1) - no.
Traceback (most recent call last):
  File "tasks.py", line 92, in runQuantum
    butlerQC.put(self.run(**inputs), outputRefs)
                 ^^^^^^^^^^^^^^^^^^
lsst.ts.pipelines.members.UnusableSetError: 0 of 6 images are usable: AT_O_20250115_000003: light
INFO 2025-01-15T11:21:08.283+00:00 lsst.pipe.base.graph ()(m.py:740) - Executed 6 quanta, 1 failed.
ERROR 2025-01-15T11:21:08.285+00:00 lsst.daf.butler.cli.utils ()(utils.py:218) - Caught an exception:
Traceback (most recent call last):
  File "run.py", line 307, in run
    executor.execute(qg)
lsst.pipe.base.mp_graph_executor.MPGraphExecutorError: One or more tasks failed during execution.
pipetask ended with exit status 1
"""

CHAINED = """\
Traceback (most recent call last):
  File "reader.py", line 1, in read
    open(path)
OSError: no such file

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "task.py", line 1, in run
    read(path)
pipelines.RawError: the raw image cannot be read
It has more to say.
"""

LOGGED = """\
ERROR 2025-01-15T11:21:08.255+00:00 lsst.pipe.base.graph ()(graph.py:298) - The first.
CRITICAL 2025-01-15T11:21:08.255+00:00 lsst.pipe.base.graph ()(graph.py:298) - The graph - it is empty.
INFO 2025-01-15T11:21:08.285+00:00 lsst.pipe.base.graph ()(graph.py:218) - The end.
"""


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (REFUSED, "UnusableSetError: 0 of 6 images are usable: AT_O_20250115_000003: light"),
        (CHAINED, "RawError: the raw image cannot be read"),
        (LOGGED, "The graph - it is empty."),
        ("Traceback (most recent call last):\n  File 'a.py'\nKeyboardInterrupt\n", "KeyboardInterrupt"),
        ("Traceback (most recent call last):\n  File 'a.py'\nOSError: \x1b[2J\n", r"OSError: \x1b[2J"),
        ("Traceback (most recent call last):", ""),
        ("All is well.\n", ""),
        ("", ""),
    ],
)
def test_the_log_says_why_a_job_failed(tmp_path: Path, text: str, reason: str) -> None:
    log = tmp_path / "ocps.log"
    log.write_text(text)
    assert failure_in_log(log) == reason


def test_a_reason_is_bounded(tmp_path: Path) -> None:
    log = tmp_path / "ocps.log"
    log.write_text(f"Traceback (most recent call last):\n  File 'a.py'\nValueError: {'x' * 100_000}\n")
    assert len(failure_in_log(log)) < LONGEST_REASON + 50


def test_a_log_that_cannot_be_read_says_nothing(tmp_path: Path) -> None:
    assert failure_in_log(tmp_path / "none.log") == failure_in_log(tmp_path) == ""
    broken = tmp_path / "ocps.log"
    broken.write_bytes(b"\xff\xfe\x00Traceback\x80")
    assert failure_in_log(broken) == ""
