import { useEffect, useRef, type ReactNode } from "react";
import { useLocation } from "wouter";
import { commonTexts } from "../../texts/common.ts";
import { hasTraversed } from "../../unsaved/guarded-location.ts";
import styles from "./page.module.css";

/** The path of the page that was shown last. */
let shownPath: string | undefined;

interface PageProps {
  title: string;
  /** Beside the title, for example the main action. */
  actions?: ReactNode;
  /** A column for text and forms instead of the whole width. */
  isNarrow?: boolean;
  children: ReactNode;
}

/**
 * The content of a page with its title. After a change of the route, the title gets the focus, so
 * that a screen reader reads it out and the next Tab goes on from there.
 */
export function Page({ title, actions, isNarrow = false, children }: PageProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  const [path] = useLocation();
  useEffect(() => {
    document.title = `${title} – ${commonTexts.shop}`;
  }, [title]);
  useEffect(() => {
    const isFirst = shownPath === undefined;
    if (shownPath === path) return;
    shownPath = path;
    if (isFirst) return;
    heading.current?.focus({ preventScroll: true });
    // The browser restores where the user was on the page before.
    if (!hasTraversed()) window.scrollTo(0, 0);
  }, [path]);
  return (
    <div className={isNarrow ? styles.narrow : styles.page}>
      <div className={styles.head}>
        <h1 ref={heading} tabIndex={-1}>
          {title}
        </h1>
        {actions}
      </div>
      {children}
    </div>
  );
}
