"""The pool of examples that people choose from: opening it, finding in it, seeing it from afar."""
