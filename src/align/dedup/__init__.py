"""Deduplicate: equal texts, nearly equal ones, and texts that stand in an evaluation set."""
