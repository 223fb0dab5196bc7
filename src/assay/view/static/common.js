// What several pages share: numbers in words, and a stream that rests while nobody looks.

export const byId = (id) => document.getElementById(id);

export function duration(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const two = (value) => String(value).padStart(2, "0");
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  return `${Math.floor(whole / 3600)} h ${two(Math.floor((whole % 3600) / 60))} min`;
}

export const percent = (share) => (share === null ? "–" : (100 * share).toFixed(2));
export const setText = (element, text) => { if (element && element.textContent !== text) element.textContent = text; };

// Call `work` when there is nothing more urgent to do.
export const whenIdle = (work) => (globalThis.requestIdleCallback ? requestIdleCallback(work, { timeout: 500 }) : setTimeout(work, 30));

// Call the handlers with each event's data; the connection is given up while the page is hidden, since a
// browser has few, and opened anew, with everything sent again, when the page is seen again.
export function follow(address, handlers) {
  let source = null;
  const open = () => {
    if (source || document.hidden) return;
    source = new EventSource(address());
    for (const [name, handle] of Object.entries(handlers)) {
      source.addEventListener(name, (event) => handle(JSON.parse(event.data)));
    }
    source.onerror = () => handlers.lost?.();
  };
  const close = () => { source?.close(); source = null; };
  document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
  addEventListener("pagehide", close);
  open();
  return { again() { close(); open(); }, close };
}
