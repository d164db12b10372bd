"""The page Board in parts."""
