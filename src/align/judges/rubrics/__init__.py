"""Rubrics by which a judge grades a text from 1 to 6, as plain text."""
