import { describe, expect, test } from "vitest";
import { ProtocolError } from "../../../../src/base/errors.ts";
import { NODE, Playbook, TYPES } from "../../../support/xds-playbook.ts";

const both = ["sotw", "delta"] as const;

describe("a stream of either kind", () => {
  test.each(both)("%s: an empty first request means all, and what changes is sent", (variant) => {
    const play = new Playbook(variant);
    play.publish({ CDS: "a1 b1" });
    play.ask("CDS", []);
    expect(play.settled()).toEqual(["CDS a1 b1"]);
    play.publish({ CDS: "a1 b2 c1" });
    expect(play.settled()).toEqual([variant === "sotw" ? "CDS a1 b2 c1" : "CDS b2 c1"]);
    expect(play.settled()).toEqual([]);
    expect(play.stream.isSettled).toBe(true);
  });

  test.each(both)("%s: `*` means all", (variant) => {
    const play = new Playbook(variant);
    play.publish({ CDS: "a1 b1" });
    play.ask("CDS", ["*"]);
    expect(play.settled()).toEqual(["CDS a1 b1"]);
  });

  test.each(both)("%s: nothing is sent before there is a set", (variant) => {
    const play = new Playbook(variant);
    play.ask("CDS", []);
    expect(play.sent()).toEqual([]);
    play.publish({ CDS: "a1" });
    expect(play.settled()).toEqual(["CDS a1"]);
  });

  test.each(both)("%s: who asks for all of a type of which there is nothing is told so", (variant) => {
    const play = new Playbook(variant);
    play.publish({});
    play.ask("LDS", []);
    expect(play.settled()).toEqual(["LDS"]);
  });

  test.each(both)("%s: only what was asked for by name is sent", (variant) => {
    const play = new Playbook(variant);
    play.publish({ EDS: "a1 b1 c1" });
    play.ask("EDS", ["a", "c"]);
    expect(play.settled()).toEqual(["EDS a1 c1"]);
    play.publish({ EDS: "a1 b2 c1" });
    expect(play.settled()).toEqual([]);
    play.publish({ EDS: "a2 b2 c1" });
    expect(play.settled()).toEqual([variant === "sotw" ? "EDS a2 c1" : "EDS a2"]);
  });

  test.each(both)("%s: what did not exist is sent when it does", (variant) => {
    const play = new Playbook(variant);
    play.publish({ EDS: "a1" });
    play.ask("EDS", ["a", "z"]);
    expect(play.settled()).toEqual([variant === "sotw" ? "EDS a1" : "EDS a1 -z"]);
    play.publish({ EDS: "a1 z1" });
    expect(play.settled()).toEqual([variant === "sotw" ? "EDS a1 z1" : "EDS z1"]);
  });

  test.each(both)("%s: a set that says the same again sends nothing", (variant) => {
    const play = new Playbook(variant);
    play.publish({ CDS: "a1 b1" });
    play.ask("CDS", []);
    play.settled();
    play.publish({ CDS: "a1 b1" });
    expect(play.settled()).toEqual([]);
  });

  test.each(both)("%s: one response waits at a time, and the next has all that changed meanwhile", (variant) => {
    const play = new Playbook(variant);
    play.publish({ CDS: "a1" });
    play.ask("CDS", []);
    expect(play.sent()).toEqual(["CDS a1"]);
    play.publish({ CDS: "a2" });
    play.publish({ CDS: "a3 b1" });
    expect(play.sent()).toEqual([]);
    play.ack("CDS");
    expect(play.sent()).toEqual(["CDS a3 b1"]);
  });

  test.each(both)(
    "%s: endpoints and secrets go on while clusters are not answered for, since Envoy waits for them with its answer",
    (variant) => {
      const play = new Playbook(variant);
      const lists = { CDS: "a1", EDS: "a1", LDS: "l1", SDS: "s1" };
      play.publish(lists);
      for (const type of ["CDS", "LDS"]) play.ask(type, []);
      expect(play.sent()).toEqual(["CDS a1"]);
      play.ask("EDS", ["a"]);
      play.ask("SDS", ["s"]);
      expect(play.sent().sort()).toEqual(["EDS a1", "SDS s1"]);
      for (const type of ["EDS", "SDS"]) play.ack(type);
      expect(play.sent()).toEqual([]);
      play.ack("CDS");
      expect(play.sent()).toEqual(["LDS l1"]);
    },
  );

  test.each(both)("%s: a refused response is not sent again, and the next change is", (variant) => {
    const play = new Playbook(variant);
    play.publish({ CDS: "a1 b1" });
    play.ask("CDS", []);
    play.sent();
    play.nack("CDS", "a is wrong");
    expect(play.sent()).toEqual([]);
    expect(play.events.at(-1)).toMatchObject({
      type: "nack",
      typeUrl: TYPES["CDS"],
      response: { names: ["a"], message: "a is wrong" },
    });
    play.nack("CDS");
    expect(play.sent()).toEqual([]);
    play.publish({ CDS: "a2 b1" });
    expect(play.settled()).toEqual([variant === "sotw" ? "CDS a2 b1" : "CDS a2"]);
    expect(play.stream.subscriptions[0]).toMatchObject({
      refused: undefined,
      acked: { names: variant === "sotw" ? ["a", "b"] : ["a"] },
    });
  });

  test("delta: what was refused stays so while other resources are taken, until it is taken or gone", () => {
    const play = new Playbook("delta");
    const refused = () => play.stream.subscriptions[0]?.refused?.names;
    play.publish({ CDS: "a1 b1 c1" });
    play.ask("CDS", ["*"]);
    play.sent();
    play.nack("CDS", "cluster a: no; cluster c: no");
    play.publish({ CDS: "a1 b2 c1" });
    expect(play.settled()).toEqual(["CDS b2"]);
    expect(refused()).toEqual(["a", "c"]);
    play.publish({ CDS: "a2 b2 c1" });
    expect(play.settled()).toEqual(["CDS a2"]);
    expect(refused()).toEqual(["a", "c"]);
    play.publish({ CDS: "a2 b2" });
    expect(play.settled()).toEqual(["CDS -c"]);
    expect(refused()).toBeUndefined();
  });

  test("delta: what is refused and asked for again is sent three times, and again when it changed", () => {
    const play = new Playbook("delta");
    play.publish({ CDS: "a1 b1" });
    play.ask("CDS", ["a", "b"]);
    const sent: string[] = [];
    for (let i = 0; i < 10; i++) {
      sent.push(...play.sent());
      play.ack("CDS", { error: { code: 3, message: "no a" }, subscribe: ["a"] });
    }
    expect(sent).toEqual(["CDS a1 b1", "CDS a1", "CDS a1"]);
    play.publish({ CDS: "a2 b1" });
    expect(play.sent()).toEqual(["CDS a2"]);
    play.ack("CDS");
    expect(play.stream.subscriptions[0]?.refused).toBeUndefined();
  });

  test("sotw: a refusal without a nonce is no wish to be told all again", () => {
    const play = new Playbook("sotw");
    play.publish({ CDS: "a1" });
    play.ask("CDS", []);
    play.sent();
    for (let i = 0; i < 5; i++) play.ask("CDS", [], { nonce: "", error: { code: 3, message: "no" } });
    expect(play.sent()).toEqual([]);
  });

  test("delta: what is known to be refused is bounded", () => {
    const play = new Playbook("delta");
    play.publish({ CDS: Array.from({ length: 300 }, (_, i) => `n${i}v1`).join(" ") });
    play.ask("CDS", ["*"]);
    play.sent();
    play.nack("CDS", "all of it");
    expect(play.stream.subscriptions[0]?.refused?.names).toHaveLength(20);
    play.publish({ CDS: "" });
    play.settled();
    expect(play.stream.subscriptions[0]?.refused).toBeUndefined();
  });

  test.each(both)("%s: an answer to another response than the last is stale", (variant) => {
    const play = new Playbook(variant);
    play.publish({ CDS: "a1" });
    play.ask("CDS", []);
    play.settled();
    play.publish({ CDS: "a2" });
    play.sent();
    play.ack("CDS", { nonce: "1" });
    expect(play.events.at(-1)).toEqual({ type: "stale", typeUrl: TYPES["CDS"] });
    expect(play.stream.isSettled).toBe(false);
    play.ack("CDS");
    expect(play.stream.isSettled).toBe(true);
  });

  test.each(both)("%s: the nonce of an earlier stream is passed over", (variant) => {
    const play = new Playbook(variant);
    play.publish({ CDS: "a1" });
    play.ask("CDS", [], { nonce: "77" });
    expect(play.settled()).toEqual(["CDS a1"]);
  });

  test.each(both)("%s: what is made on demand is sent for names that are in no list", (variant) => {
    const play = new Playbook(variant);
    const find = (version: string) => (typeUrl: string, name: string) =>
      typeUrl === TYPES["EDS"] && name !== "none" ? { name, version, resource: {} } : undefined;
    play.publish({ EDS: "a1" }, find("8"));
    play.ask("EDS", ["a", "b"]);
    expect(play.settled()).toEqual(["EDS a1 b8"]);
    play.publish({ EDS: "a1" }, find("8"));
    expect(play.settled()).toEqual([]);
    play.publish({ EDS: "a1" }, find("9"));
    expect(play.settled()).toEqual([variant === "sotw" ? "EDS a1 b9" : "EDS b9"]);
    play.publish({ EDS: "a1 b1" }, find("9"));
    expect(play.settled()).toEqual([variant === "sotw" ? "EDS a1 b1" : "EDS b1"]);
    play.publish({ EDS: "a1" });
    expect(play.settled()).toEqual([variant === "sotw" ? "EDS a1" : "EDS -b"]);
  });

  test.each(both)(
    "%s: clusters come before endpoints, then listeners, then routes, each of these after the answer to the one before",
    (variant) => {
      const play = new Playbook(variant);
      const dubbo = "type.googleapis.com/envoy.extensions.filters.network.dubbo_proxy.v3.MultipleRouteConfiguration";
      for (const type of [dubbo, "RDS", "LDS", "EDS", "CDS"]) play.ask(type, ["a"]);
      play.publish({ [dubbo]: "a1", RDS: "a1", LDS: "a1", EDS: "a1", CDS: "a1" });
      expect(play.sent()).toEqual(["CDS a1", "EDS a1"]);
      play.ack("CDS");
      expect(play.sent()).toEqual([]);
      play.ack("EDS");
      expect(play.sent()).toEqual(["LDS a1"]);
      play.ack("LDS");
      expect(play.sent()).toEqual(["RDS a1"]);
      play.ack("RDS");
      expect(play.sent()).toEqual([`${dubbo} a1`]);
    },
  );

  test.each(both)("%s: secrets wait for nothing but their own answers", (variant) => {
    const play = new Playbook(variant);
    play.publish({ SDS: "a1", "t/B": "b1" });
    play.ask("SDS", ["a"]);
    play.ask("t/B", ["b"]);
    expect(play.sent()).toEqual(["SDS a1", "t/B b1"]);
  });

  test.each(both)("%s: Envoy is sent the endpoints of a cluster that changed again", (variant) => {
    const play = new Playbook(variant);
    play.publish({ CDS: "a1 b1", EDS: "a1 b1" });
    play.ask("CDS", []);
    play.settled();
    play.ask("EDS", ["a", "b"]);
    play.settled();
    play.publish({ CDS: "a2 b1", EDS: "a1 b1" });
    expect(play.settled()).toEqual(variant === "sotw" ? ["CDS a2 b1", "EDS a1 b1"] : ["CDS a2", "EDS a1"]);
  });

  const limits: readonly (readonly [string, object, string[], string[], string])[] = [
    ["types", { maxTypes: 1 }, ["a"], ["b"], "more than 1 types on a stream"],
    ["names", { maxNames: 2 }, ["a"], ["b", "c"], "a stream asks for 3 names, over 2"],
    ["characters", { maxNameChars: 5 }, ["a"], ["bcdef"], "a stream asks for names of 6 characters, over 5"],
  ];
  for (const variant of both)
    test.each(limits)(`${variant}: %s are bounded`, (_name, options, first, second, message) => {
      const play = new Playbook(variant, options);
      play.ask("CDS", first);
      expect(() => play.ask("EDS", second)).toThrow(new ProtocolError("xds", message, 0));
    });

  test("a request has to be of the stream's kind and type, and the first one to have a node", () => {
    const play = new Playbook("delta", { typeUrl: TYPES["CDS"]! });
    const request = {
      variant: "delta",
      typeUrl: "",
      nonce: "",
      subscribe: [],
      unsubscribe: [],
      initialVersions: {},
    } as const;
    expect(() => play.stream.receive(request)).toThrow("the first request of a stream has no node");
    expect(() => play.ask("EDS", [])).toThrow(`a request for ${TYPES["EDS"]} on a stream for ${TYPES["CDS"]}`);
    expect(() => play.stream.receive({ variant: "sotw", typeUrl: "", nonce: "", version: "", names: [] })).toThrow(
      "a sotw request on a delta stream",
    );
    expect(() => new Playbook("delta").ask("", [])).toThrow("has no type_url");
    expect(play.stream.receive({ ...request, node: NODE })).toEqual([{ type: "node", node: NODE }]);
    expect(play.stream.node).toBe(NODE);
  });
});

