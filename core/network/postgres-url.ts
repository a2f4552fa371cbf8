import pgConnectionString, { type ConnectionOptions } from "pg-connection-string";

/** For the driver, these modes are names of `verify-full`. It says so on stderr, in several lines. */
const namesOfVerifyFull = new Set(["prefer", "require", "verify-ca"]);

/** Parses the URL of a PostgreSQL database as the driver does, without its text on stderr. */
export function parsePostgresUrl(text: string): ConnectionOptions {
  const url = URL.parse(text);
  const mode = url?.searchParams.getAll("sslmode").at(-1) ?? "";
  const isLibpq = url?.searchParams.getAll("uselibpqcompat").at(-1) === "true";
  if (url === null || isLibpq || !namesOfVerifyFull.has(mode)) {
    return pgConnectionString.parse(text);
  }
  url.searchParams.set("sslmode", "verify-full");
  return pgConnectionString.parse(url.href);
}
