"""Several people, or several workers, at the same moment: threads with database connections of their own."""

import threading
from datetime import timedelta
from itertools import islice

from django.db import connection, connections

from sdv.desk.demo.identities import personnummer

# Nobody waits longer for somebody else: the database then ends the wait, and the test sees the error.
LONGEST_WAIT = timedelta(seconds=1)


def together(*acts, longest_wait=LONGEST_WAIT):
    """Runs the acts at the same moment, each in a thread and on a connection of its own. Returns, in their order, what
    each answered, or the exception it ended with. A wait for a lock over `longest_wait` ends with an error."""
    answers = [None] * len(acts)
    start = threading.Barrier(len(acts), timeout=30)

    def run(index, act):
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('lock_timeout', %s, false)", [f"{longest_wait.total_seconds()}s"])
            start.wait()
            answers[index] = act()
        except Exception as error:
            answers[index] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(index, act)) for index, act in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def one_winner(answers):
    """The one answer that is no exception, and the exceptions. Fails where there is another number of winners."""
    won = [answer for answer in answers if not isinstance(answer, Exception)]
    lost = [answer for answer in answers if isinstance(answer, Exception)]
    assert len(won) == 1, answers
    return won[0], lost


def numbers(count):
    """Official test personnummer, one for each."""
    return list(islice(personnummer(), count))
