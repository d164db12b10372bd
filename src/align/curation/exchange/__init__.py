"""Decisions to and from other tools' files: Argilla's records and Label Studio's tasks."""
