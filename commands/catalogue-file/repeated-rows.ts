import type { ReadRow } from "./match-rows.ts";

/**
 * Finds rows whose product an earlier row of the file names. If both took effect, each import of the
 * file would change the product twice. Holds the ids and SKUs of all rows of the file.
 */
export class RepeatedRows {
  readonly #lines = new Map<string, number>();

  /** Notes the id and the SKU of a row. Returns why the row is a repeat; undefined for a first row. */
  faultOf({ line, values: { id, sku = "" } }: ReadRow): string | undefined {
    const ofId = id === undefined ? undefined : this.#note(id, line, "has the same id");
    const ofSku = sku === "" ? undefined : this.#note(`sku ${sku}`, line, "has the same SKU");
    return ofId ?? ofSku;
  }

  /** Notes the product that a row matches. Returns why the row is a repeat. */
  faultOfMatch({ line }: ReadRow, productId: string): string | undefined {
    return this.#note(productId, line, "names the same product");
  }

  /** A row that is tried again has the line that is noted. */
  #note(key: string, line: number, relation: string): string | undefined {
    const first = this.#lines.get(key);
    if (first === undefined) this.#lines.set(key, line);
    if (first === undefined || first === line) return undefined;
    return `Line ${first} ${relation}. A file can have one row per product.`;
  }
}
