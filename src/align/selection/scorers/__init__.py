"""Scorers: one number an example, higher is better, to select by or to weigh diversity against."""
