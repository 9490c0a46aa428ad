"""Forms of väntrummet (PL-17)."""

from django import forms

from registration.actions.waiting_room import LONGEST_ROOM

# Where one calls to, this session: the room one works in today.
ROOM_KEY = "call_room"


class CallForm(forms.Form):
    """Where the patient is to go, and how the patient wants to be called."""

    room = forms.CharField(label="Ropa till", max_length=LONGEST_ROOM, required=False, help_text="Till exempel Rum 3.")
    by_name = forms.BooleanField(label="Patienten vill ropas upp med förnamn", required=False)


def call_initial(request, encounter):
    """The room of the session, and the patient's choice."""
    ticket = getattr(encounter, "queue_ticket", None)
    return {"room": request.session.get(ROOM_KEY, ""), "by_name": bool(ticket and ticket.by_name)}


class CodeForm(forms.Form):
    """The code of a screen, typed once on the screen itself."""

    code = forms.CharField(
        label="Skärmens kod",
        max_length=40,
        help_text="16 tecken. Koden visas en gång, när skärmen läggs upp under Kataloger.",
        error_messages={"required": "Skriv skärmens kod."},
    )
