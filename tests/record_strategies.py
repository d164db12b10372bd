"""Records of any content, for tests with hypothesis."""

from hypothesis import strategies as st

from align.records import Author, Decision, Example, Measurement, Origin, PreferencePair, Turn

# Any text that UTF-8 can hold: nul, newlines, right-to-left, emoji, all but halves of surrogate pairs.
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
numbers = st.floats(allow_nan=False)
turns = st.lists(st.builds(Turn, st.sampled_from(["system", "user", "assistant", "document"]), texts), max_size=3).map(tuple)
authors = st.lists(st.builds(Author, texts, texts, texts, texts), max_size=2).map(tuple)
origins = st.builds(Origin, texts, texts, texts, texts, texts, texts, authors)
tags = st.lists(texts, max_size=3).map(tuple)
examples = st.builds(Example, texts, turns, origins, tags, st.dictionaries(texts, numbers, max_size=3))
pairs = st.builds(PreferencePair, texts, turns, texts, texts, origins, st.none() | numbers, tags)
decisions = st.builds(
    Decision, texts, texts, st.sampled_from(["accept", "reject", "edit", "flag", "skip"]), texts, texts, turns, texts, texts
)
measurements = st.builds(
    Measurement, texts, texts, numbers, st.none() | numbers, st.none() | numbers, st.integers(0, 2**62), texts
)
