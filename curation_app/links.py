"""From one page to another, keeping who sits here."""

import streamlit as st

PAGES = "pages"
KEPT = ("as",)
"""Parameters of the address that are of no page."""
PICKED = "picked"
MOST_PICKED = 200


def open_page(name: str, **query: str) -> None:
    """Go to a page with these parameters in its address."""
    kept = {key: st.query_params[key] for key in KEPT if key in st.query_params}
    st.switch_page(st.session_state[PAGES][name], query_params={**kept, **query})


def set_query(query: dict[str, list[str]]) -> None:
    """Make these the parameters of this page's address."""
    kept = {key: st.query_params.get_all(key) for key in KEPT if key in st.query_params}
    st.query_params.from_dict({**kept, **query})


def review_words(count: int) -> str:
    """What a press on `review_these` will do."""
    return "Review these" if count <= MOST_PICKED else f"Review the first {MOST_PICKED}"


def review_these(example_ids: list[str]) -> None:
    """Go to Review and show these first, one after the other."""
    st.session_state[PICKED] = example_ids[:MOST_PICKED]
    open_page("review")