describe("a state-of-the-world stream", () => {
  test("names that are added are answered, names that are taken away are not", () => {
    const play = new Playbook("sotw");
    play.publish({ EDS: "a1 b1 c1" });
    play.ask("EDS", ["a", "b"]);
    play.settled();
    play.ask("EDS", ["a"]);
    expect(play.settled()).toEqual([]);
    play.publish({ EDS: "a1 b2 c1" });
    expect(play.settled()).toEqual([]);
    play.ask("EDS", ["a", "c"]);
    expect(play.settled()).toEqual(["EDS a1 c1"]);
  });

  test("no names after some means nothing, not all", () => {
    const play = new Playbook("sotw");
    play.publish({ CDS: "a1 b1" });
    play.ask("CDS", ["a"]);
    play.settled();
    play.ask("CDS", []);
    play.publish({ CDS: "a2 b2" });
    expect(play.settled()).toEqual([]);
  });

  test("a stale request changes nothing: the client says its names again after the last response", () => {
    const play = new Playbook("sotw");
    play.publish({ EDS: "a1 b1" });
    play.ask("EDS", ["a"]);
    play.settled();
    play.publish({ EDS: "a2 b1" });
    play.sent();
    play.ask("EDS", ["a", "b"], { nonce: "1" });
    expect(play.sent()).toEqual([]);
    play.ask("EDS", ["a", "b"]);
    expect(play.settled()).toEqual(["EDS a2 b1"]);
  });

  test("a client that begins anew on the same stream is sent all again", () => {
    const play = new Playbook("sotw");
    play.publish({ EDS: "a1" });
    play.ask("EDS", ["a"]);
    play.settled();
    play.ask("EDS", ["a"], { nonce: "" });
    expect(play.settled()).toEqual(["EDS a1"]);
  });

  test("a cluster that goes is there until routes have changed", () => {
    const play = new Playbook("sotw");
    play.publish({ CDS: "a1 b1", RDS: "r1" });
    play.ask("CDS", []);
    play.ask("RDS", ["r"]);
    play.settled();
    play.publish({ CDS: "b1 c1", RDS: "r2" });
    expect(play.settled()).toEqual(["CDS b1 c1 a1", "RDS r2", "CDS b1 c1"]);
    play.publish({ CDS: "b1", RDS: "r2" });
    expect(play.settled()).toEqual(["CDS b1"]);
  });
});

