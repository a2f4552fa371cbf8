import { userErrors } from "./users.contract.ts";
import { invalidField, commonErrors, ClientError, tooManyRequests } from "../../core/errors.ts";

export const userNotFound = () =>
  new ClientError(userErrors.USER_NOT_FOUND, "There is no such user.");

/** The same for an unknown session, an ended one, and one of another user. */
export const sessionNotFound = () =>
  new ClientError(userErrors.SESSION_NOT_FOUND, "You have no such open session.");

const emailTaken = () => new ClientError(userErrors.EMAIL_TAKEN, "Another account has this email.");

/** The same for a wrong password and an unknown email, so that callers do not learn who has an account. */
export const invalidCredentials = () =>
  new ClientError(userErrors.INVALID_CREDENTIALS, "Email and password do not belong together.");

/** Only for signed-in users, who know that the account exists. */
export const wrongPassword = () =>
  new ClientError(userErrors.INVALID_CREDENTIALS, "This is not your present password.");

/** The same for an unknown, an expired and a used token, so that callers learn no accounts. */
export const invalidResetToken = () =>
  new ClientError(
    userErrors.INVALID_RESET_TOKEN,
    "This reset token is unknown, expired or used; ask for a new one.",
  );

export const lastAdmin = () =>
  new ClientError(
    userErrors.LAST_ADMIN,
    "This is the last admin of the shop; make another user an admin first.",
  );

export const lastOperatingAdmin = () =>
  new ClientError(
    userErrors.LAST_ADMIN,
    "This is the last admin who may operate the shop; grant another admin this right first.",
  );

export const noAdmin = () => invalidField("id", "Only an admin can have this right.");

export const nothingToChange = () => invalidField("username", "Give a 'username' or an 'email'.");

export const passwordMissing = () =>
  invalidField("password", "A new 'email' requires the current 'password'.");

export const noSingleAccount = () => invalidField("id", "Give either an 'id' or an 'email'.");

/** The same for an ended session and any invalid refresh token, so that callers learn no sessions. */
export const sessionEnded = () =>
  new ClientError(commonErrors.UNAUTHENTICATED, "Your session has ended; sign in again.");

export const tooManyLogins = (retryAfterSeconds: number) =>
  tooManyRequests("Too many sign-ins at once; try again in a moment.", retryAfterSeconds);

/** The same for existing and unknown accounts. */
export const tooManyTries = (retryAfterSeconds: number) =>
  tooManyRequests("There were too many wrong passwords; try again later.", retryAfterSeconds);

export const tooManyFromAddress = (retryAfterSeconds: number) =>
  tooManyRequests("Too many requests from your address; try again later.", retryAfterSeconds);

/** The client errors of violated constraints. */
export const usersConstraints = { users_email_key_unique: emailTaken };
