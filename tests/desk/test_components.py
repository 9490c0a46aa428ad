"""Components fail loudly, escape what they are given, and name their object for those who listen."""

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from django import forms
from django.contrib.auth.models import AnonymousUser
from django.template import engines
from django.urls import path

from registration.models import Patient
from sdv.accounts.permissions import Permission
from sdv.common.fields import SwedishDateField
from sdv.common.presenting import Band, Choice, Link, Option, OptionGroup, Step, Tag
from sdv.desk import counts, receipts
from sdv.desk.context import NAVIGATION, Frame
from sdv.desk.templatetags.ui import ComponentError, kronor, long_date, moment, summary_of
from sdv.desk.views import gallery
from tests import factories as make

NINE = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)


class Actor:
    """An actor that may what it is told."""

    def __init__(self, *permissions):
        self.permissions = permissions
        self.user = SimpleNamespace(name="Maria Ek")
        self.care_unit = SimpleNamespace(name="Psykiatrimottagning Nord", kind="specialistmottagning")
        self.assignment = SimpleNamespace(role="receptionist", get_role_display=lambda: "Receptionist")

    def may(self, permission):
        return permission in self.permissions


@pytest.fixture
def request_at(rf, settings):
    """A GET as the middleware hands it to a view."""
    settings.ROOT_URLCONF = __name__

    def make(address="/", *permissions, **headers):
        request = rf.get(address, headers=headers)
        request.actor = Actor(*permissions)
        request.user = AnonymousUser()
        request.session = {}
        request.id = "abcdef12"
        return request

    return make


PAGES = ("day", "patients", "booking-requests")
urlpatterns = [
    path(f"{page.url_name}/", gallery.gallery, name=page.url_name) for page in NAVIGATION if page.url_name in PAGES
]


@pytest.fixture
def drawn(request_at):
    """HTML of a template text."""

    def draw(text, **context):
        template = engines["django"].engine.from_string(compiled(text))
        return template.render(template_context(request_at(), context))

    return draw


def compiled(text):
    from django_cotton.compiler_regex import CottonCompiler

    return CottonCompiler().process(text)


def template_context(request, context):
    from django.template import RequestContext

    return RequestContext(request, context)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('<c-action-button label="Ankomst" url="/x/" />', "needs about"),
        ('<c-action-button label="" url="/x/" about="A" />', "needs label"),
        ("<c-patient-band />", "needs band"),
        ('<c-tag tonne="warn" text="Tolk" />', "does not know tonne"),
        ('<c-tag tone="pink" text="Tolk" />', "no tone is called 'pink'"),
        ('<c-icon name="hearts" />', "no icon is called 'hearts'"),
        ('<c-status-tag status="lost" />', "no look for status 'lost'"),
        ('<c-tag :text="nowhere.at.all" />', "text names nothing in the context"),
        ('<c-tag :text="rows|length" />', "text names nothing in the context"),
    ],
)
def test_a_component_used_wrongly_says_so(drawn, text, complaint):
    with pytest.raises(ComponentError, match=complaint):
        drawn(text, rows=[1])


def test_a_component_does_not_see_the_page_around_it(drawn):
    with pytest.raises(ComponentError, match="needs about"):
        drawn('<c-action-button label="Ankomst" url="/x/" />', about="Abdi, Hodan")


def test_a_presenter_without_what_the_band_reads_is_refused(drawn):
    with pytest.raises(ComponentError, match="SimpleNamespace lacks identity"):
        drawn('<c-patient-band :band="band" />', band=SimpleNamespace(name="A"))


def test_a_name_is_text_wherever_it_is_put(drawn):
    name = '"><script>alert(1)</script>'
    html = drawn(
        '<c-action-button label="{{ name }}" :about="name" :url="name" data-x="{{ name }}" :data-y="name" :fields="f" />',
        name=name,
        f={"n": name},
    )
    assert "<script>" not in html
    assert html.count("&quot;&gt;&lt;script&gt;") == 6


def test_a_button_names_its_object_and_posts_with_the_token(drawn):
    html = drawn('<c-action-button label="Ankomst" url="/x/" about="Abdi, Hodan" key="Enter" hide-key small />')
    assert 'method="post" action="/x/"' in html
    assert "csrfmiddlewaretoken" in html
    assert 'Ankomst<span class="vh">, Abdi, Hodan</span>' in html
    assert 'data-key="Enter"' in html and "<kbd>" not in html


