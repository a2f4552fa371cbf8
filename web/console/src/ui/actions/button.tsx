import {
  Button as AriaButton,
  type ButtonProps as AriaButtonProps,
} from "react-aria-components/Button";
import { ProgressBar } from "react-aria-components/ProgressBar";
import { Loader } from "lucide-react";
import { Link } from "wouter";
import type { ReactNode } from "react";
import { commonTexts } from "../../texts/common.ts";
import styles from "./button.module.css";

/** `primary` for the one action that the page is for; `quiet` has no border. */
type Look = "primary" | "secondary" | "quiet" | "danger";

export interface ButtonProps extends Omit<AriaButtonProps, "className" | "style" | "children"> {
  look?: Look;
  isSmall?: boolean;
  children?: ReactNode;
}

function classOf(look: Look, isSmall: boolean): string {
  return [styles.button, styles[look], isSmall && styles.small].filter(Boolean).join(" ");
}

/**
 * A button. While `isPending`, it keeps its place and size, shows that it waits in place of its text, and
 * cannot be pressed.
 */
export function Button(button: ButtonProps) {
  const { look = "secondary", isSmall = false, isPending = false, children, ...props } = button;
  return (
    <AriaButton {...props} isPending={isPending} className={classOf(look, isSmall)}>
      <span className={styles.text}>{children}</span>
      {isPending && (
        <ProgressBar
          aria-label={commonTexts.working}
          isIndeterminate
          className={styles.progress ?? ""}
        >
          <Loader size={18} aria-hidden />
        </ProgressBar>
      )}
    </AriaButton>
  );
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
