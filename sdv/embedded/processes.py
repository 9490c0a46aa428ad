"""Finding and ending server processes that outlived whoever started them.

A process belongs to a data folder when it stands in it and runs the program in question: a number in a file says
nothing after a crash, for numbers are used again."""

import os
import signal
import time
from pathlib import Path


def in_folder(folder, program):
    """Ids of living processes of the program whose working directory is the folder. A dead process that nobody has
    waited for yet has no working directory, so it is not among them."""
    wanted = os.path.realpath(folder)
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            if os.readlink(f"/proc/{entry}/cwd") == wanted and program in os.path.basename(
                os.readlink(f"/proc/{entry}/exe")
            ):
                found.append(int(entry))
        except OSError:
            continue
    return sorted(found)


def stands_in(pid, folder, program):
    """Whether the process is one of the folder's."""
    try:
        return os.readlink(f"/proc/{pid}/cwd") == os.path.realpath(folder) and program in os.path.basename(
            os.readlink(f"/proc/{pid}/exe")
        )
    except OSError:
        return False


def first_number(file):
    """The process id on the first line of a file, or None."""
    try:
        return int(Path(file).read_text().split("\n", 1)[0])
    except (OSError, ValueError):
        return None


def end_all(folder, program, *, first=(), politely=signal.SIGTERM, seconds=10):
    """Ends every process of the program in the folder: `first` politely, and what is left after `seconds` by force."""
    for pid in first:
        send(pid, politely)
    if not wait_until(lambda: not in_folder(folder, program), seconds):
        for pid in in_folder(folder, program):
            send(pid, signal.SIGKILL)
        wait_until(lambda: not in_folder(folder, program), 10)


def send(pid, number):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def wait_until(condition, seconds, *, every=0.02):
    """Whether the condition came true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(every)
    return True
