import { describe, expect, test } from "vitest";
import { ManualClock } from "../../src/base/clock.ts";
import { ProtocolError } from "../../src/base/errors.ts";
import { silentLogger } from "../../src/base/log.ts";
import type { XdsRequest } from "../../src/codecs/xds/discovery.ts";
import { decodeRequest, decodeResponse, encodeRequest, encodeResponse } from "../../src/codecs/xds/discovery-bytes.ts";
import { ServerStream } from "../../src/codecs/xds/server-stream.ts";
import { XdsClient } from "../../src/control/xds/client.ts";
import { createXdsMetrics } from "../../src/control/xds/metrics.ts";
import fc from "../support/fast-check.ts";
import { FakePipe } from "../support/xds-pipe.ts";
import { NODE, servedSet, TYPES } from "../support/xds-playbook.ts";

const RUNS = Number(process.env["FUZZ_RUNS"] ?? 300);

const name = fc.constantFrom("a", "b", "c", "z", "*", "", "outbound|1||x");
const names = fc.array(name, { maxLength: 4 });
const type = fc.constantFrom("CDS", "EDS", "LDS", "RDS", "other");
const common = { nonce: fc.constantFrom("", "0", "1", "2", "9"), refuses: fc.boolean() };
const step = fc.oneof(
  fc.record({ do: fc.constant("ask" as const), type, subscribe: names, unsubscribe: names, ...common }),
  fc.record({ do: fc.constant("answer" as const), type, ...common }),
  fc.record({
    do: fc.constant("publish" as const),
    lists: fc.dictionary(type, fc.constantFrom("", "a1", "a2 b1", "a1 b2 c1", "b1 c2"), { maxKeys: 4 }),
  }),
);

function onlyRefusals(run: () => void): void {
  try {
    run();
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    expect(error.message).not.toBe("");
  }
}

