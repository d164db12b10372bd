from pathlib import Path
from typing import ClassVar

import pytest
from pydantic import BaseModel

from align.catalogue import load_catalogue
from align.meanings import meanings_of
from align.parts import Part
from align.plugins import forget_plugins, import_plugin
from align.reference import kinds_of, recipe_schema
from align.sources.stack_exchange import StackExchange
from align.training.sft import FineTuning


class Above(BaseModel):
    size: int = 1
    """How large it
    is."""
    count: int = 2
    """How many."""
    bare: int = 3
    other: ClassVar[str] = ""
    """No field, so nothing that a recipe could say."""


class Below(Above):
    size: int = 5
    bare: int = 4
    """Not bare any more."""


def test_a_class_says_again_only_what_it_means_otherwise() -> None:
    assert meanings_of(Above) == {"size": "How large it\nis.", "count": "How many."}
    assert meanings_of(Below) == {"size": "How large it\nis.", "count": "How many.", "bare": "Not bare any more."}


def test_making_a_class_reads_no_source() -> None:
    load_catalogue()
    kinds = [kind for family in Part.families.values() for kind in (family, *family.kinds.values())]
    assert [kind for kind in kinds if kind.model_config.get("use_attribute_docstrings")] == []


@pytest.mark.parametrize("kind", [StackExchange, FineTuning])
def test_every_field_of_a_part_says_what_it_means_in_the_schema(kind: type[Part]) -> None:
    load_catalogue()
    arms = [arm for family in recipe_schema()["$defs"].values() for arm in family.get("oneOf", ())]
    (arm,) = [arm for arm in arms if arm["properties"]["kind"].get("default") == kind.model_fields["kind"].default]
    assert [name for name, item in arm["properties"].items() if not item.get("description")] == []


def test_a_plugin_explains_its_fields_in_the_same_way(tmp_path: Path) -> None:
    (tmp_path / "shout.py").write_text(
        "from typing import Literal\nfrom align.filters.filter import Filter\n"
        "class Shout(Filter):\n"
        "    kind: Literal['shout'] = 'shout'\n"
        "    most: int = 3\n"
        '    """How many exclamation marks may stand."""\n',
        encoding="utf-8",
    )
    load_catalogue()
    import_plugin(tmp_path, "shout.py")
    (shout,) = kinds_of("filter", "shout")
    forget_plugins()
    assert [item.meaning for item in shout.parameters if item.name == "most"] == ["How many exclamation marks may stand."]
