"""Browse: search and filters that stand in the address, examples like one, and decisions about all that was found."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import numpy as np
import streamlit as st

from align.curation.decisions import Action
from align.curation.pools.browse import ORDERS, STATES, Browse, Filters, Listing, Order, as_query, from_query
from align.curation.pools.search import TextIndex
from align.curation.review.many import Preview, asks_for, preview
from align.curation.team.people import Person
from curation_app.links import open_page, review_these, review_words, set_query
from curation_app.look import say_nothing_here, table_height
from curation_app.session import Project
from curation_app.team.texts import plain
from curation_app.views import PageInfo

PAGE = PageInfo("Browse", ":material/search:", 30)

ROWS = 25
"""Examples on a page."""
ROWS_HIGH = 15
"""How many of them are seen without scrolling."""
ROWS_BESIDE = 7
"""And how many while one of them is read below."""
LABELS = {"state": "State", "site": "Site", "source": "Source", "cell": "Cell"}
ORDER_NAMES: dict[str, str] = {
    "best": "Best match", "pool": "As in the pool", "longest": "Longest", "shortest": "Shortest", "likest": "Most alike",
}  # fmt: skip
SHOWN_CHARS = 160


def draw(project: Project, person: Person) -> None:
    browse = _browse(project)
    filters, problems = from_query({name: st.query_params.get_all(name) for name in st.query_params})
    sight = project.sight(person)
    if filters.like and (filters.like not in project.pool or filters.like in sight.hidden):
        problems.append(f"like: the pool has no example {filters.like!r}")
        filters = replace(filters, like="")
    states, hidden = sight.states(project.queue.catch_up()), sight.rows(project.pool)
    listing = browse.find(filters, states, hidden)
    for problem in problems:
        st.warning(plain(problem))
    left, right = st.columns([1, 3.4], gap="large")
    with left:
        _draw_filters(browse, filters, listing, hidden.tolist())
        if not sight.sees_all:
            st.caption("Blind: only your own decisions are shown and counted here.")
    with right:
        _draw_found(project, person, filters, listing, states)


@st.cache_resource(show_spinner="Indexing the words of the pool")
def _browse(_project: Project) -> Browse:
    pool = _project.pool
    return Browse(pool, TextIndex.open(Path(_project.desk.store), pool.folder, pool.examples()))


# ---------------------------------------------------------------------------------------------- what is asked for


def _draw_filters(browse: Browse, filters: Filters, listing: Listing, hidden: Sequence[int]) -> None:
    """The widgets show what the address says; a change of one of them changes the address."""
    state = st.session_state
    state["browse-words"], state["browse-order"] = filters.words, filters.order
    state["browse-tag"] = [tag for tag in filters.chosen.get("tag", ())]
    state["browse-min-chars"], state["browse-max-chars"] = filters.at_least.get("chars"), filters.at_most.get("chars")
    st.text_input(
        "Search", key="browse-words", on_change=_changed, placeholder='words, "a phrase", -without, prompt:word',
    )  # fmt: skip
    for misread in listing.misread:
        st.caption(f"not understood: {plain(misread)}")
    if filters.like:
        st.text(f"like {filters.like}")
        st.button("Any example", key="browse-unlike", on_click=_ask, args=(replace(filters, like=""),))
    for label, title in LABELS.items():
        counts = listing.facets[label]
        chosen = list(filters.chosen.get(label, ()))
        options = list(dict.fromkeys([*counts, *chosen]))
        if len(options) < 2 and not chosen:
            continue
        state[f"browse-{label}"] = chosen
        said = {name: f"{name or 'no group'} ({counts.get(name, 0):,})" for name in options}
        st.multiselect(title, options, key=f"browse-{label}", on_change=_changed, placeholder="any", format_func=said.__getitem__)
    tags = browse.tags(hidden)
    if tags:
        options = list(dict.fromkeys([*state["browse-tag"], *tags]))
        st.multiselect("Tag", options, key="browse-tag", on_change=_changed, placeholder="any")
    columns = st.columns(2)
    columns[0].number_input("Chars from", 0.0, None, key="browse-min-chars", step=100.0, on_change=_changed, format="%.0f")
    columns[1].number_input("to", 0.0, None, key="browse-max-chars", step=100.0, on_change=_changed, format="%.0f")
    st.selectbox("Order", ORDERS, key="browse-order", on_change=_changed, format_func=ORDER_NAMES.__getitem__)
    if as_query(filters):
        st.button("Clear all", key="browse-clear", on_click=_ask, args=(Filters(),))


def _changed() -> None:
    """Put what the widgets say into the address; what has no widget stays."""
    before, _ = from_query({name: st.query_params.get_all(name) for name in st.query_params})
    state = st.session_state
    limits = [dict(before.at_least), dict(before.at_most)]
    for limit, key in zip(limits, ("browse-min-chars", "browse-max-chars"), strict=True):
        limit.pop("chars", None)
        if state.get(key) is not None:
            limit["chars"] = float(state[key])
    chosen = {label: tuple(state.get(f"browse-{label}", before.chosen.get(label, ()))) for label in (*LABELS, "tag")}
    asked = Filters(state["browse-words"], before.like, chosen, limits[0], limits[1], cast(Order, state["browse-order"]))
    _ask(asked)


def _ask(filters: Filters) -> None:
    set_query(as_query(filters))


# ---------------------------------------------------------------------------------------------- what was found


def _draw_found(project: Project, person: Person, filters: Filters, listing: Listing, states: "np.ndarray[Any, Any]") -> None:
    total = len(listing.rows)
    _offer_undo(project, person)
    if not total and listing.misread:
        say_nothing_here("The search was not understood", "What is wrong with it stands below the words at the left.")
        return
    if not total:
        say_nothing_here("Nothing is like that", "Take a filter away, or clear them all on the left.")
        return
    of_all = "" if total == len(project.pool) else f" of {len(project.pool):,}"
    waiting = [project.pool.ids[int(row)] for row in listing.rows if STATES[int(states[row])] == "undecided"]
    with st.container(horizontal=True, vertical_alignment="center"):  # at the left: the table's own buttons come up at the right
        st.header(f"{total:,}{of_all} example{'s' * (total != 1 or bool(of_all))}", anchor=False, width="content")
        if waiting and person.role != "viewer" and st.button(review_words(len(waiting)), key="browse-review-all"):
            review_these(waiting)
    pages = -(-total // ROWS)
    page = 1 if pages == 1 else min(int(st.session_state.get("browse-page", 1)), pages)
    rows = [int(row) for row in listing.rows[(page - 1) * ROWS : page * ROWS]]
    chosen = _table(project, rows, listing, states)
    if pages > 1:
        st.pagination(pages, key="browse-page")
    if chosen is None:
        st.caption("Tick a row to read the example, to find others like it, or to review it.")
    else:
        _draw_example(project, filters, project.pool.ids[chosen])
    _draw_many(project, person, preview(project.pool, [int(row) for row in listing.rows], states, decided_too=False))


def _table(project: Project, rows: Sequence[int], listing: Listing, states: "np.ndarray[Any, Any]") -> int | None:
    """The rows on this screen as a grid, which draws text and nothing else; the one that is chosen."""
    pool = project.pool
    examples = [pool.example(pool.ids[row]) for row in rows]
    columns: dict[str, list[Any]] = {
        "state": [STATES[int(states[row])] for row in rows],
        "site": [pool.sites[row] for row in rows],
        "prompt": [" ".join(example.prompt.split())[:SHOWN_CHARS] for example in examples],
        "response": [" ".join(example.response.split())[:SHOWN_CHARS] for example in examples],
        "chars": [len(example.response) for example in examples],
    }
    if listing.likeness:
        columns = {"alike": [listing.likeness.get(row) for row in rows], **columns}
    key = f"browse-rows-{hash(tuple(rows))}"
    is_reading = bool(st.session_state.get(key, {}).get("selection", {}).get("rows"))
    event = st.dataframe(  # with other rows it is another table: a tick is of an example, not of a place
        columns, key=key, hide_index=True, on_select="rerun", selection_mode="single-row",
        height=table_height(len(rows), ROWS_BESIDE if is_reading else ROWS_HIGH),
        column_config={
            "state": st.column_config.TextColumn(width=80),
            "prompt": st.column_config.TextColumn(width=280 if listing.likeness else 310),
            "response": st.column_config.TextColumn(width=280 if listing.likeness else 310),
            "site": st.column_config.TextColumn(width=100),
            "chars": st.column_config.NumberColumn(width=70, format="localized"),
            "alike": st.column_config.NumberColumn(width=60, format="%.2f"),
        },
    )  # fmt: skip
    selected = event["selection"]["rows"]
    return rows[selected[0]] if selected and selected[0] < len(rows) else None


def _draw_example(project: Project, filters: Filters, example_id: str) -> None:
    example = project.pool.example(example_id)
    with st.container(border=True):
        buttons = st.columns([1, 1, 4], vertical_alignment="center")
        if buttons[0].button("Review it", key=f"browse-review-{example_id}", type="primary"):
            open_page("review", example=example_id)
        alike = Filters(like=example_id, order="likest")
        buttons[1].button("Find similar", key=f"browse-like-{example_id}", on_click=_ask, args=(alike,))
        buttons[2].text(example_id)
        for turn in example.turns:
            st.caption({"user": "Prompt", "assistant": "Response"}.get(turn.role, turn.role.capitalize()))
            st.code(turn.text, language=None, wrap_lines=True)  # as it is written: nothing in it is read as Markdown
        writers = "; ".join(filter(None, (f"{author.name} ({author.license})" for author in example.origin.authors)))
        st.caption("Where it comes from")
        st.text("\n".join(filter(None, (example.origin.url, writers, example.origin.date[:10], ", ".join(example.tags)))))


# ---------------------------------------------------------------------------------------------- all at once


def _draw_many(project: Project, person: Person, seen: Preview) -> None:
    if len(seen.rows) < 2 or person.role == "viewer":
        return
    with st.expander(f"Decide about all {len(seen.rows):,} that are undecided", icon=":material/done_all:"):
        if seen.left_out:
            st.warning(f"{seen.left_out:,} more are left out: so many at once are not read by anybody. Narrow the filters.")
        st.text("by cell: " + ", ".join(f"{name or 'no group'} {count:,}" for name, count in seen.by_cell.items()))
        with st.form("browse-many", border=False):
            columns = st.columns([1, 2, 2])
            action = columns[0].selectbox("Decision", ["reject", "flag", "accept"])
            reason = columns[1].text_input("Reason", placeholder="why, in a few words")
            note = columns[2].text_input("Note", placeholder="for the others")
            sure = st.checkbox(f"Yes, decide about {len(seen.rows):,} examples without reading each")
            if not st.form_submit_button("Decide", type="primary"):
                return
        if not sure:
            st.error("Tick the box first: this is one decision for each of them.")
        elif action == "reject" and not reason.strip():
            st.error("A rejection needs a reason; it is what the funnel counts by.")
        else:
            _decide(project, person, seen, cast(Action, action), reason.strip(), note.strip())


def _decide(project: Project, person: Person, seen: Preview, action: Action, reason: str, note: str) -> None:
    versions = project.store.versions(person.name)
    asks = asks_for(project.pool, seen.rows, action, person.name, versions, uuid4().hex, reason=reason, note=note)
    with st.spinner(f"Deciding about {len(asks):,} examples"):
        done = project.store.decide_many(asks)
    words = f"Decided about {len(done.events):,} examples: {action}"
    for example_id, why in list(done.refused.items())[:5]:
        words += f"; not {example_id}: {why}"
    st.session_state["browse-done"] = words
    st.rerun()


def _offer_undo(project: Project, person: Person) -> None:
    """What the curator decided about many at once can be taken back as it was made, as long as it stands."""
    words = st.session_state.pop("browse-done", "")
    batches = project.store.standing_batches(person.name)
    if words and batches:
        st.toast(words, icon=":material/check:")  # the press was made far below
    if words:
        st.info(plain(words))
    for batch in batches:
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            st.text(f"You chose to {batch.words}.")
            if st.button("Undo it", key=f"browse-undo-{batch.name}", icon=":material/undo:"):
                undone = project.store.undo_batch(person.name, batch.name)
                left = f"; {len(undone.refused):,} are open elsewhere" if undone.refused else ""
                st.session_state["browse-done"] = f"Took back {len(undone.events):,} decisions{left}"
                st.rerun()
