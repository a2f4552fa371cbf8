import { LoadingText } from "../../ui/states.tsx";
import cards from "./card-page.module.css";
import styles from "./card-skeletons.module.css";

/** Grey cards while the first page of the catalogue is loaded. */
export function CardSkeletons() {
  return (
    <div className={cards.grid} role="status">
      <LoadingText />
      {Array.from({ length: 10 }, (_, index) => (
        <div key={index} className={styles.card} />
      ))}
    </div>
  );
}
