import { useLocation } from "wouter";
import { titles } from "../../texts/titles.ts";
import { Skeleton } from "../../ui/states.tsx";
import styles from "./page.module.css";

/** The titles by the beginning of the path; the longest one counts. */
const titlesByPath: Readonly<Record<string, string>> = {
  "/": titles.catalogue,
  "/products": titles.product,
  "/basket": titles.basket,
  "/orders": titles.orders,
  "/account": titles.account,
  "/sign-in": titles.signIn,
  "/register": titles.register,
  "/reset-password": titles.resetPassword,
  "/admin": titles.overview,
  "/admin/products": titles.products,
  "/admin/products/new": titles.newProduct,
  "/admin/products/import": titles.importProducts,
  "/admin/orders": titles.orders,
  "/admin/orders/packing": titles.packing,
  "/admin/users": titles.users,
  "/admin/webhooks": titles.webhooks,
  "/admin/audit": titles.auditTrail,
  "/operations": titles.clusterMap,
  "/operations/charts": titles.charts,
  "/operations/events": titles.events,
  "/operations/reservations": titles.reservations,
  "/operations/audit": titles.stockAudit,
  "/operations/trace": titles.orderTrace,
};

const narrowPaths = ["/account", "/sign-in", "/register", "/reset-password"];

/** Returns the title of the page at a path, or of the list that the page belongs to. */
function titleOf(path: string): string {
  const parts = path.split("/");
  const paths = parts.map((_, index) => parts.slice(0, parts.length - index).join("/"));
  const known = paths.find((part) => part in titlesByPath) ?? "/";
  return titlesByPath[known] ?? titles.catalogue;
}

interface PageSkeletonProps {
  /** Whether the page has a navigation of its own above the title that is not on the page yet. */
  isWithNavigation?: boolean;
}

/** The title of the page of the current path, with a grey block in place of the page. */
export function PageSkeleton({ isWithNavigation = false }: PageSkeletonProps) {
  const [path] = useLocation();
  const isArea = path.startsWith("/admin") || path.startsWith("/operations");
  return (
    <div className={narrowPaths.includes(path) ? styles.narrow : styles.page}>
      {isWithNavigation && isArea && <div className={styles.navigation} />}
      <div className={styles.head}>
        <h1>{titleOf(path)}</h1>
      </div>
      <Skeleton height={480} />
    </div>
  );
}
