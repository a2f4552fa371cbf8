import type { TypedDocument } from "../../../../clients/typescript/src/index.ts";
import { keyOf } from "./documents.ts";
import { isOutcomeUnknown, LostAnswer } from "./lost-answer.ts";

/** Sends a mutation with an idempotency key. */
type Execute = <Data, Variables>(
  document: TypedDocument<Data, Variables>,
  variables: Variables,
  idempotencyKey: string,
) => Promise<Data>;

interface MutationSenderOptions {
  /** Throws an error if there is no network: then the mutation is not sent. */
  assertReachable: () => Promise<void>;
  execute: Execute;
  /** Who is signed in. The shop has keys for each user. */
  userId: () => string | undefined;
}

/** Returns a random key. `crypto.randomUUID` is missing on pages without HTTPS. */
export const newIdempotencyKey = () => crypto.getRandomValues(new Uint32Array(4)).join("-");

/** A mutation whose outcome is not known. */
interface Attempt {
  /** What was sent, and for whom. */
  content: string;
  idempotencyKey: string;
}

/**
 * Sends the mutations of one form or button. A mutation whose outcome is unknown keeps its idempotency
 * key: the same mutation, sent again, has no second effect. Everything else has a new key.
 */
export class MutationSender {
  readonly #options: MutationSenderOptions;
  #unanswered: Attempt | undefined;

  constructor(options: MutationSenderOptions) {
    this.#options = options;
  }

  /** Throws `LostAnswer` if the mutation may have taken effect nevertheless. */
  async send<Data, Variables extends object>(
    document: TypedDocument<Data, Variables>,
    variables: Variables,
  ): Promise<Data> {
    const { assertReachable, execute, userId } = this.#options;
    const content = JSON.stringify([userId(), ...keyOf(document, variables)]);
    if (this.#unanswered?.content !== content) {
      // A mutation that is not sent is not lost. One that is repeated was lost before.
      await assertReachable();
      this.#unanswered = { content, idempotencyKey: newIdempotencyKey() };
    }
    const attempt = this.#unanswered;
    try {
      const data = await execute(document, variables, attempt.idempotencyKey);
      this.#forget(attempt);
      return data;
    } catch (error) {
      if (isOutcomeUnknown(error)) throw new LostAnswer(error);
      this.#forget(attempt);
      throw error;
    }
  }

  /** Another mutation can have been sent meanwhile. */
  #forget(attempt: Attempt): void {
    if (this.#unanswered === attempt) this.#unanswered = undefined;
  }
}
