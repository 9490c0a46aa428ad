// Function keys and chords: they press what is on the page, so each is also a visible button or link.
const press = (key) => {
  const place = document.querySelector("dialog[open]") ?? document;
  const found = [...place.querySelectorAll(`[data-key="${key}"]`)].find((each) => !each.closest("[data-list] tr:not([aria-current])") && each.getClientRects().length);
  found?.click();
  return Boolean(found);
};
const ALSO = { F4: "F4", F8: "B", F9: "U" };
const palette = (mode) => document.dispatchEvent(new CustomEvent("palette", { detail: mode }));

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey && !event.altKey && !event.shiftKey && event.key.toLowerCase() === "k") { palette(""); event.preventDefault(); return; }
  if (event.altKey && !event.ctrlKey && /^[1-6st]$/i.test(event.key)) { if (press(`Alt ${event.key.toUpperCase()}`)) event.preventDefault(); return; }
  if (event.altKey && ["ArrowUp", "ArrowDown"].includes(event.key)) {
    const button = event.target.closest?.("li")?.querySelector(`[data-move="${event.key === "ArrowUp" ? "up" : "down"}"]`);
    if (button) { button.click(); event.preventDefault(); }
    return;
  }
  if (event.ctrlKey || event.altKey || event.shiftKey || event.metaKey) return;
  if (event.key === "F1") document.getElementById("help")?.showModal?.();
  else if (event.key === "F2") palette("patient");
  else if (!(event.key in ALSO) || !(press(event.key) || press(ALSO[event.key]))) return;
  event.preventDefault();
});

document.addEventListener("click", (event) => {
  const copy = event.target.closest?.("[data-copy]");
  if (copy) navigator.clipboard?.writeText(copy.dataset.copy);
});
