"""`python -m sdv.adapters.rivta.simulator <port>`: what `make run` starts beside web and worker."""

import os
import sys

from sdv.adapters.practice_server import refuse_outside_practice, serve


def main(port):
    refuse_outside_practice("personuppgiftstjänsten")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sdv.settings")
    import django

    django.setup()
    from django.db import connection

    from . import Simulator
    from .people import invented, of_the_demo, of_the_test_environment

    records = [*of_the_test_environment(), *of_the_demo()]
    connection.close()
    simulator = Simulator(records, port=port, invent=invented)
    serve(simulator, f"personuppgiftstjänsten: {simulator.address} ({len(records)} personer)")


if __name__ == "__main__":
    main(int(sys.argv[1]))
