"""When a new ranking is made, and from when on it holds: by the number of events alone, whatever a thread took.

Every tenth event tells something as long as there are few. Of thousands ten more change nothing that anybody could notice, while
learning from all of them takes the server longer than everything else that it does for ten decisions.
"""

EVERY = 10
MANY = 4000
"""From so many events on a ranking is made after every hundredth of them, by steps of as many events."""
LAG = 5
"""So many events later a ranking holds: the thread that makes it has had the time."""


def last_moment(heard: int) -> int:
    """How many of the events heard went into the last ranking begun."""
    start = heard // MANY * MANY
    step = max(EVERY, start // 100)
    return start + (heard - start) // step * step


def moment_in_force(heard: int) -> int:
    """How many of the events heard went into the ranking that holds now."""
    return last_moment(max(0, heard - LAG))
