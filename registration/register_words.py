"""What the population register's codes mean at the desk (integration.md 2.2). A code that is not here is shown as it was
told."""

# Navet's codes with what they mean at the desk; one that is not known is shown as it was told (integration.md 2.2).
DEREGISTERED = {
    "AV": "avliden",
    "UV": "utvandrad",
    "GN": "har fått nytt personnummer",
    "AN": "annan anledning",
    "OB": "försvunnen eller obefintlig",
    "TA": "tekniskt avregistrerad",
    "AS": "avslutad",
    "GS": "har fått nytt samordningsnummer",
    "FI": "falsk identitet",
}

# How sure the identity behind a samordningsnummer is, what has become of the number, and why.
LEVELS = {"STYRKT": "styrkt", "SANNOLIK": "sannolik", "OSAKER": "osäker", "INTE_TILLAMPLIG": "inte tillämplig"}
REGISTER_STATUSES = {
    "AKTIVT": "aktivt",
    "VILANDEFORKLARAT": "vilande",
    "VILANDEFORKLARAT_STANGT": "vilande och stängt",
    "AVREGISTRERAT": "avregistrerat",
    "EJ_AKTUELLT": "ej aktuellt",
}
CAUSES = {
    "TIDSFRIST": "tidsfristen har gått ut",
    "ANNAN_ORSAK": "annan orsak",
    "AVLIDEN": "personen är avliden",
    "ERSATT": "numret är ersatt",
    "FELAKTIGT_REGISTERAT": "felaktigt registrerat",
}