def test_a_refused_button_says_why_and_cannot_be_pressed(drawn):
    html = drawn('<c-action-button label="Checka ut" url="/x/" about="Ek, Bo" refused="Saknar ankomst" />')
    assert 'aria-disabled="true"' in html and "Saknar ankomst" in html
    assert "<form" not in html and "/x/" not in html


def test_a_field_ties_hint_and_error_to_its_control(drawn):
    form = forms.Form({})
    form.fields["day"] = SwedishDateField(label="Bevakas senast")
    html = drawn('<c-field :field="field" />', field=form["day"])
    assert 'aria-describedby="id_day_helptext id_day_error"' in html
    assert 'id="id_day_helptext"' in html and 'id="id_day_error"' in html and 'id="id_day_echo"' in html
    assert 'aria-invalid="true"' in html and 'for="id_day"' in html


def test_a_field_by_hand_does_the_same(drawn):
    html = drawn('<c-date-field label="Från" name="from" error="Fel datum" />')
    assert 'aria-describedby="from_helptext from_error"' in html
    assert "data-date" in html and 'id="from_echo"' in html


def test_an_optional_field_says_so(drawn):
    form = forms.Form()
    form.fields["note"] = forms.CharField(label="Notering", required=False)
    assert "(valfritt)" in drawn('<c-field :field="field" />', field=form["note"])
    assert "(valfritt)" not in drawn('<c-field :field="field" no-mark />', field=form["note"])


def test_an_error_summary_links_to_each_field(drawn):
    wrong = gallery.ExampleForm({"identity": "x", "day": "31/11"})
    assert [target for target, _, _ in summary_of(wrong)] == ["id_day", "id_reason", "id_shown_0"]
    html = drawn('<c-error-summary :form="form" />', form=wrong)
    assert '<a href="#id_day">Bevakas senast: Dagen 31 finns inte i november 2026.' in html
    assert "data-focus" in html
    assert drawn('<c-error-summary :form="form" />', form=gallery.ExampleForm()).strip() == ""


def test_the_band_of_a_deceased_person_offers_no_booking(drawn):
    band = next(each for each in gallery.bands() if each.is_deceased)
    html = drawn('<c-patient-band :band="band" />', band=band)
    assert "band dead" in html and "Avliden 2026-10-29" in html and "Boka" not in html.replace("Bokningar", "")


def test_the_band_shows_a_number_as_it_is_written_and_copies_its_digits(drawn):
    html = drawn('<c-patient-band :band="band" />', band=Band(name="Abdi, Hodan", identity="19960322-9882"))
    assert '<dt class="vh">Personnummer</dt><dd class="pnr num">19960322-9882</dd>' in html
    assert 'data-copy="199603229882"' in html
    assert "b2" not in html


def test_outcomes_choose_nothing_beforehand_and_say_why_one_is_refused(drawn):
    choices = [Choice("close", "Avsluta"), Choice("none", "Uppföljning", refused="Redan avslutat.")]
    html = drawn('<c-outcomes legend="Utfall" name="outcome" :choices="choices" />', choices=choices)
    assert "checked" not in html and html.count("disabled") == 1 and "Redan avslutat." in html


def test_a_timeline_is_an_ordered_list_with_its_present_step(drawn):
    steps = [
        Step("Bokad", ("M. Ek",), tag=Tag("warn", "cal", "Ombokad")),
        Step("Pågår", (), "now"),
        Step("Klar", (), "next"),
    ]
    html = drawn('<c-timeline label="Förlopp" :steps="steps" />', steps=steps)
    assert html.count("<li") == 3 and html.count('aria-current="step"') == 1
    assert "Ombokad" in html and "(kommer)" in html


def test_options_carry_what_they_lead_to(drawn):
    groups = [
        OptionGroup("Koder", (Option("Depressiv episod", value="F32.1", code="F32.1"), Option("Dagen", href="/d/")))
    ]
    html = drawn('<c-options :groups="groups" />', groups=groups)
    assert 'data-value="F32.1"' in html and 'data-href="/d/"' in html
    assert len({option.split('"')[0] for option in html.split('role="option" id="')[1:]}) == 2


def test_chips_say_which_is_chosen(drawn):
    html = drawn(
        '<c-chips label="Filter" :items="i" />', i=[Link("Alla", "?", count=0, current=True), Link("Mina", "?m")]
    )
    assert html.count("aria-current") == 1 and "<b>0</b> Alla" in html


# --- The frame ------------------------------------------------------------------------------------------------


