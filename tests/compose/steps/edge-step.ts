import type { Account } from "../../../tools/verify/workload/market.ts";
import { graphql } from "../../../tools/support/graphql-client.ts";
import type { Project } from "../containers/project.ts";
import type { Report } from "../report.ts";
import { Tables } from "../tables.ts";

/** An address for documentation, which no machine has (RFC 5737). */
const forgedAddress = "192.0.2.1";
const responseWithinMs = 5_000;

/** Checks which requests the load balancer passes on, and that signing keys are encrypted at rest. */
export async function checkEdge(project: Project, admin: Account, report: Report): Promise<void> {
  const { url } = project;
  const paths = ["/metrics", "/METRICS", "/metrics/", "/metrics?a"];
  const statuses = await Promise.all(
    paths.map(async (path) => (await fetch(`${url}${path}`)).status),
  );
  const isClosed = statuses.every((status) => status === 404);
  report.row("metrics from outside", isClosed, `statuses ${statuses.join(", ")}`);

  const addresses = await failedLoginAddresses(url, admin);
  const isForged = addresses.length === 0 || addresses.includes(forgedAddress);
  report.row("X-Forwarded-For from outside", !isForged, `recorded ${addresses.join(", ")}`);

  const acknowledged = await openSocket(`${url.replace("http", "ws")}/graphql`);
  report.row("WebSocket", acknowledged === "connection_ack", `received ${acknowledged}`);

  const page = await fetch(url);
  const { data } = await graphql(url, "{ __schema { queryType { name } } }");
  const isOpen = page.ok && data?.__schema !== undefined;
  report.row("playground, introspection", isOpen, `status ${page.status}`);

  const keys = await new Tables(project).query<{ sealed: boolean }>(
    "users",
    "SELECT private_pem NOT LIKE '%PRIVATE KEY%' AS sealed FROM signing_keys",
  );
  const plain = keys.filter(({ sealed }) => !sealed).length;
  report.row(
    "signing keys at rest",
    keys.length > 0 && plain === 0,
    `${plain} of ${keys.length} not encrypted`,
  );
}

/** Fails a login with a forged address. Returns the addresses of failed logins in the audit trail. */
async function failedLoginAddresses(url: string, { token }: Account): Promise<string[]> {
  const headers = { "x-forwarded-for": forgedAddress, forwarded: `for=${forgedAddress}` };
  const input = `email: "nobody@example.com", password: "wrong"`;
  await graphql(url, `mutation { login(input: { ${input} }) { token } }`, { headers });
  const { data } = await graphql<{ usersAudit: { action: string; address: string }[] }>(
    url,
    "{ usersAudit { action address } }",
    { token },
  );
  const failed = data?.usersAudit.filter(({ action }) => action === "LOGIN_REFUSED") ?? [];
  return failed.map(({ address }) => address);
}

/** Opens a WebSocket for subscriptions. Returns the type of the first message, or the failure. */
function openSocket(url: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = new WebSocket(url, "graphql-transport-ws");
    const settle = (text: string) => {
      resolve(text);
      socket.close();
    };
    socket.onopen = () => {
      socket.send(JSON.stringify({ type: "connection_init" }));
    };
    socket.onmessage = ({ data }) => {
      settle((JSON.parse(String(data)) as { type: string }).type);
    };
    socket.onerror = () => {
      settle("an error");
    };
    setTimeout(settle, responseWithinMs, "nothing").unref();
  });
}
