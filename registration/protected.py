"""What is held of a protected person: little, and that is written here (SK-02). Pure over the model's fields.

Of a patient only what KEPT names stays; every other column is emptied, also one that is added tomorrow."""

import pgtrigger

# Who it is by number, what follows from the number, the marking, the death, and how the row itself is kept.
KEPT = frozenset(
    {
        "id",
        "version",
        "birth_date",
        "birth_date_partial",
        "sex",
        "protection",
        "protection_ground",
        "protection_set_at",
        "protection_set_by",
        "deceased_on",
        "deceased_partial",
        "was_found_dead",
        "deceased_registered_at",
        "merged_into",
        "confirmed_at",
        "register_asked_on",
        "register_version",
        "created_at",
        "source",
    }
)


def cleared_fields(model):
    """The fields of Patient that are emptied."""
    return [field for field in model._meta.concrete_fields if field.name not in KEPT]


def empty_value(field):
    """What an emptied field holds."""
    if field.null:
        return None
    return False if field.get_internal_type() == "BooleanField" else ""


# A field of a protected patient can be emptied, never written (SK-02): whatever the door, also SQL.
LOCKED_PATIENT = pgtrigger.Trigger(
    name="locked_when_protected",
    when=pgtrigger.Before,
    operation=pgtrigger.Update,
    condition=pgtrigger.Condition("OLD.protection <> '' AND NEW.protection <> ''"),
    func="""
        IF EXISTS (
            SELECT FROM jsonb_each_text(to_jsonb(NEW)) AS is_now JOIN jsonb_each_text(to_jsonb(OLD)) AS was USING (key)
            WHERE is_now.value IS DISTINCT FROM was.value AND COALESCE(is_now.value, '') NOT IN ('', 'false')
                AND key NOT IN (%s)
        ) THEN
            RAISE EXCEPTION 'a protected patient is locked'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'locked_when_protected';
        END IF;
        RETURN NEW;
    """.replace(
        "%s",
        ", ".join(f"'{name}'" for name in sorted(KEPT | {"protection_set_by_id", "merged_into_id"})),
    ),
)


def locked_when_protected(patient_of="NEW.patient_id"):
    """The trigger of a table with contact data or relations: nothing is written for a protected patient (SK-02). The
    share lock makes a writer and an arriving marking wait for each other, so that neither passes unseen."""
    return pgtrigger.Trigger(
        name="locked_when_protected",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert | pgtrigger.Update,
        func=f"""
            IF (SELECT protection FROM registration_patient WHERE id = {patient_of} FOR SHARE) <> '' THEN
                RAISE EXCEPTION 'a protected patient is locked'
                    USING ERRCODE = 'check_violation', CONSTRAINT = 'locked_when_protected';
            END IF;
            RETURN NEW;
        """,
    )
