import { ModernFakeTimers } from "@jest/fake-timers";
import { context, diag, logs, metrics, propagation, trace } from "@opentelemetry/api";
import { ModuleMocker } from "jest-mock";
import { printed } from "./printed-error.ts";

type TimersOptions = ConstructorParameters<typeof ModernFakeTimers>[0];

interface TestEvent {
  name: string;
  test?: { errors: unknown[] };
}

/**
 * The environment of a test file: the worker itself. What a test file may change is restored at its
 * end, so that it does not reach the next one.
 */
export default class NativeEnvironment {
  readonly global = globalThis;
  readonly moduleMocker = new ModuleMocker(globalThis);
  readonly fakeTimersModern: ModernFakeTimers;
  readonly #variables = { ...process.env };
  readonly #console = globalThis.console;
  // Jest replaces it for each test file. It is put back, and never called here.
  // eslint-disable-next-line @typescript-eslint/unbound-method
  readonly #exit = process.exit;

  constructor({ projectConfig: config }: { projectConfig: TimersOptions["config"] }) {
    const mocker = this.moduleMocker;
    const timers = new ModernFakeTimers({ config, global: globalThis });
    this.fakeTimersModern = timers;
    // The part of Jest's object that the tests use.
    const jest = {
      fn: mocker.fn.bind(mocker),
      spyOn: mocker.spyOn.bind(mocker),
      restoreAllMocks: mocker.restoreAllMocks.bind(mocker),
      useFakeTimers: timers.useFakeTimers.bind(timers),
      useRealTimers: timers.useRealTimers.bind(timers),
      advanceTimersByTime: timers.advanceTimersByTime.bind(timers),
      advanceTimersByTimeAsync: timers.advanceTimersByTimeAsync.bind(timers),
    };
    Object.assign(globalThis, { jest });
  }

  async setup(): Promise<void> {
    // Nothing is to be made.
  }

  async teardown(): Promise<void> {
    this.moduleMocker.restoreAllMocks();
    this.fakeTimersModern.dispose();
    // The SDK registers itself here, and a second one is ignored.
    for (const api of [context, diag, logs, metrics, propagation, trace]) api.disable();
    for (const name of Object.keys(process.env)) {
      if (!(name in this.#variables)) Reflect.deleteProperty(process.env, name);
    }
    Object.assign(process.env, this.#variables);
    globalThis.console = this.#console;
    process.exit = this.#exit;
  }

  handleTestEvent({ name, test }: TestEvent): void {
    if (name === "test_done" && test) test.errors = test.errors.map(printed);
  }

  /** Jest asks for it, and uses it only where it loads modules itself. */
  getVmContext(): null {
    return null;
  }
}
