"""UT-07 as a queryset of what breaks it: open vårdåtaganden where nothing of their own says what comes next."""

from django.db.models import Exists, OuterRef

from registration.lifecycle import Status
from registration.models import CareCommitment, Encounter, Referral
from scheduling.models import Appointment, AwaitedResult, BookingRequest, MissingFollowUp, NoShowItem
from sdv.common.time import local_date, start_of_day


def broken(*, at):
    """Open vårdåtaganden without an accepted remiss, a booking of today or later, a waiting request, an Avvakta, Saknar
    återbesök or no-show item, or a vårdhändelse that goes on. What hangs on another vårdåtagande does not count."""
    own = {"commitment": OuterRef("pk")}
    return CareCommitment.objects.open().filter(
        ~Exists(Referral.objects.to_book().filter(**own)),
        ~Exists(
            Appointment.objects.living().filter(
                encounter__commitment=OuterRef("pk"), start__gte=start_of_day(local_date(at))
            )
        ),
        ~Exists(BookingRequest.objects.waiting().filter(**own)),
        ~Exists(AwaitedResult.objects.open().filter(**own)),
        ~Exists(MissingFollowUp.objects.open().filter(**own)),
        ~Exists(NoShowItem.objects.open().filter(**own)),
        ~Exists(Encounter.objects.filter(status=Status.IN_PROGRESS, **own)),
    )
