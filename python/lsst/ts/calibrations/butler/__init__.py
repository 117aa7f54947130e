"""The Butler repository: what is read from it, and certified in it."""
