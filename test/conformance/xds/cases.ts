/**
 * What any xDS server must do, by each of the four kinds of stream. The scenarios are those that ii/xds-test-harness lists; its tool is
 * written anew here.
 */
import { expect } from "vitest";
import type { Variant } from "../../../src/codecs/xds/discovery-bytes.ts";
import type { PoliteClient } from "../../support/xds-grpc.ts";

/** A server under test and one client of it. */
export interface XdsBench {
  readonly variant: Variant;
  readonly client: PoliteClient;
  /** What there is of a type from now on: `a1 b2` is `a` of version 1 and `b` of version 2. */
  set(type: string, list: string): void;
  /** Resolves once the server has sent all that it has to send. */
  quiet(): Promise<void>;
}

/** One scenario for one type. */
export interface XdsCase {
  readonly name: string;
  readonly types: readonly string[];
  /** Kinds of streams that it is about; both unless told. */
  readonly variant?: Variant;
  /** Only of streams for all types. */
  readonly aggregated?: true;
  run(bench: XdsBench, type: string): Promise<void>;
}

const ALL = ["CDS", "LDS", "RDS", "EDS"];
const WHOLE = ["CDS", "LDS"];

/** `sotw` responses carry no versions of their own: what is asked for is there, whatever its version. */
const seen = ({ variant }: XdsBench, text: string): string =>
  variant === "delta"
    ? text
    : text
        .split(" ")
        .filter((one) => one !== "" && !one.startsWith("-"))
        .map((one) => one.slice(0, -1))
        .join(" ");

/** A state-of-the-world response has all that was asked for, a delta one what changed. */
const either = ({ variant }: XdsBench, whole: string, delta: string): string => (variant === "delta" ? delta : whole);

async function silent(bench: XdsBench): Promise<void> {
  await bench.quiet();
  expect(bench.client.waiting).toBe(0);
}

