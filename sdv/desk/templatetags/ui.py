"""What the components are made of: arguments that fail loudly, statuses with word, icon and tone, and the Swedish
forms of dates and sums."""

import re
from functools import lru_cache

from django import template
from django.conf import settings
from django.contrib.staticfiles.storage import staticfiles_storage
from django.utils.formats import number_format
from django.utils.html import conditional_escape, format_html_join
from django.utils.safestring import mark_safe

from sdv.common.dates import long_date as long_date_text
from sdv.common.time import local
from sdv.desk.statuses import STATUSES

register = template.Library()

TONES = {"", "info", "ok", "warn", "danger", "busy", "plain", "guard"}
PASSED_ON = ("data-", "aria-", "hx-")


class ComponentError(Exception):
    """A component was used wrongly: an argument is missing, unknown or has no value. Never shown to a user."""


@register.simple_tag(takes_context=True)
def require(context, *names):
    """First in every component: raises where a required argument is missing, where an argument is unknown, and where
    an argument names a variable that does not exist. Attributes for htmx, ARIA and data are passed on."""
    attrs = context["attrs"]
    component = context["cotton_data"]["stack"][-1]["key"]
    if attrs._unprocessable:
        raise ComponentError(f"<c-{component}>: {', '.join(attrs._unprocessable)} names nothing in the context")
    missing = [name for name in names if _is_empty(context.get(name.replace("-", "_")))]
    if missing:
        raise ComponentError(f"<c-{component}> needs {', '.join(missing)}")
    known = {name.replace("_", "-") for name in names} | set(names)
    unknown = [key for key in attrs.attrs_dict() if key not in known and not key.startswith(PASSED_ON)]
    if unknown:
        raise ComponentError(f"<c-{component}> does not know {', '.join(unknown)}")
    return ""


def _is_empty(value):
    return value is None or (isinstance(value, str) and not value.strip())


@register.simple_tag(takes_context=True)
def page_title(context):
    """The tab's title: never a name, "Fel: " first when a form needs correcting."""
    heading = context.get("title") or context.get("heading")
    if not heading:
        raise ComponentError("the page has no heading: the view gives it")
    wrong = "Fel: " if getattr(context.get("form"), "errors", None) else ""
    return f"{wrong}{heading} – SDV Registrering"


@register.filter
def message_tone(message):
    """The tone of a message of Django's message framework."""
    return {"success": "ok", "warning": "warn", "error": "danger"}.get(message.level_tag, "info")


@register.simple_tag
def require_attributes(thing, *names):
    """Raises where a presenter object lacks an attribute its component reads: templates would stay silent."""
    lacking = [name for name in names if not hasattr(thing, name)]
    if lacking:
        raise ComponentError(f"{type(thing).__name__} lacks {', '.join(lacking)}")
    return ""


@register.filter
def has_echo(attrs):
    """Whether a widget's attributes mark it as a date or a time, whose meaning is shown back."""
    return "data-date" in attrs or "data-time" in attrs


@register.simple_tag(takes_context=True)
def passed_on(context):
    """The htmx, ARIA and data attributes given to a component, escaped (cotton's own `attrs` is not)."""
    given = ((key, value) for key, value in context["attrs"].attrs_dict().items() if key.startswith(PASSED_ON))
    return format_html_join(
        "", " {}", ((_attribute(key, value),) for key, value in given if value is not False and value is not None)
    )


def _attribute(key, value):
    if value is True:
        return mark_safe(conditional_escape(key))
    return mark_safe(f'{conditional_escape(key)}="{conditional_escape(value)}"')


@lru_cache(maxsize=1)
def icon_names():
    """The symbols of the icon sheet."""
    sheet = (settings.BASE_DIR / "static" / "icons.svg").read_text(encoding="utf-8")
    return frozenset(re.findall(r'<symbol id="([a-z-]+)"', sheet))


@register.simple_tag
def icon_url(name):
    """The address of one symbol; an unknown name is an error, not an empty square."""
    if name not in icon_names():
        raise ComponentError(f"no icon is called {name!r}; there are {', '.join(sorted(icon_names()))}")
    return f"{staticfiles_storage.url('icons.svg')}#{name}"


@register.simple_tag
def tone_class(tone):
    """A tone's class, with a leading space; unknown tones are refused."""
    if tone not in TONES:
        raise ComponentError(f"no tone is called {tone!r}; there are {', '.join(sorted(TONES))}")
    return f" {tone}" if tone else ""


@register.simple_tag
def status_look(kind, status):
    """The Look (label, tone, icon) of a status; the only place where a status gets a colour."""
    try:
        return STATUSES[kind][str(status)]
    except KeyError:
        raise ComponentError(f"no look for status {status!r} of {kind!r} (sdv/desk/statuses.py)") from None


@register.simple_tag
def widget(field, **attrs):
    """A bound field's widget with the look of our fields; describedby and invalid come from Django."""
    attrs = {key.replace("_", "-"): value for key, value in attrs.items() if value not in ("", None, False)}
    if widget_kind(field) in {"text", "select", "textarea"}:
        attrs["class"] = f"{field.field.widget.attrs.get('class', '')} input".strip()
    return field.as_widget(attrs=attrs)


@register.filter
def widget_kind(field):
    """How a bound field is laid out: text, select, textarea, checkbox, radios or hidden."""
    drawn = field.field.widget
    if drawn.is_hidden:
        return "hidden"
    if getattr(drawn, "input_type", "") == "checkbox" and not getattr(drawn, "allow_multiple_selected", False):
        return "checkbox"
    if getattr(drawn, "input_type", "") in {"radio", "checkbox"}:
        return "radios"
    if getattr(drawn, "input_type", "") == "select":
        return "select"
    return "text" if hasattr(drawn, "input_type") else "textarea"


@register.filter
def summary_of(form):
    """What an error summary lists of a form or a formset: (id of the field, its label, the sentence)."""
    forms = getattr(form, "forms", [form])
    found = [("", "", text) for text in getattr(form, "non_form_errors", list)()]
    for each in forms:
        found += [("", "", text) for text in each.non_field_errors()]
        for bound in each:
            found += [(_target(bound), bound.label, text) for text in bound.errors]
    return found


def _target(bound):
    """The id that a link to the field jumps to; a group of choices is reached through its first choice."""
    return f"{bound.auto_id}_0" if widget_kind(bound) == "radios" else bound.id_for_label


@register.filter
def day(value):
    """2026-11-17. Moments are taken on Stockholm's clock."""
    if value is None or value == "":
        return ""
    return (local(value).date() if hasattr(value, "tzinfo") and value.tzinfo else value).strftime("%Y-%m-%d")


@register.filter
def clock(value):
    """09:45 on Stockholm's clock."""
    if value is None or value == "":
        return ""
    return (local(value) if getattr(value, "tzinfo", None) else value).strftime("%H:%M")


@register.filter
def moment(value):
    """2026-11-17 09:45 on Stockholm's clock."""
    return f"{day(value)} {clock(value)}" if value else ""


@register.filter
def long_date(value):
    """tisdag 17 november 2026."""
    if not value:
        return ""
    return long_date_text(local(value).date() if getattr(value, "tzinfo", None) else value)


@register.filter
def kronor(value):
    """1 450 kr; öre only where there are any."""
    if value is None or value == "":
        return ""
    decimals = 0 if value == int(value) else 2
    return f"{number_format(value, decimal_pos=decimals, force_grouping=True)} kr".replace(" ", "\N{NO-BREAK SPACE}")
