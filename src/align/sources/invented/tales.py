"""Shapes with people in them: stories, letters, talks and diaries around the same facts."""

import re

from align.sources.invented.facts import Subject
from align.sources.invented.phrase import Draw, bare, listed

_WOMEN = "Ada Amina Berta Clara Dora Emma Flora Greta Ida Julia Lena Marta Mei Mina Nadia Olga Paula Rosa Sofia Vera Wanda Zora"
_MEN = "Anton Caspar Daniel Elias Felix George Hugo Ivan Jonas Karl Kofi Leo Max Noah Otto Peter Samuel Thomas Victor Yusuf"
NAMES = [(name, "she") for name in _WOMEN.split()] + [(name, "he") for name in _MEN.split()]
HIS = {"he": "his", "she": "her"}


def story(subject: Subject, draw: Draw) -> str:
    """Someone tries, fails, learns the reason and tries again."""
    (name, it), (friend, _) = draw.some(NAMES, 2)
    task, cause = draw.one(subject.tasks), draw.one(subject.causes)
    condition, effect = draw.one(task.warnings)
    slots = {
        "name": name,
        "it": it,
        "its": HIS[it],
        "friend": friend,
        "who": draw.one(subject.who),
        "where": draw.one(subject.where),
        "when": draw.one(subject.when),
        "goal": _of(task.goal, HIS[it]),
        "tool": _of(draw.one(task.tools), HIS[it]),
        "first": task.steps[0],
        "second": draw.one(task.steps[1:]),
        "question": cause.question,
        "because": cause.because,
        "so": cause.so,
        "note": draw.one(cause.notes),
        "condition": condition,
        "effect": effect,
        "sign": task.sign,
    }
    opening = draw.say(
        "{<when>, <name> {stood/sat/waited/was alone} <where>. <it> {wanted to/had made up <its> mind to/"
        "meant to} <goal>./"
        "<name> had {always/long/never before} wanted to <goal>. "
        "<when> <it> {began/set to work} <where>./"
        "there was once a {quiet/curious/stubborn/careful} {neighbour/child/woman/"
        "man} who lived <where>, and <name> knew no better teacher. "
        "<when>, <name> came to learn how to <goal>.}",
        **slots,
    )
    trouble = draw.say(
        "{all <it> had was <tool>./<it> had brought <tool>./with <tool> in <its> hand <it> felt ready.} "
        "{at first it went {badly/well/slowly}/it did not go as planned/the first attempt failed}. "
        '{<friend> {smiled/laughed/looked on for a while} and said: "/"listen," said <friend>. "/'
        '"wait," <friend> called, "}'
        "{if <condition>, <effect>./did nobody tell you? When <condition>, <effect>.} {<first>./"
        'try again, and this time <second>./<first>, and then <second>.}"',
        **slots,
    )
    lesson = draw.say(
        '"{tell me one more thing/but there is something I do not understand/'
        'I have one more question}", said <name>. "<question>?"\n\n'
        '"{because <because>/that is easy: <because>/I asked the same at your age. '
        'It is because <because>}", said <friend>. "<note>. So <so>."',
        **slots,
    )
    ending = draw.say(
        "{<name> {nodded/thought about it/wrote it down/smiled}./for a while nobody spoke./"
        "<it> did as <it> was told.} "
        "{when it was done, <sign>./an hour later, <sign>./in the end it worked: <sign>.} "
        "{<name> {never forgot it/told <its> brother that night/still tells the story/"
        "came back every week}./and that was the beginning of a long friendship./"
        "<friend> only smiled and put the kettle on./"
        '"now you can teach the next one", said <friend>.}',
        **slots,
    )
    return "\n\n".join([opening, trouble, lesson, ending])


def letter(subject: Subject, draw: Draw) -> str:
    """A letter that answers a question and tells some news."""
    (name, _), (sender, _) = draw.some(NAMES, 2)
    cause, task = draw.one(subject.causes), draw.one(subject.tasks)
    thing = draw.one(subject.things)
    body = draw.say(
        "{thank you for your {letter/card/long letter}/your {letter/question} {made me smile/"
        "came on Monday}/it was good to hear from you}. "
        "{you ask: <question>?/you wanted to know: <question>?/"
        "your question was a good one: <question>?} "
        "{well, <because>./I believe that <because>./my answer is that <because>./"
        "<who> told me that <because>.} <note>. {so <so>./my advice is simple: <so>.}",
        question=cause.question,
        because=cause.because,
        note=draw.one(cause.notes),
        so=cause.so,
        who=draw.one(subject.who),
    )
    news = draw.say(
        "{here all is well/we have had a {wet/mild/long/busy} {spring/summer/autumn/winter}/"
        "little has changed here/the days are {short/long} now}. "
        "<when> I was <where> with <tool> and tried to <goal>. "
        "{I forgot one thing: if <condition>, <effect>./it went well, and at the end <sign>./"
        "<who> helped me, and soon <sign>.}",
        when=draw.one(subject.when),
        where=draw.one(subject.where),
        tool=_of(draw.one(task.tools), "my"),
        goal=_of(task.goal, "my"),
        who=draw.one(subject.who),
        condition=task.warnings[0][0],
        effect=task.warnings[0][1],
        sign=task.sign,
    )
    last = draw.say(
        "{next time I shall tell you about <thing>, <what>./I am still learning about <thing>, <what>./"
        "do you remember <thing>? I mean <what>.} "
        "{write soon/greet your family/come and see for yourself/tell me how it goes}.\n\n{your/yours,/"
        "with best wishes,/your old friend} <sender>",
        thing=thing.one,
        what=draw.say(thing.what),
        sender=sender,
    )
    return f"Dear {name},\n\n{body}\n\n{news}\n\n{last}"


