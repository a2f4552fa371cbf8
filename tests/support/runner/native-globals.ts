import type * as globals from "@jest/globals";

/**
 * What test files get for `@jest/globals`. The functions differ between test files, and the modules
 * that import them here do not, so each call goes to the function of the current test file.
 */
function current<Name extends keyof typeof globals>(name: Name): (typeof globals)[Name] {
  const value = () => Reflect.get(globalThis, name) as object;
  return new Proxy(() => undefined, {
    apply: (_target, self, args) => Reflect.apply(value() as () => unknown, self, args) as unknown,
    get: (_target, key) => Reflect.get(value(), key) as unknown,
  }) as unknown as (typeof globals)[Name];
}

export const afterAll = current("afterAll");
export const afterEach = current("afterEach");
export const beforeAll = current("beforeAll");
export const beforeEach = current("beforeEach");
export const describe = current("describe");
export const expect = current("expect");
export const jest = current("jest");
export const test = current("test");
