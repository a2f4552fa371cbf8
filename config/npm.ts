/** Removes a variable from the environment, so that no other reader uses it. Returns its value. */
export function takeVariable(name: string): string | undefined {
  const { [name]: value } = process.env;
  Reflect.deleteProperty(process.env, name);
  return value;
}

/**
 * The process id of the npm or npx that started this program, if any. A program that starts while npm
 * ends has another parent, so the scripts of package.json pass the id. Child processes do not inherit it.
 */
export const npmPid = numberOf(takeVariable("NPM_PID")) ?? shellOfNpm();

/** Returns the environment of a program of this project that ends with this process. */
export function childEnvironment(): NodeJS.ProcessEnv {
  return { ...process.env, NPM_PID: String(process.pid) };
}

/** The script that npm has started with a banner on standard output, as it does without `-s`. */
export const scriptWithBanner =
  process.env.npm_config_user_agent?.startsWith("npm/") === true &&
  process.env.npm_config_loglevel !== "silent"
    ? process.env.npm_lifecycle_event
    : undefined;

/** The shell of npx or of another npm script ends at a signal, and does not pass it on. */
function shellOfNpm(): number | undefined {
  return process.env.npm_lifecycle_event === undefined ? undefined : process.ppid;
}

function numberOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text);
}
