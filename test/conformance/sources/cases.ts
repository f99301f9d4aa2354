import { expect } from "vitest";
import type { Entry, World } from "../../../src/model/entry.ts";
import type { Source } from "../../../src/registry-sync/contracts.ts";
import { eventually, sleep } from "../../support/process.ts";
import type { Answer, ListOf } from "./impostor.ts";
import type { Instance, Network } from "./registry.ts";
import type { Watched } from "./watched.ts";

/** What a case has: a registry, a source that has followed it since before the case, and how to follow it once more. */
export interface SourceStage {
  /** Makes these the instances of a service of the case, which other cases use at the same time by other names. */
  put(service: string, instances: readonly Instance[]): Promise<void>;
  /** What the service is called in the registry. */
  named(service: string): string;
  readonly watched: Watched;
  /** A source that starts now. */
  fresh(): Watched;
  /** The same, not yet followed. */
  open(): Source;
  /** The network by which `watched` reads the registry; nobody else does, where the case makes it bad. */
  readonly network: Network;
  /** What a registry answers that holds one service; undefined where the source reads no text. */
  readonly list: ListOf | undefined;
}

/** One thing that every source of every registry has to do. */
export interface SourceCase {
  readonly name: string;
  /** Whether the network is made bad: such a case has a source for itself. */
  readonly isHostile?: boolean;
  /** Whether it is of sources alone that read text. */
  readonly needsList?: boolean;
  /** Whether it costs so much that one source of a registry stands for all, which read answers by the same code. */
  readonly isCostly?: boolean;
  run(stage: SourceStage): Promise<void>;
}

/** How long nothing may happen where nothing should. */
const QUIET_MS = 500;
const bytes = (text: string) => Buffer.from(text, "latin1");
const http = (status: string, body: string, length = body.length) =>
  bytes(`HTTP/1.1 ${status}\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n\r\n${body}`);

/** What may stand at a registry's address in its place. */
const impostors: Readonly<Record<string, Uint8Array>> = {
  "errors of HTTP": http("500 Internal Server Error", '{"code":500}'),
  "nothing found": http("404 Not Found", ""),
  "an empty answer": http("200 OK", ""),
  "an answer that is cut": http(
    "200 OK",
    '{"applications":{"versions__delta":"1","apps__hashcode":"UP_1_","application":[',
    4_000,
  ),
  "an answer of another shape": http("200 OK", '[1,null,"x"]'),
  "a text in another charset": http("200 OK", '{"applications":{"application":[{"name":"\xe9\xe8\xff\xfe"'),
  "an answer that says it has a terabyte": http("200 OK", "{", 1_000_000_000_000),
  "a length that lies": Uint8Array.of(0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0),
  "bytes without sense": Uint8Array.from({ length: 4_096 }, (_, index) => (index * 7_919 + (index >> 3)) & 0xff),
  nothing: new Uint8Array(0),
};

const one = { host: "10.9.0.1", port: 8_080, metadata: { v: "1" } };
const two = { host: "10.9.0.2", port: 8_080, metadata: { v: "1" } };
const text = (instance: typeof one) => `${instance.host}:${instance.port} v=${instance.metadata.v}`;

/** Runs `act` while a service stands: it must stand all the time, and what changed meanwhile must be seen afterwards. */
async function standsThrough(stage: SourceStage, service: string, act: () => Promise<void>, end: () => Promise<void>) {
  const { put, watched } = stage;
  await put(service, [one]);
  await watched.until(service, [text(one)]);
  const before = watched.worlds.length;
  try {
    await act();
    await sleep(QUIET_MS);
  } finally {
    await end();
  }
  for (const world of watched.worlds.slice(before))
    expect(namesOf(world)).toContain(stage.named(service).toLowerCase());
  await put(service, [one, two]);
  await watched.until(service, [text(one), text(two)]);
}

const namesOf = (world: World) => world.entries.map(({ service }) => service.interface.toLowerCase());

/**
 * A list of one service in the registry's place, which `sent` makes bytes of; undefined for an error instead. Waits until the first such
 * list was sent or given up, and gives which of them were sent whole.
 */
async function standsThroughList(
  stage: SourceStage,
  service: string,
  sent: (text: string) => Pick<Answer, "body" | "spaces"> | undefined,
): Promise<readonly boolean[]> {
  const { network, watched } = stage;
  const name = `café-${service}`;
  const list = stage.list!(name);
  const isOther = (world: World) => namesOf(world).some((one) => one.startsWith("caf"));
  const disturbed = watched.disturbed();
  const ends: boolean[] = [];
  const onEnd = (isWhole: boolean) => void ends.push(isWhole);
  const stand = async (): Promise<void> => {
    await network.impersonate((asked) => {
      const { type, text } = list(asked);
      if (!text.includes(name)) return { type, body: Buffer.from(text) };
      const answer = sent(text);
      return answer && { type, ...answer, onEnd };
    });
    await eventually("the list was asked for", () => ends.length > 0, 60_000);
    await eventually("it is told", () => watched.disturbed() > disturbed, 60_000);
  };
  await standsThrough(stage, service, stand, () => network.unmask());
  expect(watched.worlds.filter(isOther)).toEqual([]);
  // The same list as it should be is read.
  await network.impersonate((asked) => {
    const { type, text } = list(asked);
    return { type, body: Buffer.from(text), spaces: 1_000 };
  });
  const later = stage.fresh();
  await eventually("the list itself is one", () => later.worlds.some(isOther), 60_000);
  await later.stop();
  await network.unmask();
  return ends;
}

