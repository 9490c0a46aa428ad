"""Why the embedded servers could not be started: one Swedish sentence for the person at the keyboard."""

OTHERWISE = (
    "Ange i stället egna servrar i SDV_DATABASE_URL och SDV_BROKER_URL (med SDV_SECRET_KEY och SDV_ALLOWED_HOSTS);"
    " se docs/drift.md."
)


class CannotStart(Exception):
    """The message is shown as it is."""

    def __init__(self, sentence):
        super().__init__(f"{sentence} {OTHERWISE}" if OTHERWISE not in sentence else sentence)
