// Dates and times as people write them: what was understood is shown back under the field.
// The server reads the same shorthand (sdv/common/dates.py) and decides.
const MONTHS = ["januari", "februari", "mars", "april", "maj", "juni", "juli", "augusti", "september", "oktober", "november", "december"];
const WEEKDAYS = ["söndag", "måndag", "tisdag", "onsdag", "torsdag", "fredag", "lördag"];
const NAMED = { "igår": -1, "idag": 0, "imorgon": 1, "imorron": 1, "iövermorgon": 2 };
const DAY = 86400000;

function real(year, month, day) {
  const date = new Date(year, month - 1, day);
  return date.getMonth() === month - 1 && date.getDate() === day ? date : null;
}

function nearest(day, month, year, today) {
  if (year) return real(Number(year), month, day);
  const near = [-1, 0, 1].map((step) => real(today.getFullYear() + step, month, day)).filter(Boolean);
  return near.sort((a, b) => Math.abs(a - today) - Math.abs(b - today))[0] ?? null;
}

export function parseDate(text, now = new Date()) {
  const today = new Date(now.getFullYear(), now.getMonth(), now.getDate());
  const written = text.trim().toLowerCase().replace(/\s+/g, " ");
  const named = NAMED[written.replaceAll(" ", "")];
  if (named !== undefined) return new Date(today.getFullYear(), today.getMonth(), today.getDate() + named);
  let match = written.match(/^([+-]) ?(\d{1,4}) ?([dvmå])[a-zåäö]*$/);
  if (match) {
    const amount = Number(match[1] + match[2]);
    const days = { d: amount, v: amount * 7 }[match[3]] ?? 0;
    if (days || amount === 0) return new Date(today.getFullYear(), today.getMonth(), today.getDate() + days);
    const months = today.getMonth() + amount * (match[3] === "å" ? 12 : 1);
    const last = new Date(today.getFullYear(), months + 1, 0).getDate();
    return new Date(today.getFullYear(), months, Math.min(today.getDate(), last));
  }
  match = written.match(/^(\d{4})-?(\d{1,2})-?(\d{1,2})$/);
  if (match) return real(Number(match[1]), Number(match[2]), Number(match[3]));
  match = written.match(/^(\d{1,2})\/(\d{1,2})(?:[ /-]+(\d{4}))?$/);
  if (match) return nearest(Number(match[1]), Number(match[2]), match[3], today);
  match = written.match(/^(\d{1,2})\.? ?([a-zåäö]{3,9})\.?(?: (\d{4}))?$/);
  const month = match ? MONTHS.findIndex((name) => name.startsWith(match[2])) + 1 : 0;
  return month ? nearest(Number(match[1]), month, match[3], today) : null;
}

export function parseTime(text) {
  const match = text.trim().toLowerCase().match(/^(?:kl\.? ?)?(\d{1,2})(?:[.:,]?(\d{2}))?$/);
  if (!match || Number(match[1]) > 23 || Number(match[2] ?? 0) > 59) return null;
  return `${match[1].padStart(2, "0")}:${match[2] ?? "00"}`;
}

function distance(date) {
  const now = new Date();
  const days = Math.round((date - new Date(now.getFullYear(), now.getMonth(), now.getDate())) / DAY);
  if (days === 0) return "i dag";
  const size = Math.abs(days);
  const words = size % 7 === 0 ? `${size / 7} ${size === 7 ? "vecka" : "veckor"}` : `${size} ${size === 1 ? "dag" : "dagar"}`;
  return days > 0 ? `om ${words}` : `för ${words} sedan`;
}

function echo(input) {
  const place = document.getElementById(`${input.id}_echo`);
  if (!place) return;
  if (!input.value.trim()) { place.textContent = ""; return; }
  if ("time" in input.dataset) { place.textContent = parseTime(input.value) ?? "Klockslaget går inte att läsa."; return; }
  const date = parseDate(input.value);
  place.textContent = date
    ? `${WEEKDAYS[date.getDay()]} ${date.getDate()} ${MONTHS[date.getMonth()]} ${date.getFullYear()}, ${distance(date)}`
    : "Datumet går inte att läsa.";
}

const known = "[data-date], [data-time]";
document.addEventListener("input", (event) => { if (event.target.matches?.(known)) echo(event.target); });
const all = () => document.querySelectorAll(known).forEach(echo);
document.addEventListener("htmx:after:swap", all);
all();
