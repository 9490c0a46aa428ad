// Work lists: one tab stop, arrows move, letters and digits act only while the list has focus (WCAG 2.1.4).
// table[data-list]; each row has an id and a link .who; data-digits on the row is what digits filter on.
const letters = document.documentElement.dataset.shortcuts !== "off";
const visible = (list) => [...list.querySelectorAll("tbody .who")].filter((link) => !link.closest("tr").hidden);
const current = (list) => list.querySelector("tr[aria-current] .who") ?? visible(list)[0];
const mark = (row) => { const box = row.querySelector("[name=rad]"); if (box) box.checked = true; };
let typed = "";
let waiting;

function select(link, focus = true) {
  const list = link.closest("[data-list]");
  for (const other of list.querySelectorAll("tbody .who")) {
    other.tabIndex = other === link ? 0 : -1;
    other.closest("tr").toggleAttribute("aria-current", false);
  }
  link.closest("tr").setAttribute("aria-current", "true");
  if (focus) link.focus();
  clearTimeout(waiting);
  waiting = setTimeout(() => link.dispatchEvent(new CustomEvent("rowselect", { bubbles: true })), 120);
}

function filter(list, digits) {
  typed = digits;
  let left = 0;
  for (const row of list.querySelectorAll("tbody tr")) {
    row.hidden = digits !== "" && !(row.dataset.digits ?? "").includes(digits);
    if (!row.hidden) left += 1;
  }
  const status = list.parentNode.parentNode.querySelector("[data-filter-status]");
  if (status) {
    status.hidden = digits === "";
    status.textContent = digits === "" ? "" : `${left} ${left === 1 ? "rad" : "rader"} med ${digits}. Esc visar alla.`;
  }
  const link = visible(list)[0];
  if (digits && link && document.activeElement?.closest("tr")?.hidden !== false) select(link);
}

function prepare(list) {
  const links = [...list.querySelectorAll("tbody .who")];
  const chosen = current(list);
  for (const link of links) link.tabIndex = link === chosen ? 0 : -1;
  for (const button of list.querySelectorAll("tbody button:not(.who), tbody .act a")) if (!button.form?.matches("[data-edit]")) button.tabIndex = -1;
  if (typed && list.contains(document.activeElement)) filter(list, typed);
}

document.addEventListener("keydown", (event) => {
  const list = event.target.closest?.("[data-list]");
  if (!list || !event.target.classList.contains("who") || event.altKey || event.ctrlKey || event.metaKey) return;
  const links = visible(list);
  const at = links.indexOf(event.target);
  const step = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: links.length - 1, PageDown: at + 10, PageUp: at - 10 };
  const row = event.target.closest("tr");
  const key = event.key.length === 1 ? event.key.toUpperCase() : event.key;
  if (event.key in step) {
    const next = links[Math.max(0, Math.min(links.length - 1, step[event.key]))];
    if (event.shiftKey) [row, next.closest("tr")].forEach(mark);
    select(next);
  }
  else if (event.key === "Escape" && typed) filter(list, "");
  else if (event.key === "Backspace" && typed) filter(list, typed.slice(0, -1));
  else if (event.key === "Enter" || (letters && /^[\dA-ZÅÄÖ+-]$/.test(key))) {
    const selector = `[data-key="${key}"]`;
    const page = [...document.querySelectorAll(selector)].find((each) => !each.closest("[data-list], dialog"));
    // A row may carry addresses for letters that have no button in it: data-key-o, data-key-b, data-key-enter.
    const address = row.dataset[`key${key}`];
    const own = row.querySelector(selector);
    const action = own ?? (address || key === "Enter" ? null : page) ?? (key === "O" ? event.target : null);
    if (own && typed) filter(list, "");
    if (!own && address) location.assign(address);
    // A digit opens the saved view by that number; where there is none it filters.
    else if (/\d/.test(key) && (typed || !action)) filter(list, typed + key);
    else if (action) {
      // With no row marked, what is for the marked is for this one.
      if ("many" in action.dataset && !list.querySelector("[name=rad]:checked")) mark(row);
      action.click();
    } else return;
  } else return;
  event.preventDefault();
});

document.addEventListener("click", (event) => {
  const row = event.target.closest?.("[data-list] tbody tr");
  const link = row?.querySelector(".who");
  if (!link || event.target.closest("button, input, select, a:not(.who)")) return;
  // A link is a link for Enter, and for the mouse too unless it shows the row beside the list.
  if (event.target.closest(".who") && (event.detail === 0 || !link.hasAttribute("hx-get"))) return;
  event.preventDefault();
  select(link);
});

const prepareAll = () => document.querySelectorAll("[data-list]").forEach(prepare);
// A cell that was changed in its place gives the focus back to its row.
document.addEventListener("htmx:after:swap", (event) => {
  const row = event.detail?.ctx?.target?.closest?.("[data-list] tr");
  if (row && document.activeElement === document.body) row.querySelector(".who")?.focus();
});
for (const name of ["htmx:after:swap", "list:updated"]) document.addEventListener(name, prepareAll);
prepareAll();
const start = document.querySelector("[data-list][data-autofocus]");
if (start && current(start)) current(start).focus();

// The map of places: a patient is dragged to a free one. The same form as Byt plats, which is the keyboard's way.
const moved = (event) => event.target.closest?.("[data-move]")?.dataset.move;
document.addEventListener("dragstart", (event) => moved(event) && event.dataTransfer.setData("text", moved(event)));
document.addEventListener("dragover", (event) => event.target.closest?.("[data-place]") && event.preventDefault());
document.addEventListener("drop", (event) => {
  const place = event.target.closest?.("[data-place]");
  if (!place) return;
  event.preventDefault();
  const form = document.getElementById("move");
  form.action = event.dataTransfer.getData("text");
  form.place.value = place.dataset.place;
  if (new URL(form.action).origin === location.origin) form.submit();
});
