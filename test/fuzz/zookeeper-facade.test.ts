import { describe, expect, test } from "vitest";
import { ERRORS } from "../../src/codecs/zookeeper/constants.ts";
import { parseNodeName } from "../../src/registry-sync/dubbo/url.ts";
import { ANYBODY, type Speech, speechOf, withSpeech } from "../../src/registry-sync/present/asker.ts";
import { present } from "../../src/registry-sync/present/present.ts";
import {
  FacadeLink,
  IFACE,
  INSTANCES,
  type LinkedClient,
  PROVIDERS,
  PROXIES,
  providerName,
} from "../support/facade-link.ts";
import fc from "../support/fast-check.ts";

// Clients that keep a list the ways real ones do must end with exactly what is shown, whatever happens in whatever order.

/** Stays for the whole run, so that no list of providers may ever be empty. */
const LASTING = providerName("10.0.0.1", "&weight=1");
const PROVIDER_NAMES = [
  providerName("10.0.0.2"),
  providerName("10.0.0.3", "&weight=5"),
  providerName("10.0.0.4", "&version=2.0.0"),
  providerName("10.0.0.5", "&version=3.0.0", "tri"),
  "malformed",
];
/** What the proxies are shown as for providers without and with a version. */
const VIRTUAL_NAMES = ["", "&version=2.0.0"].flatMap((more) =>
  PROXIES.map((proxy) =>
    encodeURIComponent(`dubbo://${proxy}/${IFACE}?application=shop&interface=${IFACE}&methods=a,b${more}`),
  ),
);
/** As {@link VIRTUAL_NAMES}, in the protocol that the providers do not speak. */
const BRIDGED_NAMES = [
  `dubbo://${PROXIES[0]}/${IFACE}?application=shop&interface=${IFACE}&methods=a,b&prefer.serialization=hessian2&serialization=hessian2&version=3.0.0&weight=0`,
  `tri://10.0.0.9:50051/${IFACE}?application=shop&interface=${IFACE}&methods=a,b&prefer.serialization=hessian2&serialization=hessian2&weight=0`,
].map(encodeURIComponent);
const INSTANCE_NAMES = ["10.0.0.2:20880", "10.0.0.3:20880"];
/** Nodes whose coming and going is watched: shown by us alone, hidden, passed on as they are. */
const WATCHED = [
  `${PROVIDERS}/${VIRTUAL_NAMES[1]}`,
  `${PROVIDERS}/${VIRTUAL_NAMES[2]}`,
  `${PROVIDERS}/${PROVIDER_NAMES[0]}`,
  `${PROVIDERS}/${PROVIDER_NAMES[3]}`,
  `${INSTANCES}/${INSTANCE_NAMES[0]}`,
  ...BRIDGED_NAMES.map((name) => `${PROVIDERS}/${name}`),
];
/** The services of the providers, as keys. */
const KEYS = [IFACE, `${IFACE}:2.0.0`, `${IFACE}:3.0.0`];
const ADDRESSES = [PROXIES, PROXIES.slice(0, 1), PROXIES.slice(1), []];
const TRI_ADDRESSES = [undefined, [], ["10.0.0.9:50051"]];
/** What consumers of the session that has everything register with. */
const CONSUMERS = ["protocol=tri", "protocol=dubbo", "release=3.3.6"].map((said) =>
  encodeURIComponent(`consumer://10.0.0.1/${IFACE}?category=consumers&interface=${IFACE}&${said}`),
);

type Step =
  | { readonly do: "toggle"; readonly directory: string; readonly name: string }
  | {
      readonly do: "context";
      readonly addresses: readonly string[];
      readonly triAddresses: readonly string[] | undefined;
      readonly hides: readonly string[];
      readonly served: readonly string[];
    }
  | { readonly do: "consumer"; readonly name: string }
  | { readonly do: "time" }
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
      .tuple(
        fc.constantFrom(...ADDRESSES),
        fc.constantFrom(...TRI_ADDRESSES),
        fc.subarray(INSTANCE_NAMES),
        fc.subarray(KEYS),
      )
      .map(([addresses, triAddresses, hides, served]): Step => {
        return { do: "context", addresses, triAddresses, hides, served };
      }),
  },
  {
    weight: 8,
    arbitrary: fc
      .tuple(fc.nat(21), fc.constantFrom("up" as const, "down" as const))
      .map(([client, direction]): Step => ({ do: "move", client, direction })),
  },
  { weight: 1, arbitrary: fc.constantFrom(...CONSUMERS).map((name): Step => ({ do: "consumer", name })) },
  { weight: 1, arbitrary: fc.constant<Step>({ do: "time" }) },
  { weight: 1, arbitrary: fc.nat(21).map((client): Step => ({ do: "read", client })) },
  { weight: 1, arbitrary: fc.nat(21).map((client): Step => ({ do: "reconnect", client })) },
);

/** A client that keeps its belief whether one node is there, by exists with a watch. */
interface Believer {
  client: LinkedClient;
  readonly path: string;
  readonly shared: boolean;
  believes: boolean;
  armed: boolean;
}

