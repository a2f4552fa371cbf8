import type { ReactNode } from "react";
import { ClipboardList, LayoutDashboard, Package, ScrollText, Users, Webhook } from "lucide-react";
import { AreaNavigation } from "../../app/pages/area-navigation.tsx";
import { Page } from "../../app/pages/page.tsx";
import { adminTexts } from "../../texts/admin/shared.ts";
import styles from "./admin-page.module.css";

const links = [
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
      <AreaNavigation label={adminTexts.navigation} links={links} />
      <Page {...props} />
    </div>
  );
}
