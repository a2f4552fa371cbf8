import { WifiOff } from "lucide-react";
import { useConnection } from "../api/connection.ts";
import { shellTexts } from "../texts/shell.ts";
import styles from "./shell.module.css";

/**
 * Says that the browser is offline or the shop does not answer. It is always on the page, so that
 * screen readers notice it.
 */
export function ConnectionNote() {
  const connection = useConnection();
  return (
    <div role="status">
      {connection !== "connected" && (
        <div className={styles.connection}>
          <WifiOff size={18} aria-hidden /> {shellTexts.connections[connection]}
        </div>
      )}
    </div>
  );
}
