"""The curation app: Streamlit draws what `align.curation` knows. Nothing of align imports it."""
