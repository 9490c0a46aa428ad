"""Who is in turn to review a unit's remisser when the one they are addressed to is away (VA-03)."""

from django.db.models import Q

from registration.models import Referral, ReferralReviewer
from registration.referral_rules import in_turn
from scheduling.models import Absence
from sdv.accounts.models import Practitioner
from sdv.common.time import local_date


class Turn:
    """The units' reviewers at a moment: four statements, whatever the number of units and remisser. Units by their ids."""

    def __init__(self, care_units, *, at):
        self.orders = {unit: [] for unit in care_units}
        for row in ReferralReviewer.objects.in_order(local_date(at)).filter(care_unit__in=self.orders):
            self.orders[row.care_unit_id].append(row.practitioner_id)
        waiting = Referral.objects.undecided().filter(care_unit__in=self.orders)
        self.addressed = set(waiting.values_list("care_unit", "addressed_to").distinct())
        people = {pk for order in self.orders.values() for pk in order} | {pk for _, pk in self.addressed if pk}
        away = Absence.objects.standing().filter(period__contains=at, resource__practitioner__in=people)
        self.absent = set(away.values_list("resource__practitioner", flat=True))
        self.names = {row.pk: row for row in Practitioner.objects.filter(pk__in=people)}

    def of(self, referral):
        """The practitioner in turn for the remiss, or None."""
        return self.names.get(self._in_turn(referral.care_unit_id, referral.addressed_to_id))

    def is_stand_in(self, referral):
        """Whether the one it is addressed to is away."""
        return referral.addressed_to_id in self.absent

    def names_reviewers(self, referral):
        """Whether anybody is named to review at the remiss's unit."""
        return bool(self.orders.get(referral.care_unit_id))

    def is_of(self, practitioner_id):
        """The remisser that the practitioner is in turn for, as a condition on undecided ones."""
        found = Q(pk__in=[])
        for unit, addressed_to in self.addressed:
            if practitioner_id is not None and self._in_turn(unit, addressed_to) == practitioner_id:
                found |= Q(care_unit=unit, addressed_to=addressed_to)
        return found

    def _in_turn(self, unit, addressed_to):
        return in_turn(addressed_to, self.orders.get(unit, []), self.absent)
