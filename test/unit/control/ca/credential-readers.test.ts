import { expect, test } from "vitest";
import { ManualClock } from "../../../../src/base/clock.ts";
import { silentLogger } from "../../../../src/base/log.ts";
import { isListed, listedReaders, ReviewedReaders } from "../../../../src/control/ca/credential-readers.ts";

const who = (namespace: string, serviceAccount: string) => ({
  trustDomain: "cluster.local",
  namespace,
  serviceAccount,
});
const settled = () => new Promise((resolve) => setImmediate(resolve));

test.each([
  ["edge/gateway", true],
  ["edge/*", true],
  ["edge/other", false],
  ["other/*", false],
])("edge/gateway is %s: %s", (item, is) => {
  expect(isListed(who("edge", "gateway"), [item])).toBe(is);
});

test("with a list, those of it may read all credentials and nobody else any", () => {
  const readers = listedReaders(["edge/gateway"]);
  expect(readers.mayRead(who("edge", "gateway"), "site")).toBe(true);
  expect(readers.mayRead(who("edge", "web"), "site")).toBe(false);
});

function reviewed() {
  const asked: Record<string, unknown>[] = [];
  const state = { allowed: true, fails: false };
  const clock = new ManualClock();
  const readers = new ReviewedReaders({
    ...{ namespace: "edge", accounts: ["shop/listed"], clock, log: silentLogger },
    api: {
      send: async (_method, path, body) => {
        if (state.fails) throw new Error("nobody answers");
        asked.push({ path, ...(body as { spec: object }).spec });
        return { status: { allowed: state.allowed } };
      },
    },
  });
  return { asked, state, clock, readers };
}

test("in a cluster the API server says who may get the Secret, of its own namespace alone", async () => {
  const { asked, readers } = reviewed();
  expect(readers.mayRead(who("edge", "gateway"), "site")).toBeUndefined();
  expect(readers.mayRead(who("shop", "gateway"), "site")).toBe(false);
  expect(readers.mayRead(who("shop", "listed"), "site")).toBe(true);
  await settled();
  expect(readers.mayRead(who("edge", "gateway"), "site")).toBe(true);
  expect(readers.changes.get()).toBe(1);
  expect(asked).toEqual([
    {
      path: "/apis/authorization.k8s.io/v1/namespaces/edge/localsubjectaccessreviews",
      user: "system:serviceaccount:edge:gateway",
      groups: ["system:serviceaccounts", "system:serviceaccounts:edge", "system:authenticated"],
      resourceAttributes: { namespace: "edge", verb: "get", version: "v1", resource: "secrets", name: "site" },
    },
  ]);
  readers.close();
});

test("a right that is taken away is gone within a minute; without an answer the last one counts, and none is no", async () => {
  const { clock, state, readers } = reviewed();
  readers.mayRead(who("edge", "gateway"), "site");
  await settled();
  state.fails = true;
  clock.advance(60_000);
  await settled();
  expect(readers.mayRead(who("edge", "gateway"), "site")).toBe(true);
  expect(readers.mayRead(who("edge", "new"), "site")).toBeUndefined();
  await settled();
  expect(readers.mayRead(who("edge", "new"), "site")).toBeUndefined();
  Object.assign(state, { fails: false, allowed: false });
  clock.advance(60_000);
  await settled();
  await settled();
  expect(readers.mayRead(who("edge", "gateway"), "site")).toBe(false);
  expect(readers.mayRead(who("edge", "new"), "site")).toBe(false);
  readers.close();
});
