"""Every component in every state on one page: for those who build screens, and for the accessibility test."""

from datetime import UTC, datetime
from types import SimpleNamespace

from django import forms
from django.conf import settings
from django.http import Http404
from django.shortcuts import render

from sdv.accounts.doors import open_to_all
from sdv.accounts.permissions import Role
from sdv.common.errors import RuleError
from sdv.common.fields import SwedishDateField, SwedishTimeField
from sdv.common.presenting import Band, Choice, Key, Link, Option, OptionGroup, Step, Tag
from sdv.desk.receipts import Receipt
from sdv.desk.statuses import STATUSES

AT = datetime(2026, 11, 17, 8, 41, tzinfo=UTC)


@open_to_all
def gallery(request):
    """Shown in the practice environment and to support; nobody else has use of it."""
    assignment = request.actor.assignment
    if not settings.SDV_DEMO and (assignment is None or assignment.role != Role.SUPPORT):
        raise Http404
    return render(request, "components_gallery.html", context())


class ExampleForm(forms.Form):
    """One field of each kind."""

    identity = forms.CharField(label="Personnummer", help_text="Tolv siffror, med eller utan bindestreck.")
    day = SwedishDateField(label="Bevakas senast")
    start = SwedishTimeField(label="Tid", required=False)
    reason = forms.ChoiceField(label="Orsak", choices=[("", "Välj orsak"), ("a", "Provsvar"), ("b", "Röntgensvar")])
    shown = forms.ChoiceField(
        label="Hur visades identiteten?",
        widget=forms.RadioSelect,
        choices=[("id", "Legitimation"), ("known", "Känd av personalen")],
    )
    confirmed = forms.BooleanField(label="Adressen bekräftad", required=False)
    note = forms.CharField(label="Notering", widget=forms.Textarea({"rows": 3}), required=False)


def context():
    """Invented people only; the numbers are of the official test series."""
    wrong = ExampleForm(
        {"identity": "", "day": "31/11", "start": "25", "note": "Ring efter kl. 14"}, auto_id="wrong_%s"
    )
    wrong.is_valid()
    return {
        "heading": "Komponenter",
        "bands": bands(),
        "statuses": {kind: list(looks) for kind, looks in STATUSES.items()},
        "form": None,
        "empty_form": ExampleForm(auto_id="empty_%s", initial={"day": AT.date()}),
        "wrong_form": wrong,
        "receipt": Receipt(AT, "Ankomst registrerad för", "Nilsson, Göran", "/komponenter/"),
        "chips": [
            Link("Alla", "?", count=17, current=True),
            Link("Väntas", "?visa=1", count=7),
            Link("Mina vyer", "?m"),
        ],
        "tabs": [
            Link("Patient", "?"),
            Link("Relationer", "?", count=2),
            Link("Vårdhändelser", "?", count=6, current=True),
            Link("Vårdåtaganden", "?", count=2),
            Link("Bokningar", "?", count=3),
            Link("Logg", "?"),
        ],
        "choices": [
            Choice("close", "Avsluta", "Vårdåtagandet avslutas på enheten", panel="panel-close"),
            Choice("await", "Avvakta", "Beslut väntar på svar eller händelse", panel="panel-await"),
            Choice("none", "Ingen ytterligare planering", "Återbesök är redan bokat"),
            Choice("follow-up", "Uppföljning", refused="Vårdåtagandet är redan avslutat."),
        ],
        "steps": [
            Step("Begärd", ("2026-10-06 10:50", "S. Norén")),
            Step("Bokad", ("2026-10-07 08:31", "M. Ek"), tag=Tag("warn", "cal", "Ombokad")),
            Step("Ankommen", ("2026-11-03 09:38", "M. Ek")),
            Step("Utcheckad", ("10:34", "S. Norén"), "now"),
            Step("Klassificerad", (), "next"),
        ],
        "keys": [Key(("↑", "↓"), "byt rad"), Key(("Enter",), "ankomst"), Key(("U",), "checka ut")],
        "facts": [("Typ", "Återbesök"), ("Vårdgivare", "Sara Norén, psykolog"), ("Avgift", "")],
        "rows": [
            SimpleNamespace(pk=1, clock="09:30", status="arrived", name="Nilsson, Göran", identity="19511203-9879"),
            SimpleNamespace(pk=2, clock="09:45", status="expected", name="Abdi, Hodan", identity="19960322-9882"),
            SimpleNamespace(pk=3, clock="10:00", status="no_show", name="Wikström, Tove", identity="20090816-9824"),
        ],
        "groups": [
            OptionGroup("Patienter", (Option("Abdi, Hodan", href="?", code="19960322-9882", hint="30 år"),)),
            OptionGroup("Gå till", (Option("Dagens besök", href="?", hint="F4"), Option("Klassificering", href="?"))),
        ],
        "error": RuleError(
            "UT-05", "Det finns varken bokning eller bokningsbegäran för patienten.", is_warning=True, needs_reason=True
        ),
        "repeat": [("utfall", "none")],
        "alternatives": [("Boka återbesök", "?"), ("Nästa lediga tid är 2026-12-01 09:45.", "")],
    }


def bands():
    """The band in the states of the UI concept."""
    actions = (Link("Boka", "?", "F8"), Link("Byt patient", "?", "F2"))
    interpreter = Tag("warn", "speech", "Tolk: somaliska")
    return [
        Band(
            name="Abdi, Hodan",
            identity="19960322-9882",
            age_text="30 år",
            sex_text="kvinna",
            url="?",
            tags=(interpreter,),
            facts=("Vårdcentral Öster", "2 öppna vårdåtaganden", "Nästa: i dag 09:45"),
            actions=actions,
        ),
        Band(
            name="Sekretessmarkering",
            identity="19870512-9867",
            age_text="39 år",
            sex_text="kvinna",
            marking="Sekretessmarkering",
            is_protected=True,
            tags=(Tag("guard", "shield", "Skyddade personuppgifter: sekretessmarkering"),),
            sentence="Namn, adress, telefon och närstående visas inte. Post via Skatteverket.",
            links=(Link("Visa kontaktväg (loggas)", "?"),),
            actions=actions,
        ),
        Band(
            name="Lundin, Sven",
            identity="19380402-9878",
            age_text="blev 88 år",
            sex_text="man",
            is_deceased=True,
            tags=(Tag("danger", "cross", "Avliden 2026-10-29"),),
            sentence="Bokningar stoppade. 1 kallelse återkallad. Ingen post skickas.",
            actions=actions[1:],
        ),
        Band(
            name="Okänd, Man",
            identity="R26-004711",
            identity_kind="Reservnummer",
            is_code=True,
            age_text="ca 40 år",
            sex_text="man",
            tags=(Tag("warn", "warn", "Reservnummer, identitet ej fastställd"),),
            links=(Link("Koppla till personnummer", "?"),),
            actions=actions,
        ),
        Band(
            name="Yıldız, Şirin",
            identity="20010905-9840",
            age_text="25 år",
            sex_text="kvinna",
            tags=(Tag("info", "link", "Länkad: tidigare samordningsnummer, 1 till"), Tag("info", "", "Under 18")),
            links=(Link("Visa länkade identiteter", "?"),),
            changed="Ändrad av M. Ek 09:43.",
            actions=actions,
        ),
    ]
