import { commonTexts } from "../texts/common.ts";
import cards from "./card-page.module.css";
import styles from "./card-skeletons.module.css";

/** Grey cards while the first page of the catalogue is loaded. */
export function CardSkeletons() {
  return (
    <div className={cards.grid} role="status">
      <span className="visually-hidden">{commonTexts.loading}</span>
      {Array.from({ length: 10 }, (_, index) => (
        <div key={index} className={styles.card} />
      ))}
    </div>
  );
}
