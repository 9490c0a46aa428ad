"""How pages answer forms: a sheet in the dialog or on a page of its own, and what was saved."""

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme

from sdv.desk.refusals import is_scripted


def sheet(request, template, context, *, status=200):
    """A form in the dialog where htmx asks for it, else the same form as a page. The template has a partial `sheet`;
    it is told `in_dialog`, and the heading's `level`."""
    in_dialog = is_scripted(request)
    context = context | {"in_dialog": in_dialog, "level": "2" if in_dialog else "1"}
    return render(request, f"{template}#sheet" if in_dialog else template, context, status=status)


def saved(request, url):
    """After something was saved: on to the address, which shows the receipt."""
    if not is_scripted(request):
        return HttpResponseRedirect(url)
    response = HttpResponse()
    response["HX-Redirect"] = url
    return response


def way_back(request, default):
    """The address on this site that a form was opened from (field `back`), or the default."""
    return on_this_site(request, request.POST.get("back") or request.GET.get("tillbaka")) or default


def on_this_site(request, given):
    """The address where it is one of this site, else an empty text."""
    is_ours = url_has_allowed_host_and_scheme(given, allowed_hosts={request.get_host()}, require_https=False)
    return given if is_ours else ""
