"""Reading code lists (KL-05): every format gives the same rows, which are then compared and let into effect.

reader → rows → compare → take effect. Readers and the comparison are pure: no database, no clock."""
