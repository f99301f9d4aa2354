import { describe, expect, test } from "vitest";
import { ManualClock } from "../../../../src/base/clock.ts";
import { type MetadataInfo, printMetadataInfo } from "../../../../src/registry-sync/application/metadata-info.ts";
import {
  createRevisions,
  FAILED_AFTER,
  type RevisionsOptions,
} from "../../../../src/registry-sync/application/revisions.ts";
import { instanceAt, offered } from "../../../support/applications.ts";

const INFO: MetadataInfo = { application: "shop", revision: "r1", services: [offered("a.B")] };

/** An answer that says no revision. */
const ANY: MetadataInfo = { ...INFO, revision: "" };

/** Lets promises that are settled go on. */
async function settle(): Promise<void> {
  for (let i = 0; i < 50; i++) await Promise.resolve();
}

function stage(options: Partial<RevisionsOptions>) {
  const clock = new ManualClock();
  const changed: string[] = [];
  const revisions = createRevisions({ onChange: (names) => changed.push(...names), clock, ...options });
  const wanted = (revision: string, ...ids: string[]) => ({
    application: "shop",
    revision,
    instances: ids.map((id) => instanceAt(id, { revision })),
  });
  return { revisions, clock, changed, wanted };
}

test("one instance of a revision is asked, once", async () => {
  const asked: string[] = [];
  const { revisions, changed, wanted } = stage({
    ask: async (_, { id }) => {
      asked.push(id);
      return INFO;
    },
  });
  revisions.follow("shop", [wanted("r1", "h:1", "h:2")]);
  expect(revisions.pending).toBe(1);
  await settle();
  revisions.follow("shop", [wanted("r1", "h:1", "h:2", "h:3")]);
  await settle();
  expect([asked, changed, revisions.pending]).toEqual([["h:1"], ["shop"], 0]);
  expect(revisions.services("shop", "r1")).toBe(INFO.services);
});

test("others are asked where one does not answer, or does not know it", async () => {
  const { revisions, wanted } = stage({
    ask: async (_, { id }) => {
      if (id === "h:1") throw new Error("no connection to h:1");
      return id === "h:2" ? undefined : INFO;
    },
  });
  revisions.follow("shop", [wanted("r1", "h:1", "h:2", "h:3")]);
  await settle();
  expect(revisions.services("shop", "r1")).toBe(INFO.services);
});

test.each([
  ["that answers for another revision", { ...INFO, revision: "r2" }],
  ["that answers with no service", { ...INFO, services: [] }],
])("others are asked beside one %s", async (_, info) => {
  const { revisions, wanted } = stage({ ask: async (_name, { id }) => (id === "h:1" ? info : INFO) });
  revisions.follow("shop", [wanted("r1", "h:1", "h:2")]);
  await settle();
  expect(revisions.services("shop", "r1")).toBe(INFO.services);
});

test("no service counts where nobody knows one; another revision's services never do", async () => {
  const { revisions, wanted } = stage({
    ask: async (_, { id }) => ({ ...INFO, ...(id === "h:1" ? { services: [] } : { revision: "r2" }) }),
  });
  revisions.follow("shop", [wanted("r1", "h:1", "h:2")]);
  revisions.follow("desk", [{ ...wanted("r1", "h:2"), application: "desk" }]);
  await settle();
  expect([revisions.services("shop", "r1"), revisions.services("desk", "r1")]).toEqual([[], undefined]);
});

test("what an instance of 2.7 exports is asked of it alone, and anew when it comes back", async () => {
  const calls: string[] = [];
  const { revisions, wanted } = stage({
    ask: async (_, { revision }) => {
      calls.push("ask");
      return { ...INFO, revision };
    },
    read: async () => {
      calls.push("read");
      return undefined;
    },
  });
  const one = wanted("instance:h:1:0", "h:1");
  revisions.follow("shop", [one]);
  await settle();
  revisions.follow("shop", [one]);
  await settle();
  expect(calls).toEqual(["ask"]);
  revisions.follow("shop", []);
  revisions.follow("shop", [one]);
  await settle();
  expect(calls).toEqual(["ask", "ask"]);
});

describe("who is asked first:", () => {
  test.each([
    ["the instance, where it keeps its metadata itself", "local", ["ask"]],
    ["the metadata centre, where that has it", "remote", ["read"]],
  ] as const)("%s", async (_, storage, order) => {
    const calls: string[] = [];
    const { revisions } = stage({
      ask: async () => {
        calls.push("ask");
        return INFO;
      },
      read: async () => {
        calls.push("read");
        return printMetadataInfo(INFO);
      },
    });
    revisions.follow("shop", [{ application: "shop", revision: "r1", instances: [instanceAt("h:1", { storage })] }]);
    await settle();
    expect(calls).toEqual(order);
    expect(revisions.services("shop", "r1")).toHaveLength(1);
  });
});

