import { isPublic, type Access, type Actor, type Viewer } from "../../../core/access.ts";

/** How a gateway learns that a viewer's access was revoked. */
export interface RevocationOptions {
  publicReads: boolean;
  /** Returns the error that ends the subscription of a viewer whose access was revoked. */
  revocationOf: (viewer: Viewer) => Error | undefined;
}

/**
 * Returns the check before each event of a subscription. Throws its error if the actor's session has
 * ended already. The caller has checked the access rule.
 */
export function revocationCheck(
  access: Access | undefined,
  actor: Actor,
  { publicReads, revocationOf }: RevocationOptions,
): () => Error | undefined {
  if (actor.kind === "operator" || isPublic(access, publicReads)) return () => undefined;
  const error = revocationOf(actor);
  if (error !== undefined) throw error;
  return () => revocationOf(actor);
}