/** Over every limit of an answer. */
const HUGE_BYTES = 300_000_000;

/** The list; its cases run beside each other. */
export const sourceCases: readonly SourceCase[] = [
  {
    name: "what stands there is in the first world",
    async run({ put, watched, fresh }) {
      await put("first", [one, two]);
      await watched.until("first", [text(one), text(two)]);
      const later = fresh();
      await eventually("there is a world", () => later.worlds.length > 0, 60_000);
      expect(later.endpoints("first", later.worlds[0])).toEqual([text(one), text(two)]);
      await later.stop();
    },
  },
  {
    name: "an instance that comes, changes, is out of service and goes is seen each time",
    async run({ put, watched }) {
      await put("changing", [one]);
      await watched.until("changing", [text(one)]);
      await put("changing", [one, two]);
      await watched.until("changing", [text(one), text(two)]);
      await put("changing", [one, { ...two, metadata: { v: "2" } }]);
      await watched.until("changing", [text(one), "10.9.0.2:8080 v=2"]);
      await put("changing", [one, { ...two, up: false }]);
      // Nacos tells nobody of an instance that takes no calls, others list it as that.
      await watched.until("changing", [text(one)]);
      await put("changing", [one, two]);
      await watched.until("changing", [text(one), text(two)]);
      await put("changing", [two]);
      await watched.until("changing", [text(two)]);
    },
  },
  {
    name: "a service that nobody changes keeps its object, and its instances theirs",
    async run({ put, watched }) {
      await put("still", [one, two]);
      await watched.until("still", [text(one), text(two)]);
      const still = watched.entry("still");
      await put("moving", [one]);
      await watched.until("moving", [text(one)]);
      const kept = watched.entry("moving")!.endpoints[0];
      await put("moving", [one, two]);
      await watched.until("moving", [text(one), text(two)]);
      expect(watched.entry("still")).toBe(still);
      expect(watched.entry("moving")!.endpoints[0]).toBe(kept);
    },
  },
  {
    name: "a service without instances is no service, and is one again when it has one",
    async run({ put, watched }) {
      await put("coming", [one]);
      await watched.until("coming", [text(one)]);
      await put("coming", []);
      await watched.until("coming", []);
      await put("coming", [two]);
      await watched.until("coming", [text(two)]);
    },
  },
  {
    name: "many changes of one service end in the last one",
    async run({ put, watched }) {
      for (let v = 1; v <= 20; v++) await put("busy", [{ ...one, metadata: { v: String(v) } }]);
      await watched.until("busy", ["10.9.0.1:8080 v=20"]);
    },
  },
  {
    name: "instances that nobody can call are left out, the others stand",
    async run({ put, watched }) {
      const bad = [
        { host: "", port: 80 },
        { host: "10.9.0.3", port: 0 },
        { host: "10.9.0.3", port: -1 },
        { host: "10.9.0.3", port: 70_000 },
        { host: "10.9.0.3 x\r\ny: z", port: 80 },
        { host: "0.0.0.0", port: 80 },
        { host: "a/../b", port: 80 },
      ];
      await put("hostile", [one, ...bad]);
      await put("after-hostile", [two]);
      await watched.until("after-hostile", [text(two)]);
      await watched.until("hostile", [text(one)]);
    },
  },
  {
    name: "weights that are none become ones that can be counted with",
    async run({ put, watched }) {
      const weights = ["NaN", "-5", "1e9", "0", "99999999999999999999", "2.5", ""];
      const instances = weights.map((weight, index) => ({ host: `10.9.1.${index + 1}`, port: 80, weight }));
      await put("weighed", [{ ...one, weight: "1" }, ...instances]);
      await put("after-weighed", [one]);
      await watched.until("after-weighed", [text(one)]);
      const { endpoints } = await eventually("it is there", () => watched.entry("weighed"));
      expect(endpoints.length).toBeGreaterThan(0);
      for (const { weight } of endpoints) expect(Number.isSafeInteger(weight) && weight >= 0).toBe(true);
    },
  },
  {
    name: "much metadata, and metadata with strange keys, are taken or left out, and cost nobody else anything",
    async run({ put, watched }) {
      const long = { v: "1", long: "x".repeat(50_000) };
      const strange = { v: "1", __proto__x: "1", constructor: "2", "dubbo.tag": "\u0000\u2028", "é中🚀": "é中🚀" };
      await put("talkative", [{ ...one, metadata: long }]);
      await put("strange", [{ ...one, metadata: strange }]);
      await put("after-talkative", [two]);
      await watched.until("after-talkative", [text(two)]);
      await watched.until("strange", [text(one)]);
    },
  },
  {
    name: "a network that swallows everything takes nothing away",
    isHostile: true,
    async run(stage) {
      const { network } = stage;
      await standsThrough(
        stage,
        "swallowed",
        async () => network.blackHole(),
        () => network.heal(),
      );
    },
  },
  {
    name: "connections that are reset again and again take nothing away",
    isHostile: true,
    async run(stage) {
      const resets = async () => {
        for (let round = 0; round < 5; round++) {
          stage.network.reset();
          await sleep(100);
        }
      };
      await standsThrough(stage, "reset", resets, async () => {});
    },
  },
  {
    name: "answers that end in their middle take nothing away",
    isHostile: true,
    async run(stage) {
      const { network } = stage;
      const cut = async () => {
        for (const after of [1, 9, 60, 300]) {
          network.resetAfter(after);
          network.reset();
          await sleep(200);
        }
      };
      await standsThrough(stage, "cut", cut, () => network.heal());
    },
  },
  ...Object.entries(impostors).map(([name, answer], index) => ({
    name: `${name} in the registry's place takes nothing away, and is told`,
    isHostile: true,
    async run(stage: SourceStage) {
      const { network } = stage;
      const disturbed = stage.watched.disturbed();
      const stand = async (): Promise<void> => {
        await network.impersonate(answer);
        await eventually("it is told", () => stage.watched.disturbed() > disturbed, 60_000);
      };
      await standsThrough(stage, `impostor-${index}`, stand, () => network.unmask());
    },
  })),
  {
    name: "a whole list in another charset in the registry's place is not read",
    isHostile: true,
    needsList: true,
    async run(stage) {
      await standsThroughList(stage, "latin", (text) => ({ body: Buffer.from(text, "latin1") }));
    },
  },
  {
    name: "a whole list of 300 MB in the registry's place is given up at the limit",
    isHostile: true,
    needsList: true,
    isCostly: true,
    async run(stage) {
      let isGiven = false;
      const ends = await standsThroughList(stage, "huge", (text) => {
        if (isGiven) return undefined;
        isGiven = true;
        return { body: Buffer.from(text), spaces: HUGE_BYTES };
      });
      expect(ends).toEqual([false]);
    },
  },
];

