import { memo, type CSSProperties } from "react";
import { pictureOf } from "./picture-of.ts";
import { shapes } from "./shapes.tsx";
import styles from "./product-picture.module.css";

interface ProductPictureProps {
  id: string;
  name: string;
}

/** A picture of a product, drawn from its name: the catalogue has no photographs. */
export const ProductPicture = memo(function ProductPicture({ id, name }: ProductPictureProps) {
  const { shape, hue, colours } = pictureOf(id, name);
  const style = { "--hue": hue } as CSSProperties;
  return (
    <svg className={styles.picture} style={style} viewBox="0 0 120 120" aria-hidden>
      <ellipse cx="60" cy="97" rx="34" ry="4" className={styles.shadow} />
      {shapes[shape](colours)}
    </svg>
  );
});
