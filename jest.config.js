const shared = {
  // Node loads the modules, once for all test files of a worker.
  testEnvironment: "./tests/support/runner/native-environment.ts",
  testRunner: "./tests/support/runner/native-runner.ts",
  // Not in the folder for temporary files, where a run leaves nothing.
  cacheDirectory: "./node_modules/.cache/jest",
  extensionsToTreatAsEsm: [".ts"],
  // Node strips the types itself.
  transform: {},
};

/** Test files say by their suffix what they cost. */
export default {
  projects: [
    { ...shared, displayName: "unit", testMatch: ["**/*.unit.test.ts"] },
    {
      ...shared,
      displayName: "whole",
      // int: real PostgreSQL; cluster: processes over real NATS; browser: Chromium.
      testMatch: ["**/*.{int,cluster,browser}.test.ts"],
      globalSetup: "./tests/support/runner/global-setup.ts",
      globalTeardown: "./tests/support/runner/global-teardown.ts",
    },
  ],
  testSequencer: "./tests/support/runner/sequencer.ts",
  // One more than the cores of a small machine, because tests often wait.
  maxWorkers: 3,
  // No workerIdleMemoryLimit: Jest would end a worker that exceeds it when it has begun the next file.
  // A worker with nothing to do ends at once, but not within half a second on a busy machine.
  workerGracefulExitTimeout: 30_000,
  // More than what a test waits for may take, so that it is the wait that says what is missing.
  testTimeout: 600_000,
};
