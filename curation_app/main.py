"""The app: who sits here, the pages they may see, and the page they are on."""

from functools import partial

import streamlit as st

from align.curation.team.people import ROLES, Person
from align.errors import AlignError
from curation_app.links import PAGES
from curation_app.look import name_page, use_look
from curation_app.session import Project, open_project
from curation_app.team.texts import plain
from curation_app.views import FoundPage, found_pages
from curation_app.who import change_person, current_person, draw_door


def main() -> None:
    """Draw one page; what a user can mend is told in a line."""
    use_look()
    try:
        project = open_project()
        person = current_person(project)
    except AlignError as error:
        st.error(plain(str(error)))
        return
    if person is None:
        # At every page's address, so that a link somebody sent leads to the door and from there to its page.
        names = ["door", *(page.name for page in found_pages())]
        doors = [st.Page(partial(draw_door, project), title="align", url_path=name) for name in names]
        st.navigation(doors, position="hidden").run()
        return
    allowed = [page for page in found_pages() if ROLES.index(page.info.least_role) <= ROLES.index(person.role)]
    pages = {
        page.name: st.Page(
            partial(_draw, page, project, person),
            title=page.info.title,
            icon=page.info.icon,
            url_path=page.name,
            default=page is allowed[0],
        )
        for page in allowed
    }
    st.session_state[PAGES] = pages
    page = st.navigation(list(pages.values()), position="top")
    _draw_about(project, person)
    page.run()


def _draw_about(project: Project, person: Person) -> None:
    """Who sits here and what they work on; folded away at the side."""
    with st.sidebar:
        st.caption("You are")
        st.text(f"{person.name} ({person.role})")
        if project.door.mode == "local":
            st.button("Somebody else", on_click=change_person, width="stretch")
        elif project.door.mode == "oidc":
            st.button("Sign out", on_click=st.logout, width="stretch")
        st.caption("You work on")
        st.text(f"{len(project.pool):,} examples for stage {project.desk.stage} of {project.recipe.name}")


def _draw(page: FoundPage, project: Project, person: object) -> None:
    name_page(page.info.title)
    try:
        project.heed_takedowns()
        page.draw(project, person)
    except AlignError as error:
        st.error(plain(str(error)))


if __name__ == "__main__":
    main()
