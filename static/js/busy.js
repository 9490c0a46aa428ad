// Waiting: the old content stays; after 400 ms a thin bar. A form is not sent twice.
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
