import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { Cluster } from "@kubernetes-models/cloudnative-pg/postgresql.cnpg.io/v1/Cluster";
import { ScheduledBackup } from "@kubernetes-models/cloudnative-pg/postgresql.cnpg.io/v1/ScheduledBackup";
import { PodMonitor } from "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/PodMonitor";
import { PrometheusRule } from "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/PrometheusRule";
import { Deployment } from "kubernetes-models/apps/v1/Deployment";
import { HorizontalPodAutoscaler } from "kubernetes-models/autoscaling/v2/HorizontalPodAutoscaler";
import { Job } from "kubernetes-models/batch/v1/Job";
import { Ingress } from "kubernetes-models/networking.k8s.io/v1/Ingress";
import { NetworkPolicy } from "kubernetes-models/networking.k8s.io/v1/NetworkPolicy";
import { PodDisruptionBudget } from "kubernetes-models/policy/v1/PodDisruptionBudget";
import { Namespace } from "kubernetes-models/v1/Namespace";
import { Service } from "kubernetes-models/v1/Service";
import { parseAllDocuments, parse } from "yaml";
import { clusterNodeDefaults, readConfig } from "../../config/config.ts";
import { domainServices, serviceNames } from "../../services/registry.ts";

const folder = join(import.meta.dirname, "..", "..", "deploy", "kubernetes");
/** The kustomization, and its optional component. */
const folders = [".", "monitoring"];
const kustomizationOf = (subfolder: string) => {
  const file = join(folder, subfolder, "kustomization.yaml");
  return parse(readFileSync(file, "utf8")) as {
    resources: string[];
    images: { newTag: string }[];
  };
};

/** The schema of each API version and kind of the manifests. */
const schemas: Record<string, new (data: never) => { validate(): void }> = {
  "apps/v1 Deployment": Deployment,
  "autoscaling/v2 HorizontalPodAutoscaler": HorizontalPodAutoscaler,
  "batch/v1 Job": Job,
  "monitoring.coreos.com/v1 PodMonitor": PodMonitor,
  "monitoring.coreos.com/v1 PrometheusRule": PrometheusRule,
  "networking.k8s.io/v1 Ingress": Ingress,
  "networking.k8s.io/v1 NetworkPolicy": NetworkPolicy,
  "policy/v1 PodDisruptionBudget": PodDisruptionBudget,
  "postgresql.cnpg.io/v1 Cluster": Cluster,
  "postgresql.cnpg.io/v1 ScheduledBackup": ScheduledBackup,
  "v1 Namespace": Namespace,
  "v1 Service": Service,
};

interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string; labels?: Record<string, string> };
}

interface Variable {
  name: string;
  value?: string;
  valueFrom?: { secretKeyRef: { name: string } };
}

interface Workload {
  spec: {
    template: {
      spec: { containers: { env: Variable[]; securityContext: object }[] };
    };
  };
}

interface Pods {
  spec: {
    template: {
      metadata: { labels: object };
      spec: { containers: { ports: { name: string }[] }[] };
    };
  };
}

interface Egress {
  to?: { ipBlock?: { cidr: string } }[];
}

const files = folders.flatMap((subfolder) =>
  kustomizationOf(subfolder).resources.map((name) => join(subfolder, name)),
);
const manifests = files.flatMap((file) =>
  parseAllDocuments(readFileSync(join(folder, file), "utf8")).map((document) => {
    const manifest = document.toJS() as Manifest;
    return { file, manifest, title: `${manifest.kind} ${manifest.metadata.name}` };
  }),
);

function validate(manifest: Manifest): void {
  const Model = schemas[`${manifest.apiVersion} ${manifest.kind}`];
  if (Model === undefined) throw new Error(`no schema for ${manifest.kind}`);
  new Model(manifest as never).validate();
}

test.each(manifests)("$title in $file matches the schema of its kind", ({ manifest }) => {
  expect(() => {
    validate(manifest);
  }).not.toThrow();
});