def talk(subject: Subject, draw: Draw) -> str:
    """Two people talk: questions and short answers."""
    (asks, _), (knows, _) = draw.some(NAMES, 2)
    lines = [
        draw.say(
            "<when>, <asks> and <knows> met <where>. {they soon fell to talking./"
            "<knows> knew a lot, and <asks> had many questions./there was time for a talk.}",
            when=draw.one(subject.when),
            where=draw.one(subject.where),
            asks=asks,
            knows=knows,
        )
    ]
    for cause in draw.some(subject.causes, draw.number(2, 3)):
        lines.append(f'"{cause.question}?" asked {asks}.')
        lines.append(
            draw.say(
                '"{<because>/because <because>/people say many things, but in truth <because>}", {said/answered/'
                'replied} <knows>. "<note>."',
                because=cause.because,
                knows=knows,
                note=draw.one(cause.notes),
            )
        )
        if draw.chance(0.6):
            lines.append(
                draw.say(
                    '"{then what should I do?/and what follows from that?/'
                    'so what do you do about it?}"\n\n"{I would say:/quite simple:/} <so>."',
                    so=cause.so,
                )
            )
    lines.append(
        draw.say(
            "{<asks> thanked <knows> and went home./it grew late, and they parted./"
            "<asks> wrote it all down that evening./they agreed to meet again.}",
            asks=asks,
            knows=knows,
        )
    )
    return "\n\n".join(lines)


def diary(subject: Subject, draw: Draw) -> str:
    """Notes of three or four days on one task."""
    task = draw.one(subject.tasks)
    days = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
    start = draw.number(0, 3)
    rows = [
        draw.say(
            "{my aim this week: to <goal>./I want to <goal>, and this is what I noted./"
            "notes on how I learned to <goal>.} I have <tools>.",
            goal=_of(task.goal, "my"),
            tools=_of(listed(task.tools), "my"),
        )
    ]
    for number, step in enumerate(draw.some(task.steps, draw.number(3, 4))):
        cause = draw.one(subject.causes)
        rows.append(
            draw.say(
                "<day>. {<sky>. /} {Today's rule: <step>./The lesson of the day: <step>./I told myself: <step>.} "
                "{<who> came by and asked: <question>? I said that <because>./I read that <note>./"
                "again I saw that <note>.}",
                day=days[start + number],
                step=step,
                who=draw.one(subject.who),
                question=cause.question,
                because=cause.because,
                note=draw.one(cause.notes),
                sky=draw.one(
                    [
                        "Rain until noon",
                        "Clear and cool",
                        "Warm",
                        "Wind from the north",
                        "Grey all day",
                        "Fog, then sun",
                        "Quiet",
                        "A little snow",
                    ]
                ),
            )
        )
    condition, effect = draw.one(task.warnings)
    rows.append(
        draw.say(
            "{what did I learn? if/one thing I shall not forget: if/"
            "for next time: if} <condition>, <effect>. {at last <sign>./now <sign>.}",
            condition=condition,
            effect=effect,
            sign=task.sign,
        )
    )
    return "\n\n".join(rows)


def riddle(subject: Subject, draw: Draw) -> str:
    """Guess the thing from its parts and habits."""
    thing = draw.one([thing for thing in subject.things if thing.parts and thing.many])
    clues = [f"{name} {draw.say(does)}" for name, does in draw.some(thing.parts, 2)]
    name, it = draw.one(NAMES)
    return draw.say(
        '"{I am thinking of something/guess what I have in mind/here is a riddle}", said <name>. '
        '"<clue>. {what is it/can you guess/what do I mean}?"\n\n'
        '{<who> thought for a moment/nobody knew at first/<who> looked around <where>}. "{is it <wrong>/'
        'could it be <wrong>/do you mean <wrong>}?"\n\n'
        '"{no/wrong/almost}", said <name>. "<wrong> is <other>. {I give you a second hint:/'
        'listen again:} {it is <what>/think of <what>}."\n\n'
        '"{then it must be/oh, you mean/of course,} <one>!"\n\n"{right/yes/'
        'you have it}", said <name>{ and laughed/ with a nod/}. "<second>."',
        name=name,
        clue=clues[0],
        second=clues[-1],
        who=draw.one(subject.who),
        where=draw.one(subject.where),
        what=draw.say(thing.what),
        one=thing.one,
        **_wrong(subject, bare(thing.one), draw),
    )


def _wrong(subject: Subject, right: str, draw: Draw) -> dict[str, str]:
    other = draw.one([thing for thing in subject.things if bare(thing.one) != right])
    return {"wrong": other.one, "other": draw.say(other.what)}


def _of(text: str, whose: str) -> str:
    """`your own window` as its owner says it."""
    return re.sub(r"\byour\b", whose, text)
