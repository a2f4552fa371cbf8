import { createContext } from "react";

/** The messages of the shop about the values of a form, by the names of the fields. */
export const FormErrors = createContext<Readonly<Record<string, string>>>({});
