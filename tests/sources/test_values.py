from hypothesis import given, settings
from hypothesis import strategies as st

from align.sources import values
from align.sources.values import columns_of, texts_of
from align.sources.xml_rows import parsed, unescaped

USUAL = ["&lt;", "&gt;", "&amp;", "&quot;", "&#xA;", "&#xD;", "&#x9;", "fur", "\u00e9", "\U0001f9a6", "lt;", " "]
UNUSUAL = ["&", "&#65;", "&apos;", "&quox;", "&#x1;", "\0", ";"]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.lists(st.sampled_from(USUAL), max_size=6).map("".join), max_size=6), st.data())
def test_many_values_say_what_each_says_alone(texts: list[str], data: st.DataObject) -> None:
    if data.draw(st.booleans()):
        texts = [*texts, "".join(data.draw(st.lists(st.sampled_from(USUAL + UNUSUAL), max_size=6)))]
    assert texts_of([text.encode() for text in texts]) == [unescaped(text) for text in texts]


def test_what_an_unusual_reference_costs_is_one_block_of_values_and_no_text() -> None:
    texts = [f"&lt;{number}&gt;" for number in range(3 * values.VALUES_AT_ONCE)]
    texts[values.VALUES_AT_ONCE] = "&#65;&amp;#65;"
    said = texts_of([text.encode() for text in texts])
    assert said[values.VALUES_AT_ONCE] == "A&#65;"
    assert [said[0], said[-1], len(said)] == ["<0>", f"<{len(texts) - 1}>", len(texts)]


def test_columns_hold_nothing_where_an_attribute_is_absent_and_rows_differ_in_shape() -> None:
    rows = [parsed(b'row Id="1" Score="" />'), parsed(b'row Score="2" Id="3" Title="t" />'), parsed(b"row Id='4' />")]
    assert None not in rows
    found = columns_of([row for row in rows if row is not None], ("Id", "Title", "Score"))
    assert found == {"Id": (b"1", b"3", b"4"), "Title": (b"", b"t", b""), "Score": (b"", b"2", b"")}
    assert columns_of([], ("Id",)) == {"Id": ()}
