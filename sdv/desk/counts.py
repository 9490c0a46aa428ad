"""The numbers in the main menu: what is open at the unit and due. A page's url name → how it is counted.

Each function takes the care unit and answers with one indexed count; it runs only when a page draws the menu."""

COUNTS = {}
