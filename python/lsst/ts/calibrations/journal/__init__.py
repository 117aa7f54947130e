"""The journal of a run: its facts, the record made of them, the summary, resumption."""
