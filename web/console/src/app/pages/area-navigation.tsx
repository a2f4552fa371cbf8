import { useEffect, useRef } from "react";
import type { LucideIcon } from "lucide-react";
import { Link, useLocation } from "wouter";
import styles from "./area-navigation.module.css";

interface AreaNavigationProps {
  /** The name for screen readers. */
  label: string;
  /** The first link is that of the area itself. */
  links: readonly { href: string; text: string; icon: LucideIcon }[];
}

/** The links between the pages of an area, for example those of admins. */
export function AreaNavigation({ label, links }: AreaNavigationProps) {
  const [path] = useLocation();
  const list = useRef<HTMLUListElement>(null);
  useEffect(() => {
    // On phones, the list is wider than the screen.
    const current = list.current?.querySelector<HTMLElement>("[aria-current]");
    if (current && list.current) list.current.scrollLeft = current.offsetLeft - 24;
  }, [path]);
  const isCurrent = (href: string, index: number) =>
    path === href || (index > 0 && path.startsWith(`${href}/`));
  return (
    <nav aria-label={label} className={styles.navigation}>
      <ul ref={list}>
        {links.map(({ href, text, icon: Icon }, index) => (
          <li key={href}>
            <Link href={href} aria-current={isCurrent(href, index) ? "page" : undefined}>
              <Icon size={17} aria-hidden />
              {text}
            </Link>
          </li>
        ))}
      </ul>
    </nav>
  );
}
