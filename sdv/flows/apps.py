from django.apps import AppConfig


class FlowsConfig(AppConfig):
    name = "sdv.flows"
    label = "flows"
    verbose_name = "Flöden"
