import { expect, test } from "vitest";
import type { EndpointSet } from "../../../../src/bridge-proxy/balance/endpoint-set.ts";
import type { EndpointOf } from "../../../../src/bridge-proxy/upstream/endpoint.ts";
import type { UpstreamConnection } from "../../../../src/bridge-proxy/upstream/host.ts";
import { RoutedSets } from "../../../../src/bridge-proxy/upstream/routed-sets.ts";
import type { RouterStep } from "../../../../src/model/routing.ts";

type Endpoints = readonly EndpointOf<UpstreamConnection>[];

function endpointsOf(...regions: string[]): Endpoints {
  return regions.map((region) => ({ values: { region } })) as unknown as Endpoints;
}

const setOf = (endpoints: Endpoints) => ({ endpoints }) as unknown as EndpointSet<UpstreamConnection>;
const step = (
  when: RouterStep["when"],
  regions: readonly (readonly [region: string, weight: number])[],
): RouterStep => ({
  rule: "/r",
  text: "",
  force: true,
  when,
  to: regions.map(([region, weight]) => ({ match: [{ key: "region", is: [region] }], weight })),
});

function sets(steps: readonly RouterStep[]) {
  let made = 0;
  const routed = new RoutedSets({ steps }, (endpoints) => {
    made++;
    return setOf(endpoints);
  });
  const all = setOf(endpointsOf("hz", "sh", "bj"));
  const narrow = (call: Readonly<Record<string, string>> = {}, point = 0) =>
    routed.narrow(
      all,
      (key) => call[key],
      () => point,
    );
  return { routed, narrow, all, made: () => made };
}

const regions = (set: EndpointSet<UpstreamConnection>) => set.endpoints.map(({ values }) => values?.["region"]).join();

test("a call that no step is for has the set itself", () => {
  const { narrow, all, made } = sets([step([{ key: "method", is: ["get"] }], [["hz", 1]])]);
  expect(narrow({ method: "put" })).toBe(all);
  expect(made()).toBe(0);
});

test("calls of one kind share a list", () => {
  const { narrow, made } = sets([step([{ key: "method", is: ["get"] }], [["*h", 1]]), step([], [["$zone", 1]])]);
  const one = narrow({ method: "get", zone: "sh" });
  expect(regions(one)).toBe("sh");
  expect(narrow({ method: "get", zone: "sh" })).toBe(one);
  expect(regions(narrow({ method: "put", zone: "bj" }))).toBe("bj");
  expect(regions(narrow({ method: "get", zone: "bj" }))).toBe("");
  expect(made()).toBe(3);
});

test("shares are drawn by weight", () => {
  const { narrow } = sets([
    step(
      [],
      [
        ["hz", 80],
        ["sh", 20],
        ["none", 50],
      ],
    ),
  ]);
  expect([0, 0.79, 0.81, 0.999].map((point) => regions(narrow({}, point)))).toEqual(["hz", "hz", "sh", "sh"]);
});

test("a lone destination that is left takes all, whatever its weight", () => {
  const { narrow } = sets([
    step(
      [],
      [
        ["hz", 0],
        ["none", 50],
      ],
    ),
  ]);
  expect(regions(narrow({}, 0.5))).toBe("hz");
});

test("what leaves the list as it was is remembered as far as lists are", () => {
  let asked = 0;
  const endpoints = endpointsOf("hz").map((one) => ({
    ...one,
    get values() {
      asked++;
      return one.values;
    },
  })) as Endpoints;
  const routed = new RoutedSets({ steps: [{ ...step([], [["$zone", 1]]), force: false }] }, setOf);
  const all = setOf(endpoints);
  const narrow = (zone: string) =>
    routed.narrow(
      all,
      () => zone,
      () => 0,
    );
  for (let i = 0; i < 2_000; i++) expect(narrow(`z${i}`)).toBe(all);
  expect(asked).toBe(2_000);
  narrow("z1999");
  expect(asked).toBe(2_000);
  narrow("z0");
  expect(asked).toBe(2_001);
});

test("a caller that makes up values gets its answers, and no memory is held for them", () => {
  const { narrow } = sets([step([], [["$zone", 1]])]);
  for (let i = 0; i < 10_000; i++) expect(regions(narrow({ zone: `z${i}` }))).toBe("");
  expect(regions(narrow({ zone: "hz" }))).toBe("hz");
});

test("turns of a list go on when endpoints change, also over changes between which nobody asked for it", () => {
  const steps = [step([], [["$zone", 1]])];
  const followed: (EndpointSet<UpstreamConnection> | undefined)[] = [];
  const create = (endpoints: Endpoints, before?: EndpointSet<UpstreamConnection>) => {
    followed.push(before);
    return setOf(endpoints);
  };
  const narrow = (routed: RoutedSets<UpstreamConnection>, all: Endpoints, zone: string) =>
    routed.narrow(
      setOf(all),
      () => zone,
      () => 0,
    );
  const first = new RoutedSets({ steps }, create);
  const [hz, sh] = ["hz", "sh"].map((zone) => narrow(first, endpointsOf("hz", "sh"), zone));
  const second = new RoutedSets({ steps }, create, first);
  const again = narrow(second, endpointsOf("hz", "hz", "sh"), "hz");
  const third = new RoutedSets({ steps }, create, second);
  narrow(third, endpointsOf("hz", "sh"), "hz");
  narrow(third, endpointsOf("hz", "sh"), "sh");
  expect(followed).toEqual([undefined, undefined, hz, again, sh]);
  expect(followed[4]).toBe(sh);
});
