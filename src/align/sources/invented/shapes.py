# ruff: noqa: E501 - a template reads best in one line
"""Shapes of documents: each turns the facts of one subject into a text that stays with its matter."""

from align.sources.invented.facts import Cause, Subject, Task, Thing
from align.sources.invented.phrase import Draw, bare, inflect, listed


def about_thing(subject: Subject, draw: Draw) -> str:
    """Paragraphs that say what something is, what it does and what it consists of."""
    thing = draw.one(subject.things)
    first = [_definition(thing, draw), *_habits(thing, draw, draw.number(2, 3))]
    paragraphs = [" ".join(first)]
    if thing.parts:
        paragraphs.append(_parts(thing, draw))
    if draw.chance(0.7):
        paragraphs.append(_why_passage(_near(subject, thing, draw), draw, restate=True))
    if draw.chance(0.5):
        paragraphs.append(_difference(subject, draw))
    return "\n\n".join(paragraphs)


def explanation(subject: Subject, draw: Draw) -> str:
    """An essay on one or two causes."""
    first, second = draw.some(subject.causes, 2)
    opening = draw.say(
        "{<who> once asked me/people often ask/a {common/good/fair/simple} question is/sooner or later someone asks/"
        "{last week/the other day} <who> wanted to know}<colon> <question>?",
        who=draw.one(subject.who),
        question=first.question,
        colon=draw.one([",", ":"]),
    )
    paragraphs = [f"{opening} {_why_passage(first, draw)}"]
    if draw.chance(0.6):
        paragraphs.append(
            draw.say(
                "{another puzzle is related/here is a second riddle/one may go on and ask/and then}: <q>? ", q=second.question
            )
            + _why_passage(second, draw)
        )
    if draw.chance(0.5):
        paragraphs.append(_closing(subject, draw))
    return "\n\n".join(paragraphs)


def question_and_answer(subject: Subject, draw: Draw) -> str:
    """Questions and answers in plain prose, one after the other."""
    blocks = []
    for _ in range(draw.number(2, 4)):
        kind = draw.number(0, 4)
        if kind <= 1:
            cause = draw.one(subject.causes)
            blocks.append(f"{cause.question}?\n{_why_passage(cause, draw)}")
        elif kind == 2:
            task = draw.one(subject.tasks)
            blocks.append(
                draw.say("{how do I/how can I/how do you/how should one/what is the best way to} <goal>?\n", goal=task.goal)
                + _in_prose(task, draw)
            )
        elif kind == 3:
            thing = draw.one(subject.things)
            blocks.append(_what_question(thing, draw))
        else:
            blocks.append(_difference_question(subject, draw))
    return "\n\n".join(dict.fromkeys(blocks))


def how_to(subject: Subject, draw: Draw) -> str:
    """Instructions with a list of steps."""
    task = draw.one(subject.tasks)
    title = draw.say("{How to <goal>/A short guide: how to <goal>/To <goal>, step by step}", goal=task.goal)
    numbered = draw.chance(0.6)
    steps = [
        f"{number}. {_step(step, draw)}." if numbered else f"- {_step(step, draw)}." for number, step in enumerate(task.steps, 1)
    ]
    lead = draw.say(
        "{you need/have ready/get together/lay out/it takes} <tools>. ", tools=listed(draw.some(task.tools, len(task.tools)))
    )
    why = draw.say(
        "{the work {takes/needs/asks for} <time>{ and some patience/}./allow <time> for it./plan <time>.}",
        time=draw.one(["half an hour", "an afternoon", "about an hour", "a quiet morning", "twenty minutes", "a whole evening"]),
    )
    parts = [title, lead + why, "\n".join(steps), _warnings(task, draw)]
    return "\n\n".join(parts)


def how_to_prose(subject: Subject, draw: Draw) -> str:
    """A question how, answered as one person speaks to another."""
    task = draw.one(subject.tasks)
    question = draw.say(
        "{how do I <goal>?/can you tell me how to <goal>?/I would like to <goal>. Where do I begin?/what must I know before I <goal>?/how would you <goal>?}",
        goal=task.goal,
    )
    return f"{question}\n\n{_in_prose(task, draw)}\n\n{_warnings(task, draw)}"


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
        "{With these words/Once you know these/After this list} {you can follow any talk on/it is easier to read about/you may ask good questions about} <name>.",
        name=subject.name,
    )
    return f"{head}\n\n" + "\n".join(f"- {row}" for row in draw.some(rows, len(rows))) + f"\n\n{tail}"


