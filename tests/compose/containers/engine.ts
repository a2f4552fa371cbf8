import { execute } from "./execute.ts";

/** The container engine of this machine. */
export interface Engine {
  /** The command of Compose, as words. */
  compose: readonly string[];
  /** The environment of started programs. */
  env: Record<string, string>;
  /** The versions of Docker and Compose, for the report. */
  versions: string;
}

/** A missing prerequisite. The message is shown to the user without a stack trace. */
export class MissingError extends Error {}

/** The variables for started programs: those that locate the engine, and no setting of the shop. */
const passedOn = /^(PATH|HOME|DOCKER_.*|BUILDKIT_.*|(HTTPS?|NO)_PROXY|https?_proxy|no_proxy)$/;

/** Finds a running Docker engine and Compose. Throws a MissingError. */
export async function findEngine(): Promise<Engine> {
  const env = Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) =>
      passedOn.test(name) && value !== undefined ? [[name, value]] : [],
    ),
  );
  const format = "{{.Server.Version}}";
  const docker = await version(["docker", "version", "--format", format], env);
  if (docker instanceof Error) {
    throw new MissingError(
      isNotFound(docker)
        ? "The command `docker` was not found. The test requires a Docker engine."
        : `The Docker engine does not respond. Start it, or give this user access to it.\n${docker.message}`,
    );
  }
  for (const compose of [["docker", "compose"], ["docker-compose"]]) {
    const result = await version([...compose, "version", "--short"], env);
    if (!(result instanceof Error)) {
      return { compose, env, versions: `Docker ${docker}, ${compose.join(" ")} ${result}` };
    }
  }
  throw new MissingError("Neither `docker compose` nor `docker-compose` was found. Install one.");
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
