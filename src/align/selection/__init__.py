"""Select: exact counts by drawing from strata, plain baselines, and the mix of what was selected."""