describe.each(["sotw", "delta"] as const)("%s streams", (variant) => {
  test("whatever is asked and answered, a client that answers comes to have what there is of what it wants", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const stream = new ServerStream({ variant, maxTypes: 8 });
        const nonces = new Map<string, string>();
        const has = new Map<string, Map<string, string>>();
        const drain = (isAnswered: boolean) => {
          for (let count = 0; ; count++) {
            expect(count).toBeLessThan(100);
            const response = stream.takeResponse();
            if (response === undefined) return;
            const { typeUrl, resources, removed, nonce } = response;
            const all = resources.map((one) => one.name);
            expect(new Set([...all, ...removed]).size).toBe(all.length + removed.length);
            const known = variant === "sotw" ? new Map() : (has.get(typeUrl) ?? new Map());
            for (const { name: one, version } of resources) known.set(one, version);
            for (const one of removed) known.delete(one);
            has.set(typeUrl, known);
            nonces.set(typeUrl, nonce);
            if (isAnswered) receive(typeUrl, { nonce });
          }
        };
        const receive = (
          typeUrl: string,
          parts: { nonce?: string; subscribe?: string[]; unsubscribe?: string[]; refuses?: boolean },
        ) => {
          const { nonce = "", subscribe = [], unsubscribe = [], refuses = false } = parts;
          const error = refuses ? { error: { code: 3, message: "no" } } : {};
          const held = stream.subscriptions.find((one) => one.typeUrl === typeUrl);
          const same = held === undefined ? [] : [...(held.wildcard ? ["*"] : []), ...held.names];
          const wanted = parts.subscribe === undefined ? same : subscribe;
          const more = { typeUrl, nonce, node: NODE, ...error };
          const request: XdsRequest =
            variant === "sotw"
              ? { variant, ...more, version: "", names: wanted }
              : { variant, ...more, subscribe, unsubscribe, initialVersions: {} };
          stream.receive(request);
        };
        let lists: Record<string, string> = {};
        for (const one of steps) {
          if (one.do === "publish") {
            lists = one.lists;
            stream.publish(servedSet(lists));
          } else {
            const typeUrl = TYPES[one.type] ?? one.type;
            const nonce = one.nonce === "0" ? (nonces.get(typeUrl) ?? "") : one.nonce;
            receive(typeUrl, { ...one, nonce });
          }
          drain(false);
        }
        // A new set for all: what was refused before is taken now.
        lists = { CDS: "a8 b8", EDS: "a8", LDS: "", RDS: "c8", other: "b8" };
        stream.publish(servedSet(lists));
        drain(true);
        for (let i = 0; i < 40 && !stream.isSettled; i++) {
          for (const { typeUrl, waiting } of stream.subscriptions)
            if (waiting !== undefined) receive(typeUrl, { nonce: waiting.nonce });
          drain(true);
        }
        expect(stream.isSettled).toBe(true);
        for (const { typeUrl, wildcard, names: asked } of stream.subscriptions) {
          const key = Object.keys(TYPES).find((one) => TYPES[one] === typeUrl) ?? typeUrl;
          const there = servedSet({ [key]: lists[key] ?? "" }).types.get(typeUrl) ?? [];
          for (const { name: one, version } of there) {
            if (!wildcard && !asked.has(one)) continue;
            expect([one, has.get(typeUrl)?.get(one)]).toEqual([one, version]);
          }
        }
      }),
      { numRuns: RUNS },
    );
  });

  test("any bytes are a request or refused, and end no more than their stream", () => {
    const seeds = [
      encodeRequest({ variant: "sotw", typeUrl: TYPES["CDS"]!, nonce: "1", node: NODE, version: "2", names: ["a"] }),
      encodeRequest({
        variant: "delta",
        typeUrl: TYPES["EDS"]!,
        nonce: "",
        node: NODE,
        subscribe: ["a"],
        unsubscribe: ["b"],
        initialVersions: { a: "1" },
      }),
    ];
    const mutated = fc
      .tuple(
        fc.constantFrom(...seeds),
        fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 6 }),
        fc.nat(),
      )
      .map(([seed, edits, cut]) => {
        const bytes = Uint8Array.from(seed);
        for (const [at, value] of edits) bytes[at % bytes.length] = value;
        return bytes.subarray(0, cut % 3 === 0 ? cut % bytes.length : bytes.length);
      });
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 40 }), mutated), (bytes) => {
        onlyRefusals(() => void decodeRequest(variant, bytes));
        const pipe = new FakePipe();
        const failures: string[] = [];
        const client = new XdsClient(variant, undefined, pipe, {
          source: { resourcesFor: () => servedSet({ CDS: "a1", EDS: "a1" }) },
          clock: new ManualClock(),
          log: { ...silentLogger, error: (text, fields) => void failures.push(`${text} ${fields?.["error"]}`) },
          metrics: createXdsMetrics(),
          answerMs: 1_000,
          wantsTurn: () => {},
        });
        client.receive(bytes);
        expect(failures).toEqual([]);
      }),
      { numRuns: RUNS },
    );
  });

  test("any bytes are a response or refused", () => {
    const [resource] = servedSet({ CDS: "a1" }).types.get(TYPES["CDS"]!)!;
    const seed = encodeResponse(variant, {
      typeUrl: TYPES["CDS"]!,
      version: "1",
      nonce: "2",
      resources: [resource!],
      removed: ["b"],
    });
    const edits = fc.array(fc.tuple(fc.nat(seed.length - 1), fc.integer({ min: 0, max: 255 })), { maxLength: 6 });
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array({ maxLength: 60 }),
          edits.map((list) => {
            const bytes = Uint8Array.from(seed);
            for (const [at, value] of list) bytes[at] = value;
            return bytes;
          }),
        ),
        (bytes) => {
          try {
            decodeResponse(variant, bytes);
          } catch (error) {
            // A type that is not known is told by an ordinary error.
            if (!(error instanceof ProtocolError))
              expect((error as Error).message).toContain("there is no xds message");
          }
        },
      ),
      { numRuns: RUNS },
    );
  });
});
