// Live lists: table[data-poll] asks every ten seconds with its version; 204 means nothing new. Rows are matched by id:
// the row with focus stays where it is and keeps what is typed in it. After three failures the page says it may be old.
const EVERY = 10000;
let failures = 0;
let reached = new Date();

function say(fresh) {
  const live = document.querySelector("[data-live]");
  if (!live) return;
  const clock = reached.toTimeString();
  live.classList.toggle("stale", !fresh);
  // Heard only when contact is lost: a clock that is read aloud every ten seconds drowns everything else.
  live.toggleAttribute("role", !fresh);
  if (!fresh) live.setAttribute("role", "status");
  if (fresh) live.innerHTML = `Uppdaterad <span class="num">${clock.slice(0, 8)}</span>`;
  else live.textContent = `Ingen kontakt sedan ${clock.slice(0, 5)}. Listan kan vara gammal.`;
}

function merge(list, answer) {
  const body = list.tBodies[0];
  const kept = document.activeElement?.closest("tr");
  const chosen = body.querySelector("tr[aria-current]")?.id;
  const arrived = [...answer.rows];
  const ids = new Set(arrived.map((row) => row.id));
  for (const row of [...body.rows]) if (!ids.has(row.id) && row !== kept) row.remove();
  let before = null;
  const place = (row) => { const next = before ? before.nextSibling : body.firstChild; if (next !== row) body.insertBefore(row, next); };
  for (const row of arrived) {
    const old = document.getElementById(row.id);
    if (old && old === kept) { before = old; continue; }
    if (row.id === chosen) row.setAttribute("aria-current", "true");
    if (old && old.dataset.state === row.dataset.state && row.dataset.state !== undefined) { place(old); before = old; continue; }
    if (old) old.replaceWith(row); else row.classList.add("fresh");
    place(row);
    before = row;
    window.htmx?.process(row);
  }
  if (kept && body.contains(kept) && ids.has(kept.id) && !kept.querySelector("input, select, textarea")) {
    const fresh = arrived.find((row) => row.id === kept.id);
    for (const cell of kept.cells) {
      const other = fresh?.cells[cell.cellIndex];
      if (other && !cell.contains(document.activeElement) && cell.innerHTML !== other.innerHTML) cell.replaceChildren(...other.childNodes);
    }
    window.htmx?.process(kept);
  }
}

async function poll(list) {
  const address = new URL(list.dataset.poll, location.href);
  address.searchParams.set("version", list.dataset.version);
  try {
    const answer = await fetch(address, { headers: { "HX-Request": "true", "X-Poll": "1" }, cache: "no-store" });
    if (answer.status === 401 || answer.redirected) { location.reload(); return; }
    if (!answer.ok) throw new Error(String(answer.status));
    failures = 0;
    reached = new Date();
    if (answer.status !== 204) {
      const holder = document.createElement("template");
      holder.innerHTML = await answer.text();
      const body = holder.content.querySelector("tbody");
      merge(list, body);
      // What else belongs to the list, by id: the counts of its filters.
      for (const part of holder.content.querySelectorAll("[data-part]")) {
        const old = document.getElementById(part.id);
        if (old && !old.contains(document.activeElement)) old.replaceWith(document.importNode(part, true));
      }
      list.dataset.version = body.dataset.version ?? list.dataset.version;
      list.dispatchEvent(new CustomEvent("list:updated", { bubbles: true }));
    }
    say(true);
  } catch {
    failures += 1;
    if (failures >= 3) say(false);
  }
}

setInterval(() => {
  if (document.visibilityState !== "visible") return;
  const list = document.querySelector("[data-poll]");
  if (list) poll(list);
}, EVERY);
