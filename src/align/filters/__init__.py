"""Filters: rules that say of one example why it should go. Family `Filter`, stage `filter`."""
