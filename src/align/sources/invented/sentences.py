"""Sentences and passages of the invented corpus: each says some facts of one subject in one of several ways."""

from align.sources.invented.facts import Cause, Subject, Task, Thing
from align.sources.invented.phrase import Draw, bare, inflect, listed


def definition(thing: Thing, draw: Draw) -> str:
    what = draw.say(thing.what)
    if thing.many and draw.chance(0.25):
        return draw.say(
            "{what do we mean by <one>? it is <what>./by <one> we mean <what>./when I say <name>, I mean <what>.}",
            one=thing.one,
            name=bare(thing.one),
            what=what,
        )
    return draw.say("<one> is <what>.", one=thing.one, what=what)


def habits(thing: Thing, draw: Draw, count: int) -> list[str]:
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


def parts_of(thing: Thing, draw: Draw) -> str:
    parts = draw.some(thing.parts, 3)
    lead = draw.say(
        "{look at <one> closely./consider how <one> is {made/built}./each part has its task./"
        "nothing in it is there by chance./take it apart in your mind.}",
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


def why_passage(cause: Cause, draw: Draw, restate: bool = False) -> str:
    """The reason, one to three remarks, and what to do."""
    notes = draw.some(cause.notes, draw.number(1, len(cause.notes)))
    sentences = [f"{cause.question}?"] if restate else []
    sentences.append(
        draw.say(
            "{<because>./the {main/short/true/usual} {reason/answer/cause} is that <because>./"
            "that is because <because>./it happens because <because>./in short, <because>.}",
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


def steps_in_prose(task: Task, draw: Draw) -> str:
    """The steps as running text."""
    steps = [one_step(step, draw) for step in task.steps]
    words = ["then", "next", "after that", "now", "when that is done,", "once you have done so,", "then"]
    said = [draw.say("{first/to begin with,/start like this:/begin here:} <step>.", step=steps[0])]
    said += [f"{draw.one(words)} {step}." if draw.chance(0.75) else f"{step}." for step in steps[1:-1]]
    said.append(draw.say("{finally/at the end/last of all}, <step>.", step=steps[-1]))
    lead = draw.say("{you will need <tools>. /take <tools>. /have <tools> at hand. /}", tools=listed(task.tools))
    return lead + " ".join(said)


def warnings_of(task: Task, draw: Draw) -> str:
    said = [
        draw.say(
            "{if <condition>, <effect>./be careful: if <condition>, <effect>./a common mistake: <condition>. "
            "Then <effect>./when <condition>, <effect>.}",
            condition=condition,
            effect=effect,
        )
        for condition, effect in draw.some(task.warnings, 2)
    ]
    said.append(
        draw.say(
            "{you know that it worked when <sign>./the work is done when <sign>./a good sign: <sign>./"
            "stop when <sign>./if all went well, <sign>.}",
            sign=task.sign,
        )
    )
    return " ".join(said)


def one_step(step: str, draw: Draw) -> str:
    return draw.say(step) if draw.chance(0.8) else draw.say("{carefully/slowly/simply} <step>", step=draw.say(step))


def difference(subject: Subject, draw: Draw) -> str:
    first, second, point = draw.one(subject.pairs)
    return draw.say(
        "{do not mix up <a> and <b>: <point>./people confuse <a> with <b>, but <point>./"
        "compare <a> and <b>: <point>./between <a> and <b> there is a clear difference: <point>.}",
        a=first,
        b=second,
        point=point,
    )


def difference_question(subject: Subject, draw: Draw) -> str:
    first, second, point = draw.one(subject.pairs)
    question = draw.say(
        "{what is the difference between <a> and <b>?/how does <a> differ from <b>?/how do I tell <a> from <b>?}",
        a=first,
        b=second,
    )
    answer = draw.say("{in short, <point>./<point>./the main thing is that <point>./look at it this way: <point>.}", point=point)
    return f"{question}\n{answer}"


def what_question(thing: Thing, draw: Draw) -> str:
    question = draw.say(
        "{what is <one>?/can you explain what <one> is?/what does <one> do?/what should I know about <one>?}", one=thing.one
    )
    return " ".join([f"{question}\n{definition(thing, draw)}", *habits(thing, draw, 2)])


def near(subject: Subject, thing: Thing, draw: Draw) -> Cause:
    """A cause that names the thing, where there is one."""
    last = bare(thing.one).split()[-1]
    return draw.one([cause for cause in subject.causes if last in cause.question] or subject.causes)


def closing(subject: Subject, draw: Draw) -> str:
    return draw.say(
        "{none of this is magic/nobody is born knowing it/it took me years to see it/"
        "books say it in longer words}, {but/and} "
        "{<who> <when> can see it happen/anyone who looks {twice/closely} <where> will agree/"
        "a patient hour <where> teaches more than a chapter}.",
        who=draw.one(subject.who),
        when=draw.one(subject.when),
        where=draw.one(subject.where),
    )
