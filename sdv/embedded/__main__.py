"""`python -m sdv.embedded run`: the whole system on this machine, for whoever wants to try or develop."""

import sys

from .errors import CannotStart
from .supervisor import run

if __name__ == "__main__":
    if sys.argv[1:] != ["run"]:
        sys.exit("Skriv: python -m sdv.embedded run")
    try:
        sys.exit(run())
    except CannotStart as refusal:
        sys.exit(str(refusal))
