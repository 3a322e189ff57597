// What every page loads: htmx under a strict content security policy, and a few small manners.
import htmx from "htmx.org";
import "./clause";

htmx.config.allowEval = false;
htmx.config.includeIndicatorStyles = false;
htmx.config.scrollBehavior = "smooth";
// Forms come back with their errors as 422, conflicts as 409: show what the server wrote.
htmx.config.responseHandling = [
  { code: "204", swap: false },
  { code: "[23]..", swap: true },
  { code: "409", swap: true },
  { code: "422", swap: true },
  { code: "[45]..", swap: false, error: true },
];

const OFFLINE = "网络不稳定，请稍后重试。您填写的内容还在。";
const FAILED = "系统暂时没有处理成功，请稍后重试。";

/** Show a message that leaves by itself and is read out by screen readers. */
export function toast(message: string, kind: "info" | "warning" = "info"): void {
  let region = document.querySelector<HTMLElement>(".toasts");
  if (!region) {
    region = document.createElement("div");
    region.className = "toasts";
    region.setAttribute("role", "status");
    document.body.append(region);
  }
  const note = document.createElement("p");
  note.className = `toast toast--${kind}`;
  note.textContent = message;
  region.append(note);
  window.setTimeout(() => note.remove(), 6000);
}

document.addEventListener("htmx:sendError", () => toast(OFFLINE, "warning"));
document.addEventListener("htmx:responseError", () => toast(FAILED, "warning"));

// Buttons that act on the page itself, without inline scripts.
document.addEventListener("click", (event) => {
  if (!(event.target instanceof Element)) return;
  const trigger = event.target.closest<HTMLElement>("[data-print],[data-open],[data-close],[data-copy]");
  if (!trigger) return;
  if (trigger.dataset["print"] !== undefined) window.print();
  if (trigger.dataset["open"]) {
    const dialog = document.getElementById(trigger.dataset["open"]);
    if (dialog instanceof HTMLDialogElement) dialog.showModal();
  }
  if (trigger.dataset["close"] !== undefined) trigger.closest("dialog")?.close();
  if (trigger.dataset["copy"]) {
    void navigator.clipboard.writeText(trigger.dataset["copy"]).then(() => toast("已复制"));
  }
});

// A form that changes money is sent once: its button rests until the answer is there.
document.addEventListener("submit", (event) => {
  if (!(event.target instanceof HTMLFormElement) || event.defaultPrevented) return;
  if (event.target.dataset["once"] === undefined) return;
  if (event.target.getAttribute("aria-busy") === "true") {
    event.preventDefault();
    return;
  }
  event.target.setAttribute("aria-busy", "true");
});
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-once]")) form.removeAttribute("aria-busy");
});
document.addEventListener("htmx:afterRequest", (event) => {
  if (event.target instanceof HTMLFormElement) event.target.removeAttribute("aria-busy");
});

// One box that ticks all boxes of a name: <input type="checkbox" data-check-all="claim_no">.
document.addEventListener("change", (event) => {
  if (!(event.target instanceof HTMLInputElement)) return;
  const name = event.target.dataset["checkAll"];
  if (!name) return;
  const boxes = document.querySelectorAll<HTMLInputElement>(`input[type="checkbox"][name="${name}"]`);
  for (const box of boxes) box.checked = event.target.checked;
});
