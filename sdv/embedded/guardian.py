"""The process that starts the servers of a folder, waits until nobody uses them, and stops them."""

import json
import os
import signal
import sys
import time

from .errors import CannotStart
from .locks import FileLock
from .servers import Servers


def bury(*_):
    """Waits for dead children: one that nobody waits for looks alive to whoever asks by number."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            continue
    except ChildProcessError:
        return


def leave(*_):
    raise SystemExit(0)


def answer(refusal=""):
    """One line to whoever started the guardian, who waits for it."""
    sys.stdout.write(json.dumps({"refusal": refusal}) + "\n")
    sys.stdout.flush()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)


def main(folder, *, fast):
    servers = Servers(folder, fast=fast)
    alone = FileLock(servers.folder / "guardian.lock")
    if not alone.take(seconds=10):
        raise CannotStart(f"Servrarna i {servers.folder} vaktas redan.")
    os.truncate(alone.handle, 0)
    os.pwrite(alone.handle, f"{os.getpid()}\n".encode(), 0)
    signal.signal(signal.SIGTERM, leave)
    try:
        for server in servers.both:
            server.start()
    except CannotStart as refusal:
        stop(servers)
        answer(str(refusal))
        return
    signal.signal(signal.SIGCHLD, bury)
    bury()
    answer()
    held = []
    try:
        held += wait_until_nobody_uses(servers)
    finally:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        stop(servers)
        for lock in [alone, *held]:
            lock.release()


def wait_until_nobody_uses(servers):
    """Returns the locks it holds, so that no start comes between the last user and the stop."""
    users = FileLock(servers.folder / "users.lock")
    starting = FileLock(servers.folder / "start.lock")
    while True:
        users.take()
        if starting.take(seconds=0):
            return [users, starting]
        users.release()
        time.sleep(0.1)


def stop(servers):
    for server in reversed(servers.both):
        server.stop()


if __name__ == "__main__":
    try:
        main(sys.argv[1], fast="--fast" in sys.argv[2:])
    except CannotStart as refusal:
        answer(str(refusal))
