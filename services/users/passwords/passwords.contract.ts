import { action } from "../../../core/contract.ts";
import { exactText, id, optional, text } from "../../../core/validation.ts";
import type { Success, User } from "../accounts/accounts.contract.ts";

export interface ChangePassword {
  password: string;
  newPassword: string;
}

/** The account of a new reset token: an id or an email. */
export interface CreatePasswordReset {
  id?: string;
  email?: string;
}

/** A token that is valid for one change of the password of an account. */
export interface PasswordReset {
  token: string;
  /** ISO 8601, UTC. */
  expiresAt: string;
  /** The account. */
  user: User;
}

export interface ResetPassword {
  token: string;
  newPassword: string;
}

export const passwordRule = exactText(8, 128);
/** Accepts passwords of any form, so that all wrong passwords get the same error. */
export const anyPasswordRule = exactText(0, 128);
/** Accepts tokens of any form, so that all invalid tokens get the same error. */
export const anyTokenRule = exactText(0, 1_000);

/** The weight in rate limits of an action that hashes a password, which takes about 20 ms of a core. */
export const costOfHash = 100;

/** The actions that change and reset passwords. */
export const passwordActions = {
  changePassword: action<ChangePassword, Success>({
    params: { password: anyPasswordRule, newPassword: passwordRule },
    access: "signed-in",
    graphql: {
      mutation: `
        """
        Changes the password of the caller, and ends all sessions of the caller. For signed-in
        users. Errors: UNAUTHENTICATED, BAD_USER_INPUT, INVALID_CREDENTIALS, TOO_MANY_REQUESTS.
        """
        changePassword("The old and the new password" input: ChangePassword!): Success!
      `,
      cost: costOfHash,
    },
  }),
  createPasswordReset: action<CreatePasswordReset, PasswordReset>({
    params: { id: optional(id()), email: optional(text(0, 254)) },
    access: "admin",
    graphql: {
      mutation: `
        """
        Returns a token with which a customer can set a new password, once and within an hour. Hand
        it to the customer only. Invalidates earlier tokens of the account. For admins; FORBIDDEN
        for the accounts of admins. An Idempotency-Key has no effect: each call returns another
        token. Errors: UNAUTHENTICATED, FORBIDDEN, BAD_USER_INPUT, USER_NOT_FOUND.
        """
        createPasswordReset("The account" input: CreatePasswordReset!): PasswordReset!
      `,
      ignoresKey: true,
    },
  }),
  resetPassword: action<ResetPassword, Success>({
    params: { token: anyTokenRule, newPassword: passwordRule },
    access: "everyone",
    graphql: {
      mutation: `
        """
        Sets a new password with a reset token, and ends all sessions of the account. For everyone
        who has a token. Errors: BAD_USER_INPUT, INVALID_RESET_TOKEN, TOO_MANY_REQUESTS.
        """
        resetPassword("The token and the new password" input: ResetPassword!): Success!
      `,
      cost: costOfHash,
    },
  }),
};
