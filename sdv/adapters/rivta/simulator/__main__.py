"""`python -m sdv.adapters.rivta.simulator <port>`: what `make run` starts beside web and worker."""

import os
import signal
import sys
import threading


def main(port):
    if os.environ.get("SDV_DEMO") != "1":
        sys.exit("Simulatorn av personuppgiftstjänsten är till för övning och startas bara där SDV_DEMO är 1.")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sdv.settings")
    import django

    django.setup()
    from django.db import connection

    from . import Simulator
    from .people import invented, of_the_demo, of_the_test_environment

    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    records = [*of_the_test_environment(), *of_the_demo()]
    connection.close()
    with Simulator(records, port=port, invent=invented) as simulator:
        sys.stdout.write(f"SIMULATOR av personuppgiftstjänsten: {simulator.address} ({len(records)} personer)\n")
        sys.stdout.flush()
        stopped.wait()


if __name__ == "__main__":
    main(int(sys.argv[1]))
