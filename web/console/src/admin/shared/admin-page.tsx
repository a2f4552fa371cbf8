import { useEffect, useRef, type ReactNode } from "react";
import {
  ClipboardList,
  LayoutDashboard,
  Package,
  ScrollText,
  Users,
  Webhook,
  type LucideIcon,
} from "lucide-react";
import { Link, useLocation } from "wouter";
import { Page } from "../../app/page.tsx";
import { adminTexts } from "../../texts/admin/shared.ts";
import styles from "./admin-page.module.css";

const links: readonly { href: string; text: string; icon: LucideIcon }[] = [
  { href: "/admin", text: adminTexts.overview, icon: LayoutDashboard },
  { href: "/admin/products", text: adminTexts.products, icon: Package },
  { href: "/admin/orders", text: adminTexts.orders, icon: ClipboardList },
  { href: "/admin/users", text: adminTexts.users, icon: Users },
  { href: "/admin/webhooks", text: adminTexts.webhooks, icon: Webhook },
  { href: "/admin/audit", text: adminTexts.audit, icon: ScrollText },
];

interface AdminPageProps {
  title: string;
  /** Beside the title, for example the main action. */
  actions?: ReactNode;
  children: ReactNode;
}

/** A page for admins: the navigation of their pages, and its content. */
export function AdminPage(props: AdminPageProps) {
  return (
    <div className={styles.area}>
      <AdminNavigation />
      <Page {...props} />
    </div>
  );
}

function AdminNavigation() {
  const [path] = useLocation();
  const list = useRef<HTMLUListElement>(null);
  useEffect(() => {
    // On phones, the list is wider than the screen.
    const current = list.current?.querySelector<HTMLElement>("[aria-current]");
    if (current && list.current) list.current.scrollLeft = current.offsetLeft - 24;
  }, [path]);
  return (
    <nav aria-label={adminTexts.navigation} className={styles.navigation}>
      <ul ref={list}>
        {links.map(({ href, text, icon: Icon }) => (
          <li key={href}>
            <Link href={href} aria-current={isWithin(path, href) ? "page" : undefined}>
              <Icon size={17} aria-hidden />
              {text}
            </Link>
          </li>
        ))}
      </ul>
    </nav>
  );
}

function isWithin(path: string, href: string): boolean {
  return path === href || (href !== "/admin" && path.startsWith(`${href}/`));
}
