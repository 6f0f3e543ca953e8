"""The `--port` of commands that listen: what is one, and why it could not be had."""

import argparse
import errno


def port_number(text: str) -> int:
    """For argparse: a port, or 0 for a free one."""
    if not (text.isascii() and text.isdigit() and int(text) <= 65535):
        raise argparse.ArgumentTypeError("a port is a number from 0 to 65535")
    return int(text)


def cannot_listen(host: str, port: int, problem: OSError) -> str:
    """Why nothing could listen there, in one line."""
    if problem.errno == errno.EADDRINUSE:
        return f"port {port} on {host} is taken; choose another with --port, or 0 for a free one"
    return f"cannot listen on {host} port {port}: {problem.strerror or problem}"
