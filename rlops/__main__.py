"""The entry point. Hears signals before anything else: the imports of the rest take a quarter of a second."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from typing import NoReturn


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run rlops and exit with one of `errors.Exit`."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    # One that comes during an import may be raised in a callback of Python's own, which swallows it.
    heard: list[int] = []
    interrupt = signal.getsignal(signal.SIGINT)
    # SIGTERM last: who sees it caught may send either.
    for number in (*(() if interrupt is signal.SIG_IGN else (signal.SIGINT,)), signal.SIGTERM):
        signal.signal(number, lambda number, _: heard.append(number))
    from rlops.cli.entry import interrupted, run

    try:
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        signal.signal(signal.SIGINT, interrupt)
        code = interrupted(arguments) if heard else run(arguments)
    except KeyboardInterrupt:
        code = interrupted(arguments)
    # An interrupt that went through an exec(), as of dataclasses, makes CPython end by SIGINT, unless another one ends well.
    exec("")  # noqa: S102
    sys.exit(code)


if __name__ == "__main__":
    main()
