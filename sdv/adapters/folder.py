"""The channel until a real one takes over: one JSON file per message in SDV_OUTBOX_FOLDER, named by the message's id."""

import json
import os
from pathlib import Path

from django.conf import settings


class FolderChannel:
    """Writes beside and renames, so a reader never sees half a file; the same message writes the same file again."""

    def __init__(self, folder=None):
        self.folder = Path(folder or settings.SDV_OUTBOX_FOLDER)

    def deliver(self, message):
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        told = {
            "id": str(message.id),
            "topic": message.topic,
            "subject": str(message.subject_id),
            "created_at": message.created_at.isoformat(),
            "payload": message.payload,
        }
        unfinished = self.folder / f".{message.id}.{os.getpid()}"
        unfinished.write_text(json.dumps(told, ensure_ascii=False), encoding="utf-8")
        os.replace(unfinished, self.folder / f"{message.id}.json")
