// <hq-clause>: text of a policy beside what was read from it. Pointing at either lights up the other:
// every element with the same data-span inside the element gets .is-lit.
class Clause extends HTMLElement {
  connectedCallback(): void {
    for (const kind of ["pointerover", "focusin"]) this.addEventListener(kind, this.light);
    for (const kind of ["pointerleave", "focusout"]) this.addEventListener(kind, this.dim);
  }

  disconnectedCallback(): void {
    for (const kind of ["pointerover", "focusin"]) this.removeEventListener(kind, this.light);
    for (const kind of ["pointerleave", "focusout"]) this.removeEventListener(kind, this.dim);
  }

  private readonly light = (event: Event): void => {
    if (!(event.target instanceof Element)) return;
    const span = event.target.closest<HTMLElement>("[data-span]")?.dataset["span"];
    if (span === undefined) return;
    this.dim();
    for (const part of this.querySelectorAll<HTMLElement>("[data-span]")) {
      part.classList.toggle("is-lit", part.dataset["span"] === span);
    }
  };

  private readonly dim = (): void => {
    for (const part of this.querySelectorAll(".is-lit")) part.classList.remove("is-lit");
  };
}

customElements.define("hq-clause", Clause);
