"""The review page in a real browser: keys, typing, reloads, other people, hostile posts."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from app_server import HOSTILE, LONG, TITLED, App

from align.records import Turn

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.long

READY = ".page[data-state=ready][data-settled=yes]"
Open = Callable[..., "Page"]


@pytest.fixture
def look(app: App, browser: "Browser") -> Iterator[Open]:
    """Open the review page as somebody; whatever goes wrong in the page fails the test."""
    wrong: list[str] = []
    contexts = []

    def opened(name: str, example: str = "", **options: Any) -> "Page":
        app.add(name)
        context = browser.new_context(viewport={"width": 1280, "height": 800}, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(f"{error}"))
        page.on("request", lambda request: is_outside(request.url, app.url) and wrong.append(f"asked for {request.url}"))
        page.on("dialog", lambda dialog: wrong.append(f"dialog {dialog.message}"))
        page.goto(f"{app.url}/?as={name}" + (f"&example={example}" if example else ""))
        page.wait_for_selector(READY, timeout=30_000)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert wrong == []


def is_outside(url: str, own: str) -> bool:
    return not url.startswith((own, own.replace("http", "ws"), "data:", "blob:"))


def shown(page: "Page") -> str:
    return page.get_attribute(".page", "data-painted") or ""


def after(page: "Page", before: str) -> str:
    """The next example, once the server has confirmed and the page takes keys again."""
    page.wait_for_function(
        """before => {
            const page = document.querySelector('[data-testid=stBidiComponentIsolated]').shadowRoot.querySelector('.page')
            return page.dataset.painted !== before && page.dataset.state === 'ready' && page.dataset.settled === 'yes'
        }""",
        arg=before,
        timeout=15_000,
    )
    return shown(page)


def test_a_key_works_right_after_load_and_after_each_decision(app: App, look: Open) -> None:
    page = look("amy")
    seen = [shown(page)]
    for key in ("a", "s", "f"):
        page.keyboard.press(key)
        seen.append(after(page, seen[-1]))
    assert len(set(seen)) == 4
    assert app.events("amy") == [("accept", seen[0]), ("skip", seen[1]), ("flag", seen[2])]


def test_typing_and_ctrl_enter_keeps_the_text_and_decides_once(app: App, look: Open) -> None:
    page = look("bea")
    first = shown(page)
    page.keyboard.press("e")
    page.keyboard.type("Wash your hands. ")
    page.keyboard.press("Control+Enter")
    after(page, first)
    store = app.store
    [event] = [event for event in store.events_since(0) if event.curator == "bea"]
    store.close()
    assert (event.action, event.example_id) == ("edit", first)
    assert event.turns[1].text.startswith("Wash your hands. Knead")


def test_three_presses_faster_than_anyone_reads_decide_once(app: App, look: Open) -> None:
    page = look("cleo")
    first = shown(page)
    for _ in range(3):
        page.keyboard.press("a")
    after(page, first)
    assert app.events("cleo") == [("accept", first)]


def test_a_key_that_comes_too_early_says_that_it_was_not_taken(app: App, look: Open) -> None:
    page = look("carl")
    page.get_by_role("link", name="Board").click()
    page.wait_for_selector(".page", state="detached")
    page.get_by_role("link", name="Review").click()
    page.wait_for_selector(".page[data-settled=no]")
    told = decided = 0
    for _ in range(12):
        before = shown(page)
        page.keyboard.press("a")
        if page.locator(".hint").inner_text():
            told += 1
        else:
            decided += 1
            after(page, before)
        page.wait_for_timeout(100)
    page.wait_for_selector(READY)
    assert told >= 1
    assert [action for action, _ in app.events("carl")] == ["accept"] * decided


def test_decisions_go_on_while_the_server_is_away_and_none_is_lost(app: App, look: Open) -> None:
    page = look("cora2")
    seen = [shown(page)]
    page.context.set_offline(True)
    for _ in range(2):
        page.keyboard.press("a")
        page.wait_for_selector(f".page[data-settled=yes]:not([data-painted='{seen[-1]}'])")
        seen.append(shown(page))
    page.keyboard.press("s")
    page.get_by_text("The next example is on its way").wait_for()
    page.keyboard.press("a")
    assert "on its way" in page.locator(".hint").inner_text()
    page.context.set_offline(False)
    after(page, "")
    assert app.events("cora2") == [("accept", seen[0]), ("accept", seen[1]), ("skip", seen[2])]


def test_what_was_decided_right_before_a_reload_is_sent_after_it(app: App, look: Open) -> None:
    page = look("cyra")
    first = shown(page)
    page.context.set_offline(True)
    page.keyboard.press("a")
    page.wait_for_selector(f".page:not([data-painted='{first}'])")
    page.context.set_offline(False)
    page.reload()
    page.wait_for_selector(READY, timeout=30_000)
    page.wait_for_timeout(500)
    assert shown(page) != first
    assert app.events("cyra") == [("accept", first)]


def test_who_has_decided_nothing_is_told_how_it_goes_until_the_first_decision(app: App, look: Open) -> None:
    page = look("cleo2")
    assert page.locator(".welcome").is_visible()
    first = shown(page)
    page.keyboard.press("a")
    after(page, first)
    assert not page.locator(".welcome").is_visible()
    assert "1 today" in page.locator(".progress").inner_text()
    page.reload()
    page.wait_for_selector(READY, timeout=30_000)
    assert not page.locator(".welcome").is_visible()


def test_tab_reaches_every_button_and_stays_in_a_list_that_covers_the_page(app: App, look: Open) -> None:
    page = look("carla")
    focus = "() => document.activeElement.shadowRoot?.activeElement?.innerText ?? document.activeElement.innerText"
    reached = []
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.append(page.evaluate(focus).split("\n")[0])
    assert {"Accept", "Reject", "Skip", "Flag", "Edit", "Undo", "Keys"} <= set(reached)
    page.keyboard.press("?")
    for _ in range(3):
        page.keyboard.press("Tab")
    assert page.evaluate(focus).startswith("Close")
    page.keyboard.press("Enter")
    assert page.get_by_role("dialog").count() == 0
    assert app.events("carla") == []


def test_a_key_that_is_held_down_decides_once(app: App, look: Open) -> None:
    page = look("cora")
    first = shown(page)
    page.keyboard.down("a")
    for _ in range(30):
        page.keyboard.down("a")
        page.wait_for_timeout(40)
    page.keyboard.up("a")
    after(page, first)
    assert app.events("cora") == [("accept", first)]


def test_letters_in_the_editor_and_the_note_decide_nothing(app: App, look: Open) -> None:
    page = look("dora")
    first = shown(page)
    page.keyboard.press("e")
    page.keyboard.type("axsfu 123 aaa")
    page.keyboard.press("Escape")
    page.keyboard.press("n")
    page.keyboard.type("axsfu?")
    page.keyboard.press("Escape")
    page.wait_for_timeout(2000)
    assert shown(page) == first
    assert app.events("dora") == []
    page.keyboard.press("a")
    after(page, first)
    assert app.events("dora") == [("edit", first)]


def test_what_is_typed_is_saved_within_two_seconds_and_survives_a_reload(app: App, look: Open) -> None:
    page = look("edna")
    first = shown(page)
    page.keyboard.press("a")
    second = after(page, first)
    page.keyboard.press("e")
    page.keyboard.type("Half a thought ", delay=30)
    page.wait_for_timeout(2000)
    store = app.store
    draft = store.draft("edna", second)
    store.close()
    assert draft is not None
    assert draft.turns[1].text.startswith("Half a thought Knead")
    page.reload()
    page.wait_for_selector(READY, timeout=30_000)
    assert shown(page) == second
    assert page.locator(".texts").inner_text().count("Half a thought") == 1
    page.keyboard.press("e")
    assert page.locator("textarea.editor").last.input_value().startswith("Half a thought Knead")


def test_somebody_who_never_pauses_is_saved_too(app: App, look: Open) -> None:
    page = look("elsa")
    page.keyboard.press("e")
    for _ in range(16):  # 2.4 s without a pause as long as the page waits for
        page.keyboard.type("on ")
        page.wait_for_timeout(150)
    store = app.store
    draft = store.draft("elsa", shown(page))
    store.close()
    assert draft is not None
    assert draft.turns[1].text.startswith("on on on")


def test_the_field_is_not_touched_while_drafts_are_answered(app: App, look: Open) -> None:
    page = look("emma")
    page.keyboard.press("e")
    for word in ("one ", "two ", "three "):
        page.keyboard.type(word)
        page.wait_for_timeout(900)
    page.locator(".changes ins", has_text="one two three").wait_for(timeout=15_000)
    assert page.locator("textarea.editor").last.input_value().startswith("one two three Knead")


def test_undo_after_three_decisions_brings_the_last_one_back(app: App, look: Open) -> None:
    page = look("fay")
    seen = [shown(page)]
    for _ in range(3):
        page.keyboard.press("a")
        seen.append(after(page, seen[-1]))
    for number in (2, 1, 0):
        before = shown(page)
        page.keyboard.press("u")
        assert after(page, before) == seen[number]
    assert [action for action, _ in app.events("fay")] == ["accept"] * 3 + ["undo"] * 3


def test_a_rejection_takes_its_reason_from_a_digit(app: App, look: Open) -> None:
    page = look("gina")
    first = shown(page)
    page.keyboard.press("x")
    assert app.events("gina") == []
    page.keyboard.press("Escape")
    page.keyboard.press("x")
    page.keyboard.press("2")
    after(page, first)
    store = app.store
    [event] = [event for event in store.events_since(0) if event.curator == "gina"]
    assert (event.action, event.reason) == ("reject", store.settings().reasons[1])
    store.close()


def test_a_click_decides_once_and_enter_after_it_nothing(app: App, look: Open) -> None:
    page = look("hedy")
    first = shown(page)
    page.get_by_role("button", name="Accept").click()
    after(page, first)
    page.keyboard.press("Enter")
    page.keyboard.press("Space")
    page.wait_for_timeout(500)
    assert app.events("hedy") == [("accept", first)]


def test_two_people_never_hold_one_example(app: App, look: Open) -> None:
    one, other = look("ida"), look("ines")
    for _ in range(3):
        assert shown(one) != shown(other)
        for page in (one, other):
            before = shown(page)
            page.keyboard.press("s")
            after(page, before)
    store = app.store
    held = [lease.example_id for lease in store.leases()]
    store.close()
    assert len(held) == len(set(held))


def test_what_was_decided_in_another_tab_is_told_and_shown_no_more(app: App, look: Open) -> None:
    one, other = look("jane"), look("jane")
    first = shown(one)
    assert shown(other) == first
    one.keyboard.press("a")
    after(one, first)
    other.keyboard.press("a")
    after(other, first)
    assert "nothing was saved" in other.locator(".notice").inner_text()
    assert app.events("jane") == [("accept", first)]


@pytest.mark.parametrize("example", [HOSTILE, LONG])
def test_a_hostile_post_is_only_text(app: App, look: Open, example: str) -> None:
    page = look("kate", example)
    assert shown(page) == example
    for _ in range(2):  # rendered and raw
        text = page.locator(".texts").inner_text()
        for words in (
            "<script>document.title='hacked'</script>",
            "<iframe src=",
            "$x^2$",
            ":red[stop] :material/delete:",
            "onerror=",
        ):
            assert words in text
        page.keyboard.press("r")
    assert page.locator(".texts").locator("script, img, iframe, svg, style, a, b").count() == 0
    assert page.locator(".side a").count() == 0
    page.keyboard.press("e")
    page.keyboard.type("<img src=http://outside.example/typed.png>")
    page.wait_for_timeout(1500)
    page.keyboard.press("Escape")
    page.wait_for_timeout(300)
    assert page.title() != "hacked"


def test_the_title_can_take_the_place_of_the_body(app: App, look: Open) -> None:
    page = look("lara", TITLED)
    page.keyboard.press("t")
    page.locator(".turn.user .edited, .turn.user .chosen").first.wait_for()
    assert page.locator(".turn.user .chosen").inner_text() == "title"
    page.keyboard.press("a")
    after(page, TITLED)
    store = app.store
    [event] = [event for event in store.events_since(0) if event.curator == "lara"]
    store.close()
    assert (event.action, [turn.text for turn in event.turns]) == (
        "edit",
        ["Why is my loaf flat?", "Let it rise **longer** next time."],
    )


def test_the_legend_names_every_key_and_covers_the_page(app: App, look: Open) -> None:
    page = look("lena")
    first = shown(page)
    page.keyboard.press("?")
    legend = page.get_by_role("dialog").inner_text()
    assert all(words in legend for words in ("accept", "undo", "Ctrl", "guidelines"))
    page.keyboard.press("a")  # meant for the list, not for the example below it
    page.keyboard.press("Escape")
    assert page.get_by_role("dialog").count() == 0
    page.keyboard.press("a")
    after(page, first)
    assert app.events("lena") == [("accept", first)]


def test_new_guidelines_are_told_and_reading_them_is_noted(app: App, look: Open) -> None:
    store = app.store
    store.write_guidelines("ada", "# Be kind\n\nAnd *short*.")
    page = look("mary")
    assert page.get_by_role("button", name="New guidelines").is_visible()
    page.keyboard.press("g")
    assert page.get_by_role("dialog").inner_text().count("Be kind") == 1
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Guidelines", exact=False).wait_for()
    page.wait_for_timeout(500)
    assert store.acknowledged()["mary"] == 1
    store.close()


def test_a_dropped_connection_loses_no_decision(app: App, look: Open) -> None:
    page = look("nora")
    first = shown(page)
    page.context.set_offline(True)
    page.keyboard.press("a")
    page.wait_for_timeout(300)
    page.context.set_offline(False)
    after(page, first)
    assert app.events("nora") == [("accept", first)]


def test_every_turn_of_a_decision_names_the_text_that_was_shown(app: App, look: Open) -> None:
    from align.records import content_of

    page = look("olga", "posts/39")
    page.keyboard.press("a")
    after(page, "posts/39")
    store = app.store
    [event] = [event for event in store.events_since(0) if event.curator == "olga"]
    store.close()
    said = (
        Turn("user", "How do I bake loaf number 39?"),
        Turn("assistant", "Knead loaf 39, let it rise for 40 hours, then bake it **hot**."),
    )
    assert event.content == content_of(said)
    assert 0 < event.seconds < 30