/** All scenarios. */
export const XDS_CASES: readonly XdsCase[] = [
  {
    name: "a wildcard request is answered with all resources, and an answer to it with nothing",
    types: WHOLE,
    async run(bench, type) {
      bench.set(type, "a1 b1 c1");
      bench.client.subscribe(type, []);
      expect(await bench.client.next(type)).toBe(seen(bench, "a1 b1 c1"));
      await silent(bench);
    },
  },
  {
    name: "a wildcard subscription is sent updates",
    types: WHOLE,
    async run(bench, type) {
      bench.set(type, "a1 b1 c1");
      bench.client.subscribe(type, []);
      await bench.client.next(type);
      const { version, nonce } = bench.client.last(type);
      bench.set(type, "a2 b1 c1");
      expect(await bench.client.next(type)).toBe(seen(bench, either(bench, "a2 b1 c1", "a2")));
      expect(bench.client.last(type).version).not.toBe(version);
      expect(bench.client.last(type).nonce).not.toBe(nonce);
      await silent(bench);
    },
  },
  {
    name: "a wildcard subscription is sent what is added",
    types: WHOLE,
    async run(bench, type) {
      bench.set(type, "a1 b1 c1");
      bench.client.subscribe(type, []);
      await bench.client.next(type);
      bench.set(type, "a1 b1 c1 d1");
      expect(await bench.client.next(type)).toBe(seen(bench, either(bench, "a1 b1 c1 d1", "d1")));
      await silent(bench);
    },
  },
  {
    name: "a wildcard subscription is told what is removed",
    types: WHOLE,
    async run(bench, type) {
      bench.set(type, "a1 b1 c1");
      bench.client.subscribe(type, ["*"]);
      await bench.client.next(type);
      bench.set(type, "a1 c1");
      expect(await bench.client.next(type)).toBe(seen(bench, either(bench, "a1 c1", "-b")));
      await silent(bench);
    },
  },
  {
    name: "who subscribes to some is sent only these",
    types: ALL,
    async run(bench, type) {
      bench.set(type, "a1 b1 c1 d1");
      bench.client.subscribe(type, ["b", "d"]);
      expect(await bench.client.next(type)).toBe(seen(bench, "b1 d1"));
      await silent(bench);
    },
  },
  {
    name: "who subscribes to some is sent their updates, and not those of others",
    types: ALL,
    async run(bench, type) {
      bench.set(type, "a1 b1 c1 d1");
      bench.client.subscribe(type, ["b", "d"]);
      await bench.client.next(type);
      bench.set(type, "a2 b1 c1 d1");
      await silent(bench);
      bench.set(type, "a2 b2 c1 d1");
      expect(await bench.client.next(type)).toBe(seen(bench, either(bench, "b2 d1", "b2")));
      await silent(bench);
    },
  },
  {
    name: "what does not exist is sent when it is made",
    types: ALL,
    async run(bench, type) {
      bench.set(type, "a1");
      bench.client.subscribe(type, ["a", "z"]);
      expect(await bench.client.next(type)).toBe(seen(bench, either(bench, "a1", "-z a1")));
      bench.set(type, "a1 z1");
      expect(await bench.client.next(type)).toBe(seen(bench, either(bench, "a1 z1", "z1")));
      await silent(bench);
    },
  },
  {
    name: "who unsubscribes from some is sent no updates of these",
    types: ALL,
    async run(bench, type) {
      bench.set(type, "a1 b1 c1");
      bench.client.subscribe(type, ["a", "b"]);
      await bench.client.next(type);
      bench.client.unsubscribe(type, ["b"]);
      await silent(bench);
      bench.set(type, "a1 b2 c1");
      await silent(bench);
      bench.set(type, "a2 b2 c1");
      expect(await bench.client.next(type)).toBe(seen(bench, "a2"));
      await silent(bench);
    },
  },
  {
    name: "who unsubscribes from all is sent nothing",
    types: ALL,
    async run(bench, type) {
      bench.set(type, "a1 b1");
      bench.client.subscribe(type, ["a", "b"]);
      await bench.client.next(type);
      bench.client.unsubscribe(type, ["a", "b"]);
      await silent(bench);
      bench.set(type, "a2 b2");
      await silent(bench);
    },
  },
  {
    name: "who subscribes one after the other is sent each",
    types: ALL,
    async run(bench, type) {
      bench.set(type, "a1 b1 c1");
      bench.client.subscribe(type, ["a"]);
      expect(await bench.client.next(type)).toBe(seen(bench, "a1"));
      bench.client.subscribe(type, bench.variant === "sotw" ? ["a", "b"] : ["b"]);
      expect(await bench.client.next(type)).toBe(seen(bench, either(bench, "a1 b1", "b1")));
      await silent(bench);
    },
  },
  {
    name: "of what is updated only that is sent, with a version and a nonce of its own",
    types: ALL,
    variant: "delta",
    async run(bench, type) {
      bench.set(type, "a1 b1 c1");
      bench.client.subscribe(type, ["a", "b", "c"]);
      expect(await bench.client.next(type)).toBe("a1 b1 c1");
      const { nonce } = bench.client.last(type);
      bench.set(type, "a2 b1 c1");
      expect(await bench.client.next(type)).toBe("a2");
      expect(bench.client.last(type).nonce).not.toBe(nonce);
      await silent(bench);
    },
  },
  {
    name: "what is removed is told, and sent when it comes back",
    types: ALL,
    variant: "delta",
    async run(bench, type) {
      bench.set(type, "a1 b1");
      bench.client.subscribe(type, ["a", "b"]);
      await bench.client.next(type);
      bench.set(type, "a1");
      expect(await bench.client.next(type)).toBe("-b");
      bench.set(type, "a1 b2");
      expect(await bench.client.next(type)).toBe("b2");
      await silent(bench);
    },
  },
  {
    name: "who subscribes again is answered again",
    types: ALL,
    variant: "delta",
    async run(bench, type) {
      bench.set(type, "a1");
      bench.client.subscribe(type, ["a"]);
      expect(await bench.client.next(type)).toBe("a1");
      bench.client.subscribe(type, ["a"]);
      expect(await bench.client.next(type)).toBe("a1");
      await silent(bench);
    },
  },
  {
    name: "a client can subscribe to several types on one stream",
    types: ["CDS", "RDS"],
    aggregated: true,
    async run(bench, type) {
      const other = type === "CDS" ? "LDS" : "EDS";
      bench.set(type, "a1 b1 c1");
      bench.set(other, "a1 b1 c1");
      bench.client.subscribe(type, ["b"]);
      expect(await bench.client.next(type)).toBe(seen(bench, "b1"));
      bench.client.subscribe(other, ["b"]);
      expect(await bench.client.next(other)).toBe(seen(bench, "b1"));
      bench.set(type, "a1 b2 c1");
      expect(await bench.client.next(type)).toBe(seen(bench, "b2"));
      await silent(bench);
    },
  },
];
