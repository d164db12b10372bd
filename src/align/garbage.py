"""The search for garbage, kept to what it can find."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def settled() -> Iterator[None]:
    """While objects come and go by the hundred thousand, look through those only; what was there before stays.

    Else all there is would be looked through now and then: with the libraries loaded, a twentieth of a second each time.
    """
    if gc.get_freeze_count():  # somebody else's to thaw
        yield
        return
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
