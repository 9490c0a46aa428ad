// Comboboxes and the palette (Ctrl+K): input[role=combobox][data-url]; the server answers with role=option rows.
// POST q, so that nothing typed lands in an address. A late answer to an earlier key is dropped.
const boxes = new WeakMap();
const listOf = (input) => document.getElementById(input.getAttribute("aria-controls"));
const optionsOf = (input) => [...listOf(input).querySelectorAll("[role=option]")];
const valueOf = (input) => input.form?.querySelector(`[data-value-of="${input.id}"]`);

function mark(input, option) {
  for (const each of optionsOf(input)) each.setAttribute("aria-selected", String(each === option));
  if (option) { input.setAttribute("aria-activedescendant", option.id); option.scrollIntoView({ block: "nearest" }); }
  else input.removeAttribute("aria-activedescendant");
}

function shut(input) {
  const list = listOf(input);
  if (input.closest(".palette")) return;
  list.hidden = true;
  input.setAttribute("aria-expanded", "false");
  mark(input, null);
}

async function ask(input, first) {
  const text = input.value.trim();
  const list = listOf(input);
  boxes.get(input)?.abort();
  if (text.length < Number(input.dataset.min ?? 0)) return shut(input);
  const control = new AbortController();
  boxes.set(input, control);
  const body = new URLSearchParams({ q: text, mode: input.dataset.mode ?? "" });
  const headers = { "X-CSRFToken": document.querySelector("[name=csrfmiddlewaretoken]")?.value ?? "", "HX-Request": "true" };
  try {
    const answer = await fetch(input.dataset.url, { method: "POST", body, headers, signal: control.signal });
    if (!answer.ok) throw new Error(String(answer.status));
    list.innerHTML = await answer.text();
  } catch (error) {
    if (error.name === "AbortError") return;
    list.textContent = "Sökningen svarar inte just nu. Försök igen.";
  }
  list.hidden = false;
  input.setAttribute("aria-expanded", "true");
  mark(input, text || first ? optionsOf(input)[0] : null);
}

function take(input, option) {
  if (option.dataset.href) { location.assign(option.dataset.href); return; }
  const value = valueOf(input);
  if (value) value.value = option.dataset.value ?? "";
  input.value = option.dataset.text ?? "";
  shut(input);
  if ("add" in input.dataset) { input.form.requestSubmit(); input.value = ""; }
  else input.dispatchEvent(new Event("change", { bubbles: true }));
}

let pause;
document.addEventListener("input", (event) => {
  const input = event.target;
  if (input.getAttribute?.("role") !== "combobox") return;
  const value = valueOf(input);
  if (value) value.value = "";
  clearTimeout(pause);
  pause = setTimeout(() => ask(input), 80);
});

document.addEventListener("keydown", (event) => {
  const input = event.target;
  if (input.getAttribute?.("role") !== "combobox" || event.ctrlKey) return;
  const options = optionsOf(input);
  const at = options.findIndex((each) => each.getAttribute("aria-selected") === "true");
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    if (listOf(input).hidden) return ask(input, true);
    const to = event.key === "ArrowDown" ? at + 1 : at - 1;
    mark(input, options[(to + options.length) % options.length] ?? null);
  } else if (event.key === "Enter" && at >= 0 && !listOf(input).hidden) {
    event.preventDefault();
    take(input, options[at]);
  } else if (event.key === "Enter" && input.closest(".palette")) event.preventDefault();
  else if (event.key === "Escape" && !listOf(input).hidden && !input.closest(".palette")) {
    event.preventDefault();
    shut(input);
  }
});

document.addEventListener("mousedown", (event) => {
  const option = event.target.closest?.("[role=option]");
  if (!option) return;
  event.preventDefault();
  take(document.querySelector(`[aria-controls="${option.closest("[role=listbox]").id}"]`), option);
});
document.addEventListener("focusout", (event) => {
  if (event.target.getAttribute?.("role") === "combobox") shut(event.target);
});

// Enter before the answer came: what was typed is sent as it stands, and no list opens after it.
document.addEventListener("submit", (event) => {
  for (const input of event.target.querySelectorAll("[role=combobox][data-add]")) {
    clearTimeout(pause);
    boxes.get(input)?.abort();
    shut(input);
  }
});

// The palette: Ctrl+K searches everything, F2 patients only.
const palette = document.getElementById("palette");
const field = palette?.querySelector("[role=combobox]");
function openPalette(mode) {
  if (!palette) return;
  field.dataset.mode = mode;
  field.value = "";
  if (!palette.open) palette.showModal();
  field.focus();
  ask(field);
}
document.addEventListener("click", (event) => { if (event.target.closest?.("[data-palette]")) openPalette(""); });
document.addEventListener("palette", (event) => openPalette(event.detail));
