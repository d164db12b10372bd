"""The people who curate: who they are, what they may do, how far they agree."""
