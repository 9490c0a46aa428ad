// Dialogs: dialog#dialog is filled by htmx and opened; what is open closes with Esc or [data-close].
// Outcomes: 1–4 choose, then a digit chooses the reason; Ctrl+Enter is the primary button.
let opener;
const dialog = document.getElementById("dialog");

function open(which) {
  if (!which || which.open) return;
  opener = document.activeElement;
  which.showModal();
  which.querySelector("[data-focus], [autofocus], .outcomes input:checked, .outcomes input, .main input, .main select")?.focus();
}

function panels(root) {
  for (const input of root.querySelectorAll("[data-panel]")) {
    const panel = document.getElementById(input.dataset.panel);
    if (panel) panel.hidden = panel.disabled = !input.checked;
  }
}

// An error summary or a refusal takes the focus when it comes, and only then.
function focusOnce() {
  const place = document.querySelector("dialog[open]") ?? document.querySelector("main");
  const wanted = place?.querySelector("[data-focus]");
  wanted?.removeAttribute("data-focus");
  wanted?.focus();
}

function choose(input) {
  input.checked = true;
  input.focus();
  input.dispatchEvent(new Event("change", { bubbles: true }));
}

document.addEventListener("change", (event) => {
  if (!event.target.closest?.(".outcomes")) return;
  panels(event.target.form ?? document);
});

document.addEventListener("keydown", (event) => {
  const root = event.target.closest?.("dialog, form");
  if (event.key === "Enter" && event.ctrlKey) {
    const inside = document.querySelector("dialog[open]") ?? root ?? document;
    const key = event.shiftKey ? "Ctrl Shift Enter" : "Ctrl Enter";
    const button = inside.querySelector(`[data-key="${key}"]`) ?? (event.shiftKey ? null : inside.querySelector(".btn.primary") ?? event.target.form?.querySelector("[type=submit]"));
    if (button) { event.preventDefault(); button.click(); }
    return;
  }
  if (!/^[1-9]$/.test(event.key) || event.ctrlKey || event.altKey || event.metaKey || !root) return;
  if (event.target.matches("input:not([type=radio], [type=checkbox]), textarea")) return;
  const at = Number(event.key) - 1;
  const reasons = [...root.querySelectorAll("[data-reasons]")].find((each) => each.offsetParent);
  const chosen = root.querySelector(".outcomes input:checked");
  if (reasons && chosen) {
    if (reasons.matches("select")) {
      const option = [...reasons.options].filter((each) => each.value)[at];
      if (option) { reasons.value = option.value; reasons.focus(); }
    } else { const input = reasons.querySelectorAll("input[type=radio]")[at]; if (input) choose(input); }
    event.preventDefault();
    return;
  }
  const input = root.querySelectorAll(".outcomes input")[at];
  if (!input || input.disabled) return;
  event.preventDefault();
  choose(input);
});

document.addEventListener("click", (event) => {
  const named = event.target.closest?.("[data-open]");
  if (named) return open(document.getElementById(named.dataset.open));
  const close = event.target.closest?.("[data-close]");
  const inside = close?.closest("dialog");
  if (inside) { event.preventDefault(); if (inside.dispatchEvent(new Event("cancel", { cancelable: true }))) inside.close(); }
});

// A saved dialog answers with the header HX-Trigger: close-dialog.
document.addEventListener("close-dialog", () => dialog?.close());
document.addEventListener("htmx:after:swap", (event) => {
  const { request, response } = event.detail?.ctx ?? {};
  if (request?.method !== "GET" && response?.raw.ok) for (const each of document.querySelectorAll(".refusal")) each.replaceChildren();
  if (dialog?.childElementCount && !dialog.open) open(dialog);
  panels(document);
  focusOnce();
});
document.addEventListener("htmx:error", () => {
  const place = document.querySelector("dialog[open] .refusal, body:not(:has(dialog[open])) .refusal");
  const note = document.createElement("p");
  note.className = "notice danger";
  note.setAttribute("role", "alert");
  note.textContent = "Ingen kontakt med servern. Det du skrivit är kvar. Försök igen.";
  place?.replaceChildren(note);
});
dialog?.addEventListener("close", () => {
  dialog.replaceChildren();
  const back = opener?.isConnected ? opener : document.getElementById(opener?.id);
  (back ?? document.querySelector("[data-list] tr[aria-current] .who"))?.focus();
});

panels(document);
focusOnce();
