"""What may be sent to any door: a bound on the whole, asked before anything is read."""

from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadhandler import FileUploadHandler

MOST_BYTES = 100 * 1024 * 1024


class BoundedUpload(FileUploadHandler):
    """First among the handlers. A body larger than the largest list with its words is not read at all."""

    def handle_raw_input(self, input_data, META, content_length, boundary, encoding=None):
        if content_length > MOST_BYTES:
            raise RequestDataTooBig("upload larger than the bound")

    def receive_data_chunk(self, raw_data, start):
        return raw_data

    def file_complete(self, file_size):
        return None
