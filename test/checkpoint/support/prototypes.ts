/** Whether a file has left something where every object sees it. */

const BUILT_IN = [Object, Array, Map, Set, Function, String, Number, Uint8Array].map(
  ({ prototype }) => ({ prototype: prototype as object, names: namesIn(prototype as object) }),
);

function namesIn(object: object): string {
  return Reflect.ownKeys(object).map(String).join();
}

export function expectCleanPrototypes(): void {
  for (const { prototype, names } of BUILT_IN) expect(namesIn(prototype)).toBe(names);
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
}