test("a manifest that does not match its schema is rejected", () => {
  const { manifest } = manifests.find(({ manifest: { kind } }) => kind === "Deployment") ?? {};
  const invalid = { ...manifest, spec: { replicas: "three" } } as unknown as Manifest;
  expect(() => {
    validate(invalid);
  }).toThrow();
});

test.each(folders)(
  "the kustomization of the folder %s applies every manifest in it",
  (subfolder) => {
    const notApplied = ["kustomization.yaml", "nats-values.yaml", ...folders];
    const names = readdirSync(join(folder, subfolder)).filter((name) => !notApplied.includes(name));
    expect(kustomizationOf(subfolder).resources.toSorted()).toEqual(names.sort());
  },
);

test("the PodMonitor scrapes the metrics port of all pods, and sets the labels of the alerts", () => {
  const monitor = manifests.find(({ manifest }) => manifest.kind === "PodMonitor")
    ?.manifest as unknown as {
    spec: {
      selector: { matchLabels: object };
      podMetricsEndpoints: { port: string; relabelings: { targetLabel: string }[] }[];
    };
  };
  const [endpoint] = monitor.spec.podMetricsEndpoints;
  expect(endpoint?.relabelings.map(({ targetLabel }) => targetLabel)).toEqual(["job", "app"]);
  const pods = manifests.filter(({ manifest }) => manifest.kind === "Deployment");
  expect(pods).toHaveLength(serviceNames.length);
  for (const { manifest } of pods) {
    const { template } = (manifest as unknown as Pods).spec;
    expect(template.metadata.labels).toMatchObject(monitor.spec.selector.matchLabels);
    const [{ ports } = { ports: [] }] = template.spec.containers;
    expect(ports.map(({ name }) => name)).toContain(endpoint?.port);
  }
});

test("each version has a migration job of its own, whose template is never changed", () => {
  const jobs = manifests.filter(({ manifest }) => manifest.kind === "Job");
  const tags = kustomizationOf(".").images.map(({ newTag }) =>
    newTag.replaceAll(/[^a-z0-9]/g, "-"),
  );
  expect(jobs.map(({ manifest }) => manifest.metadata.name)).toEqual(
    tags.map((tag) => `migrate-${tag}`),
  );
});

describe.each(serviceNames)("the Kubernetes service %s", (name) => {
  const ownManifests = manifests.filter(({ manifest }) => manifest.metadata.name === name);
  const deployment = ownManifests.find(({ manifest }) => manifest.kind === "Deployment")
    ?.manifest as unknown as Workload | undefined;

  test("has a deployment, an autoscaler and a disruption budget", () => {
    const kinds = ownManifests.map(({ manifest }) => manifest.kind);
    for (const kind of ["Deployment", "HorizontalPodAutoscaler", "PodDisruptionBudget"]) {
      expect(kinds).toContain(kind);
    }
  });

  test("gets only its own database URL, and no capabilities", () => {
    const [container] = deployment?.spec.template.spec.containers ?? [];
    const urls = container?.env
      .map((variable) => variable.name)
      .filter((variable) => variable.endsWith("_DB_URL"));
    const isDomain = domainServices.some((service) => service === name);
    expect(urls).toEqual(isDomain ? [`${name.toUpperCase()}_DB_URL`] : []);
    expect(container?.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    });
  });

  test("gets secrets from a Secret, and only services with keys get the secret that encrypts them", () => {
    const [{ env } = { env: [] }] = deployment?.spec.template.spec.containers ?? [];
    const secrets = env.filter(({ name: variable }) => /_URL$|SECRET|TRANSPORTER/.test(variable));
    for (const { value, valueFrom } of secrets) {
      expect(value).toBeUndefined();
      expect(valueFrom?.secretKeyRef.name).toMatch(/^(shop-nats|shop-signing|[a-z]+-db-app)$/);
    }
    const variables = env.map((variable) => variable.name);
    expect(variables.includes("KEY_ENCRYPTION_SECRET")).toBe(["users", "webhooks"].includes(name));
    // The image's production defaults stay in force.
    for (const developerSetting of ["NODE_ENV", "PLAYGROUND", "INTROSPECTION"]) {
      expect(variables).not.toContain(developerSetting);
    }
    expect(variables).toContain("METRICS_PORT");
    expect(variables.includes("TRUSTED_PROXIES")).toBe(name === "api");
  });
});

