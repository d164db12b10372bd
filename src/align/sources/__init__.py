"""Sources: readers of the dumps people really have. Family `Source`, stage `ingest`."""
