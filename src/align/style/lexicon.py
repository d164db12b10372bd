"""English words and phrases that carry style. Heuristics, all of them: a text in another language is not measured by them."""

import re

_HEDGES = (
    "maybe perhaps possibly probably likely unlikely might seems seem seemed apparently presumably roughly somewhat fairly "
    "arguably usually generally typically often sometimes guess suppose"
)
_IMPERATIVES = (
    "add allow apply ask avoid bake be begin boil bring brush build buy call carry change check choose clean click close "
    "combine compare connect consider continue cook cool copy count cover create cut decide define delete determine do don't "
    "draw drink drop dry eat enjoy enter explain expect explore fill find finish focus follow get give go grab have heat help "
    "hold identify imagine include install keep know learn leave let lift list listen look make mark measure mix move never "
    "note notice open pay pick place plan play pour practice prepare press prevent provide pull push put read reduce remember "
    "remove repeat replace rest return rinse roll run save search see select sell send serve set shake show sit skip speak "
    "spend start stay stir stop store suppose take talk tell think tie touch treat try turn type use visit wait walk wash "
    "watch wear wipe work wrap write"
)
_FIRST, _SECOND = "i me my mine myself i'm i've i'd i'll", "you your yours yourself yourselves you're you've you'd you'll"

FIRST_PERSON = frozenset(_FIRST.split())
SECOND_PERSON = frozenset(_SECOND.split())
HEDGES = frozenset(_HEDGES.split())
IMPERATIVES = frozenset(_IMPERATIVES.split())
"""Base forms with which an instruction begins."""
CONTRACTION = re.compile(r"\w['’](?:s|t|re|ve|ll|d|m)\b", re.IGNORECASE)
"""Possessives in 's are counted too: telling them apart needs a grammar."""

ACKNOWLEDGES = re.compile(
    r"(?:that(?:['’]s| is) (?:an? )?(?:\w+ )?(?:\w+ )?question|(?:great|good|interesting|excellent|fun) question"
    r"|(?:sure|of course|certainly|absolutely|thanks|thank you|congratulations|welcome|yes|here|i see)\b(?!\w)|no[,.]"
    r"|here['’]s\b|i(?:['’]m| am) (?:so )?(?:sorry|glad|happy)|i understand"
    r"|(?:it|this|that) (?:is|can be|sounds|must be) (?:\w+ )?(?:hard|difficult|tough|great|wonderful|understandable))",
    re.IGNORECASE,
)
"""An opening that answers the person before the question."""
STORY = re.compile(
    r"^\s*[\"“«]|\bonce upon a\b|\b(?:he|she|i|we)\b[^.!?\n]{0,40}"
    r"\b(?:was|were|had|could|did|\w{2,12}ed|said|felt|saw|knew|took|came|went|stood|sat)\b",
    re.IGNORECASE,
)
"""An opening that tells: a person and a verb in the past, or someone's words."""
OFFERS = re.compile(
    r"\b(?:hope (?:this|that|it) helps?|let me know|good luck|feel free|happy to help|have fun|enjoy\b|best of luck"
    r"|any (?:other |more )?questions)",
    re.IGNORECASE,
)
LEFTOVER = re.compile(
    r"(?m)^[ *_#]{0,4}(?:edit|update)\b[ \d]{0,4}[:*]"
    r"|\b(?:hope (?:this|that|it) helps?|thanks in advance|(?:up|down)[- ]?vot\w{1,5}|tl;?dr)\b"
    r"|(?<![\w.@/#`\\])@[A-Za-z][\w-]{1,30}",
    re.IGNORECASE,
)
"""What is left of a forum: notes of an edit, good wishes, votes, addressed users."""
