"""Hostile text, as message, as value, as part of a map and as a name: it arrives as it is, or readable and valid.

Sources: logging's documentation (`getMessage`), the Unicode standard (a surrogate alone is no character: a
substitute is expected), OpenTelemetry's data model (any value and any name are allowed).
"""

import re

from records.row import Check, Row, attribute, body, extra

TEXTS = {
    "nul": "a\x00b",
    "nul-alone": "\x00",
    "control": "".join(map(chr, range(32))),
    "delete-and-c1": "\x7f\x80\x9f",
    "ansi": "\x1b[31mred\x1b[0m",
    "newlines": "a\nb\r\nc\rd",
    "newline-end": "a\n",
    "line-separators": "a\u2028b\u2029c\u0085d",
    "tab": "a\tb",
    "blank": "   ",
    "newline-alone": "\n",
    "rtl": "\u202eabc\u202c שלום",
    "emoji": "🍵👩‍👩‍👧‍👦🇩🇪",
    "combining": "e\u0301" * 20,
    "zalgo": "a" + "\u0300\u0323" * 50,
    "two-bytes": "ä" * 10,
    "three-bytes": "€" * 10,
    "four-bytes": "𝄞" * 10,
    "noncharacter": "\uffff\ufffe\U0010ffff",
    "replacement": "\ufffd",
    "bom": "\ufeffa",
    "zero-width": "a\u200bb\u200d",
    "html": "<script>alert('x')</script>&amp;",
    "json-object": '{"level": "ERROR", "message": "x", "timestamp": "1970-01-01T00:00:00Z"}',
    "json-array": "[1, 2]",
    "json-broken": '{"a": ',
    "json-escapes": '\\u0000 \\" \\ /',
    "quotes": "\"'`",
    "backslash": "\\",
    "percent": "100 % %s %(a)s %%",
    "braces": "{} {0} {a}",
    "template": "${jndi:ldap://a.example/b} {{7*7}}",
    "level-word": "ERROR",
    "level-prefix": "ERROR: not an error",
    "timestamp": "2001-01-01T00:00:00Z",
    "dt-context": "[!dt dt.trace_id=1,dt.span_id=2,dt.trace_sampled=true] hello",
    "number": "42",
    "null": "null",
    "form": "a=1&b=2;c",
    "header": "a\r\nX-Injected: 1",
    "sql": "'; DROP TABLE logs; --",
    "long-200": "x" * 200,
}

SURROGATES = {
    "surrogate-high": "a\ud800b",
    "surrogate-low": "a\udc80b",
    "surrogate-reversed": "a\udc00\ud800b",
    "surrogate-pair": "a\ud83c\udf75b",
    "surrogate-alone": "\udfff",
}


def readable(text: str) -> Check:
    """Valid Unicode that has kept what is around the surrogates."""
    around = re.sub("[\ud800-\udfff]", "", text)

    def holds(found: object) -> bool:
        if not isinstance(found, str):
            return False
        found.encode()
        return bool(found) and found[: len(around) // 2] == around[: len(around) // 2] and found.endswith(around[-1:])

    return Check(f"{text!r}, readable", holds)


def message(id_: str, text: str, expected: object) -> Row:
    return Row(f"message-{id_}", lambda source: source.log.info(text, extra=source.extra()), {"content": expected})


def name(id_: str, text: str) -> Row:
    """A hostile name: the value is kept under a name that is valid and begins alike."""

    def kept(record: dict[str, object]) -> bool:
        (found,) = [name for name, value in record.items() if value == "named so"]
        return bool(found.encode())

    return Row(
        f"text-name-{id_}",
        lambda source: source.log.info("kept", extra=source.extra(**{text: "named so"})),
        {"content": "kept"},
        holds=kept,
    )


def variants(id_: str, text: str, expected: object) -> list[Row]:
    return [
        message(id_, text, expected),
        extra(f"as-is-{id_}", lambda: text, expected),
        extra(f"in-list-{id_}", lambda: [text], [expected]),
        extra(f"in-map-{id_}", lambda: {"a": text}, {"a": expected}),
        name(id_, text),
        body(f"text-{id_}", text, expected),
        attribute(f"text-{id_}", text, expected),
    ]


ROWS: list[Row] = [
    row
    for id_, text in {**TEXTS, **SURROGATES}.items()
    for row in variants(id_, text, readable(text) if id_ in SURROGATES else text)
]
