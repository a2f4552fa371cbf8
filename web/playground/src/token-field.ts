import { elementOf } from "./elements.ts";

const tokenKey = "shop-token";
const input = elementOf("#token", HTMLInputElement);
const status = elementOf("#token-status", HTMLOutputElement);

input.value = sessionStorage.getItem(tokenKey) ?? "";
input.addEventListener("input", () => {
  keepToken(input.value, "");
});

/** Returns the token of the field. Empty for an anonymous caller. */
export function currentToken(): string {
  return input.value.trim();
}

/** Puts a token into the field, and says where it is from. */
export function takeToken(token: string, source: string): void {
  input.value = token;
  keepToken(token, `Taken from ${source}`);
}

/** Stores the token until the browser tab is closed. */
function keepToken(token: string, text: string): void {
  sessionStorage.setItem(tokenKey, token);
  status.textContent = text;
}
