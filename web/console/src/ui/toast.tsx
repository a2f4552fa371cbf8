import { useSyncExternalStore, type ReactNode } from "react";
import { X } from "lucide-react";
import { commonTexts } from "../texts/common.ts";
import { IconButton } from "./actions/button.tsx";
import styles from "./toast.module.css";

interface Toast {
  id: number;
  message: ReactNode;
}

/** Long enough to read a sentence twice. */
const visibleMs = 6_000;

let toasts: readonly Toast[] = [];
let lastId = 0;
const listeners = new Set<() => void>();

function replace(next: readonly Toast[]): void {
  toasts = next;
  for (const listener of listeners) listener();
}

function close(id: number): void {
  replace(toasts.filter((toast) => toast.id !== id));
}

/**
 * Shows a message for a few seconds, in place of an earlier one. Screen readers read it out. The page
 * must show the same in another way, because a toast can be missed.
 */
export function showToast(message: ReactNode): void {
  lastId += 1;
  const id = lastId;
  replace([{ id, message }]);
  setTimeout(() => {
    close(id);
  }, visibleMs);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** The place of the toasts. It is always on the page, so that screen readers notice its changes. */
export function Toasts() {
  const shown = useSyncExternalStore(subscribe, () => toasts);
  return (
    <div role="status" aria-live="polite">
      {shown.map(({ id, message }) => (
        <div key={id} className={styles.toast}>
          <div className={styles.message}>{message}</div>
          <IconButton
            label={commonTexts.close}
            onPress={() => {
              close(id);
            }}
          >
            <X size={18} aria-hidden />
          </IconButton>
        </div>
      ))}
    </div>
  );
}
