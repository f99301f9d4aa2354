import { describe, expect, test } from "vitest";
import { Former, textsOf, UNKNOWN } from "../../../../src/codecs/xds/former.ts";
import { Playbook } from "../../../support/xds-playbook.ts";

const one = (name: string, version: string) => ({ name, version, resource: { name, version } });

describe("what a client goes on with", () => {
  test("all texts of a resource, however deep", () => {
    const resource = { name: "r", routes: [{ route: { weightedClusters: { clusters: [{ name: "a", weight: 1 }] } } }] };
    expect([...textsOf({ name: "r", version: "1", resource })]).toEqual(["r", "a"]);
  });

  test("delta: the last that it took, however often it refuses what is new", () => {
    const former = new Former();
    former.note("r", one("r", "1"));
    former.sent([one("r", "2"), one("new", "1")]);
    former.refuse(false);
    former.note("r", one("r", "2"));
    former.sent([one("r", "3")]);
    former.refuse(false);
    expect([...former.kept]).toEqual([one("r", "1")]);
    former.sent([one("r", "4")]);
    former.accept(undefined);
    expect([...former.kept]).toEqual([]);
  });

  test("delta: what is there no longer is not kept, and of many as many as there is room for", () => {
    const former = new Former();
    for (let i = 0; i < 1_200; i++) {
      former.note(`r${i}`, one(`r${i}`, "1"));
      former.sent([one(`r${i}`, "2")]);
      former.refuse(false);
    }
    expect([...former.kept]).toHaveLength(1_000);
    former.forget("r0");
    expect([...former.kept]).toHaveLength(999);
  });

  test("state of the world: all that it took last", () => {
    const former = new Former();
    former.sent([one("r", "1")]);
    former.accept([one("r", "1")]);
    expect([...former.kept]).toEqual([]);
    former.refuse(true);
    expect([...former.kept]).toEqual([one("r", "1")]);
  });
});

describe.each(["sotw", "delta"] as const)("%s: while a client refuses a route", (variant) => {
  const start = (sets: Readonly<Record<string, string>>): Playbook => {
    const play = new Playbook(variant);
    play.publish(sets);
    for (const type of Object.keys(sets)) play.ask(type, variant === "delta" ? ["*"] : []);
    play.settled();
    return play;
  };
  const removed = (lines: readonly string[], type: string): string[] =>
    lines.filter((line) => line.startsWith(type)).flatMap((line) => line.split(" ").slice(1));

  test("what its routes of before do not name is taken away, and what they name is not", () => {
    const play = start({ CDS: "a1 b1 c1", RDS: "r1>a s1>b" });
    play.publish({ CDS: "a1 b1 c1 d1", RDS: "r2>d s1>b" });
    play.sent();
    play.ack("CDS");
    play.sent();
    play.nack("RDS", "r is wrong");
    expect(play.sent()).toEqual([]);
    play.publish({ CDS: "b1 d1", RDS: "r2>d s1>b" });
    // `c` may go, `a` is in the r that it took.
    expect(removed(play.settled(), "CDS")).toEqual(variant === "delta" ? ["-c"] : ["b1", "d1", "a1"]);
    expect(play.stream.isSettled).toBe(true);
    play.publish({ CDS: "b1 d1", RDS: "r3>d s1>b" });
    expect(removed(play.settled(), "CDS")).toEqual(variant === "delta" ? ["-a"] : ["b1", "d1"]);
  });

  test("a service that comes and goes a thousand times leaves nothing behind", () => {
    const play = start({ CDS: "a1", RDS: "r1>a" });
    play.publish({ CDS: "a1", RDS: "r2>a" });
    play.sent();
    play.nack("RDS", "r is wrong");
    for (let i = 0; i < 1_000; i++) {
      play.publish({ CDS: `a1 n${i}v1`, RDS: "r2>a" });
      expect(removed(play.settled(), "CDS")).toContain(`n${i}v1`);
    }
    play.publish({ CDS: "a1", RDS: "r2>a" });
    expect(removed(play.settled(), "CDS")).toEqual(variant === "delta" ? ["-n999v"] : ["a1"]);
  });
});

test("a refused listener keeps the route configuration that it names, its clusters and their endpoints", () => {
  const play = new Playbook("delta");
  play.publish({ CDS: "a1>svc", EDS: "svc1", LDS: "l1>r", RDS: "r1>a" });
  for (const type of ["CDS", "EDS", "LDS", "RDS"]) play.ask(type, ["*"]);
  play.settled();
  play.publish({ CDS: "", EDS: "", LDS: "l2>other", RDS: "" });
  expect(play.sent()).toEqual(["LDS l2"]);
  play.nack("LDS", "l is wrong");
  expect(play.sent()).toEqual([]);
  expect(play.stream.isSettled).toBe(true);
  play.publish({ CDS: "", EDS: "", LDS: "l3>other", RDS: "" });
  expect(play.settled()).toEqual(["LDS l3", "RDS -r", "EDS -svc", "CDS -a"]);
});

test("delta: of what an earlier stream sent nobody knows what it names: nothing is taken away", () => {
  const play = new Playbook("delta");
  play.publish({ CDS: "b1", RDS: "r2" });
  play.ask("CDS", ["*"], { initialVersions: { a: "1", b: "1" } });
  play.ask("RDS", ["*"], { initialVersions: { r: "1" } });
  play.sent();
  play.ack("CDS");
  play.sent();
  play.nack("RDS", "r is wrong");
  expect(play.sent()).toEqual([]);
  play.publish({ CDS: "b1", RDS: "r3" });
  expect(play.settled()).toEqual(["RDS r3", "CDS -a"]);
});

test("more than there is room for is taken away, needed or not", () => {
  const play = new Playbook("delta", { maxKept: 2 });
  play.publish({ CDS: "a1 b1 c1", RDS: "r1>a,b,c" });
  for (const type of ["CDS", "RDS"]) play.ask(type, ["*"]);
  play.settled();
  play.publish({ CDS: "a1 b1 c1", RDS: "r2" });
  play.sent();
  play.nack("RDS");
  play.publish({ CDS: "c1", RDS: "r2" });
  expect(play.settled()).toEqual([]);
  play.publish({ CDS: "", RDS: "r2" });
  expect(play.settled()).toEqual(["CDS -a -b -c"]);
  expect(UNKNOWN.name).toBe("");
});
