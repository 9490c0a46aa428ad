"""The outbox channel of the settings: each message to the one whom its topic concerns, where there is an address, else to
the folder."""

from functools import cached_property

from django.conf import settings

from .folder import FolderChannel
from .patients import channel as patients
from .rivta import engagement_index


class ByTopic:
    """Each channel is made when it is first needed."""

    def deliver(self, message):
        if message.topic in engagement_index.TOPICS and settings.SDV_EI_ADDRESS:
            return self.index.deliver(message)
        if message.topic in patients.TOPICS:
            told = patients.told(message)
            if address := patients.address_of(message.topic):
                return self.patients.hand_over(address, message, told)
        return self.folder.deliver(message)

    @cached_property
    def index(self):
        return engagement_index.EngagementIndexChannel()

    @cached_property
    def patients(self):
        return patients.PatientChannel()

    @cached_property
    def folder(self):
        return FolderChannel()
