"""The entry point. Hears signals before anything else: the imports of the rest take a quarter of a second."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from typing import NoReturn


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run rlops and exit with one of `errors.Exit`."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        from rlops.cli.entry import run

        code = run(arguments)
    except KeyboardInterrupt:
        from rlops.cli.entry import interrupted

        code = interrupted(arguments)
    # An interrupt that went through an exec(), as of dataclasses, makes CPython end by SIGINT, unless another one ends well.
    exec("")  # noqa: S102
    sys.exit(code)


if __name__ == "__main__":
    main()
