// The overview keeps itself up to date, a study at a time.
import { byId, duration, setText } from "./common.js";

const EVERY = 3000;
const SOON = 400;
const UNREAD = "being read";
const unread = () => [...document.querySelectorAll("[data-of=state]")].some((chip) => chip.textContent === UNREAD);

function show(study) {
  const item = byId(study.key);
  if (!item) return location.reload(); // a new study
  const part = (name) => item.querySelector(`[data-of=${name}]`);
  if (!part("progress")) return undefined;
  if (study.trouble) return location.reload(); // it could not be read
  if (study.state === UNREAD) return undefined;
  setText(item.querySelector("h2 a"), study.question);
  setText(part("state"), study.state);
  part("state").className = `chip ${study.kind}`;
  setText(part("answer"), study.answer);
  setText(part("progress"), `${study.done} of ${study.total} runs ended, ${study.arms} arm${study.arms === 1 ? "" : "s"}`);
  setText(part("left"), study.left === null ? "" : `, about ${duration(study.left)} left`);
  item.querySelector("progress").max = study.total;
  item.querySelector("progress").value = study.done;
  return undefined;
}

async function refresh() {
  if (!document.hidden) {
    try {
      const answer = await fetch("/studies.json");
      if (answer.ok) (await answer.json()).forEach(show);
    } catch {
      // The server has ended; what was last known stays.
    }
  }
  setTimeout(refresh, unread() ? SOON : EVERY);
}

setTimeout(refresh, unread() ? SOON : EVERY);