/** What is there when the registry is killed, which is done to all sources of it at once. */
export async function beforeTheKill(stages: readonly SourceStage[]): Promise<void> {
  await Promise.all(
    stages.map(async ({ put, watched }) => {
      await put("killed", [one]);
      await watched.until("killed", [text(one)]);
    }),
  );
}

/** While it is down: nothing is taken away, and all say that it is lost. */
export async function whileDown(stages: readonly SourceStage[]): Promise<void> {
  await eventually("all say that it is lost", () => stages.every(({ watched }) => watched.disturbed() > 0), 60_000);
  await sleep(QUIET_MS);
  for (const { watched, named } of stages) expect(namesOf(watched.worlds.at(-1)!)).toContain(named("killed"));
}

/** Once it is back with what it held: what changes then is seen. */
export async function afterTheKill(stages: readonly SourceStage[]): Promise<void> {
  await Promise.all(
    stages.map(async ({ put, watched }) => {
      await put("killed", [one, two]);
      await watched.until("killed", [text(one), text(two)]);
    }),
  );
}

/** What holds of every world that a source has given; services may be without endpoints where the registry knows such. */
export function expectSound(watched: Watched, knowsEmpty = false): void {
  expect(watched.faults).toEqual([]);
  const unsound = new Set(watched.worlds.flatMap(unsoundIn));
  expect([...unsound].filter((what) => !(knowsEmpty && what.endsWith(EMPTY)))).toEqual([]);
}

const EMPTY = "has no endpoints";
/** Entries are the same objects from world to world, unless they change. */
const looked = new WeakSet<Entry>();

function unsoundIn({ name, entries }: World): readonly string[] {
  const isTwice = new Set(entries.map(({ host }) => host)).size < entries.length;
  return [
    ...(isTwice ? [`${name} names a service twice`] : []),
    ...entries.flatMap((entry) => {
      if (looked.has(entry)) return [];
      looked.add(entry);
      return unsoundOf(entry, name);
    }),
  ];
}

function unsoundOf({ host, endpoints }: Entry, name: string): readonly string[] {
  const ids = new Set(endpoints.map(({ address, port, protocol }) => `${address} ${port} ${protocol}`));
  const bad = endpoints.filter(
    ({ origin, port, weight, address }) =>
      origin !== name ||
      !(Number.isInteger(port) && port >= 1 && port <= 65_535) ||
      !(Number.isSafeInteger(weight) && weight >= 0) ||
      !/^[^\s/]+$/.test(address),
  );
  return [
    ...(endpoints.length === 0 ? [`${host} ${EMPTY}`] : []),
    ...(ids.size < endpoints.length ? [`${host} has an address twice`] : []),
    ...bad.map((endpoint) => `${host} has ${JSON.stringify(endpoint)}`),
  ];
}
