"""What happens in a run: preflight, acquisition, processing, verdict, journal and summary."""
