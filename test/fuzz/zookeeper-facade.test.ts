import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ERRORS } from "../../src/codecs/zookeeper/constants.ts";
import { present } from "../../src/registry-sync/present/present.ts";
import { FacadeLink, INSTANCES, type LinkedClient, PROVIDERS, PROXIES, providerName } from "../support/facade-link.ts";

// Clients that keep a list the ways real ones do must end with exactly what is shown, whatever happens in whatever order.

/** Stays for the whole run, so that no list of providers may ever be empty. */
const LASTING = providerName("10.0.0.1", "&weight=1");
const PROVIDER_NAMES = [
  providerName("10.0.0.2"),
  providerName("10.0.0.3", "&weight=5"),
  providerName("10.0.0.4", "&version=2.0.0"),
  providerName("10.0.0.5", "", "tri"),
  "malformed",
];
const INSTANCE_NAMES = ["10.0.0.2:20880", "10.0.0.3:20880"];
const ADDRESSES = [PROXIES, PROXIES.slice(0, 1), PROXIES.slice(1), []];

type Step =
  | { readonly do: "toggle"; readonly directory: string; readonly name: string }
  | { readonly do: "context"; readonly addresses: readonly string[]; readonly hides: readonly string[] }
  | { readonly do: "move"; readonly client: number; readonly direction: "up" | "down" }
  | { readonly do: "read"; readonly client: number }
  | { readonly do: "reconnect"; readonly client: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.constantFrom(...PROVIDER_NAMES).map((name): Step => ({ do: "toggle", directory: PROVIDERS, name })),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom(...INSTANCE_NAMES).map((name): Step => ({ do: "toggle", directory: INSTANCES, name })),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom(...ADDRESSES), fc.subarray(INSTANCE_NAMES))
      .map(([addresses, hides]): Step => ({ do: "context", addresses, hides })),
  },
  {
    weight: 8,
    arbitrary: fc
      .tuple(fc.nat(4), fc.constantFrom("up" as const, "down" as const))
      .map(([client, direction]): Step => ({ do: "move", client, direction })),
  },
  { weight: 1, arbitrary: fc.nat(4).map((client): Step => ({ do: "read", client })) },
  { weight: 1, arbitrary: fc.nat(4).map((client): Step => ({ do: "reconnect", client })) },
);

/** A consumer that keeps one list; `list` is what it believes. */
interface Keeper {
  client: LinkedClient;
  readonly directory: string;
  readonly style: "one-shot" | "persistent" | "recursive";
  list: Set<string>;
  /** Every list it has held. */
  readonly held: Set<string>[];
}

/** Arms the keeper's watch and reads the list; what comes later is taken as its style does. */
function follow(keeper: Keeper, again: boolean): void {
  const { client, directory, style } = keeper;
  const read = (watch: boolean): void => {
    const xid = client.ask({ op: "getChildren2", path: directory, watch });
    waiting.push(() => {
      const answer = client.answer(xid);
      if (answer === undefined) return false;
      if (answer.reply?.op === "getChildren2") {
        keeper.list = new Set(answer.reply.children);
        keeper.held.push(keeper.list);
      }
      return true;
    });
  };
  const waiting: (() => boolean)[] = [];
  keepers.set(keeper, () => {
    while (waiting.length > 0 && waiting[0]()) waiting.shift();
  });
  client.onEvent = (type, path) => {
    keepers.get(keeper)?.();
    if (style === "recursive") {
      if (!path.startsWith(`${directory}/`)) return;
      const name = path.slice(directory.length + 1);
      if (type === "created") keeper.list = new Set([...keeper.list, name]);
      else if (type === "deleted") keeper.list = new Set([...keeper.list].filter((one) => one !== name));
      keeper.held.push(keeper.list);
    } else if (type === "childrenChanged" && path === directory) read(style === "one-shot");
  };
  if (again) {
    const child = style === "one-shot" ? [directory] : [];
    const persistent = style === "persistent" ? [directory] : [];
    const recursive = style === "recursive" ? [directory] : [];
    client.ask(
      { op: "setWatches2", relativeZxid: client.lastZxid, data: [], exist: [], child, persistent, recursive },
      -8,
    );
    // What a recursive watch missed while away no server tells; such clients read everything again.
    if (style === "recursive") read(false);
    return;
  }
  if (style !== "one-shot") client.ask({ op: "addWatch", path: directory, mode: style === "recursive" ? 1 : 0 });
  read(style === "one-shot");
}

