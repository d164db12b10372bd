"""Style: how responses are written, whatever they say; what is unusual in one, and how alike a set is."""
