"""Write: new examples by people of two groups, against table 1's targets, with what is there already told at once."""

from dataclasses import replace
from typing import Any
from uuid import uuid4

import streamlit as st

from align.curation.store import CurationStore
from align.curation.team.people import Person
from align.curation.writing.authoring import FORMS, GROUPS, SPLITS, AuthoredExample, Group, export_lines, progress
from align.curation.writing.likeness import Known, leaks
from curation_app.look import table_height
from curation_app.session import Project
from curation_app.team.acting import act, tell
from curation_app.team.people import is_at_least
from curation_app.team.texts import plain, show_turns
from curation_app.views import PageInfo
from curation_app.write.editor import KEY, draft_mark, draw_editor, load_anew, typed_turns
from curation_app.write.feedback import draw_remarks, remarks
from curation_app.write.keeping import PIECE, begin, keep_version, open_piece

PAGE = PageInfo("Write", ":material/edit_note:", 40, "curator")
TITLES = {"example": "Example", "dialogue": "Dialogue", "safety": "Safety", "format_constraint": "Format constraint"}
MEANT = {"A": "training and development", "B": "the test set"}
STATES = {"draft": "gray", "ready": "green", "withdrawn": "orange"}


def draw(project: Project, person: Person) -> None:
    """Progress and list at the left, the example that is open at the right."""
    tell()
    group = _group(project.store, person)
    if group is None:
        return
    written = project.store.authored(person.name, group)
    left, right = st.columns([1, 2.1], gap="large")
    with left:
        _progress(written, group)
        _starting(project.store, person.name, group)
        _list(written)
        _exports(project.store, person, written, group)
    with right:
        asked = st.query_params.get(PIECE)
        chosen = next((item for item in written if item.id == asked), None)
        if chosen is None:
            st.info(
                "Start an example at the left, or open one of the list. The style: take up the question, then answer it, in one "
                "helpful voice.",
                icon=":material/edit_note:",
            )
        else:
            _desk(project, person, chosen)


def _group(store: CurationStore, person: Person) -> Group | None:
    """The group somebody writes for; None where they have still to come into one."""
    own: Group | None = store.groups().get(person.name)
    if own is not None and store.settings().groups_apart:
        return own
    if not store.settings().groups_apart or is_at_least(person.role, "lead"):
        names: tuple[Group, ...] = GROUPS
        picked = st.segmented_control("Group", names, default=own or names[0], key="write_group", format_func="Group {}".format)
        if own is None:
            st.caption("What you write first puts you into its group, and the other one is closed to you from then on.")
        return picked or names[0]
    st.info(
        "Two groups write apart: A for training and development, B for the test set. A lead puts you into one, on Team.",
        icon=":material/groups:",
    )
    place = st.columns(2)
    for column, name in zip(place, ("A", "B"), strict=True):
        column.markdown(f"**Group {name}** writes {MEANT[name]}.")
    return None


def _progress(written: list[AuthoredExample], group: Group) -> None:
    for item in progress(written):
        target = item.target
        if target.group == group:
            name = f"{target.split}, {TITLES[target.form].lower()}" if target.form else target.split
            st.progress(min(1.0, item.ready / target.wanted), f"{name}: {item.ready} of {target.wanted}")
    st.caption("ready ones; targets of LIMA's table 1 and §2.2, §6, appendix E")


def _starting(store: CurationStore, person: str, group: Group) -> None:
    fresh = st.session_state.setdefault("write_next_id", uuid4().hex[:10])

    def start() -> None:
        """As the boxes stand at the press: it may come before the page is drawn with the last choice."""
        wanted: Group = st.session_state.get("write_group") or group
        split = st.session_state.get(_split_key(wanted), SPLITS[wanted][0])
        begin(store, person, wanted, f"authored/{wanted.lower()}-{fresh}", st.session_state["start_form"], split)

    with st.container(border=True):
        place = st.columns(2)
        place[0].selectbox("Form", FORMS, format_func=TITLES.__getitem__, key="start_form")
        place[1].selectbox("For", SPLITS[group], key=_split_key(group))
        st.button(
            "Start an example", on_click=start, key=f"start_{fresh}", type="primary", icon=":material/add:", width="stretch"
        )


def _split_key(group: Group) -> str:
    return f"start_split_{group}"


def _list(written: list[AuthoredExample]) -> None:
    with_gone = any(item.state == "withdrawn" for item in written) and st.toggle("Show withdrawn ones", key="write_gone")
    shown = [item for item in reversed(sorted(written, key=lambda item: item.at)) if with_gone or item.state != "withdrawn"]
    if not shown:
        return
    rows = [
        {
            "Prompt": item.turns[0].text[:80] if item.turns else "(empty)",
            "State": item.state,
            "For": item.meant_for,
            "By": item.by,
        }
        for item in shown
    ]
    key = f"write_list_{len(shown)}"

    def choose() -> None:
        picked = st.session_state[key]["selection"]["rows"]
        if picked:
            open_piece(shown[picked[0]].id)

    st.dataframe(
        rows, hide_index=True, key=key, on_select=choose, selection_mode="single-row", height=table_height(len(rows), 11),
        column_config={"Prompt": st.column_config.TextColumn(width=130)},
    )  # fmt: skip


