import { decodeEurekaBody, encodeEurekaBody } from "../../../src/codecs/eureka/body.ts";
import type { EurekaDocument, EurekaFormat } from "../../../src/codecs/eureka/document.ts";
import { type EurekaInstance, readEurekaInstance } from "../../../src/codecs/eureka/instance.ts";
import { EurekaMirror } from "../../../src/codecs/eureka/mirror.ts";
import { createEurekaFacade } from "../../../src/registry-sync/facades/eureka.ts";
import { hosts } from "../../support/netns.ts";
import { instanceDocument } from "../sources/eureka.ts";
import type { Address } from "../sources/registry.ts";
import { type FacadeKind, type FacadeUser, LONG_LEASE_MS, RENEW_MS, type Registered, repeat, Told } from "./users.ts";

/** Clients as Spring Cloud's: all is asked for once, then what has changed, held against the hash; in JSON, or in XML. */
export const eurekaKind: FacadeKind = {
  above: [0],
  host: hosts.trestle,
  open: (listen, upstream, context, allow = []) =>
    createEurekaFacade({ listen, upstream: [upstream], context, allow, maxAgeMs: 100 }),
  users: { json: (at) => createUser(at, "json"), xml: (at) => createUser(at, "xml") },
};

function createUser({ host, port }: Address, format: EurekaFormat): FacadeUser {
  const ask = async (method: string, path: string, body?: EurekaDocument) => {
    const type = `application/${format}`;
    const answer = await fetch(`http://${host}:${port}/eureka${path}`, {
      method,
      headers: { accept: type, ...(body && { "content-type": type }) },
      body: body === undefined ? null : encodeEurekaBody(body, format),
      signal: AbortSignal.timeout(15_000),
    });
    return { status: answer.status, bytes: new Uint8Array(await answer.arrayBuffer()) };
  };
  const must = async (method: string, path: string, body?: EurekaDocument) => {
    const { status, bytes } = await ask(method, path, body);
    if (status >= 300) throw new Error(`${method} ${path}: ${status} ${Buffer.from(bytes).toString().slice(0, 200)}`);
    return bytes;
  };
  const applications = async (path: string) => {
    const document = decodeEurekaBody(await must("GET", path), format);
    if (document.kind !== "applications") throw new Error(`${path}: ${document.kind}`);
    return document;
  };
  const register = (service: string, instance: Registered, leaseMs: number) =>
    must("POST", `/apps/${service.toUpperCase()}`, {
      kind: "instance",
      instance: instanceDocument(service, idOf(service, instance), instance, leaseMs / 1_000),
    });
  const own = new Map<string, () => Promise<unknown>>();
  const repeats = [
    repeat(RENEW_MS, async () => {
      for (const [path, again] of own) {
        const { status } = await ask("PUT", path);
        if (status === 404 && own.has(path)) await again();
      }
    }),
  ];
  return {
    async list(service) {
      const { status, bytes } = await ask("GET", `/apps/${service.toUpperCase()}`);
      if (status === 404) return [];
      if (status !== 200) throw new Error(`eureka answered ${status}`);
      const document = decodeEurekaBody(bytes, format);
      if (document.kind !== "application") throw new Error(`an answer that is a ${document.kind}`);
      const { name, instances } = document.application;
      return addressesOf(instances.flatMap((raw) => readEurekaInstance(raw, name) ?? []));
    },
    async follow(service) {
      const told = new Told();
      const mirror = new EurekaMirror();
      const held = new Map<string, EurekaInstance>();
      const take = (changes: ReturnType<EurekaMirror["apply"]>["changes"]) => {
        for (const { before, after } of changes) {
          if (after !== undefined) held.set(`${after.app}/${after.id}`, after);
          else if (before !== undefined) held.delete(`${before.app}/${before.id}`);
        }
        told.say(addressesOf([...held.values()].filter(({ app }) => app === service.toUpperCase())));
      };
      take(mirror.replace(await applications("/apps")).changes);
      const changed = async () => {
        const delta = await applications("/apps/delta");
        const { changes } = mirror.apply(delta);
        if (delta.hashcode === mirror.hashcode()) take(changes);
        else take([...changes, ...mirror.replace(await applications("/apps")).changes]);
      };
      repeats.push(repeat(RENEW_MS / 2, changed));
      return told;
    },
    async register(service, instance, leaseMs = LONG_LEASE_MS) {
      await register(service, instance, leaseMs);
      own.set(pathOf(service, instance), () => register(service, instance, leaseMs));
    },
    async setUp(service, instance, isUp) {
      await must("PUT", `${pathOf(service, instance)}/status?value=${isUp ? "UP" : "OUT_OF_SERVICE"}`);
    },
    async cancel(service, instance) {
      own.delete(pathOf(service, instance));
      await must("DELETE", pathOf(service, instance));
    },
    async close() {
      for (const one of repeats) one.stop();
    },
  };
}

const idOf = (service: string, { host, port }: Registered) => `${host}:${service}:${port}`;
const pathOf = (service: string, instance: Registered) =>
  `/apps/${service.toUpperCase()}/${encodeURIComponent(idOf(service, instance))}`;

function addressesOf(instances: readonly EurekaInstance[]): string[] {
  return instances
    .filter(({ status }) => status === "UP")
    .map(({ hostName, port }) => `${hostName}:${port}`)
    .sort();
}
