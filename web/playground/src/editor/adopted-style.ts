/** The element that ../../monaco-styles.ts puts in the place of Monaco's `<style>` elements. */
const name = "adopted-style";

/**
 * A style sheet in the document, as a `<style>` element, but without an inline style, which the
 * Content-Security-Policy rejects: its text goes into a constructed style sheet.
 */
class AdoptedStyle extends HTMLElement {
  readonly sheet = new CSSStyleSheet();
  #root: Document | ShadowRoot | undefined;

  override get textContent(): string {
    return Array.from(this.sheet.cssRules, ({ cssText }) => cssText).join("\n");
  }

  override set textContent(css: string) {
    this.sheet.replaceSync(css);
  }

  override get innerText(): string {
    return this.textContent;
  }

  override set innerText(css: string) {
    this.textContent = css;
  }

  connectedCallback(): void {
    this.hidden = true;
    const root = this.getRootNode();
    if (!(root instanceof Document || root instanceof ShadowRoot)) return;
    this.#root = root;
    root.adoptedStyleSheets.push(this.sheet);
  }

  disconnectedCallback(): void {
    if (this.#root === undefined) return;
    const sheets = this.#root.adoptedStyleSheets;
    this.#root.adoptedStyleSheets = sheets.filter((sheet) => sheet !== this.sheet);
    this.#root = undefined;
  }
}

/** Defines the element. Monaco must be loaded later. */
export function defineAdoptedStyle(): void {
  customElements.define(name, AdoptedStyle);
}
