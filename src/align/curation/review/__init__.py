"""One person reviewing: what a page shows of an example, and what comes of a decision."""
