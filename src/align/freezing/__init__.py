"""Freezing: a curated set as a folder to publish, filled again from dumps, carried to the next dump, and taken down from."""
