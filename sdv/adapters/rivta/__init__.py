"""RIV-TA 2.1: national contracts as SOAP 1.1 over mutual TLS, addressed by a logical address in the header."""
