"""Who may what: one table, role × permission. Doors ask `Actor.may`; nothing else decides (least right by default)."""

from django.db.models import TextChoices


class Role(TextChoices):
    """Roles of a staff assignment, as the architecture names them."""

    RECEPTIONIST = "receptionist", "Receptionist"
    CLINICIAN = "clinician", "Kliniker"
    COORDINATOR = "coordinator", "Koordinator"
    CODER = "coder", "Kodare"
    CATALOGUE_ADMIN = "catalogue_admin", "Kataloghandläggare"
    MANAGER = "manager", "Chef"
    SUPPORT = "support", "Support"
    INTEGRATION = "integration", "Integration"
    AUDITOR = "auditor", "Logggranskare"
    NATIONAL_SERVICES = "national_services", "Nationella tjänster"


class Permission(TextChoices):
    """What can be permitted."""

    VIEW_PATIENTS = "view_patients", "Se patienter"
    EDIT_PATIENTS = "edit_patients", "Ändra patientuppgifter"
    SET_DECEASED = "set_deceased", "Registrera avliden"
    UNDO_DECEASED = "undo_deceased", "Ångra avliden"
    MERGE_PATIENTS = "merge_patients", "Slå samman poster"
    UNDO_MERGE = "undo_merge", "Ångra sammanslagning"
    SET_PROTECTION = "set_protection", "Sätta sekretessmarkering"
    LIFT_PROTECTION = "lift_protection", "Häva sekretessmarkering"
    VIEW_DAY = "view_day", "Se dagens besök"
    BOOK = "book", "Boka, omboka och avboka"
    OVERBOOK = "overbook", "Överboka"
    REGISTER_ARRIVAL = "register_arrival", "Registrera ankomst"
    CHECK_OUT = "check_out", "Checka ut"
    VIEW_ENCOUNTERS = "view_encounters", "Se vårdhändelser"
    REGISTER_ENCOUNTERS = "register_encounters", "Skapa och ändra vårdhändelser"
    ANNUL = "annul", "Annullera"
    CORRECT = "correct", "Rätta i efterhand"
    VIEW_WORK_LISTS = "view_work_lists", "Se arbetslistor"
    HANDLE_WORK_LISTS = "handle_work_lists", "Hantera arbetslistor"
    DECIDE_CARE = "decide_care", "Besluta om fortsatt vård"
    VIEW_REFERRALS = "view_referrals", "Se remisser"
    REGISTER_REFERRALS = "register_referrals", "Registrera remisser"
    REVIEW_REFERRALS = "review_referrals", "Granska remisser"
    WRITE_LETTERS = "write_letters", "Skriva brev"
    CODE = "code", "Klassificera"
    VIEW_SCHEDULES = "view_schedules", "Se tidböcker"
    MAINTAIN_SCHEDULES = "maintain_schedules", "Ändra tidböcker"
    MAINTAIN_CATALOGUES = "maintain_catalogues", "Underhålla kataloger"
    VIEW_STATISTICS = "view_statistics", "Se statistik"
    DELIVER_REGISTERS = "deliver_registers", "Lämna uppgifter till register"
    EXPORT_CODED = "export_coded", "Hämta klassificerade kontakter"
    VIEW_ACCESS_LOG = "view_access_log", "Se åtkomstloggen"
    REPORT_FACTS = "report_facts", "Rapportera fakta ur journal, kassa och 1177"
    SHARE_CONTACTS = "share_contacts", "Hämta vårdkontakter till 1177 och NPÖ"
    VIEW_CATALOGUES = "view_catalogues", "Läsa kataloger"


_P, _R = Permission, Role
_CARE_STAFF = {_R.RECEPTIONIST, _R.CLINICIAN, _R.COORDINATOR, _R.SUPPORT, _R.INTEGRATION}
_READERS = _CARE_STAFF | {_R.CODER, _R.MANAGER}

ALLOWED = {
    _P.VIEW_PATIENTS: _READERS,
    _P.EDIT_PATIENTS: _CARE_STAFF,
    _P.SET_DECEASED: {_R.CLINICIAN, _R.COORDINATOR, _R.SUPPORT, _R.INTEGRATION},
    _P.UNDO_DECEASED: {_R.SUPPORT},
    _P.MERGE_PATIENTS: {_R.COORDINATOR, _R.SUPPORT},
    _P.UNDO_MERGE: {_R.SUPPORT},
    _P.SET_PROTECTION: {_R.RECEPTIONIST, _R.CLINICIAN, _R.COORDINATOR, _R.SUPPORT},
    _P.LIFT_PROTECTION: {_R.SUPPORT},
    _P.VIEW_DAY: _CARE_STAFF | {_R.MANAGER},
    _P.BOOK: _CARE_STAFF,
    _P.OVERBOOK: {_R.CLINICIAN, _R.COORDINATOR, _R.SUPPORT},
    _P.REGISTER_ARRIVAL: _CARE_STAFF,
    _P.CHECK_OUT: {_R.CLINICIAN, _R.COORDINATOR, _R.SUPPORT, _R.INTEGRATION},
    _P.VIEW_ENCOUNTERS: _READERS,
    _P.REGISTER_ENCOUNTERS: _CARE_STAFF,
    _P.ANNUL: {_R.CLINICIAN, _R.COORDINATOR, _R.SUPPORT, _R.INTEGRATION, _R.RECEPTIONIST},
    _P.CORRECT: {_R.COORDINATOR, _R.SUPPORT},
    _P.VIEW_WORK_LISTS: _READERS,
    _P.HANDLE_WORK_LISTS: {_R.RECEPTIONIST, _R.CLINICIAN, _R.COORDINATOR, _R.SUPPORT, _R.INTEGRATION},
    _P.DECIDE_CARE: {_R.CLINICIAN, _R.COORDINATOR, _R.SUPPORT, _R.INTEGRATION},
    _P.VIEW_REFERRALS: _CARE_STAFF,
    _P.REGISTER_REFERRALS: _CARE_STAFF,
    _P.REVIEW_REFERRALS: {_R.CLINICIAN, _R.COORDINATOR, _R.SUPPORT, _R.INTEGRATION},
    _P.WRITE_LETTERS: _CARE_STAFF,
    _P.CODE: {_R.CODER, _R.CLINICIAN, _R.SUPPORT, _R.INTEGRATION},
    _P.VIEW_SCHEDULES: _CARE_STAFF | {_R.MANAGER},
    _P.MAINTAIN_SCHEDULES: {_R.COORDINATOR, _R.SUPPORT},
    _P.MAINTAIN_CATALOGUES: {_R.CATALOGUE_ADMIN},
    _P.VIEW_STATISTICS: {_R.MANAGER, _R.COORDINATOR},
    _P.DELIVER_REGISTERS: {_R.CODER, _R.SUPPORT},
    _P.EXPORT_CODED: {_R.CODER, _R.SUPPORT},
    _P.VIEW_ACCESS_LOG: {_R.AUDITOR},
    _P.REPORT_FACTS: {_R.INTEGRATION},
    _P.SHARE_CONTACTS: {_R.NATIONAL_SERVICES},
    _P.VIEW_CATALOGUES: set(Role) - {_R.NATIONAL_SERVICES},
}


def allowed(role, permission):
    """Whether an assignment in the role carries the permission."""
    return role in ALLOWED[permission]
