"""The review page without pool, queue and database: the same component, fed with cards that lie ready. What Streamlit costs."""

import json
import os
from pathlib import Path
from typing import Any

import streamlit as st

from curation_app.views.review import _component_files

KEY = "review"


@st.cache_resource
def _pages() -> list[dict[str, Any]]:
    return json.loads(Path(os.environ["BARE_PAGES"]).read_text(encoding="utf-8"))


@st.fragment
def _card() -> None:
    html, css, js = _component_files()
    component = st.components.v2.component("bare_review", html=html, css=css, js=js)
    component(key=KEY, data=_data(), on_sent_change=_take)


def _data() -> dict[str, Any]:
    pages, place, state = _pages(), st.session_state.place, st.session_state
    cards = [pages[(place + ahead) % len(pages)]["cards"][0] | {"id": f"bare/{place + ahead}"} for ahead in range(3)]
    return pages[place % len(pages)] | {"cards": cards, "answers": state.answers}


def _take() -> None:
    for message in (st.session_state[KEY].get("sent") or {}).get("messages", []):
        if message["request"] not in st.session_state.answers:
            st.session_state.answers[message["request"]] = {"ok": True}
            st.session_state.place += message["kind"] == "decide"
    st.session_state.answers = dict(list(st.session_state.answers.items())[-60:])


st.set_page_config(layout="wide", initial_sidebar_state="collapsed")
if "place" not in st.session_state:
    st.session_state.update(place=0, answers={})
_card()
