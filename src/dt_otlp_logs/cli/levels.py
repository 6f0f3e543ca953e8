"""The level of a log line: the words, numbers and letters programs write, as the levels Dynatrace knows."""

import re
from dataclasses import dataclass

from opentelemetry._logs import SeverityNumber


@dataclass(frozen=True, slots=True)
class Level:
    """A level as Dynatrace shows it, and its OpenTelemetry number."""

    text: str
    number: SeverityNumber


_TRACE = Level("TRACE", SeverityNumber.TRACE)
_DEBUG = Level("DEBUG", SeverityNumber.DEBUG)
_INFO = Level("INFO", SeverityNumber.INFO)
_NOTICE = Level("NOTICE", SeverityNumber.INFO2)
_WARN = Level("WARN", SeverityNumber.WARN)
_ERROR = Level("ERROR", SeverityNumber.ERROR)
_SEVERE = Level("SEVERE", SeverityNumber.ERROR)
# The OpenTelemetry SDK gives Python's CRITICAL the number 21; alert and emergency stand above it in syslog.
_CRITICAL = Level("CRITICAL", SeverityNumber.FATAL)
_ALERT = Level("ALERT", SeverityNumber.FATAL2)
_EMERGENCY = Level("EMERGENCY", SeverityNumber.FATAL4)
_FATAL = Level("FATAL", SeverityNumber.FATAL)

_WORDS = {
    **dict.fromkeys(("TRACE", "FINEST", "FINER"), _TRACE),
    **dict.fromkeys(("DEBUG", "DBG", "FINE", "VERBOSE"), _DEBUG),
    **dict.fromkeys(("INFO", "INF", "INFORMATION", "INFORMATIONAL"), _INFO),
    "NOTICE": _NOTICE,
    **dict.fromkeys(("WARN", "WARNING", "WRN"), _WARN),
    **dict.fromkeys(("ERROR", "ERR"), _ERROR),
    "SEVERE": _SEVERE,
    **dict.fromkeys(("CRITICAL", "CRIT"), _CRITICAL),
    "ALERT": _ALERT,
    **dict.fromkeys(("EMERGENCY", "EMERG", "PANIC"), _EMERGENCY),
    **dict.fromkeys(("FATAL", "FTL"), _FATAL),
}
# loguru's level; in a JSON field called `status` the same word is an outcome, not a level.
_WORDS_IN_TEXT = {**_WORDS, "SUCCESS": _INFO}
_LETTERS = {"V": _DEBUG, "D": _DEBUG, "I": _INFO, "W": _WARN, "E": _ERROR, "F": _FATAL, "A": _FATAL}
_SYSLOG = (_EMERGENCY, _ALERT, _CRITICAL, _ERROR, _WARN, _NOTICE, _INFO, _DEBUG)
# pino and bunyan; the numbers 0 to 7 are syslog's, as GELF writes them.
_NUMBERS = {10: _TRACE, 20: _DEBUG, 30: _INFO, 40: _WARN, 50: _ERROR, 60: _FATAL}

# A level stands in the head of a line; what comes later is the message.
_HEAD_CHARACTERS = 256
_HEAD_TOKENS = 8
_WORDS_BEFORE_WITH_TIME = 2  # a host and a program, or a logger's name
_PRIORITY = re.compile(r"<(\d{1,3})>")
_KEYED = re.compile(r"(?:^|[\s,;{\[])(?:level|lvl|loglevel|log_level|severity)=[\"']?([A-Za-z]+)\b", re.IGNORECASE)
_TOKEN = re.compile(r"[\s|]*(?:\[([^\]]*)\]|\(([^)]*)\)|<([^>]*)>|([^\s|\[(]+))")
_EDGES = ":,;|-"
# Three letters at least: "I/O error" names no level.
_ANDROID = re.compile(r"([VDIWEFA])/[\w.$-]{3,}")
_NUMBERS_BEFORE_LETTER = 2  # Android writes the process and the thread in front


def level_of_value(value: object) -> Level | None:
    """The level a field of a JSON line holds: a word in any case, a syslog number or a pino number."""
    if isinstance(value, str):
        word = value.strip()
        if word.isdecimal() and word.isascii() and len(word) < 4:
            return level_of_value(int(word))
        return _WORDS.get(word.upper())
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return _SYSLOG[value] if 0 <= value < len(_SYSLOG) else _NUMBERS.get(value)


def level_of_letter(letter: str | None) -> Level | None:
    """The level behind the one letter of glog and Android."""
    return _LETTERS.get(letter or "")


def level_of_line(text: str, time_start: int | None, time_end: int) -> Level | None:
    """The level the head of a line names, or None: a word inside the message is no level.

    Taken are a syslog priority, `level=word`, a word in brackets in any case, and a word in upper case; in front of
    the timestamp or behind it, after a process id, a host or a logger's name, but not after a whole sentence.
    """
    priority = _PRIORITY.match(text)
    if priority is not None and int(priority[1]) <= 191:  # 23 facilities of eight
        return _SYSLOG[int(priority[1]) & 7]
    keyed = _KEYED.search(text, 0, _HEAD_CHARACTERS)
    if keyed is not None and keyed[1].upper() in _WORDS_IN_TEXT:
        return _WORDS_IN_TEXT[keyed[1].upper()]
    if time_start is None:
        return _scan(text[:_HEAD_CHARACTERS], 0)
    before = _scan(text[:time_start], 0) if time_start > 2 else None
    return before or _scan(text[time_end : time_end + _HEAD_CHARACTERS].lstrip('])"'), _WORDS_BEFORE_WITH_TIME)


def _scan(head: str, words_before: int) -> Level | None:
    position, numbers, tokens_left = 0, 0, _HEAD_TOKENS
    while tokens_left > 0:
        token = _TOKEN.match(head, position)
        if token is None:
            return None
        position, tokens_left = token.end(), tokens_left - 1
        bracketed = token[1] or token[2] or token[3]
        if bracketed is not None:
            level = _WORDS_IN_TEXT.get(bracketed.rpartition(":")[2].strip().upper())
            if level is not None:
                return level
            continue
        word = token[4]
        if word is None:  # an empty pair of brackets
            continue
        level = _level_of_word(word) or (level_of_letter(word) if numbers >= _NUMBERS_BEFORE_LETTER else None)
        if level is not None:
            return level
        bare = word.strip(_EDGES)
        if bare.startswith('"'):
            return None
        if bare.isdecimal():
            numbers += 1
        elif bare:
            words_before -= 1
            if word.endswith(":"):  # the program's tag: only the very next word can still be a level
                tokens_left, words_before = min(tokens_left, 1), max(words_before, 0)
            if words_before < 0:
                return None
    return None


def _level_of_word(word: str) -> Level | None:
    android = _ANDROID.match(word)
    if android is not None:
        return _LETTERS[android[1]]
    return _WORDS_IN_TEXT.get(word.strip(_EDGES).partition(":")[0])
