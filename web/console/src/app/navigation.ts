import { ClipboardList, LayoutDashboard, Network, Store, type LucideIcon } from "lucide-react";
import type { Session } from "../session/use-session.ts";
import { shellTexts } from "../texts/shell.ts";

/** Who sees a link. The shop checks the rights itself; this only hides what would be rejected. */
type Audience = "everyone" | "signed-in" | "admin" | "operating-admin";

interface NavigationLink {
  href: string;
  text: string;
  icon: LucideIcon;
  audience: Audience;
}

/** The links of the header, and of the bar at the bottom of phones. */
const navigationLinks: readonly NavigationLink[] = [
  { href: "/", text: shellTexts.catalogue, icon: Store, audience: "everyone" },
  { href: "/orders", text: shellTexts.orders, icon: ClipboardList, audience: "signed-in" },
  { href: "/admin", text: shellTexts.admin, icon: LayoutDashboard, audience: "admin" },
  { href: "/operations", text: shellTexts.operations, icon: Network, audience: "operating-admin" },
];

/** Returns the links for a user. */
export function linksFor({ status, isAdmin, mayOperate }: Session): readonly NavigationLink[] {
  const audiences: Audience[] = ["everyone"];
  if (status !== "anonymous") audiences.push("signed-in");
  if (isAdmin) audiences.push("admin");
  if (mayOperate) audiences.push("operating-admin");
  return navigationLinks.filter(({ audience }) => audiences.includes(audience));
}
