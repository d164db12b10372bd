"""Judges: which of two responses is better, or how helpful one is. Evaluation asks them, and so does selection by score."""
