"""The envelope: written, read, and bounded. XML from others is read without entities, network or document types."""

from lxml import etree

ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
REGISTRY = "urn:riv:itintegration:registry:1"
FAULT_CODES = ("Client", "Server", "MustUnderstand", "VersionMismatch")
CONTENT_TYPE = "text/xml; charset=utf-8"


class NotUnderstood(Exception):
    """What was received is no message that can be read. `why` is a word for logs, never a part of the message."""

    def __init__(self, why):
        super().__init__(why)
        self.why = why


class Fault(Exception):
    """A SOAP fault. Only its code is kept: the text of a fault is written by others and may name a person."""

    def __init__(self, code):
        super().__init__(f"SOAP fault: {code}")
        self.code = code

    @property
    def is_ours(self):
        """Whether the fault says that the request itself was wrong."""
        return self.code == "Client"


def parse(body):
    """The root element of bytes from somebody else. Raises NotUnderstood."""
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError):
        raise NotUnderstood("not XML") from None
    if root.getroottree().docinfo.doctype:
        raise NotUnderstood("a document type")
    return root


def envelope(content, *, logical_address=""):
    """The bytes of a message with `content`, an element, in its body."""
    root = etree.Element(f"{{{ENVELOPE}}}Envelope", nsmap={"soapenv": ENVELOPE, "itr": REGISTRY})
    if logical_address:
        header = etree.SubElement(root, f"{{{ENVELOPE}}}Header")
        etree.SubElement(header, f"{{{REGISTRY}}}LogicalAddress").text = logical_address
    etree.SubElement(root, f"{{{ENVELOPE}}}Body").append(content)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def fault(code, text):
    """The bytes of a fault."""
    content = etree.Element(f"{{{ENVELOPE}}}Fault", nsmap={"soapenv": ENVELOPE})
    etree.SubElement(content, "faultcode").text = f"soapenv:{code}"
    etree.SubElement(content, "faultstring").text = text
    return envelope(content)


def opened(body):
    """(logical address, the element in the body) of a message. Raises NotUnderstood, or Fault."""
    root = parse(body)
    if root.tag != f"{{{ENVELOPE}}}Envelope":
        raise NotUnderstood("no envelope")
    inside = root.find(f"{{{ENVELOPE}}}Body")
    if inside is None or not len(inside):
        raise NotUnderstood("no body")
    content = inside[0]
    if content.tag == f"{{{ENVELOPE}}}Fault":
        code = (content.findtext("faultcode") or "").rpartition(":")[2].strip()
        raise Fault(code if code in FAULT_CODES else "of another kind")
    address = root.findtext(f"{{{ENVELOPE}}}Header/{{{REGISTRY}}}LogicalAddress") or ""
    return address.strip(), content
