"""Errors a user can act on; the command line prints their text without a traceback.

AlignError            every error align raises on purpose (exit 1)
├── RecipeError       the recipe cannot be read as a plan: unknown kind, bad value, missing input
├── PartError         a part is badly defined, e.g. two classes claim one kind
├── InputError        a raw file is missing, cut off or not what it claims to be
├── EmptyResult       a stage dropped everything, so nothing below it can run
├── Shortfall         fewer examples than were asked for
├── StoreError        the store cannot be read or written: newer version, full disk, no such run
├── TrainingRefused   the preflight found that training would not do what the recipe says
├── ExportRefused     an exported model would not do what the stage's own does
├── FreezeRefused     a set would not be what its card says: rows in two splits, rows without a licence
├── ProcessKilled     one of several processes that ran a stage was killed
├── AccessRefused     the app would let in whom nobody knows
└── JudgeError        a judge cannot be reached or does not answer in the agreed form
"""

import re


class AlignError(Exception):
    """Base of every error align raises on purpose."""


class RecipeError(AlignError):
    """The recipe cannot be read as a plan."""


class PartError(AlignError):
    """A part is badly defined."""


class InputError(AlignError):
    """A raw file is missing, cut off or not what it claims to be."""


class EmptyResult(AlignError):
    """A stage dropped everything."""


class Shortfall(AlignError):
    """Fewer examples than were asked for."""


class StoreError(AlignError):
    """The store cannot be read or written."""


class TrainingRefused(AlignError):
    """Training would not do what the recipe says."""


class ExportRefused(AlignError):
    """An exported model would not do what the stage's own does."""


class FreezeRefused(AlignError):
    """A set would not be what its card says."""


class ProcessKilled(AlignError):
    """One of several processes that ran a stage was killed."""


class JudgeError(AlignError):
    """A judge cannot be reached or does not answer in the agreed form."""


class AccessRefused(AlignError):
    """The app would let in whom nobody knows."""


def without_passwords(text: str) -> str:
    """The same text where no URL shows a password: for what is written down though nobody wrote it for people."""
    text = re.sub(r"(\w://[^:/@\s'\"]*):[^@\s'\"]*@", r"\1:***@", text)
    return re.sub(r"([?&](?:ssl)?password=)[^&\s'\"]*", r"\1***", text)
