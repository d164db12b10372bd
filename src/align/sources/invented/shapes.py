"""Shapes of documents: each turns the facts of one subject into a text that stays with its matter."""

from align.sources.invented.facts import Subject
from align.sources.invented.phrase import Draw, listed
from align.sources.invented.sentences import (
    closing,
    definition,
    difference,
    difference_question,
    habits,
    near,
    one_step,
    parts_of,
    steps_in_prose,
    warnings_of,
    what_question,
    why_passage,
)


def about_thing(subject: Subject, draw: Draw) -> str:
    """Paragraphs that say what something is, what it does and what it consists of."""
    thing = draw.one(subject.things)
    first = [definition(thing, draw), *habits(thing, draw, draw.number(2, 3))]
    paragraphs = [" ".join(first)]
    if thing.parts:
        paragraphs.append(parts_of(thing, draw))
    if draw.chance(0.7):
        paragraphs.append(why_passage(near(subject, thing, draw), draw, restate=True))
    if draw.chance(0.5):
        paragraphs.append(difference(subject, draw))
    return "\n\n".join(paragraphs)


def explanation(subject: Subject, draw: Draw) -> str:
    """An essay on one or two causes."""
    first, second = draw.some(subject.causes, 2)
    opening = draw.say(
        "{<who> once asked me/people often ask/a {common/good/fair/simple} question is/"
        "sooner or later someone asks/"
        "{last week/the other day} <who> wanted to know}<colon> <question>?",
        who=draw.one(subject.who),
        question=first.question,
        colon=draw.one([",", ":"]),
    )
    paragraphs = [f"{opening} {why_passage(first, draw)}"]
    if draw.chance(0.6):
        paragraphs.append(
            draw.say(
                "{another puzzle is related/here is a second riddle/one may go on and ask/and then}: <q>? ", q=second.question
            )
            + why_passage(second, draw)
        )
    if draw.chance(0.5):
        paragraphs.append(closing(subject, draw))
    return "\n\n".join(paragraphs)


def question_and_answer(subject: Subject, draw: Draw) -> str:
    """Questions and answers in plain prose, one after the other."""
    blocks = []
    for _ in range(draw.number(2, 4)):
        kind = draw.number(0, 4)
        if kind <= 1:
            cause = draw.one(subject.causes)
            blocks.append(f"{cause.question}?\n{why_passage(cause, draw)}")
        elif kind == 2:
            task = draw.one(subject.tasks)
            blocks.append(
                draw.say("{how do I/how can I/how do you/how should one/what is the best way to} <goal>?\n", goal=task.goal)
                + steps_in_prose(task, draw)
            )
        elif kind == 3:
            thing = draw.one(subject.things)
            blocks.append(what_question(thing, draw))
        else:
            blocks.append(difference_question(subject, draw))
    return "\n\n".join(dict.fromkeys(blocks))


def how_to(subject: Subject, draw: Draw) -> str:
    """Instructions with a list of steps."""
    task = draw.one(subject.tasks)
    title = draw.say("{How to <goal>/A short guide: how to <goal>/To <goal>, step by step}", goal=task.goal)
    numbered = draw.chance(0.6)
    steps = [
        f"{number}. {one_step(step, draw)}." if numbered else f"- {one_step(step, draw)}."
        for number, step in enumerate(task.steps, 1)
    ]
    lead = draw.say(
        "{you need/have ready/get together/lay out/it takes} <tools>. ", tools=listed(draw.some(task.tools, len(task.tools)))
    )
    why = draw.say(
        "{the work {takes/needs/asks for} <time>{ and some patience/}./allow <time> for it./plan <time>.}",
        time=draw.one(["half an hour", "an afternoon", "about an hour", "a quiet morning", "twenty minutes", "a whole evening"]),
    )
    parts = [title, lead + why, "\n".join(steps), warnings_of(task, draw)]
    return "\n\n".join(parts)


def how_to_prose(subject: Subject, draw: Draw) -> str:
    """A question how, answered as one person speaks to another."""
    task = draw.one(subject.tasks)
    question = draw.say(
        "{how do I <goal>?/can you tell me how to <goal>?/I would like to <goal>. Where do I begin?/"
        "what must I know before I <goal>?/how would you <goal>?}",
        goal=task.goal,
    )
    return f"{question}\n\n{steps_in_prose(task, draw)}\n\n{warnings_of(task, draw)}"


def definitions(subject: Subject, draw: Draw) -> str:
    """A small glossary."""
    head = draw.say(
        "{Words you will meet in/A few terms of/Short glossary:/Some plain definitions from} <name>", name=subject.name
    )
    rows = [
        draw.say("{<term>: <meaning>./<term> means <meaning>./<term> is <meaning>.}", term=term, meaning=meaning)
        if not term.startswith("to ")
        else f"{term} means {meaning}."
        for term, meaning in draw.some(subject.terms, draw.number(3, 5))
    ]
    rows += [f"{thing.one}: {draw.say(thing.what)}." for thing in draw.some(subject.things, draw.number(2, 3))]
    tail = draw.say(
        "{With these words/Once you know these/After this list} {you can follow any talk on/"
        "it is easier to read about/you may ask good questions about} <name>.",
        name=subject.name,
    )
    return f"{head}\n\n" + "\n".join(f"- {row}" for row in draw.some(rows, len(rows))) + f"\n\n{tail}"


def comparison(subject: Subject, draw: Draw) -> str:
    """Two or three pairs told apart, then one thing looked at closely."""
    blocks = [difference_question(subject, draw) for _ in range(draw.number(1, 2))]
    thing = draw.one(subject.things)
    blocks.append(" ".join([definition(thing, draw), *habits(thing, draw, 2)]))
    if thing.parts:
        blocks.append(parts_of(thing, draw))
    return "\n\n".join(dict.fromkeys(blocks))


def overview(subject: Subject, draw: Draw) -> str:
    """A first look at a subject: two things, a cause, a task."""
    head = draw.say(
        "{<name> is {easier/richer/older} than {it looks/most people think}/"
        "there is much to learn about <name>/"
        "a first look at <name>}.",
        name=subject.name,
    )
    blocks = [head + " " + " ".join(definition(thing, draw) for thing in draw.some(subject.things, 2))]
    blocks.append(why_passage(draw.one(subject.causes), draw, restate=True))
    task = draw.one(subject.tasks)
    blocks.append(
        draw.say(
            "{a good way to start is to/beginners should learn to/the first thing to practise is to} <goal>. ", goal=task.goal
        )
        + steps_in_prose(task, draw)
    )
    return "\n\n".join(blocks)


def mistakes(subject: Subject, draw: Draw) -> str:
    """What goes wrong, and how one sees that it went right."""
    head = draw.say(
        "{Common mistakes/What beginners get wrong/Things that go wrong/Faults to avoid} in <name>", name=subject.name
    )
    rows = []
    for task in draw.some(subject.tasks, draw.number(2, 3)):
        condition, effect = draw.one(task.warnings)
        rows.append(
            draw.say(
                "{you want to/suppose you/when you} <goal>{: /. } {if <condition>, <effect>./"
                "be careful: if <condition>, <effect>.} {it is right when <sign>./aim for this: <sign>./}",
                goal=task.goal,
                condition=condition,
                effect=effect,
                sign=task.sign,
            )
        )
    return (
        f"{head}\n\n" + "\n".join(f"- {row}" for row in rows) + "\n\n" + why_passage(draw.one(subject.causes), draw, restate=True)
    )
