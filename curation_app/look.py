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
  h2 { font-size: 1.1rem !important; padding: 0.4rem 0 0.2rem !important; }
  [data-testid="stElementContainer"]:has(.page-name), .st-key-draw-again { position: absolute; }
  .page-name { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
  [data-testid="stCaptionContainer"] { color: light-dark(#5c6066, #a4a7ac); opacity: 1; }
  [data-testid^="stBaseButton-primary"] p { color: light-dark(#fff, #10131a); }
  @media (max-width: 640px) { .st-key-people-titles { display: none; } }
  [data-testid="stMetricValue"] { font-size: 1.5rem; }
  :focus-visible { outline: 2px solid var(--st-primary-color, #2f5fd0); outline-offset: 2px; }
</style>
"""
"""Trusted text of ours; nothing of a record ever stands here."""


def use_look() -> None:
    """Set the page's width and the shared look."""
    st.set_page_config(page_icon=str(ICON), layout="wide", initial_sidebar_state="collapsed")
    st.html(SHARED)


def name_page(title: str) -> None:
    """Say which page it is in the browser's tab, and as the heading that a screen reader looks for."""
    st.set_page_config(page_title=f"{title} · align")
    st.html(f'<h1 class="page-name">{title}</h1>')


def table_height(rows: int, most: int = 1000) -> int:
    """Pixels of a table that shows so many rows under its head, and no half of an empty one."""
    return ROW_PIXELS * (min(rows, most) + 1) + 2


def say_nothing_here(title: str, *lines: str) -> None:
    """An empty state: what is missing, and what to do."""
    st.header(title, anchor=False)
    for line in lines:
        st.text(line)