def test_the_menu_shows_what_the_assignment_may_see_and_where_one_is(request_at):
    request = request_at("/patients/abc/", Permission.VIEW_DAY, Permission.VIEW_PATIENTS)
    frame = Frame(request)
    assert [(item.label, item.current, item.count) for item in frame.navigation] == [
        ("Dagen", False, None),
        ("Patienter", True, None),
    ]


def test_a_count_is_asked_for_only_when_it_is_drawn(request_at, monkeypatch):
    asked = []
    monkeypatch.setitem(counts.COUNTS, "booking-requests", lambda unit: asked.append(unit.name) or 12)
    frame = Frame(request_at("/", Permission.VIEW_WORK_LISTS))
    (entry,) = frame.navigation
    assert asked == []
    assert entry.count == 12 and asked == ["Psykiatrimottagning Nord"]


def test_without_an_assignment_there_is_no_menu(request_at):
    request = request_at("/", *Permission)
    request.actor.assignment = None
    frame = Frame(request)
    assert (frame.navigation, frame.palette_url) == ([], "")


# --- The receipt ----------------------------------------------------------------------------------------------


def test_a_receipt_stays_until_the_next_and_can_be_undone_for_five_minutes(db, request_at, drawn, time_machine):
    """The session keeps whose it is, not the name: a protection that comes meanwhile is heeded (SK-05)."""
    request, patient = request_at(), make.patient(given_name="Göran", surname="Nilsson")
    assert receipts.last_receipt(request) is None
    receipts.leave_receipt(request, at=NINE, text="Ankomst registrerad för", whom=patient, undo_url="/undo/")
    assert "Nilsson" not in str(dict(request.session))
    time_machine.move_to(datetime(2026, 11, 21, 8, 5, tzinfo=UTC))
    receipt = receipts.last_receipt(request)
    assert (receipt.clock, receipt.text, receipt.whom, receipt.can_undo) == (
        "09:00",
        "Ankomst registrerad för",
        "Nilsson, Göran",
        True,
    )
    assert 'action="/undo/"' in drawn('<c-receipt :receipt="r" />', r=receipt)
    time_machine.move_to(datetime(2026, 11, 21, 8, 6, tzinfo=UTC))
    assert receipts.last_receipt(request).can_undo is False
    assert 'action="/undo/"' not in drawn('<c-receipt :receipt="r" />', r=receipt)
    Patient.objects.filter(pk=patient.pk).update(protection="sekretessmarkering")
    assert receipts.last_receipt(request).whom == "Sekretessmarkering"
    receipts.clear_receipt(request)
    assert receipts.last_receipt(request) is None


# --- Swedish forms --------------------------------------------------------------------------------------------


def test_moments_and_sums_are_said_in_swedish():
    assert moment(NINE) == "2026-11-21 09:00"
    assert long_date(NINE) == "lördag 21 november 2026"
    assert (kronor(1450), kronor(0), kronor(None)) == ("1\u00a0450\u00a0kr", "0\u00a0kr", "")
    assert kronor(99.5) == "99,50\u00a0kr"


def test_the_gallery_draws_every_component(request_at, settings):
    settings.SDV_DEMO = True
    response = gallery.gallery(request_at("/"))
    html = response.content.decode()
    assert response.status_code == 200
    assert html.count("<h1") == 1
    assert "Övningsmiljö – inga riktiga patienter" in html
    assert "<title>Komponenter – SDV Registrering</title>" in html


def test_the_gallery_is_not_shown_to_others_in_earnest(request_at, settings):
    settings.SDV_DEMO = False
    with pytest.raises(gallery.Http404):
        gallery.gallery(request_at("/"))


def test_every_status_of_the_models_has_a_look():
    """A status that nobody drew would stop a page."""
    from registration.lifecycle import Status
    from registration.models.commitment import CommitmentStatus
    from registration.models.referral import ReferralStatus
    from scheduling.models.appointment import AppointmentStatus
    from scheduling.models.work import AwaitedStatus, BookingRequestStatus, ItemStatus
    from sdv.desk.statuses import STATUSES

    kinds = {
        "encounter": Status,
        "appointment": AppointmentStatus,
        "request": BookingRequestStatus,
        "referral": ReferralStatus,
        "commitment": CommitmentStatus,
        "work_item": ItemStatus,
        "awaited": AwaitedStatus,
    }
    assert {kind: set(statuses.values) - set(STATUSES[kind]) for kind, statuses in kinds.items()} == {
        kind: set() for kind in kinds
    }
