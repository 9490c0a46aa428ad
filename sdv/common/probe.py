"""`python -m sdv.common.probe`: the container's own question whether its web process lives. Imports no Django."""

import http.client
import os
import sys


def answers(port=8000, path="/health/live"):
    """Whether the web process in this container answers, asked by a name it accepts."""
    host = os.environ.get("SDV_ALLOWED_HOSTS", "localhost").split(",")[0].strip().lstrip(".")
    asking = http.client.HTTPConnection("127.0.0.1", port, timeout=4)
    try:
        asking.request("GET", path, headers={"Host": host})
        return asking.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        asking.close()


if __name__ == "__main__":
    sys.exit(0 if answers() else 1)
