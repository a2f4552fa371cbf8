import type { ReactNode } from "react";
import { CircleAlert, CircleCheck, Compass, Info, TriangleAlert } from "lucide-react";
import { useConnection } from "../api/connection.ts";
import { errorText, isMissing } from "../api/error-text.ts";
import { commonTexts } from "../texts/common.ts";
import { Button } from "./actions/button.tsx";
import styles from "./states.module.css";

interface EmptyStateProps {
  icon: ReactNode;
  title: string;
  children?: ReactNode;
  /** What to do now. */
  action?: ReactNode;
}

/** What is shown in place of an empty list. */
export function EmptyState({ icon, title, children, action }: EmptyStateProps) {
  return (
    <div className={styles.empty}>
      <span className={styles.icon} aria-hidden>
        {icon}
      </span>
      <h2>{title}</h2>
      {children !== undefined && <p>{children}</p>}
      {action}
    </div>
  );
}

interface ErrorStateProps {
  error: unknown;
  /** Undefined if it is tried again without the user. */
  onRetry?: () => void;
}

/** What is shown in place of something that could not be loaded, or that does not exist. */
export function ErrorState({ error, onRetry }: ErrorStateProps) {
  if (isMissing(error)) {
    return <EmptyState icon={<Compass />} title={commonTexts.missingText} />;
  }
  return (
    <div className={styles.empty} role="alert">
      <span className={styles.icon} aria-hidden>
        <CircleAlert />
      </span>
      <h2>{commonTexts.loadingFailed}</h2>
      <p>{errorText(error)}</p>
      {onRetry && <Button onPress={onRetry}>{commonTexts.tryAgain}</Button>}
    </div>
  );
}

/** Says what grey blocks stand for: without a connection, nothing is being loaded. */
export function LoadingText() {
  if (useConnection() === "offline") {
    return <p className={styles.later}>{commonTexts.loadedLater}</p>;
  }
  return <span className="visually-hidden">{commonTexts.loading}</span>;
}

interface SkeletonProps {
  /** The number of blocks. */
  count?: number;
  /** In pixels: that of what is being loaded, so that nothing moves when it comes. */
  height: number;
}

/** Grey blocks in place of what is being loaded. */
export function Skeleton({ count = 1, height }: SkeletonProps) {
  return (
    <div className={styles.skeletons} role="status">
      <LoadingText />
      {Array.from({ length: count }, (_, index) => (
        <div key={index} className={styles.skeleton} style={{ height }} />
      ))}
    </div>
  );
}

interface QueryStateProps extends SkeletonProps {
  /** The query that has no data. */
  query: { error: unknown; refetch: () => unknown };
}

/** What is shown in place of the data of a query: grey blocks, or the error if it has failed. */
export function QueryState({ query, ...skeleton }: QueryStateProps) {
  if (query.error === null) return <Skeleton {...skeleton} />;
  return <ErrorState error={query.error} onRetry={() => void query.refetch()} />;
}

const icons = {
  info: Info,
  success: CircleCheck,
  warning: TriangleAlert,
  danger: CircleAlert,
};

interface NoticeProps {
  kind: keyof typeof icons;
  children: ReactNode;
  action?: ReactNode;
}

/** A message within a page. Errors and warnings are read out when they appear. */
export function Notice({ kind, children, action }: NoticeProps) {
  const Icon = icons[kind];
  const isUrgent = kind === "danger" || kind === "warning";
  return (
    <div className={`${styles.notice} ${styles[kind]}`} role={isUrgent ? "alert" : "status"}>
      <Icon size={18} aria-hidden />
      <div className={styles.message}>{children}</div>
      {action}
    </div>
  );
}

/** Scrolls the first message in an element into view, if there is one. */
export function showNotice(element: HTMLElement | null): void {
  element?.querySelector('[role="alert"]')?.scrollIntoView({ block: "nearest" });
}

interface BadgeProps {
  kind: keyof typeof icons | "neutral";
  children: ReactNode;
}

/** A short state, for example of an order. */
export function Badge({ kind, children }: BadgeProps) {
  return <span className={`${styles.badge} ${styles[kind]}`}>{children}</span>;
}
