/** Loaded into a node by `--import`: its clock is `TEST_CLOCK_AHEAD_MS` ahead of the machine's. */
const aheadMs = Number(process.env.TEST_CLOCK_AHEAD_MS);
const realNow = Date.now;
const now = () => realNow() + aheadMs;

globalThis.Date = new Proxy(Date, {
  construct: (real, args, target) =>
    Reflect.construct(real, args.length === 0 ? [now()] : args, target) as Date,
  get: (real, name) => (name === "now" ? now : (Reflect.get(real, name) as unknown)),
});
