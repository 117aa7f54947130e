"""A campaign of seeded scenarios in which things go wrong, judged by a model of its own."""
