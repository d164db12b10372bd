"""Examples on which curators differ, side by side, and the lead's word that settles each."""

from typing import Literal

import streamlit as st

from align.curation.pools.pool import Pool
from align.curation.store import CurationStore
from align.curation.team.conflicts import Conflict, find_conflicts
from align.curation.team.people import Person
from align.records import Turn, content_of
from curation_app.session import Project
from curation_app.team.acting import act
from curation_app.team.texts import plain, show_turns

COLOURS = {"accept": "green", "edit": "green", "reject": "red", "flag": "orange", "skip": "gray"}
_AT = "conflict_at"


def draw(project: Project, person: Person) -> None:
    """One conflict at a time."""
    hidden = project.sight(person).hidden
    open_ones = [conflict for conflict in _found(project.store) if conflict.example_id not in hidden]
    if not open_ones:
        st.info(
            "Nothing to settle. Where two curators differ about an example it comes here, and until a lead settles it the "
            "example counts as undecided.",
            icon=":material/balance:",
        )
        return
    at = min(st.session_state.get(_AT, 0), len(open_ones) - 1)
    conflict = open_ones[at]
    _head(conflict, at, len(open_ones))
    original = _original(project.pool, conflict)
    _sides(conflict, original)
    _settling(project.store, person.name, conflict, original)


def _found(store: CurationStore) -> list[Conflict]:
    """Looked for anew when something was decided or taken down since."""
    last = store.last_events(1)
    mark = (last[0].seq if last else 0, store.terms().change)
    kept = st.session_state.get("conflicts_found")
    if kept is None or kept[0] != mark:
        kept = (mark, find_conflicts(store))
        st.session_state["conflicts_found"] = kept
    return list(kept[1])


def _head(conflict: Conflict, at: int, count: int) -> None:
    place = st.columns([5, 1, 1], vertical_alignment="center")
    place[0].markdown(f"**{at + 1} of {count}** · {plain(conflict.example_id)} · {conflict.why}")
    place[1].button("Previous", on_click=_go, args=(at - 1,), disabled=at == 0, width="stretch")
    place[2].button("Next", on_click=_go, args=(at + 1,), disabled=at == count - 1, width="stretch")


def _go(at: int) -> None:
    st.session_state[_AT] = at


def _original(pool: Pool, conflict: Conflict) -> tuple[Turn, ...]:
    """The text they differ about; empty where the pool has it no more."""
    if conflict.example_id in pool:
        turns: tuple[Turn, ...] = pool.example(conflict.example_id).turns
        if content_of(turns) == conflict.content:
            return turns
    return ()


def _sides(conflict: Conflict, original: tuple[Turn, ...]) -> None:
    if original:
        with st.expander("The text as it came", expanded=not any(position.turns for position in conflict.positions)):
            show_turns(original)
    else:
        st.warning("The example is not in this pool, or its text has changed since.", icon=":material/find_in_page:")
    columns = st.columns(min(3, len(conflict.positions)), gap="medium")
    for number, position in enumerate(conflict.positions):
        with columns[number % len(columns)], st.container(border=True):
            event = position.event
            said = ": ".join(plain(part) for part in (event.reason, event.note) if part)
            st.markdown(f"**{plain(position.curator)}** :{COLOURS[event.action]}-badge[{event.action}] {said}")
            st.caption(f"{event.at[:16].replace('T', ' ')} UTC, after {event.seconds:.0f} s")
            if position.turns:
                show_turns(position.turns, original)


def _settling(store: CurationStore, actor: str, conflict: Conflict, original: tuple[Turn, ...]) -> None:
    texts = {"as it came": original} if original else {}
    texts |= {f"as {position.curator} edited it": position.turns for position in conflict.positions if position.turns}
    last = max(position.event.seq for position in conflict.positions)
    key = f"{conflict.example_id}_{last}"
    st.header("Settle it for everybody", anchor=False)
    if not texts:
        chosen: tuple[Turn, ...] = ()
    else:
        names = list(texts)
        name = st.radio("Text to keep", names, horizontal=True, key=f"text_{key}") if len(names) > 1 else names[0]
        chosen = texts[name or names[0]]
        key += f"_{names.index(name or names[0])}"
    with st.form(f"settle_{key}", enter_to_submit=False):
        for number, turn in enumerate(chosen):
            label = "Prompt" if turn.role == "user" else "Response"
            st.text_area(label, turn.text, key=f"turn_{key}_{number}", height=90 if turn.role == "user" else 200)
        st.text_input("Why, for both of them to read", key=f"why_{key}")
        place = st.columns([1, 1, 3])
        args = (store, actor, conflict, original, chosen, key, last)
        place[0].form_submit_button(
            "Accept this text", type="primary", on_click=_settle, args=("accept", *args), disabled=not chosen,
            icon=":material/check:", width="stretch",
        )  # fmt: skip
        place[1].form_submit_button("Reject", on_click=_settle, args=("reject", *args), icon=":material/close:", width="stretch")


def _settle(
    action: Literal["accept", "reject"], store: CurationStore, actor: str, conflict: Conflict, original: tuple[Turn, ...],
    chosen: tuple[Turn, ...], key: str, last: int,
) -> None:  # fmt: skip
    turns = tuple(Turn(turn.role, st.session_state[f"turn_{key}_{number}"]) for number, turn in enumerate(chosen))
    why = st.session_state[f"why_{key}"]
    is_edit = action == "accept" and turns != original

    def settle() -> None:
        store.adjudicate(
            actor,
            conflict.example_id,
            conflict.content,
            "edit" if is_edit else action,
            turns=turns if is_edit else (),
            reason=why if action == "reject" else "",
            note=why if action != "reject" else "",
            request=f"settle {conflict.example_id} after {last} by {actor}",
        )

    act(settle, f"Settled: {'edit' if is_edit else action}. Undo on the page Review takes it back")
