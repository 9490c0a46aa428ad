// Forms are neither lost nor sent twice. Unsaved changes: form[data-guard] asks once before its page or dialog is left. And the session's end, two minutes before.
const dirty = new Set();
document.addEventListener("input", (event) => { const form = event.target.form; if (form?.matches("[data-guard]")) dirty.add(form); });
for (const name of ["submit", "reset"]) document.addEventListener(name, (event) => {
  dirty.delete(event.target);
  for (const draft of event.target.querySelectorAll("[data-unsaved]")) draft.removeAttribute("data-unsaved");
});
// A draft that the page carries says so itself: [data-unsaved].
const unsaved = (root) => Boolean(root.querySelector("[data-guard] [data-unsaved]")) || [...dirty].some((form) => form.isConnected && root.contains(form));
addEventListener("beforeunload", (event) => { if (unsaved(document)) event.preventDefault(); });
document.addEventListener("cancel", (event) => {
  if (!unsaved(event.target)) return;
  if (confirm("Ändringarna är inte sparade. Stäng ändå?")) dirty.clear();
  else event.preventDefault();
}, true);

const idle = Number(document.body.dataset.idle);
let seen = Date.now();
for (const name of ["keydown", "pointerdown", "htmx:after:request"]) document.addEventListener(name, () => { seen = Date.now(); });
if (idle) setInterval(() => {
  const left = idle - (Date.now() - seen) / 1000;
  const place = document.querySelector(".refusal");
  const told = document.getElementById("session-note");
  if (left > 120) { told?.remove(); return; }
  if (told || !place) return;
  const note = document.createElement("div");
  note.id = "session-note";
  note.className = "notice warn";
  note.setAttribute("role", "alert");
  note.textContent = "Du loggas snart ut eftersom sidan stått orörd. Det du skrivit är inte sparat. Klicka eller tryck på en tangent för att fortsätta.";
  place.append(note);
}, 15000);

// Waiting: the old content stays; after 400 ms a thin bar.
const bar = document.getElementById("busy");
let timer;
let running = 0;
function begin(target) {
  running += 1;
  target?.setAttribute("aria-busy", "true");
  clearTimeout(timer);
  timer = setTimeout(() => bar?.classList.add("on"), 400);
}
function end() {
  running = Math.max(0, running - 1);
  if (running) return;
  clearTimeout(timer);
  bar?.classList.remove("on");
  for (const each of document.querySelectorAll("[aria-busy]")) each.removeAttribute("aria-busy");
}
document.addEventListener("htmx:before:request", (event) => begin(event.detail?.ctx?.target));
document.addEventListener("htmx:finally:request", end);
document.addEventListener("submit", (event) => {
  const form = event.target;
  // What opens in another tab leaves this page as it is.
  if (event.defaultPrevented || form.method === "dialog" || form.hasAttribute("hx-post") || event.submitter?.formTarget || form.target) return;
  if (form.dataset.sent) { event.preventDefault(); return; }
  form.dataset.sent = "1";
  begin(form);
});
addEventListener("pageshow", () => {
  running = 0;
  end();
  for (const form of document.querySelectorAll("[data-sent]")) delete form.dataset.sent;
});
