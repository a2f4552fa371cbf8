import pgConnectionString from "pg-connection-string";
import { domainServices, type DomainService } from "../services/registry.ts";
import type { ConfigReader } from "./config-reader.ts";
import { databaseUrlName } from "./settings/cluster-settings.ts";

/** Reads the URLs of the databases. Two services cannot share a database. */
export function readDatabaseUrls(read: ConfigReader): Record<DomainService, string | undefined> {
  const urls = domainServices.map((name) => [name, read.url(databaseUrlName(name))] as const);
  const databases = new Map<string, DomainService>();
  for (const [name, text] of urls) {
    const url = text === undefined ? null : URL.parse(text);
    if (url === null) continue;
    const unusable = faultOfServer(url) ?? faultOfConnection(url.href);
    if (unusable !== undefined) read.fault(databaseUrlName(name), unusable);
    const { hostname, port, pathname, searchParams } = url;
    const host = searchParams.get("host") ?? hostname;
    const database = `${host}:${port || "5432"}${pathname}`;
    const other = databases.get(database);
    if (other !== undefined) {
      const problem = `must name another database than ${databaseUrlName(other)}`;
      read.fault(databaseUrlName(name), problem);
    }
    databases.set(database, name);
  }
  return Object.fromEntries(urls) as Record<DomainService, string | undefined>;
}

/** The driver would take the missing parts from variables such as PGHOST, or connect to port NaN. */
function faultOfServer({ hostname, searchParams }: URL): string | undefined {
  if (!(searchParams.get("host") ?? hostname)) return "must name a host";
  const port = searchParams.get("port");
  const isPort =
    port === null || (/^\d{1,5}$/.test(port) && Number(port) > 0 && Number(port) < 65_536);
  return isPort ? undefined : "must have a port from 1 to 65535";
}

/** Returns why the driver rejects a URL, for example because of a missing certificate. */
function faultOfConnection(url: string): string | undefined {
  try {
    pgConnectionString.parse(url);
    return undefined;
  } catch (error) {
    const { code, path, message } = error as NodeJS.ErrnoException;
    if (path !== undefined) return `names a file that cannot be read: "${path}" (${code})`;
    if (error instanceof URIError) return "must have its parts percent-encoded";
    return `is rejected by the driver (${message})`;
  }
}