@st.fragment
def _desk(project: Project, person: Person, written: AuthoredExample) -> None:
    """The editor with what is said of it; typing redraws nothing else."""
    store = project.store
    ours = store.authored(person.name, written.group)
    drawn, written = written, next(item for item in ours if item.id == written.id)
    if written.version != drawn.version:
        st.rerun()  # the list and the progress beside it have changed, too
    key = f"{written.id}_{written.version}"
    head = st.columns([3, 2, 2, 2], vertical_alignment="bottom")
    head[0].markdown(f"**{plain(written.id)}** :{STATES[written.state]}-badge[{written.state}]")
    head[0].caption(f"version {written.version}, by {plain(written.by)}")
    form = head[1].selectbox("Form", FORMS, FORMS.index(written.form), format_func=TITLES.__getitem__, key=f"form_{key}")
    splits = SPLITS[written.group]
    split = head[2].selectbox(
        "For", splits, splits.index(written.meant_for) if written.meant_for in splits else 0, key=f"split_{key}"
    )
    license_name = head[3].text_input("Licence", written.license, key=f"license_{key}")
    shaped = replace(written, form=form, split=split, license=license_name)
    draw_editor(store, person.name, shaped, is_open=True)
    st.text_input("Tags, with commas", ", ".join(written.tags), key=f"tags_{key}")
    turns = typed_turns(store, person.name, shaped)
    _buttons(store, person.name, shaped, key)
    with st.container(border=True):
        draw_remarks(remarks(project, person, replace(shaped, turns=turns), turns))
    _versions(store, person.name, written)


def _buttons(store: CurationStore, person: str, written: AuthoredExample, key: str) -> None:
    def keep(state: Any) -> None:
        keep_version(store, person, written, turns=typed_turns(store, person, written), state=state)

    place = st.columns(4)
    place[0].button("Save", key=f"save_{key}", on_click=keep, args=(None,), width="stretch", help="Ctrl+Enter in the text")
    if written.state != "ready":
        place[1].button("Ready", key=f"ready_{key}", on_click=keep, args=("ready",), type="primary", width="stretch")
    else:
        place[1].button("Back to draft", key=f"draft_{key}", on_click=keep, args=("draft",), width="stretch")
    if written.state != "withdrawn":
        place[3].button("Withdraw", key=f"withdraw_{key}", on_click=keep, args=("withdrawn",), width="stretch")
    tell()


def _versions(store: CurationStore, person: str, written: AuthoredExample) -> None:
    """Earlier versions against the latest, and the way back to one."""
    if written.version < 2:
        return
    with st.expander(f"{written.version} versions"):
        found = store.versions_of_authored(person, written.id)
        numbers = range(written.version, 0, -1)
        number = (
            st.pills("Version", numbers, default=written.version, key=f"look_{written.id}_{written.version}") or written.version
        )
        chosen = found[number - 1]
        st.caption(
            f"{chosen.state}, by {plain(chosen.by)}, {chosen.at[:16].replace('T', ' ')} UTC; changes against the one before"
        )
        before = found[number - 2].turns if number > 1 else chosen.turns
        show_turns(chosen.turns, before)

        def put_back() -> None:
            if act(lambda: store.save_draft(person, written.id, draft_mark(written), chosen.turns)):
                st.session_state.pop(KEY, None)
                load_anew()

        if number < written.version:
            st.button("Put this text into the editor", on_click=put_back, key=f"back_{written.id}_{number}")


def _exports(store: CurationStore, person: Person, written: list[AuthoredExample], group: Group) -> None:
    writers = store.writers_of_authored()
    for split in SPLITS[group]:
        lines = list(export_lines(written, split, writers))
        if lines:
            st.download_button(
                f"{split}: {len(lines)} ready, as JSON lines", "".join(lines), f"authored_{split}.jsonl", "application/jsonl",
                on_click="ignore", icon=":material/download:", width="stretch",
                help="Read it with `ingest` of kind `json_lines`; origin, authors and licence come along.",
            )  # fmt: skip
    if is_at_least(person.role, "lead") and store.groups().get(person.name) is None:
        _leaks(store)


def _leaks(store: CurationStore) -> None:
    """For who sees both groups: what stands in both."""
    with st.expander("Leaks between the groups"):
        if not st.button("Compare the groups now", key="write_leaks", width="stretch"):
            return
        everything = [item for item in store.all_authored() if item.turns and item.state != "withdrawn"]
        sides = {
            group: [
                Known(item.id, "authored", item.turns[0].text, "\n".join(turn.text for turn in item.turns[1:]))
                for item in everything
                if item.group == group
            ]
            for group in ("A", "B")
        }
        found = leaks(sides["A"], sides["B"])
        if not found:
            st.caption(f"None: {len(sides['B'])} of group B against {len(sides['A'])} of group A.")
        for item, likeness in found:
            st.markdown(f"- {plain(item.id)}: {likeness.how} as {plain(likeness.known.id)}")
