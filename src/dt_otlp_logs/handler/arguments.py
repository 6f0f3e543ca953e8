"""The arguments of a message that could not be formatted, for a person to read."""

from dt_otlp_logs.encoding.safe_text import safe_text


def arguments_text(arguments: object) -> str:
    """The arguments of a logging call one by one, so that one which cannot be shown hides no other. Never raises."""
    if type(arguments) is tuple:
        texts = [safe_text(argument) for argument in arguments]
        return f"({', '.join(texts)}{',' if len(texts) == 1 else ''})"
    if type(arguments) is dict:
        pairs = list(arguments.items())
        return f"{{{', '.join(f'{safe_text(name)}: {safe_text(value)}' for name, value in pairs)}}}"
    return safe_text(arguments)
