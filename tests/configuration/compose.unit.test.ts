import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { parse } from "yaml";
import { domainServices, serviceNames } from "../../services/registry.ts";
import { projectDir } from "../../tools/support/processes.ts";

interface ComposeService {
  entrypoint?: string[];
  environment?: Record<string, string>;
  volumes?: string[];
  networks?: string[];
  ports?: string[];
  logging?: object;
}

interface ComposeFile {
  services: Record<string, ComposeService>;
  networks?: Record<string, { internal?: boolean }>;
  volumes?: Record<string, object>;
}

const textOf = (file: string) => readFileSync(join(projectDir, file), "utf8");
const compose = (file: string) => parse(textOf(file), { merge: true }) as ComposeFile;

const cluster = compose("docker-compose.yml");
const namesOf = (list: readonly string[]) => [...list].sort();
/** Returns the named volumes that a service mounts, without their paths. */
const volumesOf = (service: string) =>
  (cluster.services[service]?.volumes ?? [])
    .map((mount) => mount.split(":")[0] ?? "")
    .filter((name) => !name.startsWith("."));

describe.each(serviceNames)("the Compose service %s", (name) => {
  test("runs only the service of its name", () => {
    expect(cluster.services[name]?.environment?.SERVICES).toBe(name);
  });

  test("mounts the password of no other service", () => {
    const shared = ["nats-secrets", "signing-secrets"];
    const own = volumesOf(name).filter((volume) => !shared.includes(volume));
    expect(own).toEqual(name === "api" ? [] : [`${name}-secrets`]);
  });
});

test("each domain service has a database in both Compose files", () => {
  const development = compose("docker-compose-dev.yml");
  for (const { services } of [cluster, development]) {
    const databases = Object.keys(services).filter((name) => name.endsWith("-db"));
    expect(namesOf(databases)).toEqual(namesOf(domainServices.map((name) => `${name}-db`)));
  }
});

test("all volumes that services mount are declared", () => {
  const mounted = new Set(Object.keys(cluster.services).flatMap(volumesOf));
  expect(namesOf([...mounted])).toEqual(namesOf(Object.keys(cluster.volumes ?? {})));
});

test("the user of the image owns each folder that the secrets are written to", () => {
  const [, made = ""] = /^RUN mkdir -p (.+) && chown -R node:node \/secrets/m.exec(
    textOf("Dockerfile"),
  ) ?? [""];
  const mounts = cluster.services.secrets?.volumes ?? [];
  const folders = mounts.map((mount) => mount.split(":")[1] ?? "");
  expect(namesOf(made.split(" "))).toEqual(namesOf(folders));
});

test("only the balancer, the gateway and webhooks are in networks that are not internal", () => {
  const isOpen = (network: string) => cluster.networks?.[network]?.internal !== true;
  const open = Object.entries(cluster.services).flatMap(([name, { networks = ["default"] }]) =>
    networks.some(isOpen) ? [name] : [],
  );
  expect(namesOf(open)).toEqual(["api", "balancer", "webhooks"]);
});

describe("docker-compose.observe.yml", () => {
  const { services } = compose("docker-compose.observe.yml");

  test("observes all nodes, and Prometheus reads from them", () => {
    const observed = Object.keys(services).filter(
      (name) => services[name]?.environment?.OTEL_EXPORTER_OTLP_ENDPOINT !== undefined,
    );
    expect(namesOf(observed)).toEqual(namesOf(serviceNames));
    const { scrape_configs: jobs } = parse(textOf("deploy/observe/prometheus.yml")) as {
      scrape_configs: { job_name: string; dns_sd_configs?: { names: string[] }[] }[];
    };
    const read = jobs.flatMap(({ dns_sd_configs: configs = [] }) =>
      configs.flatMap(({ names }) => names),
    );
    expect(namesOf(read)).toEqual(namesOf(serviceNames));
  });

  test("collects the logs of all services that run in docker-compose.yml", () => {
    const logged = Object.keys(services).filter((name) => services[name]?.logging !== undefined);
    const running = Object.keys(cluster.services).filter((name) => name !== "secrets");
    expect(namesOf(logged)).toEqual(namesOf(running));
  });

  test("mounts each file of deploy/observe, and no other", () => {
    const mounted = Object.values(services).flatMap(({ volumes = [] }) =>
      volumes.flatMap((mount) => /^\.\/deploy\/observe\/([^:]+):/.exec(mount)?.[1] ?? []),
    );
    expect(namesOf(mounted)).toEqual(namesOf(readdirSync(join(projectDir, "deploy/observe"))));
  });

  test("publishes ports on 127.0.0.1 only", () => {
    const ports = Object.values(services).flatMap(({ ports = [] }) => ports);
    expect(ports.filter((port) => !port.startsWith("127.0.0.1:"))).toEqual([]);
    expect(ports).not.toEqual([]);
  });
});

test("docker-compose.backup.yml adds archiving and a volume to each database", () => {
  const { services, volumes = {} } = compose("docker-compose.backup.yml");
  expect(namesOf(Object.keys(services))).toEqual(
    namesOf(domainServices.map((name) => `${name}-db`)),
  );
  expect(namesOf(Object.keys(volumes))).toEqual(
    namesOf(domainServices.map((name) => `${name}-backups`)),
  );
  for (const service of domainServices) {
    const own = services[`${service}-db`];
    expect(own?.volumes).toContain(`${service}-backups:/backups`);
    // An entrypoint replaces the one of docker-compose.yml, so it contains all of its settings.
    const [, , command = ""] = own?.entrypoint ?? [];
    const [, , original = ""] = cluster.services[`${service}-db`]?.entrypoint ?? [];
    expect(command).toContain(original);
    expect(command).toContain("-c archive_mode=on");
  }
  expect(textOf("deploy/backup/backup.sh")).toContain(
    `for service in ${domainServices.join(" ")};`,
  );
});
