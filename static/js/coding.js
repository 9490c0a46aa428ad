// The codes of a contact: after a button in the list was pressed, focus goes to the guide that it opened, follows its row
// through the swap, or goes back to the field; a code that was sent as typed is taken out of the field when it was
// understood. (Alt+↑ and Alt+↓ press the row's own buttons: shortcuts.js.)
const field = document.querySelector("main [role=combobox]");
let follow;
let sent;
document.addEventListener("click", (event) => {
  const button = event.target.closest?.(".codes button");
  if (button) follow = button.id;
});
document.addEventListener("submit", (event) => { if (event.target === field?.form) sent = field.value; });
document.addEventListener("htmx:after:swap", (event) => {
  if (field && field.value === sent && event.detail?.ctx?.response?.raw.ok) field.value = "";
  const guide = document.querySelector("#kodning select:not(#under)");
  if (!guide && document.activeElement !== document.body) return;
  (guide ?? document.getElementById(follow) ?? field)?.focus();
  follow = undefined;
});
