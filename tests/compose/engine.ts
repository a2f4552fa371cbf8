import { execute } from "./execute.ts";

/** How containers and compose files are reached on this machine. */
export interface Engine {
  /** The words that begin a command of Compose. */
  compose: readonly string[];
  /** What a program that is started sees of the environment. */
  env: Record<string, string>;
  /** For the report. */
  versions: string;
}

/** A sentence about what this machine lacks. */
export class MissingError extends Error {}

/** What is handed on: how to reach the engine, and no setting of the shop. */
const handedOn = /^(PATH|HOME|DOCKER_.*|BUILDKIT_.*|(HTTPS?|NO)_PROXY|https?_proxy|no_proxy)$/;

/** Finds a Docker engine that answers, and Compose. Throws a MissingError. */
export async function findEngine(): Promise<Engine> {
  const env = Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) =>
      handedOn.test(name) && value !== undefined ? [[name, value]] : [],
    ),
  );
  const format = "{{.Server.Version}}";
  const docker = await version(["docker", "version", "--format", format], env);
  if (docker instanceof Error) {
    throw new MissingError(
      isNotFound(docker)
        ? "There is no `docker` on this machine; the test needs a Docker engine."
        : `No Docker engine answers; is it started, and may this user reach it?\n${docker.message}`,
    );
  }
  for (const compose of [["docker", "compose"], ["docker-compose"]]) {
    const found = await version([...compose, "version", "--short"], env);
    if (!(found instanceof Error)) {
      return { compose, env, versions: `Docker ${docker}, ${compose.join(" ")} ${found}` };
    }
  }
  throw new MissingError("There is neither `docker compose` nor `docker-compose` here.");
}

async function version(command: string[], env: Record<string, string>): Promise<string | Error> {
  const [file = "", ...args] = command;
  try {
    return (await execute(file, args, { env })).trim();
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

function isNotFound(error: Error): boolean {
  return "code" in error && error.code === "ENOENT";
}
