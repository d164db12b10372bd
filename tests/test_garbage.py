import gc

from align.garbage import settled


def test_what_was_there_is_looked_through_again_afterwards() -> None:
    before = gc.get_freeze_count()
    with settled():
        assert gc.get_freeze_count() > before
        with settled():  # the inner one thaws nothing
            pass
        assert gc.get_freeze_count() > before
    assert gc.get_freeze_count() == 0
