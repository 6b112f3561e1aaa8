"""`cacre` and `python -m cacre`: the command line, behind a guard that is there before anything else is imported."""

from __future__ import annotations

import sys

INTERRUPTED = 130
"""128 and the number of SIGINT, as shells count."""


def main() -> None:
    """Run the command line.

    Raises:
        SystemExit: Always, with the exit code.
    """
    try:
        # Imports take a second, in which a user can change his mind.
        from cacre.cli import app

        app(prog_name="cacre")
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        raise SystemExit(INTERRUPTED) from None


if __name__ == "__main__":
    main()
