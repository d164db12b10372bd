"""Generated dumps: every source of LIMA's data in its native format, at any size, of invented text, the same every time.

    PYTHONPATH=tests python -m generated_dumps /tmp/dumps --pairs 700
    LIMA_DUMPS=/tmp/dumps align run recipes/lima_data.yaml

They stand in for dumps that cannot be shipped, and are no substitute for them: the layout, the columns and the quirks are those
of the real files, the text is English words in no order that means anything. `planted.json` says how much of what was planted,
so that a test can count what each rule dropped.
"""

from generated_dumps.everything import write_dumps

__all__ = ["write_dumps"]
