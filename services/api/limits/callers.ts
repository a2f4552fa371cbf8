import { mayActForOthers, type Viewer } from "../../../core/access.ts";
import { addressGroup } from "../../../core/network/caller-address.ts";

/** What an admin is charged of the cost of an operation: an export reads the whole catalogue. */
const adminShare = 0.1;

/** Returns the rate limit key of a caller: the user id, or the address group if anonymous. */
export function callerOf(viewer: Viewer, address: string): string {
  return viewer.kind === "user" ? viewer.id : addressGroup(address);
}

/** Returns the share of the cost of its operations that a viewer is charged. */
export function costShareOf(viewer: Viewer): number {
  return mayActForOthers(viewer) ? adminShare : 1;
}
