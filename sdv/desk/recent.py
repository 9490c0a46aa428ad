"""The patients a session has opened last, for the palette. Protected persons are never among them (SK-05)."""

KEY = "recent_patients"
KEPT = 5


def remember_patient(request, patient):
    """Puts the patient first among the session's last five."""
    if patient.is_protected:
        return
    kept = recent_patients(request)
    wanted = [str(patient.pk), *(each for each in kept if each != str(patient.pk))][:KEPT]
    if wanted != kept:
        request.session[KEY] = wanted


def recent_patients(request):
    """Their ids, latest first."""
    return request.session.get(KEY, [])
