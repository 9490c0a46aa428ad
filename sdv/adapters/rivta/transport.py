"""One call: HTTP over mutual TLS, bounded in time and size, tried again with back-off where somebody can wait, and not
tried at all for a while when the other side is dead (PA-04: a dead register never slows the reception)."""

import random
import threading
import time
from dataclasses import dataclass

import urllib3

from .soap import CONTENT_TYPE, Fault, NotUnderstood, opened

LARGEST_ANSWER = 32 * 1024 * 1024
CHUNK = 64 * 1024


class CallFailed(Exception):
    """No usable answer. `why` is a word for logs; `may_pass` where another try may succeed."""

    def __init__(self, why, *, may_pass=True):
        super().__init__(why)
        self.why = why
        self.may_pass = may_pass


@dataclass(frozen=True)
class Patience:
    """How long one call may take, and how often it is tried."""

    connect: float
    answer: float
    tries: int = 1
    first_wait: float = 1.0

    def wait_before(self, attempt):
        """Seconds before the attempt (from 2): doubled each time, and somewhere in the upper half, so that those who
        failed together do not come back together."""
        return self.first_wait * 2 ** (attempt - 2) * random.uniform(0.5, 1.0)


class Breaker:
    """Opens at a failure and lets one call through when it has rested; closed again by a success."""

    def __init__(self, rest):
        self.rest = rest
        self._lock = threading.Lock()
        self._closed_again_at = None

    def let_through(self):
        """Whether a call may be made now. While it rests only one caller per rest finds out."""
        with self._lock:
            if self._closed_again_at is None:
                return True
            if time.monotonic() < self._closed_again_at:
                return False
            self._closed_again_at = time.monotonic() + self.rest
            return True

    def tell(self, *, worked):
        with self._lock:
            self._closed_again_at = None if worked else time.monotonic() + self.rest


class Transport:
    """Calls of one address. Connections are kept between calls; safe for threads."""

    def __init__(self, address, *, certificate="", key="", authorities="", largest_answer=LARGEST_ANSWER):
        self.address = address
        self.largest_answer = largest_answer
        options = {"maxsize": 8, "block": False, "retries": False}
        if address.startswith("https:"):
            options |= {
                "cert_reqs": "CERT_REQUIRED",
                "ca_certs": authorities or None,
                "cert_file": certificate or None,
                "key_file": key or None,
                "ssl_minimum_version": 0x0303,  # TLS 1.2
            }
        self._pool = urllib3.PoolManager(**options)

    def call(self, body, *, action, headers, patience):
        """The element in the answer's body. Raises CallFailed."""
        for attempt in range(1, patience.tries + 1):
            if attempt > 1:
                time.sleep(patience.wait_before(attempt))
            try:
                return self._once(body, action, headers, patience)
            except CallFailed as failure:
                if not failure.may_pass or attempt == patience.tries:
                    raise
        raise AssertionError("at least one try")

    def _once(self, body, action, headers, patience):
        ends = time.monotonic() + patience.connect + patience.answer
        try:
            response = self._pool.request(
                "POST",
                self.address,
                body=body,
                headers={"Content-Type": CONTENT_TYPE, "SOAPAction": f'"{action}"', **headers},
                timeout=urllib3.Timeout(connect=patience.connect, read=patience.answer),
                preload_content=False,
                redirect=False,
                retries=False,
            )
        except urllib3.exceptions.HTTPError as error:
            raise CallFailed(type(error).__name__) from None
        try:
            return self._understood(response, self._whole(response, ends))
        finally:
            response.close()

    def _whole(self, response, ends):
        """The body, within its time and size: somebody who sends a byte now and then is as slow as silence."""
        parts, size = [], 0
        try:
            while part := response.read1(CHUNK):
                parts.append(part)
                size += len(part)
                if size > self.largest_answer:
                    raise CallFailed("too large an answer", may_pass=False)
                if time.monotonic() > ends:
                    raise CallFailed("too slow an answer")
        except urllib3.exceptions.HTTPError as error:
            raise CallFailed(type(error).__name__) from None
        return b"".join(parts)

    def _understood(self, response, body):
        if response.status not in (200, 500):
            raise CallFailed(f"HTTP {response.status}", may_pass=response.status >= 500 or response.status == 429)
        kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if kind not in ("text/xml", "application/xml"):
            raise CallFailed("HTTP 500" if response.status == 500 else "not XML by its content type")
        try:
            content = opened(body)[1]
        except Fault as fault:
            raise CallFailed(f"SOAP fault {fault.code}", may_pass=not fault.is_ours) from None
        except NotUnderstood as error:
            raise CallFailed(error.why) from None
        if response.status == 500:
            raise CallFailed("HTTP 500")
        return content
