"""Curate: what people decided about examples, and the stage that applies it."""
