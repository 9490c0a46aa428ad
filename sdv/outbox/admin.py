"""What goes out, and how far it has come: looked at, changed by the work alone. Ids and codes, never who somebody is."""

from django.contrib import admin

from sdv.accounts.administration import CountedToALimit, ReadOnlyAdmin, site

from .models import OutboxMessage


@admin.register(OutboxMessage, site=site)
class OutboxMessageAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "topic", "delivered_at", "stopped_at", "attempts", "due_at", "last_error")
    list_filter = ("topic", ("delivered_at", admin.EmptyFieldListFilter), ("stopped_at", admin.EmptyFieldListFilter))
    fields = ("topic", "subject_id", "payload", *list_display[2:], "created_at")
    ordering = ("-id",)
    paginator = CountedToALimit
    show_full_result_count = False
    search_fields = ("=subject_id",)
    search_help_text = "Intern id för det som meddelandet avser, som i vårdhändelsens adress"
