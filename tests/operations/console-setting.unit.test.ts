import { describe, expect, test } from "@jest/globals";
import { ServiceBroker } from "moleculer";
import type { Viewer } from "../../core/access.ts";
import { clusterNodeDefaults, readConfig } from "../../config/config.ts";
import { brokerOptions } from "../../moleculer.config.ts";
import { operationsResolvers } from "../../services/api/operations/operations-fields.ts";

const admin: Viewer = { kind: "user", id: "a", type: 1 };
const operating: Viewer = { ...admin, mayOperate: true };

/** Returns the error code of each field for a viewer. */
async function codesFor(actor: Viewer, hasConsole: boolean): Promise<Set<unknown>> {
  const broker = new ServiceBroker({ logger: false });
  const options = { broker, hasConsole, publicReads: true, revocationOf: () => undefined };
  const { Query, Mutation, Subscription } = operationsResolvers(options);
  const fields = [
    ...Object.values(Query),
    ...Object.values(Mutation),
    Subscription.clusterUpdated.subscribe.bind(Subscription.clusterUpdated),
  ];
  const codes = fields.map(async (field) => {
    try {
      await field(undefined, {}, { actor } as never);
      return "none";
    } catch (error) {
      return (error as { type: unknown }).type;
    }
  });
  return new Set(await Promise.all(codes));
}

describe("CONSOLE=false", () => {
  test("turns all fields of the operation off, for those who may use them", async () => {
    expect(await codesFor(operating, false)).toEqual(new Set(["CONSOLE_DISABLED"]));
  });

  test.each([false, true])("or %s, the right to operate is checked first", async (hasConsole) => {
    expect(await codesFor(admin, hasConsole)).toEqual(new Set(["FORBIDDEN"]));
    expect(await codesFor({ kind: "anonymous" }, hasConsole)).toEqual(new Set(["UNAUTHENTICATED"]));
  });

  test.each([
    ["true", true],
    ["false", false],
  ])("decides with its value %s whether nodes record their rates: %s", (setting, isRecorded) => {
    const config = readConfig({ CONSOLE: setting }, clusterNodeDefaults);
    expect("internalServices" in brokerOptions(config, "test")).toBe(isRecorded);
  });
});
