import { publicCodeOf } from "../../core/errors.ts";
import { databaseReadingsMaxAgeMs, type Instruments } from "../../core/metrics/instruments.ts";
import { hashQueue } from "./passwords/password-hash.ts";
import type { SigningKeys } from "./sessions/signing-keys.ts";

/** Counts sign-ins, and measures the queue of password hashes and the age of the signing key. */
export class UserMetrics {
  readonly #signIns;

  constructor(instruments: Instruments, keys: SigningKeys) {
    this.#signIns = instruments.counters(
      "shop_sign_ins_total",
      "Calls of users.login, by OK or the error code",
      ["code"],
    );
    this.#signIns.of({ code: "OK" });
    instruments.read("the password hashes", {
      metrics: {
        shop_password_hashes_running: "Password hashes in progress in this process",
        shop_password_hashes_waiting: "Password hashes that wait for their turn in this process",
      },
      read() {
        const { running, waiting } = hashQueue();
        return [
          { name: "shop_password_hashes_running", value: running },
          { name: "shop_password_hashes_waiting", value: waiting },
        ];
      },
    });
    instruments.read("the signing keys", {
      metrics: { shop_signing_key_age_seconds: "Age of the key that signs access tokens" },
      maxAgeMs: databaseReadingsMaxAgeMs,
      async read() {
        const value = await keys.ageSeconds();
        return value === undefined ? [] : [{ name: "shop_signing_key_age_seconds", value }];
      },
    });
  }

  /** Counts the outcome of a login. */
  async countSignIn<Result>(login: Promise<Result>): Promise<Result> {
    try {
      const result = await login;
      this.#signIns.of({ code: "OK" }).add();
      return result;
    } catch (error) {
      this.#signIns.of({ code: publicCodeOf(error) }).add();
      throw error;
    }
  }
}
