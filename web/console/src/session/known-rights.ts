import { readStored, type TextStorage } from "../api/storage.ts";

/** What decides which links a user sees. */
export interface Rights {
  type: number;
  mayOperate: boolean;
}

interface StoredRights extends Rights {
  userId: string;
}

const rightsKey = "shop-console-rights";

function isStoredRights(value: unknown): value is StoredRights {
  const { userId, type, mayOperate } = (value ?? {}) as Partial<StoredRights>;
  return typeof userId === "string" && typeof type === "number" && typeof mayOperate === "boolean";
}

/**
 * Returns the rights that a user had last, so that the navigation is complete before the shop answers.
 * Undefined if they are not known.
 */
export function knownRights(storage: TextStorage, userId: string | undefined): Rights | undefined {
  const stored = readStored(storage, rightsKey, isStoredRights);
  return stored !== undefined && stored.userId === userId ? stored : undefined;
}

export function storeRights(storage: TextStorage, userId: string, rights: Rights): void {
  const { type, mayOperate } = rights;
  storage.setItem(rightsKey, JSON.stringify({ userId, type, mayOperate } satisfies StoredRights));
}
