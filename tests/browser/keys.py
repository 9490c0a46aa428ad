"""Keys as a person presses them, counted against the budgets of ui.md. Typed data is not counted."""


class Keys:
    """`keys.press("U", "1")` counts each; `keys.type("1234")` does not."""

    def __init__(self, page):
        self.page = page
        self.count = 0

    def press(self, *names):
        for name in names:
            self.page.keyboard.press(name)
            self.count += 1

    def type(self, text):
        self.page.keyboard.type(text)
