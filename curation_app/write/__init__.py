"""The parts of the page on which people write new examples."""
