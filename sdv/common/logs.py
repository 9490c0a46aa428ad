"""Log lines as JSON: time, level, logger, request id and a message that was written by us, never personal data.

An exception is told by its class and place: its text may quote what a user typed."""

import json
import logging
import traceback
from datetime import UTC, datetime

from .requests import REQUEST_ID

# Extra fields that may be logged; anything else given as `extra` is dropped.
SAFE_FIELDS = {"job", "count", "seconds", "status", "method", "route", "encounter", "message_id", "attempt", "log_id"}


class JsonFormatter(logging.Formatter):
    def format(self, record):
        line = {
            "at": datetime.fromtimestamp(record.created, tz=UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "request": REQUEST_ID.get(),
            "message": self.safe_message(record),
        }
        line.update({name: value for name, value in vars(record).items() if name in SAFE_FIELDS})
        if record.exc_info and record.exc_info[0]:
            frames = traceback.extract_tb(record.exc_info[2])
            line["exception"] = record.exc_info[0].__name__
            line["where"] = [
                f"{frame.filename.rsplit('/', 3)[-1]}:{frame.lineno}:{frame.name}" for frame in frames[-6:]
            ]
        return json.dumps(line, ensure_ascii=False, default=str)

    @staticmethod
    def safe_message(record):
        """Django's request logger puts the path in its message; paths hold opaque ids only, but query strings may
        hold filters, so everything from a question mark on is cut."""
        message = record.getMessage() if not record.exc_info else str(record.msg).split("%")[0].strip()
        return message.split("?", 1)[0]
