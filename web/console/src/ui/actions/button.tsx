import {
  Button as AriaButton,
  type ButtonProps as AriaButtonProps,
} from "react-aria-components/Button";
import { Link } from "wouter";
import type { ReactNode } from "react";
import styles from "./button.module.css";

/** `primary` for the one action that the page is for; `quiet` has no border. */
type Look = "primary" | "secondary" | "quiet" | "danger";

export interface ButtonProps extends Omit<AriaButtonProps, "className" | "style"> {
  look?: Look;
  isSmall?: boolean;
}

function classOf(look: Look, isSmall: boolean): string {
  return [styles.button, styles[look], isSmall && styles.small].filter(Boolean).join(" ");
}

/** A button. While `isPending`, it keeps its place and size, and cannot be pressed. */
export function Button({ look = "secondary", isSmall = false, ...props }: ButtonProps) {
  return <AriaButton {...props} className={classOf(look, isSmall)} />;
}

interface LinkButtonProps {
  href: string;
  look?: Look;
  children: ReactNode;
}

/** A link to another page that looks like a button. */
export function LinkButton({ href, look = "secondary", children }: LinkButtonProps) {
  return (
    <Link href={href} className={classOf(look, false)}>
      {children}
    </Link>
  );
}

interface IconButtonProps extends ButtonProps {
  /** The name for screen readers. */
  label: string;
  children: ReactNode;
}

/** A button with an icon only. */
export function IconButton({ label, ...props }: IconButtonProps) {
  return <AriaButton {...props} aria-label={label} className={styles.icon ?? ""} />;
}
