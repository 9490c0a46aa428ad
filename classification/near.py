"""What is near the person who codes: the codes that the search shows first among those it found (KL-03)."""

from datetime import timedelta

from django.db.models import Count, Q, Value

from classification.models import CodedDiagnosis, CodedProcedure, FavouriteCode

USED_DAYS = timedelta(days=90)
MOST = 50
FAVOURITE, UNIT, PATIENT, REASON = range(4)


def near(encounter, user, *, at):
    """Groups of (system, code) for `CodeQuerySet.search`, the nearest first: the person's and the unit's favourites, what
    the unit has used most the last three months, the patient's earlier codes at the unit, and what contacts with the
    same reason are usually coded with there. One statement."""
    unit = encounter.care_unit_id
    lately = Q(coding__encounter__care_unit=unit, coding__encounter__start__gte=at - USED_DAYS)
    patients = Q(coding__encounter__patient=encounter.patient_id, coding__encounter__care_unit=unit)
    parts = [
        FavouriteCode.objects.filter(Q(user=user) | Q(care_unit=unit), is_active=True)
        .annotate(rank=Value(FAVOURITE))
        .values_list("rank", "system_id", "code")
    ]
    for rank, where in (
        (UNIT, lately),
        (PATIENT, patients),
        (REASON, lately & Q(coding__encounter__contact_reason=encounter.contact_reason_id)),
    ):
        if rank == REASON and encounter.contact_reason_id is None:
            continue
        parts += [_used(model, rank, where, encounter) for model in (CodedDiagnosis, CodedProcedure)]
    groups = [[] for _ in range(4)]
    for rank, system, code in parts[0].union(*parts[1:], all=True):
        groups[rank].append((system, code))
    return groups


def _used(model, rank, where, encounter):
    return (
        model.objects.filter(where)
        .exclude(coding__encounter=encounter.pk)
        .values("code__system_id", "code__code")
        .annotate(rank=Value(rank), used=Count("pk"))
        .order_by("-used", "code__code")[:MOST]
        .values_list("rank", "code__system_id", "code__code")
    )