test("the nodes' NATS user may publish and subscribe only to the subjects of the namespace", () => {
  const values = parse(readFileSync(join(folder, "nats-values.yaml"), "utf8")) as {
    config: { merge: { authorization: { users: { permissions: object }[] } } };
  };
  const { namespace } = readConfig({}, clusterNodeDefaults);
  const subjects = [`MOL-${namespace}.>`];
  const { users } = values.config.merge.authorization;
  expect(users.map(({ permissions }) => permissions)).toEqual([
    { publish: subjects, subscribe: subjects },
  ]);
});

test("only webhooks may open connections to the internet", () => {
  const open = manifests.flatMap(({ manifest }) => {
    if (manifest.kind !== "NetworkPolicy") return [];
    const { spec } = manifest as unknown as {
      spec: { podSelector: { matchLabels: object }; policyTypes: string[]; egress?: Egress[] };
    };
    const blocks = (spec.egress ?? []).flatMap(({ to = [] }) =>
      to.filter(({ ipBlock }) => ipBlock),
    );
    return blocks.length === 0 ? [] : [spec.podSelector.matchLabels];
  });
  const name = "app.kubernetes.io/name";
  expect(open).toEqual([{ [name]: "webhooks", "app.kubernetes.io/part-of": "shop" }]);
});

test("each database has UTF-8 and a locale whose lower() knows all letters", () => {
  const clusters = manifests.flatMap(({ manifest }) =>
    manifest.kind === "Cluster"
      ? [manifest as unknown as { spec: { bootstrap: { initdb: object } } }]
      : [],
  );
  expect(clusters).toHaveLength(domainServices.length);
  for (const { spec } of clusters) {
    expect(spec.bootstrap.initdb).toMatchObject({ encoding: "UTF8", localeCType: "C.UTF-8" });
  }
});

describe("deploy/kubernetes-backup", () => {
  const backupFolder = join(folder, "..", "kubernetes-backup");
  const textOf = (file: string) => readFileSync(join(backupFolder, file), "utf8");
  const { resources, patches } = parse(textOf("kustomization.yaml")) as {
    resources: string[];
    patches: { target: { kind: string }; patch: string }[];
  };
  const store = parse(textOf("object-store.yaml")) as Manifest;

  test("adds its manifests to those of deploy/kubernetes", () => {
    const files = readdirSync(backupFolder).filter((file) => file !== "kustomization.yaml");
    expect(resources).toEqual(["../kubernetes", ...files.sort()]);
  });

  test("has a scheduled backup of each database, which matches its schema", () => {
    const backups = parseAllDocuments(textOf("scheduled-backups.yaml")).map(
      (document) => document.toJS() as Manifest & { spec: { cluster: { name: string } } },
    );
    for (const backup of backups) validate(backup);
    const names = backups.map(({ spec }) => spec.cluster.name);
    expect(names).toEqual(domainServices.map((service) => `${service}-db`));
  });

  test("lets each database archive its WAL in the object store", () => {
    const [patch] = patches;
    const operations = parse(patch?.patch ?? "") as { path: string; value: unknown }[];
    expect(patch?.target.kind).toBe("Cluster");
    expect(operations).toEqual([
      {
        op: "add",
        path: "/spec/plugins",
        value: [expect.objectContaining({ parameters: { barmanObjectName: store.metadata.name } })],
      },
    ]);
    const clusters = manifests.filter(({ manifest }) => manifest.kind === "Cluster");
    for (const { manifest } of clusters) {
      const { spec } = manifest as unknown as { spec: object };
      validate({ ...manifest, spec: { ...spec, plugins: operations[0]?.value } } as Manifest);
    }
  });
});
