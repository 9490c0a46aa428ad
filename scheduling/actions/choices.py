"""What can be chosen of a visit: a besökstyp of the unit, and a vårdkontaktsorsak of the besökstyp (BT-01, VO-01, VO-02).
Asked by whatever plans, offers or books one."""

from registration.models import ContactReason, VisitType
from scheduling import rules
from sdv.common.errors import RuleError
from sdv.common.time import local_date


def refuse_visit_type(visit_type, care_unit, *, at):
    """Raises the refusal of a besökstyp that the unit does not have today (BT-01)."""
    if not VisitType.objects.for_unit(care_unit, local_date(at)).filter(pk=visit_type.pk).exists():
        raise rules.visit_type_not_offered(visit_type.name, care_unit.short_name)


def offered_reason(visit_type, contact_reason_id, care_unit, *, at):
    """The vårdkontaktsorsak, which can be chosen today for the besökstyp, as that can at the unit; or the refusal."""
    refuse_visit_type(visit_type, care_unit, at=at)
    if not contact_reason_id:
        raise RuleError("VO-01", "Välj en vårdkontaktsorsak: det ska alltid finnas exakt en.", code="reason_missing")
    offered = ContactReason.objects.offered_for(visit_type, local_date(at)).filter(pk=contact_reason_id).first()
    if offered is None:
        chosen = ContactReason.objects.filter(pk=contact_reason_id).first()
        raise rules.reason_refusal(
            is_offered=False,
            reason_name=chosen.name if chosen else "som valdes",
            visit_type_name=visit_type.name,
        )
    return offered