describe("a delta stream", () => {
  test("what is gone is said, and again when it comes back", () => {
    const play = new Playbook("delta");
    play.publish({ CDS: "a1 b1" });
    play.ask("CDS", ["a", "b"]);
    play.settled();
    play.publish({ CDS: "a1" });
    expect(play.settled()).toEqual(["CDS -b"]);
    play.publish({ CDS: "a1 b2" });
    expect(play.settled()).toEqual(["CDS b2"]);
  });

  test("a name that is subscribed again is answered again", () => {
    const play = new Playbook("delta");
    play.publish({ CDS: "a1" });
    play.ask("CDS", ["a", "z"]);
    play.settled();
    play.ask("CDS", ["a", "z"]);
    expect(play.settled()).toEqual(["CDS a1 -z"]);
  });

  test("what was unsubscribed is not sent, and a client can want nothing", () => {
    const play = new Playbook("delta");
    play.publish({ CDS: "a1 b1" });
    play.ask("CDS", ["a"]);
    play.settled();
    play.ack("CDS", { nonce: "", unsubscribe: ["a", "x"] });
    play.publish({ CDS: "a2 b2" });
    expect(play.settled()).toEqual([]);
  });

  test("who has all and unsubscribes from one name is told whether it is among all", () => {
    const play = new Playbook("delta");
    play.publish({ CDS: "a1 b1" });
    play.ask("CDS", ["*", "a", "x"]);
    expect(play.settled()).toEqual(["CDS a1 b1 -x"]);
    play.ack("CDS", { nonce: "", unsubscribe: ["a", "x"] });
    expect(play.settled()).toEqual(["CDS a1 -x"]);
  });

  test("who unsubscribes from all keeps what it asked for by name", () => {
    const play = new Playbook("delta");
    play.publish({ CDS: "a1 b1" });
    play.ask("CDS", ["*", "a"]);
    play.settled();
    play.ack("CDS", { nonce: "", unsubscribe: ["*"] });
    play.publish({ CDS: "a2 b2" });
    expect(play.settled()).toEqual(["CDS a2"]);
  });

  test("a stale request's names count", () => {
    const play = new Playbook("delta");
    play.publish({ CDS: "a1 b1" });
    play.ask("CDS", ["a"]);
    play.settled();
    play.publish({ CDS: "a2 b1" });
    play.sent();
    play.ask("CDS", ["b"], { nonce: "1" });
    play.ack("CDS");
    expect(play.settled()).toEqual(["CDS b1"]);
  });

  const reconnects: readonly (readonly [string, boolean])[] = [
    ["known at once", true],
    ["known later", false],
  ];
  test.each(reconnects)("a client that comes back is sent what changed meanwhile; resources %s", (_name, atOnce) => {
    const play = new Playbook("delta");
    const lists = { CDS: "a1 b2 c1" };
    if (atOnce) play.publish(lists);
    play.ask("CDS", ["*"], { initialVersions: { a: "1", b: "1", d: "1" } });
    if (!atOnce) play.publish(lists);
    expect(play.sent()).toEqual(["CDS b2 c1 -d"]);
    play.ack("CDS");
    expect(play.stream.isSettled).toBe(true);
  });

  test("one that comes back by name and has all is sent nothing", () => {
    const play = new Playbook("delta");
    play.publish({ EDS: "a1 b1" });
    play.ask("EDS", ["a"], { initialVersions: { a: "1" } });
    expect(play.sent()).toEqual([]);
    play.publish({ EDS: "a2 b1" });
    expect(play.sent()).toEqual(["EDS a2"]);
  });

  describe("of a type whose changes are taken together", () => {
    const begin = (RDS: string, maxResources = 1_000) => {
      const play = new Playbook("delta", { maxResources });
      play.publishTogether({ CDS: "a1", RDS }, "RDS");
      for (const type of ["CDS", "RDS", "SDS"]) play.ask(type, ["*"]);
      play.settled();
      return play;
    };

    test("what is gone goes with what is new, whatever else waits, and in one response", () => {
      const play = begin("r1 s1", 1);
      play.publishTogether({ CDS: "a1", RDS: "r2 t1 u1", SDS: "x1" }, "RDS");
      expect(play.settled()).toEqual(["RDS r2 t1 u1 -s", "SDS x1"]);
    });

    test("what was refused goes out again with the next change, removals too", () => {
      const play = begin("r1 s1 t1");
      play.publishTogether({ CDS: "a1", RDS: "r2 s2" }, "RDS");
      expect(play.sent()).toEqual(["RDS r2 s2 -t"]);
      play.nack("RDS", "r is wrong");
      expect(play.sent()).toEqual([]);
      play.publishTogether({ CDS: "a1", RDS: "r3 s2" }, "RDS");
      expect(play.sent()).toEqual(["RDS r3 s2 -t"]);
      play.nack("RDS", "still");
      play.publishTogether({ CDS: "a1", RDS: "r4" }, "RDS");
      expect(play.sent()).toEqual(["RDS r4 -s -t"]);
      play.ack("RDS");
      expect(play.stream.subscriptions.map(({ refused }) => refused)).toEqual([undefined, undefined, undefined]);
      play.publishTogether({ CDS: "a1", RDS: "r5" }, "RDS");
      expect(play.settled()).toEqual(["RDS r5"]);
    });

    test("of other types what was refused beside something else is not sent again", () => {
      const play = begin("r1");
      play.publishTogether({ CDS: "a2 b1", RDS: "r1" }, "RDS");
      expect(play.sent()).toEqual(["CDS a2 b1"]);
      play.nack("CDS", "a");
      play.publishTogether({ CDS: "a3 b1", RDS: "r1" }, "RDS");
      expect(play.sent()).toEqual(["CDS a3"]);
    });
  });

  test("what is gone goes after the routes that named it, routes first and clusters last", () => {
    const play = new Playbook("delta");
    play.publish({ CDS: "a1 b1", EDS: "a1 b1", LDS: "l1 m1", RDS: "r1 s1" });
    for (const type of ["CDS", "EDS", "LDS", "RDS"]) play.ask(type, ["*"]);
    play.settled();
    play.publish({ CDS: "b1 c1", EDS: "b1 c1", LDS: "l1", RDS: "r2" });
    expect(play.settled()).toEqual(["CDS c1", "EDS c1", "RDS r2 -s", "LDS -m", "EDS -a", "CDS -a"]);
  });

  test("clusters stay while a client goes on with the routes of before", () => {
    const play = new Playbook("delta");
    play.publish({ CDS: "a1", RDS: "r1>a" });
    for (const type of ["CDS", "RDS"]) play.ask(type, ["*"]);
    play.settled();
    play.publish({ CDS: "b1", RDS: "r2" });
    expect(play.sent()).toEqual(["CDS b1"]);
    play.ack("CDS");
    expect(play.sent()).toEqual(["RDS r2"]);
    play.nack("RDS");
    expect(play.sent()).toEqual([]);
    play.publish({ CDS: "b1", RDS: "r3" });
    expect(play.settled()).toEqual(["RDS r3", "CDS -a"]);
  });

  test("many resources go in several responses", () => {
    const play = new Playbook("delta", { maxResources: 2 });
    play.publish({ CDS: "a1 b1 c1 d1 e1" });
    play.ask("CDS", []);
    expect(play.settled()).toEqual(["CDS a1 b1", "CDS c1 d1", "CDS e1"]);
  });
});
