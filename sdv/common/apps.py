from django.apps import AppConfig


class CommonConfig(AppConfig):
    name = "sdv.common"
    label = "common"
    verbose_name = "Gemensamt"
