import { describe, expect, test } from "vitest";
import { ERRORS } from "../../../../../src/codecs/zookeeper/constants.ts";
import { OPEN_ACL } from "../../../../../src/codecs/zookeeper/records.ts";
import type { MultiOp } from "../../../../../src/codecs/zookeeper/requests.ts";
import {
  addressesOf,
  FacadeLink,
  type LinkedClient,
  PROVIDERS,
  PROXIES,
  providerName,
} from "../../../../support/facade-link.ts";

const hidden = `${PROVIDERS}/${providerName("10.0.0.2")}`;
const own = `${PROVIDERS}/${providerName("10.0.0.7")}`;

function setUp() {
  const link = new FacadeLink();
  const direct = link.connect("direct").layOut();
  direct.create(hidden);
  const client = link.connect("facade");
  const [shown = ""] = client.children(PROVIDERS);
  return { direct, client, virtual: `${PROVIDERS}/${shown}` };
}

function results(client: LinkedClient, op: "multi" | "multiRead", ...ops: MultiOp[]) {
  const { reply } = client.call({ op, ops });
  if (reply?.op !== "multi" && reply?.op !== "multiRead") throw new Error("no multi reply");
  return reply.results;
}

const create = (path: string): MultiOp => ({ op: "create", path, data: null, acl: OPEN_ACL, flags: 1 });
const check = (path: string, version = -1): MultiOp => ({ op: "check", path, version });
const error = (err: number) => ({ op: "error", err });

describe("multi", () => {
  test("that names nothing presented passes as it is", () => {
    const { client } = setUp();
    expect(results(client, "multi", create("/a"), check("/a", 0))).toEqual([
      { op: "create", path: "/a" },
      { op: "check" },
    ]);
  });

  test("makes nodes that are the session's own then", () => {
    const { client, direct } = setUp();
    expect(results(client, "multi", create(own), create("/b"))).toHaveLength(2);
    expect(direct.stat(own)?.ephemeralOwner).toBe(client.sessionId);
    expect(client.stat(own)).toBeDefined();
    expect(results(client, "multi", check(own), { op: "delete", path: own, version: 0 })).toEqual([
      { op: "check" },
      { op: "delete" },
    ]);
    expect(client.stat(own)).toBeUndefined();
  });

  test("a check on a shown name holds, and the rest is done", () => {
    const { client, direct, virtual } = setUp();
    expect(results(client, "multi", check(virtual), create("/a"), check(virtual, 0))).toEqual([
      { op: "check" },
      { op: "create", path: "/a" },
      { op: "check" },
    ]);
    expect(direct.stat("/a")).toBeDefined();
  });

  test("checks on shown names alone are a good multi", () => {
    const { client, virtual } = setUp();
    expect(results(client, "multi", check(virtual))).toEqual([{ op: "check" }]);
  });

  test("a check on a shown name's other version fails all", () => {
    const { client, direct, virtual } = setUp();
    expect(results(client, "multi", create("/a"), check(virtual, 4))[1]).toMatchObject({ op: "error" });
    expect(direct.stat("/a")).toBeUndefined();
  });

  test("a check on a hidden node fails all as a missing node does", () => {
    const { client, direct } = setUp();
    expect(results(client, "multi", create("/a"), check(hidden), create("/b"))).toEqual([
      error(ERRORS.ok),
      error(ERRORS.noNode),
      error(ERRORS.runtimeInconsistency),
    ]);
    expect(direct.stat("/a")).toBeUndefined();
  });

  test("a failure elsewhere stands at its own place, with held checks around it", () => {
    const { client, virtual } = setUp();
    const ops = [check(virtual), create("/dubbo"), check(virtual)];
    expect(results(client, "multi", ...ops)).toEqual([
      error(ERRORS.ok),
      error(ERRORS.nodeExists),
      error(ERRORS.runtimeInconsistency),
    ]);
  });

  test("what the client sent behind a multi that waits is answered behind it", () => {
    const { client, virtual } = setUp();
    client.seen.splice(0);
    const first = client.ask({ op: "multi", ops: [check(virtual), create("/a")] });
    const second = client.ask({ op: "exists", path: "/a", watch: false });
    const third = client.ask({ op: "multi", ops: [check(virtual)] });
    client.call({ op: "sync", path: "/" });
    expect(client.seen.slice(0, 3)).toEqual([`reply ${first}`, `reply ${second}`, `reply ${third}`]);
    expect(client.answer(second)?.err).toBe(0);
  });

  test("setData on the directory says the number that is shown", () => {
    const { client } = setUp();
    const [set] = results(client, "multi", { op: "setData", path: PROVIDERS, data: null, version: -1 });
    expect(set).toMatchObject({ op: "setData", stat: { numChildren: 2 } });
  });
});

describe("multiRead", () => {
  const read = (op: "getData" | "getChildren", path: string): MultiOp => ({ op, path, watch: false });

  test("shows what single reads show", () => {
    const { client, virtual } = setUp();
    client.create(own);
    const [list, data, shown, none, gone, mine] = results(
      client,
      "multiRead",
      read("getChildren", PROVIDERS),
      read("getData", PROVIDERS),
      read("getData", virtual),
      read("getChildren", virtual),
      read("getData", hidden),
      read("getData", own),
    );
    expect(list?.op === "getChildren" && addressesOf(list.children)).toEqual(PROXIES);
    expect(data).toMatchObject({ op: "getData", stat: { numChildren: 2 } });
    expect(shown).toMatchObject({ op: "getData", data: new Uint8Array(0) });
    expect(none).toEqual({ op: "getChildren", children: [] });
    expect(gone).toEqual(error(ERRORS.noNode));
    expect(mine).toMatchObject({ op: "getData", stat: { ephemeralOwner: client.sessionId } });
  });
});
