"""What the national engagement index has been told: that contacts of a patient are to be fetched here (VH-20)."""

from django.db import models

from sdv.common.models import Row, change_log
from sdv.organisation.models import CareProvider

from .patient import PatientIdentity


class EngagementEntry(Row):
    """The index holds an entry for the number and the vårdgivare. Gone when it has been withdrawn, so that nothing is
    withdrawn that was never told, and a number that the patient no longer goes by can be."""

    identity = models.ForeignKey(PatientIdentity, models.PROTECT, related_name="engagements", verbose_name="identitet")
    care_provider = models.ForeignKey(
        CareProvider, models.PROTECT, related_name="+", verbose_name="vårdgivare", db_index=False
    )
    most_recent_content = models.DateTimeField("senaste händelse")

    class Meta:
        verbose_name = "post i engagemangsindex"
        verbose_name_plural = "poster i engagemangsindex"
        triggers = change_log()
        constraints = [
            models.UniqueConstraint(
                fields=["identity", "care_provider"],
                name="engagement_entry_once",
                violation_error_message="Indexet har redan en post för numret och vårdgivaren.",
            )
        ]
