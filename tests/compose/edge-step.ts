import type { Account } from "../../tools/verify/workload/market.ts";
import { graphql } from "../../tools/support/graphql-client.ts";
import type { Project } from "./project.ts";
import type { Report } from "./report.ts";
import { Tables } from "./tables.ts";

/** Of no machine anywhere (RFC 5737). */
const forgedAddress = "192.0.2.1";
const answerWithinMs = 5_000;

/** What the balancer lets in, and what it keeps out; and where the keys' secret is not. */
export async function checkEdge(project: Project, admin: Account, report: Report): Promise<void> {
  const { url } = project;
  const paths = ["/metrics", "/METRICS", "/metrics/", "/metrics?a"];
  const statuses = await Promise.all(
    paths.map(async (path) => (await fetch(`${url}${path}`)).status),
  );
  const isClosed = statuses.every((status) => status === 404);
  report.row("metrics from outside", isClosed, `answered ${statuses.join(", ")}`);

  const addresses = await addressesOf(url, admin);
  const isForged = addresses.length === 0 || addresses.includes(forgedAddress);
  report.row("X-Forwarded-For from outside", !isForged, `noted ${addresses.join(", ")}`);

  const acknowledged = await openSocket(`${url.replace("http", "ws")}/graphql`);
  report.row("WebSocket", acknowledged === "connection_ack", `answered ${acknowledged}`);

  const page = await fetch(url);
  const { data } = await graphql(url, "{ __schema { queryType { name } } }");
  const isOpen = page.ok && data?.__schema !== undefined;
  report.row("playground, introspection", isOpen, `page ${page.status}`);

  const keys = await new Tables(project).query<{ sealed: boolean }>(
    "users",
    "SELECT private_pem NOT LIKE '%PRIVATE KEY%' AS sealed FROM signing_keys",
  );
  const plain = keys.filter(({ sealed }) => !sealed).length;
  report.row("signing keys at rest", keys.length > 0 && plain === 0, `${plain} in plain`);
}

/** The addresses that refused sign-ins are noted with, after one that says it comes from elsewhere. */
async function addressesOf(url: string, { token }: Account): Promise<string[]> {
  const headers = { "x-forwarded-for": forgedAddress, forwarded: `for=${forgedAddress}` };
  const input = `email: "nobody@example.com", password: "wrong"`;
  await graphql(url, `mutation { login(input: { ${input} }) { token } }`, { headers });
  const { data } = await graphql<{ usersAudit: { action: string; address: string }[] }>(
    url,
    "{ usersAudit { action address } }",
    { token },
  );
  const refused = data?.usersAudit.filter(({ action }) => action === "LOGIN_REFUSED") ?? [];
  return refused.map(({ address }) => address);
}

/** What a client of subscriptions hears first. */
function openSocket(url: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = new WebSocket(url, "graphql-transport-ws");
    const answer = (text: string) => {
      resolve(text);
      socket.close();
    };
    socket.onopen = () => {
      socket.send(JSON.stringify({ type: "connection_init" }));
    };
    socket.onmessage = ({ data }) => {
      answer((JSON.parse(String(data)) as { type: string }).type);
    };
    socket.onerror = () => {
      answer("with an error");
    };
    setTimeout(answer, answerWithinMs, "nothing").unref();
  });
}
