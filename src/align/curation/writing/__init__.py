"""Examples that people write themselves."""
