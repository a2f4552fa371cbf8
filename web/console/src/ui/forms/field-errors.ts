import { isShopError, type ShopErrorCode } from "../../../../../clients/typescript/src/index.ts";
import { errorText } from "../../api/error-text.ts";

/** The message of an error, and the names of the fields that it can be about, the likeliest first. */
interface FieldError {
  names: readonly string[];
  message: string;
}

/** Messages for codes that are about a field, by the name of the field. */
export type ErrorFields = Partial<Record<ShopErrorCode, Record<string, string>>>;

/** The fields that these codes are about, wherever a form has them. */
const fieldsOfCodes: Partial<Record<ShopErrorCode, string>> = {
  EMAIL_TAKEN: "email",
  INSUFFICIENT_STOCK: "number",
  INVALID_RESET_TOKEN: "token",
  SKU_TAKEN: "sku",
};

/** What a form shows of an error. */
export interface ShownErrors {
  /** The messages at the fields, by their names. */
  ofFields: Record<string, string>;
  /** The message about what has no field in the form. */
  ofForm: string | undefined;
}

/**
 * Divides an error of the shop between the fields of a form and the form itself, so that each message
 * has a place.
 *
 * @param names the names of the fields; undefined if the form has all that the error can be about
 */
export function shownErrors(
  error: unknown,
  names: readonly string[] | undefined,
  errorFields: ErrorFields,
): ShownErrors {
  const ofFields: Record<string, string> = {};
  let ofForm: string | undefined;
  for (const { names: candidates, message } of fieldErrorsOf(error, errorFields)) {
    const name = candidates.find((candidate) => names?.includes(candidate) ?? true);
    if (name === undefined) ofForm ??= errorText(error);
    else ofFields[name] ??= message;
  }
  return { ofFields, ofForm };
}

function fieldErrorsOf(error: unknown, errorFields: ErrorFields): FieldError[] {
  if (error === null || error === undefined) return [];
  const ofForm = [{ names: [], message: "" }];
  if (!isShopError(error)) return ofForm;
  const ofCode = errorFields[error.code];
  if (ofCode) {
    return Object.entries(ofCode).map(([name, message]) => ({ names: [name], message }));
  }
  const name = fieldsOfCodes[error.code];
  if (name !== undefined) return [{ names: [name], message: errorText(error) }];
  if (error.fields.length === 0) return ofForm;
  // `input.events[0]` is `events`.
  return error.fields.map(({ field, message }) => ({
    names: field.split(/[.[\]]+/).reverse(),
    message,
  }));
}
