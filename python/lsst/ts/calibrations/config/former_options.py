"""Options that the script of this name in ts_externalscripts has or had, and what became of them.

They are known by name, so that none is taken for a misspelling of an option of another meaning.
"""

from __future__ import annotations

__all__ = ["REPLACED", "WITHOUT_EFFECT"]

_NO_RETRIES = "an exposure is waited for once, until the OODS confirms it or oods_timeout is over"

WITHOUT_EFFECT = {
    "background_task_timeout": "processing is waited for until it ends",
    "max_counter_archiver_check": "each image is confirmed by the events of the OODS, within oods_timeout",
    "oods_timeout_max_retry": _NO_RETRIES,
    "oods_timeout_max_try": _NO_RETRIES,
    "oods_timeout_retry_rate": _NO_RETRIES,
}
"""Accepted and ignored, by name: what happens instead of what they asked for."""

_TYPES = ("bias", "dark", "flat")

REPLACED = {
    **{f"n_skip_{kind}": (f"n_discard_{kind}",) for kind in _TYPES},
    "number_verification_tests_threshold": tuple(
        f"number_verification_tests_threshold_{kind}" for kind in _TYPES
    ),
    "do_defect": ("do_defects",),
    "config_options_defect": ("config_options_defects",),
    "input_collections_defect": ("input_collections_defects",),
}
"""Refused, by name: the options that mean the same and take the same value."""
