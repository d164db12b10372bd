"""The look that all pages share, beyond the theme of `.streamlit/config.toml`."""

from pathlib import Path

import streamlit as st

ICON = Path(__file__).with_name("icon.png")
"""A file, as a symbol's name would be fetched from elsewhere."""

ROW_PIXELS = 33
"""Of a table in the theme's size of letters: 2.1875 rem of 15 pixels, rounded up."""

SHARED = """
<style>
  [data-testid="stMainBlockContainer"] { padding: 4.25rem 1.5rem 1rem; max-width: 1680px; }
  [data-testid="stHeader"] { border-bottom: 1px solid var(--st-border-color, rgba(128, 128, 128, .25)); }
  h1 { font-size: 1.6rem !important; letter-spacing: -0.01em; }
  h2 { font-size: 1.25rem !important; }
  h3 { font-size: 1.1rem !important; padding: 0.4rem 0 0.2rem !important; }
  [data-testid="stMetricValue"] { font-size: 1.5rem; }
  :focus-visible { outline: 2px solid var(--st-primary-color, #2f5fd0); outline-offset: 2px; }
</style>
"""
"""Trusted text of ours; nothing of a record ever stands here."""


def use_look() -> None:
    """Set the page's width and the shared look."""
    st.set_page_config(page_title="align", page_icon=str(ICON), layout="wide", initial_sidebar_state="collapsed")
    st.html(SHARED)


def table_height(rows: int, most: int = 1000) -> int:
    """Pixels of a table that shows so many rows under its head, and no half of an empty one."""
    return ROW_PIXELS * (min(rows, most) + 1) + 2


def say_nothing_here(title: str, *lines: str) -> None:
    """An empty state: what is missing, and what to do."""
    st.subheader(title, anchor=False)
    for line in lines:
        st.text(line)
