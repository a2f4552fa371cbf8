import { lazy, type ComponentType } from "react";

/** The file of a page could not be loaded: the browser is offline, or a new version has other files. */
export class PageNotLoaded extends Error {
  override readonly name = "PageNotLoaded";
}

/** A page in a file of its own, which the browser loads when the page is opened first. */
export function lazyPage<Props>(load: () => Promise<{ default: ComponentType<Props> }>) {
  return lazy(async () => {
    try {
      return await load();
    } catch (cause) {
      throw new PageNotLoaded("The file of the page could not be loaded.", { cause });
    }
  });
}
