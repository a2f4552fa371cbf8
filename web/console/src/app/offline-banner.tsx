import { useSyncExternalStore } from "react";
import { WifiOff } from "lucide-react";
import { shellTexts } from "../texts/shell.ts";
import styles from "./shell.module.css";

function subscribe(listener: () => void): () => void {
  window.addEventListener("online", listener);
  window.addEventListener("offline", listener);
  return () => {
    window.removeEventListener("online", listener);
    window.removeEventListener("offline", listener);
  };
}

/** Says that the browser is offline. It is always on the page, so that screen readers notice it. */
export function OfflineBanner() {
  const isOnline = useSyncExternalStore(subscribe, () => navigator.onLine);
  return (
    <div role="status">
      {!isOnline && (
        <div className={styles.offline}>
          <WifiOff size={18} aria-hidden /> {shellTexts.offline}
        </div>
      )}
    </div>
  );
}
