"""A campaign of seeded scenarios in which things go wrong, each judged by a model that is independent of the script."""
