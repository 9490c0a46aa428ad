"""Protected personal data (SK-01…05): what arrives from the population register."""

from registration.models import PatientHistory, Protection


def arrives_from_register(patient, *, protection, at):
    """What the register tells of a person's protection, for a locked patient whose primary identity is a personnummer
    (SK-03). A marking set by hand is never lifted by it (SK-04). Returns whether anything changed."""
    if protection == patient.protection:
        return False
    if patient.protection_set_by_id is not None:
        # The register may make it stronger; set by hand it stays, whatever the register says later.
        if protection != Protection.POPULATION_REGISTER:
            return False
    else:
        patient.protection_set_at = at if protection else None
    patient.protection = protection
    patient.version += 1
    patient.save(update_fields=["protection", "protection_set_at", "version"])
    event = "protected" if protection else "protection_lifted"
    PatientHistory.objects.create(patient=patient, event=event, detail="Folkbokföringen", by=None, at=at)
    return True
