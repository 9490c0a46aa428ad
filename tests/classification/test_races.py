"""Two people code one contact at once (PL-27): one is first, the other is told; nothing is mixed."""

from itertools import pairwise
from threading import Barrier, Thread

import pytest
from django.db import connection

from classification import starter
from classification.actions import coding as actions
from classification.models import CodedDiagnosis, CodingHistory, EncounterCoding
from sdv.accounts.models import User
from sdv.common.errors import StaleVersion

from .conftest import NOW

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def contact(make_contact):
    starter.load()
    return make_contact()


def at_once(calls):
    """What each call returned or raised, all begun together on connections of their own."""
    barrier, results = Barrier(len(calls)), [None] * len(calls)

    def run(place, call):
        try:
            barrier.wait(10)
            results[place] = call()
        except Exception as raised:
            results[place] = raised
        finally:
            connection.close()

    threads = [Thread(target=run, args=pair) for pair in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return results


def saver(contact, by, code, version):
    def save():
        return actions.save_coding(
            encounter_id=contact.pk, diagnoses=[{"code": code}, {"code": "Z719"}], procedures=[], atc=[], complete=True,
            by=by, at=NOW, version=version,
        )  # fmt: skip

    return save


@pytest.mark.parametrize("version", [0, 1])
def test_of_two_saves_with_the_same_version_one_is_stale(contact, coder, version):
    """The first coding of a contact, and a change of it."""
    other = User.objects.create(username="annan", name="Arne Annan")
    if version:
        saver(contact, coder, "F329", 0)()
    results = at_once([saver(contact, coder, "F411", version), saver(contact, other, "F321", version)])
    stale = [result for result in results if isinstance(result, StaleVersion)]
    saved = [result for result in results if isinstance(result, actions.SavedCoding)]
    assert (len(stale), len(saved)) == (1, 1)
    assert (stale[0].given, stale[0].current) == (version, version + 1)
    assert EncounterCoding.objects.get().version == version + 1
    winner = saved[0].coding.diagnoses.all()[0].code.code
    assert [row.code.code for row in CodedDiagnosis.objects.order_by("position")] == [winner, "Z719"]
    assert CodingHistory.objects.count() == version + 1


def test_without_versions_the_last_save_stands_whole_and_each_is_traced(contact, coder):
    results = at_once([saver(contact, coder, code, None) for code in ("F411", "F321", "F329", "F410")])
    assert all(isinstance(result, actions.SavedCoding) for result in results), results
    coding = EncounterCoding.objects.get()
    history = list(CodingHistory.objects.order_by("id"))
    assert (coding.version, len(history)) == (4, 4)
    for before, after in pairwise(history):
        assert after.before == before.after
    assert [row.code.code for row in coding.diagnoses.order_by("position")] == [
        row["code"] for row in history[-1].after["diagnoses"]
    ]


def test_a_save_and_an_undo_at_once_leave_one_of_the_two_whole(contact, coder):
    saver(contact, coder, "F411", 0)()
    undo = lambda: actions.undo(encounter_id=contact.pk, by=coder, at=NOW, version=1)  # noqa: E731
    results = at_once([saver(contact, coder, "F321", 1), undo])
    assert sorted(type(result).__name__ for result in results) == ["SavedCoding", "StaleVersion"]
    assert len(CodedDiagnosis.objects.all()) in (0, 2)
