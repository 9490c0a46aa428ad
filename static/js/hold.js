// The countdown of a held time, in words ([data-hold]: seconds left when the page came). Told aloud at half a minute.
const loaded = performance.now();
const words = (count, one, many) => (count ? `${count} ${count === 1 ? one : many}` : "");

function tick() {
  const place = document.querySelector("[data-hold]");
  if (!place) return;
  const left = Math.ceil(Number(place.dataset.hold) - (performance.now() - loaded) / 1000);
  const text = [words(Math.floor(left / 60), "minut", "minuter"), words(left % 60, "sekund", "sekunder")].filter(Boolean).join(" och ");
  place.textContent = left > 0 ? `Tiden hålls för dig i ${text}.` : "Tiden hålls inte längre. Den kan fortfarande vara ledig.";
  const aloud = document.querySelector("[data-hold-aloud]");
  if (aloud && (left === 30 || left === 0)) aloud.textContent = place.textContent;
  if (left > 0) setTimeout(tick, 1000);
}
tick();
