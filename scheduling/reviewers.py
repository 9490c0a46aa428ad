"""Who is in turn to review a unit's remisser when the one they are addressed to is away (VA-03)."""

from registration.referral_rules import in_turn
from scheduling.models import Absence
from sdv.accounts.models import Practitioner
from sdv.common.time import local_date


class Turn:
    """The unit's reviewers at a moment: three statements, whatever the number of remisser."""

    def __init__(self, care_unit, *, at):
        self.order = [row.practitioner_id for row in care_unit.reviewers.in_order(local_date(at))]
        self.addressed = set(care_unit.referrals.undecided().values_list("addressed_to", flat=True).distinct())
        people = {pk for pk in (*self.order, *self.addressed) if pk}
        away = Absence.objects.standing().filter(period__contains=at, resource__practitioner__in=people)
        self.absent = set(away.values_list("resource__practitioner", flat=True))
        self.names = {row.pk: row for row in Practitioner.objects.filter(pk__in=people)}

    def of(self, referral):
        """The practitioner in turn for the remiss, or None."""
        return self.names.get(in_turn(referral.addressed_to_id, self.order, self.absent))

    def is_stand_in(self, referral):
        """Whether the one it is addressed to is away."""
        return referral.addressed_to_id in self.absent

    def addresses_of(self, practitioner):
        """To whom remisser are addressed that the practitioner is in turn for; None among them stands for nobody."""
        return {each for each in self.addressed if in_turn(each, self.order, self.absent) == practitioner.pk}
