from django.apps import AppConfig


class OrganisationConfig(AppConfig):
    name = "sdv.organisation"
    label = "organisation"
    verbose_name = "Organisation"
