import { parsePostgresUrl } from "../core/network/postgres-url.ts";
import { domainServices, type DomainService } from "../services/registry.ts";
import type { ConfigReader } from "./config-reader.ts";
import { databaseUrlName } from "./settings/cluster-settings.ts";

/** Parameters of a URL with a fixed set of values. The driver takes all others for TLS. */
const choices: Readonly<Record<string, readonly string[]>> = {
  sslmode: ["disable", "prefer", "require", "verify-ca", "verify-full", "no-verify"],
  ssl: ["true", "1", "0", "no-verify"],
};

/** Why a URL cannot be used: a predicate, and the part of the URL to which it applies. */
interface UrlFault {
  problem: string;
  part?: { link: string; text: string };
}

/** Reads the URLs of the databases. Two services cannot share a database. */
export function readDatabaseUrls(read: ConfigReader): Record<DomainService, string | undefined> {
  const urls = domainServices.map((name) => [name, read.url(databaseUrlName(name))] as const);
  const databases = new Map<string, DomainService>();
  for (const [name, text] of urls) {
    const url = text === undefined ? null : URL.parse(text);
    if (text === undefined || url === null) continue;
    const setting = databaseUrlName(name);
    const fault =
      faultOfText(text) ?? faultOfServer(url) ?? faultOfChoices(url) ?? faultOfConnection(text);
    if (fault?.part !== undefined) {
      read.invalid(setting, fault.problem, fault.part.link, fault.part.text);
    } else if (fault !== undefined) {
      read.fault(setting, fault.problem);
    }
    const { hostname, port, pathname } = url;
    const host = lastOf(url, "host") ?? hostname;
    const database = `${host}:${port || "5432"}${pathname}`;
    const other = databases.get(database);
    if (other !== undefined) {
      read.fault(setting, `must name another database than ${databaseUrlName(other)}`);
    }
    databases.set(database, name);
  }
  return Object.fromEntries(urls) as Record<DomainService, string | undefined>;
}

/** The driver uses the last of several parameters with the same name. */
function lastOf({ searchParams }: URL, name: string): string | undefined {
  return searchParams.getAll(name).at(-1);
}

/** The driver would encode such a URL a second time, and so change its password, for example. */
function faultOfText(text: string): UrlFault | undefined {
  if (/\s/.test(text)) return { problem: "must not contain blanks; write %20" };
  if (/%(?![\da-f]{2})/i.test(text)) return { problem: "must have its parts percent-encoded" };
  return undefined;
}

/** The driver would take the missing parts from variables such as PGHOST, or connect to port NaN. */
function faultOfServer(url: URL): UrlFault | undefined {
  if (!(lastOf(url, "host") ?? url.hostname)) return { problem: "must name a host" };
  const ports = [lastOf(url, "port"), url.port === "" ? undefined : url.port];
  const isPort = (port: string) =>
    /^\d{1,5}$/.test(port) && Number(port) > 0 && Number(port) < 65_536;
  return ports.every((port) => port === undefined || isPort(port))
    ? undefined
    : { problem: "must have a port from 1 to 65535" };
}

function faultOfChoices(url: URL): UrlFault | undefined {
  for (const [name, values] of Object.entries(choices)) {
    const value = lastOf(url, name);
    if (value !== undefined && !values.includes(value)) {
      const problem = `must have as ${name} one of ${values.join(", ")}`;
      return { problem, part: { link: ", not", text: value } };
    }
  }
  return undefined;
}

/** Returns why the driver rejects a URL, for example because of a missing certificate. */
function faultOfConnection(text: string): UrlFault | undefined {
  try {
    parsePostgresUrl(text);
    return undefined;
  } catch (error) {
    const { code, path, message } = error as NodeJS.ErrnoException;
    if (path !== undefined) {
      const problem = `names a file that cannot be read (${code})`;
      return { problem, part: { link: ":", text: path } };
    }
    if (error instanceof URIError) return { problem: "must have its parts percent-encoded" };
    return { problem: `is rejected by the driver (${message})` };
  }
}
