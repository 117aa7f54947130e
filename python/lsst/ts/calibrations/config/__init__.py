"""The configuration: read, checked and typed."""
