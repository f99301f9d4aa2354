import type { IncomingMessage } from "node:http";
import fc from "fast-check";
import { expect, test } from "vitest";
import { ManualClock } from "../../../../../src/base/clock.ts";
import type { ApplicationsDocument } from "../../../../../src/codecs/eureka/document.ts";
import { parseEurekaJson } from "../../../../../src/codecs/eureka/json.ts";
import { EurekaMirror } from "../../../../../src/codecs/eureka/mirror.ts";
import { createCounters } from "../../../../../src/registry-sync/facades/eureka/counters.ts";
import { EurekaHandler } from "../../../../../src/registry-sync/facades/eureka/handler.ts";
import { RegistryLists } from "../../../../../src/registry-sync/facades/eureka/lists.ts";
import { createPresentContext } from "../../../../../src/registry-sync/present/context.ts";
import { type GivenInstance, listBody } from "../../../../support/eureka-documents.ts";

const APPS = ["a", "b", "c"] as const;
const HOSTS = ["10.0.0.1", "10.0.0.2"] as const;
const ADDRESSES = ["10.1.0.1", "10.1.0.2"] as const;

type Step =
  | {
      readonly kind: "instance";
      readonly app: string;
      readonly host: string;
      readonly status: string;
      readonly port: number;
    }
  | { readonly kind: "gone"; readonly app: string; readonly host: string }
  | { readonly kind: "led"; readonly led: readonly string[] }
  | { readonly kind: "renewed"; readonly app: string; readonly host: string; readonly from: string }
  | { readonly kind: "passed"; readonly passed: readonly string[] }
  | { readonly kind: "asks"; readonly client: number }
  | { readonly kind: "wait"; readonly ms: number };

const app = fc.constantFrom(...APPS);
const host = fc.constantFrom(...HOSTS);
const from = fc.constantFrom(...ADDRESSES);
const status = fc.constantFrom("UP", "DOWN", "OUT_OF_SERVICE");
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant("instance" as const), app, host, status, port: fc.constantFrom(1, 2) }),
  fc.record({ kind: fc.constant("gone" as const), app, host }),
  fc.record({ kind: fc.constant("led" as const), led: fc.subarray([...APPS]) }),
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("renewed" as const), app, host, from }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("passed" as const), passed: fc.subarray([...ADDRESSES]) }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("asks" as const), client: fc.nat(2) }) },
  fc.record({ kind: fc.constant("wait" as const), ms: fc.constantFrom(1, 1_000, 30_000, 179_000, 301_000) }),
);

/** A client as Netflix's: a full list first, deltas after that, a full list again where the hash is another. */
class Client {
  readonly mirror = new EurekaMirror();
  readonly shown = new Map<string, string>();
  isNew = true;

  take(document: ApplicationsDocument, isFull: boolean): void {
    if (isFull) this.shown.clear();
    for (const { name, instances } of document.applications) {
      for (const raw of instances) {
        const key = `${name}/${raw["instanceId"]}`;
        if (!isFull && raw["actionType"] === "DELETED") this.shown.delete(key);
        else this.shown.set(key, JSON.stringify([raw["hostName"], raw["port"], raw["status"]]));
      }
    }
    if (isFull) this.mirror.replace(document);
    else this.mirror.apply(document);
    this.isNew = false;
  }
}

test("whoever follows by deltas holds what a whole list shows it, after any registrations, renewals, bypasses and pauses", async () => {
  const follow = async (steps: readonly Step[]) => {
    const clock = new ManualClock();
    const first: readonly GivenInstance[] = APPS.map((one) => ({ app: one, host: HOSTS[0], port: 1 }));
    const instances = new Map(first.map((one) => [`${one.app}/${one.host}`, one]));
    let passed: readonly string[] = [];
    const contextOf = (led: readonly string[]) =>
      createPresentContext({
        addresses: ["10.0.0.9:20880"],
        httpAddresses: new Map(led.map((name) => [name, `10.0.0.9:${31_000 + name.charCodeAt(0)}`])),
        passesClient: ({ address }) => passed.includes(address ?? ""),
      });
    const answerOf = (body: Buffer) =>
      ({ statusCode: 200, headers: { "content-type": "application/json" }, body }) as unknown as IncomingMessage;
    const registry = () => listBody([...instances.values()]);
    const lists = new RegistryLists({
      ...{ path: "/eureka/apps", maxAgeMs: 0, clock },
      ask: async () => ({ answer: answerOf(registry()), body: registry() }),
    });
    const handler = new EurekaHandler({
      ...{ context: contextOf(["a", "b"]), lists, clock, basePath: "/eureka", counters: createCounters() },
      ask: () => Promise.reject(new Error("nothing is asked")),
      pass: async (_, path) =>
        answerOf(path.endsWith("/delta") ? listBody([], "json", new EurekaMirror().hashcode()) : registry()),
    });
    const headers = { accept: "application/json" };
    const ask = async (address: string, url: string, agent: string) => {
      const given = {
        method: "GET",
        url,
        headers: { ...headers, "user-agent": agent },
        body: Buffer.alloc(0),
        address,
      };
      const answer = await handler.handle(given);
      const body = answer.kind === "made" ? answer.body : (answer.answer as unknown as { body: Buffer }).body;
      return { isMade: answer.kind === "made", document: parseEurekaJson(body.toString()) as ApplicationsDocument };
    };
    // Two at one address, one at another. Two with one agent at one address would be one here, and go by the hash.
    const clients = [0, 1, 2].map((n) => ({ client: new Client(), address: ADDRESSES[n % 2]!, agent: `agent ${n}` }));
    const asks = async ({ client, address, agent }: (typeof clients)[number]) => {
      const isNew = client.isNew;
      const first = await ask(address, isNew ? "/eureka/apps" : "/eureka/apps/delta", agent);
      const held = new Map(client.shown);
      client.take(first.document, isNew);
      if (!first.isMade) {
        // The registry's own delta, which is not what is tested; a client would take the whole list for its hash.
        client.take((await ask(address, "/eureka/apps", agent)).document, true);
        return;
      }
      const agrees = client.mirror.hashcode() === first.document.hashcode;
      if (agrees) {
        // Asked by another, so that what is remembered of this client stays as it is.
        const whole = (await ask(address, "/eureka/apps", "judge")).document;
        const after = new Client();
        after.take(whole, true);
        expect([...client.shown].sort(), JSON.stringify([...held])).toEqual([...after.shown].sort());
      } else {
        expect(first.document.hashcode).toMatch(/RESYNC_1_$/);
        client.take((await ask(address, "/eureka/apps", agent)).document, true);
      }
    };
    for (const one of steps) {
      clock.advance(1);
      if (one.kind === "instance") instances.set(`${one.app}/${one.host}`, one);
      else if (one.kind === "gone") instances.delete(`${one.app}/${one.host}`);
      else if (one.kind === "led") handler.context = contextOf(one.led);
      else if (one.kind === "passed") passed = one.passed;
      else if (one.kind === "wait") clock.advance(one.ms);
      else if (one.kind === "asks") await asks(clients[one.client]!);
      else {
        const id = [...instances.values()].find((i) => i.app === one.app && i.host === one.host);
        if (id === undefined) continue;
        await handler.handle({
          method: "PUT",
          url: `/eureka/apps/${one.app}/${one.host}:${one.app}:${id.port}`,
          headers,
          body: Buffer.alloc(0),
          address: one.from,
        });
      }
    }
    for (const one of clients) await asks(one);
  };
  await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 40 }), follow), { numRuns: 600, seed: 1 });
});
