"""Preference pairs: of two answers to one prompt, the one to prefer. Family `PairSource`, stage `preferences`."""