test("what cannot be had is tried again after growing pauses, told after some rounds, and taken when it comes", async () => {
  let answers = false;
  let rounds = 0;
  const { revisions, clock, changed, wanted } = stage({
    ask: async () => {
      rounds++;
      if (!answers) throw new Error("no connection to h:1: ECONNREFUSED");
      return INFO;
    },
  });
  revisions.follow("shop", [wanted("r1", "h:1")]);
  await settle();
  for (const pauseMs of [1_000, 2_000]) {
    expect(revisions.failure("shop", "r1")).toBeUndefined();
    clock.advance(pauseMs);
    await settle();
  }
  expect(rounds).toBe(FAILED_AFTER);
  expect([revisions.failure("shop", "r1"), changed, revisions.pending]).toEqual([
    ...["no connection to h:1: ECONNREFUSED", ["shop"], 0],
  ]);
  answers = true;
  clock.advance(3_999);
  expect(rounds).toBe(FAILED_AFTER);
  clock.advance(1);
  await settle();
  expect([revisions.failure("shop", "r1"), revisions.services("shop", "r1")]).toEqual([undefined, INFO.services]);
});

test("a metadata centre's text that is none is told of", async () => {
  const { revisions, clock, wanted } = stage({ read: async () => "{" });
  revisions.follow("shop", [wanted("r1", "h:1")]);
  for (let i = 0; i < FAILED_AFTER; i++) {
    await settle();
    clock.advance(10_000);
  }
  await settle();
  expect(revisions.failure("shop", "r1")).toBe("what the metadata centre has of it cannot be read");
});

test("no more are asked at once than allowed; all come", async () => {
  let running = 0;
  let most = 0;
  const answers: (() => void)[] = [];
  const { revisions, wanted } = stage({
    maxAtOnce: 2,
    ask: async () => {
      most = Math.max(most, ++running);
      await new Promise<void>((resolve) => answers.push(resolve));
      running--;
      return ANY;
    },
  });
  revisions.follow(
    "shop",
    ["r1", "r2", "r3", "r4", "r5"].map((revision) => wanted(revision, "h:1")),
  );
  for (let i = 0; i < 5; i++) {
    await settle();
    answers.shift()?.();
  }
  await settle();
  expect([most, revisions.pending]).toEqual([2, 0]);
});

test("those that were never asked for do not wait behind all that are asked for again in vain", async () => {
  const { revisions, clock, wanted } = stage({
    maxAtOnce: 4,
    ask: async (_, { revision }) => {
      if (revision === "new") return ANY;
      if (clock.now() > start) return new Promise(() => {});
      throw new Error("no connection");
    },
  });
  const start = clock.now();
  const dead = ["d1", "d2", "d3", "d4", "d5"].map((revision) => wanted(revision, "h:1"));
  revisions.follow("shop", dead);
  await settle();
  clock.advance(1_000);
  await settle();
  revisions.follow("shop", [...dead, wanted("new", "h:2")]);
  await settle();
  expect(revisions.services("shop", "new")).toBe(INFO.services);
});

test("a hundred thousand instances of a revision that is not had are compared by one look at each", async () => {
  const { revisions, wanted } = stage({
    ask: async () => {
      throw new Error("no connection");
    },
  });
  const instances = Object.assign([...wanted("r1", "h:1", "h:2").instances], {
    includes: () => {
      throw new Error("looked through all for one");
    },
  });
  revisions.follow("shop", [{ application: "shop", revision: "r1", instances }]);
  await settle();
  expect(() => revisions.follow("shop", [{ application: "shop", revision: "r1", instances }])).not.toThrow();
  expect(revisions.pending).toBe(1);
});

test("what nobody has any more is forgotten first, what is wanted stays", async () => {
  const { revisions, wanted } = stage({ maxKept: 10, ask: async () => ANY });
  revisions.follow("shop", [wanted("r0", "h:1")]);
  await settle();
  for (let i = 1; i <= 20; i++) {
    revisions.follow("shop", [wanted("r0", "h:1"), wanted(`r${i}`, "h:1")]);
    await settle();
  }
  const known = Array.from({ length: 21 }, (_, i) => revisions.services("shop", `r${i}`) !== undefined);
  expect(known.filter(Boolean).length).toBeLessThanOrEqual(10);
  expect([known[0], known[20]]).toEqual([true, true]);
});

test("an answer to what is not wanted any more is dropped; nothing is asked after the end", async () => {
  let answer = (_info: MetadataInfo): void => {};
  let asked = 0;
  const { revisions, changed, wanted } = stage({
    ask: () => {
      asked++;
      return new Promise<MetadataInfo>((resolve) => {
        answer = resolve;
      });
    },
  });
  revisions.follow("shop", [wanted("r1", "h:1")]);
  revisions.follow("shop", []);
  answer(INFO);
  await settle();
  expect([changed, revisions.services("shop", "r1")]).toEqual([[], undefined]);
  revisions.close();
  revisions.follow("shop", [wanted("r2", "h:1")]);
  await settle();
  expect(asked).toBe(1);
});
