from django.apps import AppConfig


class OutboxConfig(AppConfig):
    name = "sdv.outbox"
    label = "outbox"
    verbose_name = "Meddelanden ut"
