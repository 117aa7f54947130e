"""The outside world as the run sees it: SAL components, the OCPS, the Butler, reports."""
