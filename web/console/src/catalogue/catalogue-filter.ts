import { maxInt } from "../api/max-int.ts";
import { catalogueTexts } from "../texts/catalogue.ts";
import type {
  ProductFilter,
  ProductSort,
} from "../../../../clients/typescript/src/generated/schema.ts";

/** What the address of the catalogue says: search, filters and sort. */
export interface CatalogueFilter {
  search: string;
  /** As they are typed, in major units. */
  priceMin: string;
  priceMax: string;
  inStock: boolean;
  sort: Sort;
}

export const catalogueSorts = ["NEWEST_FIRST", "NAME_ASC", "PRICE_ASC", "PRICE_DESC"] as const;
type Sort = (typeof catalogueSorts)[number] & ProductSort;

/** Reads the parameters of the address. Unknown values count as not given. */
export function readFilter(params: URLSearchParams): CatalogueFilter {
  const sort = catalogueSorts.find((value) => value === params.get("sort")) ?? "NEWEST_FIRST";
  return {
    search: params.get("q") ?? "",
    priceMin: params.get("from") ?? "",
    priceMax: params.get("to") ?? "",
    inStock: params.get("stock") === "yes",
    sort,
  };
}

/** Returns the parameters of the address, without those that say nothing. */
export function writeFilter(filter: CatalogueFilter): URLSearchParams {
  const params = new URLSearchParams();
  if (filter.search.trim() !== "") params.set("q", filter.search);
  if (filter.priceMin !== "") params.set("from", filter.priceMin);
  if (filter.priceMax !== "") params.set("to", filter.priceMax);
  if (filter.inStock) params.set("stock", "yes");
  if (filter.sort !== "NEWEST_FIRST") params.set("sort", filter.sort);
  return params;
}

/** Returns the variables of the query. */
export function variablesOf({ search, priceMin, priceMax, inStock, sort }: CatalogueFilter) {
  const words = search.trim();
  const filter: ProductFilter = {
    priceMin: minorUnits(priceMin),
    priceMax: minorUnits(priceMax),
    inStock: inStock ? true : undefined,
  };
  return { search: words === "" ? undefined : words, filter, sort };
}

/** A comma is a decimal one: `1,000` would be ambiguous. */
const price = /^\d+(?:[.,]\d{1,2})?$/;

/** Converts a typed price. Returns undefined for an empty text, and for a text that is no price. */
function minorUnits(text: string): number | undefined {
  if (!price.test(text.trim())) return undefined;
  return Math.min(Math.round(Number(text.replace(",", ".")) * 100), maxInt);
}

/** What is wrong with the prices of a filter, by field. */
export interface PriceFaults {
  priceMin?: string;
  priceMax?: string;
}

/** Checks the prices of a filter. Returns undefined if they are right. */
export function priceFaultsOf({ priceMin, priceMax }: CatalogueFilter): PriceFaults | undefined {
  const isWrong = (text: string) => text.trim() !== "" && minorUnits(text) === undefined;
  const faults: PriceFaults = {
    ...(isWrong(priceMin) && { priceMin: catalogueTexts.noPrice }),
    ...(isWrong(priceMax) && { priceMax: catalogueTexts.noPrice }),
  };
  const [min = 0, max = maxInt] = [minorUnits(priceMin), minorUnits(priceMax)];
  if (min > max) faults.priceMax = catalogueTexts.priceOrder;
  return Object.keys(faults).length === 0 ? undefined : faults;
}

export function isFiltered({ search, priceMin, priceMax, inStock }: CatalogueFilter): boolean {
  return search.trim() !== "" || priceMin !== "" || priceMax !== "" || inStock;
}
