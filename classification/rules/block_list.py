"""The region's spärrlista: rows that say where a code should not be used (KL-06). Pure."""

from registration.lifecycle import PRIMARY_CARE

from .checks import Severity, finding

NOT_USED, COMBINATION, UNUSUAL = "not_used", "combination", "unusual"


def matches(pattern, code):
    """Whether the code is the pattern, or begins with it where it ends in *."""
    return code.startswith(pattern[:-1]) if pattern.endswith("*") else code == pattern


def care_form_of(contact):
    """The form of care that a row may be limited to."""
    if contact.encounter_class == "slutenvard":
        return "inpatient"
    return "primary" if contact.encounter_type == PRIMARY_CARE else "open"


def block_list_findings(entries, contact, region):
    """What the spärrlista says of the codes at their places, one finding for each code and row."""
    placed = list(_placed(entries))
    for row in region.blocked:
        if row.care_form not in ("any", care_form_of(contact)) or row.care_unit not in ("", contact.care_unit):
            continue
        for role, entry in placed:
            if row.role not in ("any", role) or not matches(row.pattern, entry.code):
                continue
            if row.kind == COMBINATION and not any(
                other is not entry and matches(row.other_pattern, other.code) for _, other in placed
            ):
                continue
            yield finding(
                "S01",
                f"blocked_{row.kind}",
                f"{entry.display}: {row.text}",
                entry.code,
                severity=Severity(row.severity),
                source=row.source,
            )


def _placed(entries):
    for position, entry in enumerate(entries.diagnoses):
        yield ("main" if position == 0 else "secondary"), entry
        yield from (("external_cause", cause) for cause in entry.external_causes)
        yield from (("substance", substance) for substance in entry.atc)
    for entry in entries.procedures:
        yield "procedure", entry
        yield from (("substance", substance) for substance in entry.atc)
    yield from (("substance", substance) for substance in entries.atc)
