import type { ReactNode } from "react";
import { ArrowLeft } from "lucide-react";
import { Link } from "wouter";
import styles from "./back-link.module.css";

/** A link to the list that the page belongs to. It stands above the title. */
export function BackLink({ href, children }: { href: string; children: ReactNode }) {
  return (
    <Link href={href} className={styles.back}>
      <ArrowLeft size={16} aria-hidden /> {children}
    </Link>
  );
}
