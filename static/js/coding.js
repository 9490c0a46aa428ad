// The codes of a contact: Alt+↑ and Alt+↓ press the row's own buttons; focus follows the row through the swap.
let follow;
const STEPS = { ArrowUp: "up", ArrowDown: "down" };
document.addEventListener("keydown", (event) => {
  const row = event.target.closest?.("[data-order] li");
  const step = STEPS[event.key];
  if (!row || !step || !event.altKey) return;
  event.preventDefault();
  row.querySelector(`[data-move="${step}"]`)?.click();
});
document.addEventListener("click", (event) => {
  const button = event.target.closest?.(".codes button");
  if (button) follow = button.id;
});
document.addEventListener("htmx:after:swap", () => {
  if (!follow || document.activeElement !== document.body) return;
  (document.getElementById(follow) ?? document.querySelector("main [role=combobox]"))?.focus();
  follow = undefined;
});
