// The codes of a contact: after a button in the list was pressed, focus follows its row through the swap, or goes back
// to the field. (Alt+↑ and Alt+↓ press the row's own buttons: shortcuts.js.)
let follow;
document.addEventListener("click", (event) => {
  const button = event.target.closest?.(".codes button");
  if (button) follow = button.id;
});
document.addEventListener("htmx:after:swap", () => {
  if (!follow || document.activeElement !== document.body) return;
  (document.getElementById(follow) ?? document.querySelector("main [role=combobox]"))?.focus();
  follow = undefined;
});
