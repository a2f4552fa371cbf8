import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { projectDir } from "../../tools/support/processes.ts";

/** The files that name images, each with the pattern of a name. */
const files: [string, RegExp][] = [
  ["docker-compose*.yml", /^\s*image: (\S+)/gm],
  ["Dockerfile", /^FROM (?:--platform=\S+ )?(\S+)/gm],
  ["deploy/kubernetes/*.yaml", /^\s*image(?:Name)?: (\S+)/gm],
];
/** The image that this project builds. */
const ownImage = /^(shop-cluster|\$\{SHOP_IMAGE:-shop-cluster\})$/;

const images = files.flatMap(([pattern, names]) =>
  globSync(pattern, { cwd: projectDir }).flatMap((file) =>
    [...readFileSync(join(projectDir, file), "utf8").matchAll(names)].map(([, image = ""]) => ({
      file,
      image,
    })),
  ),
);
const others = images.filter(({ image }) => !ownImage.test(image));

test("the files name images of NATS, PostgreSQL, Node and the load balancer", () => {
  expect(others.length).toBeGreaterThan(8);
});

test("the Kubernetes manifests name the image of the version in package.json", () => {
  const { version } = JSON.parse(readFileSync(join(projectDir, "package.json"), "utf8")) as {
    version: string;
  };
  const kustomization = readFileSync(
    join(projectDir, "deploy/kubernetes/kustomization.yaml"),
    "utf8",
  );
  expect(kustomization).toContain(`newTag: "${version}"`);
});

test.each(others)("$file pins $image to a minor version", ({ image }) => {
  expect(image).toMatch(/:v?\d+\.\d+(\.\d+)?(-[\w.-]+)?$/);
});

test("the image compiles the shop with the V8 flags of its command", () => {
  const dockerfile = readFileSync(join(projectDir, "Dockerfile"), "utf8");
  const [, command = "[]"] = /^CMD (.+)$/m.exec(dockerfile) ?? [];
  const [program, ...args] = JSON.parse(command) as string[];
  const flags = args.filter((arg) => arg.startsWith("--"));
  expect(flags).not.toEqual([]);
  expect(dockerfile).toContain(`RUN ${[program, ...flags, "deploy/load-all.ts"].join(" ")}\n`);
});
