/** Monaco has no types of this module. */
declare module "monaco-editor/esm/vs/editor/browser/config/tabFocus.js" {
  export const TabFocus: {
    /** @param movesFocus whether Tab leaves the editors instead of indenting */
    setTabFocusMode(movesFocus: boolean): void;
  };
}
