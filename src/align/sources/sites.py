"""The exchange a dump is of, told from the name of its archive or folder."""

import re

_SUFFIX = ".stackexchange.com"
_OWN_DOMAINS = {
    "stackoverflow": "stackoverflow.com",
    "serverfault": "serverfault.com",
    "superuser": "superuser.com",
    "askubuntu": "askubuntu.com",
    "stackapps": "stackapps.com",
    "mathoverflow": "mathoverflow.net",
}
"""Exchanges that do not lie below stackexchange.com, by the last label of their name."""
_TABLE = re.compile(r"-(badges|comments|posthistory|postlinks|posts|tags|users|votes)(?:\.7z)?$", re.IGNORECASE)
_HOST = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)*")


def host_of(name: str) -> str | None:
    """Host name of an exchange, from its host or short name (`cooking`, `meta.mathoverflow`), or a file's name.

    None where `name` cannot be one.
    """
    name = _TABLE.sub("", name.strip().lower()).removesuffix(".7z")
    if not _HOST.fullmatch(name) or not re.search("[a-z]", name):
        return None
    if name.endswith(_SUFFIX) or name.endswith((".com", ".net", ".org")):
        return name
    own = _OWN_DOMAINS.get(name.rsplit(".", 1)[-1])
    return name.rsplit(".", 1)[0] + "." + own if own and "." in name else own or name + _SUFFIX


def table_of(archive: str) -> str:
    """The table an archive holds alone, in lower case: `posts` of `stackoverflow.com-Posts.7z`; empty where it holds all."""
    found = _TABLE.search(archive)
    return found[1].lower() if found else ""


def site_of(host: str) -> str:
    """Name of an exchange: its host without `.stackexchange.com` (`cooking.meta`), else without its last label."""
    return host.removesuffix(_SUFFIX) if host.endswith(_SUFFIX) else host.rpartition(".")[0]


def is_meta(site: str) -> bool:
    """Whether an exchange is about another one: `cooking.meta`, `meta.mathoverflow`, `meta`."""
    return "meta" in site.split(".")
