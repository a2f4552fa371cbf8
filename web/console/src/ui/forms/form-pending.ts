import { createContext } from "react";

/** Whether the form is being sent. Its fields then take no entries, which what is saved would replace. */
export const FormPending = createContext(false);