def comparison(subject: Subject, draw: Draw) -> str:
    """Two or three pairs told apart, then one thing looked at closely."""
    blocks = [_difference_question(subject, draw) for _ in range(draw.number(1, 2))]
    thing = draw.one(subject.things)
    blocks.append(" ".join([_definition(thing, draw), *_habits(thing, draw, 2)]))
    if thing.parts:
        blocks.append(_parts(thing, draw))
    return "\n\n".join(dict.fromkeys(blocks))


def overview(subject: Subject, draw: Draw) -> str:
    """A first look at a subject: two things, a cause, a task."""
    head = draw.say(
        "{<name> {is/are} {easier/richer/older} than {it looks/most people think}/there is much to learn about <name>/"
        "a first look at <name>}.",
        name=subject.name,
    ).replace("is/are", "is")
    blocks = [head + " " + " ".join(_definition(thing, draw) for thing in draw.some(subject.things, 2))]
    blocks.append(_why_passage(draw.one(subject.causes), draw, restate=True))
    task = draw.one(subject.tasks)
    blocks.append(
        draw.say(
            "{a good way to start is to/beginners should learn to/the first thing to practise is to} <goal>. ", goal=task.goal
        )
        + _in_prose(task, draw)
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
        rows.append(draw.say(
            "{you want to/suppose you/when you} <goal>{: /. } {if <condition>, <effect>./be careful: if <condition>, <effect>.} {it is right when <sign>./aim for this: <sign>./}",
            goal=task.goal, condition=condition, effect=effect, sign=task.sign,
        ))  # fmt: skip
    return (
        f"{head}\n\n"
        + "\n".join(f"- {row}" for row in rows)
        + "\n\n"
        + _why_passage(draw.one(subject.causes), draw, restate=True)
    )


def _definition(thing: Thing, draw: Draw) -> str:
    what = draw.say(thing.what)
    if thing.many and draw.chance(0.25):
        return draw.say(
            "{what do we mean by <one>? it is <what>./by <one> we mean <what>./when I say <name>, I mean <what>.}",
            one=thing.one,
            name=bare(thing.one),
            what=what,
        )
    return draw.say("<one> is <what>.", one=thing.one, what=what)


def _habits(thing: Thing, draw: Draw, count: int) -> list[str]:
    """Sentences on what it does, all in one number; the noun comes first and the pronoun later."""
    plural = bool(thing.many) and draw.chance(0.5)
    name = thing.many if plural else thing.one if thing.many else thing.one
    pronoun = "they" if plural else "it"
    said = []
    for number, does in enumerate(draw.some(thing.does, count)):
        opener = (
            draw.one(
                ["<it> <does>.", "<it> also <does>.", "besides, <it> <does>.", "<it> <does> as well.", "in time <it> <does>."]
            )
            if number
            else draw.one(
                [
                    "<name> <does>.",
                    "as a rule <name> <does>.",
                    "<name>, as anyone can see, <does>.",
                    "usually <name> <does>.",
                    "in most places <name> <does>.",
                ]
            )
        )
        said.append(draw.say(opener, name=name, it=pronoun, does=inflect(does, plural)))
    return said


def _parts(thing: Thing, draw: Draw) -> str:
    parts = draw.some(thing.parts, 3)
    lead = draw.say(
        "{look at <one> closely./consider how <one> is {made/built}./each part has its task./nothing in it is there by chance./take it apart in your mind.}",
        one=thing.one,
    )
    rows = [f"{name} {draw.say(does)}" for name, does in parts]
    if draw.chance(0.5):
        return f"{lead} " + ". ".join(rows) + "."
    return (
        f"{lead} "
        + draw.say("{first/to begin with}, ")
        + ", {} ".format(draw.one(["and", "while"])).join(rows[:2])
        + "."
        + "".join(draw.say(" {finally/last of all/in addition}, <row>.", row=row) for row in rows[2:])
    )


def _why_passage(cause: Cause, draw: Draw, restate: bool = False) -> str:
    """The reason, one to three remarks, and what to do."""
    notes = draw.some(cause.notes, draw.number(1, len(cause.notes)))
    sentences = [f"{cause.question}?"] if restate else []
    sentences.append(
        draw.say(
            "{<because>./the {main/short/true/usual} {reason/answer/cause} is that <because>./that is because <because>./it happens because <because>./in short, <because>.}",
            because=cause.because,
        )
    )
    openers = [
        "<note>.",
        "also, <note>.",
        "remember that <note>.",
        "you may notice that <note>.",
        "besides, <note>.",
        "it helps to know that <note>.",
        "in addition, <note>.",
    ]
    sentences += [draw.say(draw.one(openers) if number else "<note>.", note=note) for number, note in enumerate(notes)]
    if draw.chance(0.8):
        sentences.append(
            draw.say("{so <so>./therefore <so>./my advice: <so>./for that reason, <so>./what follows? <so>.}", so=cause.so)
        )
    return " ".join(sentences)


def _in_prose(task: Task, draw: Draw) -> str:
    """The steps as running text."""
    steps = [_step(step, draw) for step in task.steps]
    words = ["then", "next", "after that", "now", "when that is done,", "once you have done so,", "then"]
    said = [draw.say("{first/to begin with,/start like this:/begin here:} <step>.", step=steps[0])]
    said += [f"{draw.one(words)} {step}." if draw.chance(0.75) else f"{step}." for step in steps[1:-1]]
    said.append(draw.say("{finally/at the end/last of all}, <step>.", step=steps[-1]))
    lead = draw.say("{you will need <tools>. /take <tools>. /have <tools> at hand. /}", tools=listed(task.tools))
    return lead + " ".join(said)


def _warnings(task: Task, draw: Draw) -> str:
    said = [
        draw.say(
            "{if <condition>, <effect>./be careful: if <condition>, <effect>./a common mistake: <condition>. Then <effect>./when <condition>, <effect>.}",
            condition=condition,
            effect=effect,
        )
        for condition, effect in draw.some(task.warnings, 2)
    ]
    said.append(
        draw.say(
            "{you know that it worked when <sign>./the work is done when <sign>./a good sign: <sign>./stop when <sign>./if all went well, <sign>.}",
            sign=task.sign,
        )
    )
    return " ".join(said)


def _step(step: str, draw: Draw) -> str:
    return draw.say(step) if draw.chance(0.8) else draw.say("{carefully/slowly/simply} <step>", step=draw.say(step))


def _difference(subject: Subject, draw: Draw) -> str:
    first, second, point = draw.one(subject.pairs)
    return draw.say(
        "{do not mix up <a> and <b>: <point>./people confuse <a> with <b>, but <point>./compare <a> and <b>: <point>./between <a> and <b> there is a clear difference: <point>.}",
        a=first,
        b=second,
        point=point,
    )


def _difference_question(subject: Subject, draw: Draw) -> str:
    first, second, point = draw.one(subject.pairs)
    question = draw.say(
        "{what is the difference between <a> and <b>?/how does <a> differ from <b>?/how do I tell <a> from <b>?}",
        a=first,
        b=second,
    )
    answer = draw.say("{in short, <point>./<point>./the main thing is that <point>./look at it this way: <point>.}", point=point)
    return f"{question}\n{answer}"


def _what_question(thing: Thing, draw: Draw) -> str:
    question = draw.say(
        "{what is <one>?/can you explain what <one> is?/what does <one> do?/what should I know about <one>?}", one=thing.one
    )
    return " ".join([f"{question}\n{_definition(thing, draw)}", *_habits(thing, draw, 2)])


def _near(subject: Subject, thing: Thing, draw: Draw) -> Cause:
    """A cause that names the thing, where there is one."""
    last = bare(thing.one).split()[-1]
    return draw.one([cause for cause in subject.causes if last in cause.question] or subject.causes)


def _closing(subject: Subject, draw: Draw) -> str:
    return draw.say(
        "{none of this is magic/nobody is born knowing it/it took me years to see it/books say it in longer words}, {but/and} "
        "{<who> <when> can see it happen/anyone who looks {twice/closely} <where> will agree/a patient hour <where> teaches more than a chapter}.",
        who=draw.one(subject.who),
        when=draw.one(subject.when),
        where=draw.one(subject.where),
    )
