#!/usr/bin/env python
"""Django's command line. Where nothing is configured, the embedded servers are started first (docs/drift.md)."""

import os
import sys


def main():
    from sdv import embedded

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sdv.settings")
    try:
        embedded.ensure_environment()
    except embedded.CannotStart as refusal:
        sys.exit(str(refusal))
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