/** A consumer that keeps one list; `list` is what it believes. */
interface Keeper {
  client: LinkedClient;
  readonly directory: string;
  readonly style: "one-shot" | "persistent" | "recursive";
  /** Where a recursive watch is set: the directory or above it. */
  readonly from: string;
  /** Other beliefs hang on the same session: it never reconnects. */
  readonly shared: boolean;
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
  const others = client.onEvent;
  client.onEvent = (type, path) => {
    others(type, path);
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
  if (style !== "one-shot") client.ask({ op: "addWatch", path: keeper.from, mode: style === "recursive" ? 1 : 0 });
  read(style === "one-shot");
}

const keepers = new Map<Keeper | Believer, () => void>();

/** Asks for the node with a watch, again after each event; a watch that stood is set again on a new connection. */
function believe(believer: Believer, again: boolean): void {
  const { client, path } = believer;
  const waiting: number[] = [];
  const ask = (): void => void waiting.push(client.ask({ op: "exists", path, watch: true }));
  const settle = (): void => {
    for (; waiting.length > 0; waiting.shift()) {
      const answer = client.answer(waiting[0]);
      if (answer === undefined) return;
      believer.believes = answer.err === 0;
      believer.armed = true;
    }
  };
  keepers.set(believer, settle);
  const others = client.onEvent;
  client.onEvent = (type, changed) => {
    others(type, changed);
    settle();
    if (changed !== path) return;
    if (type === "created") believer.believes = true;
    else if (type === "deleted") believer.believes = false;
    believer.armed = false;
    ask();
  };
  if (!again || !believer.armed) {
    ask();
    return;
  }
  const data = believer.believes ? [path] : [];
  const exist = believer.believes ? [] : [path];
  const relativeZxid = client.lastZxid;
  client.ask({ op: "setWatches2", relativeZxid, data, exist, child: [], persistent: [], recursive: [] }, -8);
}

function run(steps: readonly Step[]): void {
  keepers.clear();
  const link = new FacadeLink();
  const writer = link.connect("direct").layOut();
  writer.create(`${PROVIDERS}/${LASTING}`);
  const make = (directory: string, style: Keeper["style"], mixed?: LinkedClient, from = directory): Keeper => {
    const client = mixed ?? link.connect("facade");
    const shared = mixed !== undefined;
    const keeper: Keeper = { client, directory, style, from, shared, list: new Set(), held: [] };
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
  // One session with everything at once, as a consumer that is a provider and has a cache has.
  const mixed = link.connect("facade");
  const together = [
    make(PROVIDERS, "one-shot", mixed),
    make(PROVIDERS, "recursive", mixed, `/dubbo/${IFACE}`),
    make(INSTANCES, "one-shot", mixed),
  ];
  const believers = [...WATCHED, ...WATCHED].map((path, index): Believer => {
    const shared = index >= WATCHED.length;
    const client = shared ? mixed : link.connect("facade");
    const believer = { client, path, shared, believes: false, armed: false };
    believe(believer, false);
    link.pump();
    keepers.get(believer)?.();
    return believer;
  });
  const watchers = [...all, ...believers, ...together];
  let { speaks } = ANYBODY;
  for (const one of steps) {
    if (one.do !== "consumer") act(link, writer, watchers, one);
    else {
      speaks = withSpeech(speaks, saidBy(one.name));
      const path = `/dubbo/${IFACE}/consumers/${one.name}`;
      mixed.ask({ op: "create", path, data: null, acl: [{ perms: 31, scheme: "world", id: "anyone" }], flags: 1 });
    }
  }
  for (let round = 0; round < 10; round++) {
    link.clock.advance(1_500);
    for (const client of link.clients) client.session?.tick();
    link.pump();
    for (const settle of keepers.values()) settle();
  }
  for (const { client, path, believes } of believers) {
    expect(believes, path).toBe(client.stat(path) !== undefined);
  }
  for (const keeper of [...all, ...together]) {
    const real = writer.children(keeper.directory);
    const kind = keeper.directory === PROVIDERS ? "providers" : "instances";
    const name = kind === "providers" ? "com.acme.Order" : "shop";
    const asker = keeper.shared ? { unled: [], speaks } : ANYBODY;
    const { shown } = present({ kind, path: keeper.directory, name }, real, link.context, asker);
    expect([...keeper.list].sort(), `${keeper.style} ${keeper.directory}`).toEqual([...shown].sort());
    if (kind === "providers") for (const held of keeper.held) expect(held.size).toBeGreaterThan(0);
    expect(keeper.client.children(keeper.directory).length).toBe(shown.size);
    expect(keeper.client.stat(keeper.directory)?.numChildren).toBe(shown.size);
  }
}

function saidBy(consumer: string): Speech {
  const reading = parseNodeName(consumer);
  if (reading.type === "fault") throw new Error(reading.message);
  return speechOf(reading.url);
}

function act(
  link: FacadeLink,
  writer: LinkedClient,
  all: readonly (Keeper | Believer)[],
  one: Exclude<Step, { readonly do: "consumer" }>,
): void {
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
    case "context": {
      const { addresses, triAddresses } = one;
      const served = new Set(one.served);
      link.setContextQuietly({ addresses, ...(triAddresses && { triAddresses }), served }, one.hides);
      return;
    }
    case "time":
      link.clock.advance(700);
      for (const { client } of all) client.session?.tick();
      return;
    case "move":
      all[one.client].client.step(one.direction);
      keepers.get(all[one.client])?.();
      return;
    case "read":
      all[one.client].client.ask({ op: "getChildren", path: PROVIDERS, watch: false });
      return;
    case "reconnect": {
      const keeper = all[one.client];
      if (keeper.shared) return;
      const old = keeper.client;
      old.disconnect();
      keeper.client = link.connectQuietly("facade", old);
      keeper.client.lastZxid = old.lastZxid;
      if ("style" in keeper) follow(keeper, true);
      else believe(keeper, true);
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
