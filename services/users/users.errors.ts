import { userErrors } from "./users.contract.ts";
import { commonErrors, ClientError } from "../../core/errors.ts";

export const userNotFound = () =>
  new ClientError(userErrors.USER_NOT_FOUND, "There is no such user.");

const emailTaken = () => new ClientError(userErrors.EMAIL_TAKEN, "Another account has this email.");

/** The same for a wrong password and an unknown email: it tells nobody who has an account. */
export const invalidCredentials = () =>
  new ClientError(userErrors.INVALID_CREDENTIALS, "Email and password do not belong together.");

/** To somebody who is signed in, and so knows whose it is. */
export const wrongPassword = () =>
  new ClientError(userErrors.INVALID_CREDENTIALS, "This is not your present password.");

/**
 * Of whoever acts by a session, and for all that is wrong with a refresh token: it tells nobody
 * which sessions there are.
 */
export const sessionEnded = () =>
  new ClientError(commonErrors.UNAUTHENTICATED, "Your session has ended; sign in again.");

export const tooManyLogins = (retryAfterSeconds: number) =>
  new ClientError(
    commonErrors.TOO_MANY_REQUESTS,
    "Too many sign-ins at once; try again in a moment.",
    {
      retryAfter: retryAfterSeconds,
    },
  );

/** The same whether the account exists or not. */
export const tooManyTries = (retryAfterSeconds: number) =>
  new ClientError(
    commonErrors.TOO_MANY_REQUESTS,
    "There were too many wrong passwords; try again later.",
    {
      retryAfter: retryAfterSeconds,
    },
  );

export const tooManyFromAddress = (retryAfterSeconds: number) =>
  new ClientError(
    commonErrors.TOO_MANY_REQUESTS,
    "Your address asks for this too often; try again later.",
    {
      retryAfter: retryAfterSeconds,
    },
  );

/** What a broken constraint of the users database means. */
export const usersConstraints = { users_email_key_unique: emailTaken };