const keepers = new Map<Keeper, () => void>();

function run(steps: readonly Step[]): void {
  keepers.clear();
  const link = new FacadeLink();
  const writer = link.connect("direct").layOut();
  writer.create(`${PROVIDERS}/${LASTING}`);
  const make = (directory: string, style: Keeper["style"]): Keeper => {
    const keeper: Keeper = { client: link.connect("facade"), directory, style, list: new Set(), held: [] };
    follow(keeper, false);
    link.pump();
    keepers.get(keeper)?.();
    return keeper;
  };
  const all = [
    make(PROVIDERS, "one-shot"),
    make(PROVIDERS, "persistent"),
    make(PROVIDERS, "recursive"),
    make(INSTANCES, "one-shot"),
    make(INSTANCES, "recursive"),
  ];
  for (const one of steps) act(link, writer, all, one);
  for (let round = 0; round < 10; round++) {
    link.pump();
    for (const settle of keepers.values()) settle();
  }
  for (const keeper of all) {
    const real = writer.children(keeper.directory);
    const kind = keeper.directory === PROVIDERS ? "providers" : "instances";
    const name = kind === "providers" ? "com.acme.Order" : "shop";
    const { shown } = present({ kind, path: keeper.directory, name }, real, link.context);
    expect([...keeper.list].sort(), `${keeper.style} ${keeper.directory}`).toEqual([...shown].sort());
    if (kind === "providers") for (const held of keeper.held) expect(held.size).toBeGreaterThan(0);
    expect(keeper.client.children(keeper.directory).length).toBe(shown.size);
    expect(keeper.client.stat(keeper.directory)?.numChildren).toBe(shown.size);
  }
}

function act(link: FacadeLink, writer: LinkedClient, all: Keeper[], one: Step): void {
  switch (one.do) {
    case "toggle": {
      const path = `${one.directory}/${one.name}`;
      // The writer's own bytes move at once; the clients' do not.
      const xid = writer.ask({ op: "delete", path, version: -1 });
      moveWriter(writer);
      if (writer.answer(xid)?.err === ERRORS.noNode) {
        writer.ask({ op: "create", path, data: null, acl: [{ perms: 31, scheme: "world", id: "anyone" }], flags: 1 });
        moveWriter(writer);
      }
      return;
    }
    case "context":
      link.setContextQuietly({ addresses: one.addresses }, one.hides);
      return;
    case "move":
      all[one.client].client.step(one.direction);
      keepers.get(all[one.client])?.();
      return;
    case "read":
      all[one.client].client.ask({ op: "getChildren", path: all[one.client].directory, watch: false });
      return;
    case "reconnect": {
      const keeper = all[one.client];
      const old = keeper.client;
      old.disconnect();
      keeper.client = link.connectQuietly("facade", old);
      keeper.client.lastZxid = old.lastZxid;
      follow(keeper, true);
      return;
    }
    default:
      one satisfies never;
  }
}

function moveWriter(writer: LinkedClient): void {
  while (writer.step("up") || writer.step("down"));
}

describe("the facade under any order of events", () => {
  test("every way of keeping a list ends with what is shown", () => {
    fc.assert(fc.property(fc.array(step, { maxLength: 60 }), run), {
      numRuns: Number(process.env["FUZZ_RUNS"] ?? 300),
    });
  });
});
